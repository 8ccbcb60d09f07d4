#include "base/dname.h"

#include <string.h>

enum status dname_from_wire(const uint8_t *wire, size_t n, struct dname *name)
{
    *name = (struct dname){0};
    if (!n || n > DNAME_MAX_BYTES)
        return ST_INVALID;
    size_t at = 0;
    uint8_t labels = 0;
    while (at < n && wire[at]) {
        if (wire[at] > 63)
            return ST_INVALID;
        at += wire[at] + 1u;
        labels++;
    }
    if (at + 1 != n)
        return ST_INVALID;
    memcpy(name->wire, wire, n);
    name->length = (uint8_t)n;
    name->labels = labels;
    return ST_OK;
}

/* One byte of a label, which may be an escape; moves *AT past it. */
static enum status text_byte(struct str text, size_t *at, uint8_t *byte)
{
    char c = text.data[(*at)++];
    *byte = (uint8_t)c;
    if (c != '\\')
        return ST_OK;
    if (*at >= text.length)
        return ST_INVALID;
    if (!ascii_digit(text.data[*at])) {
        *byte = (uint8_t)text.data[(*at)++];
        return ST_OK;
    }
    uint64_t value;
    if (text.length - *at < 3 || text_u64((struct str){text.data + *at, 3}, 255, &value) != ST_OK)
        return ST_INVALID;
    *at += 3;
    *byte = (uint8_t)value;
    return ST_OK;
}

enum status dname_from_text(struct str text, struct dname *name)
{
    *name = (struct dname){0};
    if (!text.length)
        return ST_INVALID;
    size_t used = 0, at = 0;
    if (str_eq(text, STR(".")))
        at = text.length;
    while (at < text.length) {
        size_t label = used++, count = 0;
        while (at < text.length && text.data[at] != '.') {
            uint8_t byte;
            if (text_byte(text, &at, &byte) != ST_OK)
                return ST_INVALID;
            if (++count > 63 || used >= DNAME_MAX_BYTES - 1)
                return ST_TOO_LARGE;
            name->wire[used++] = byte;
        }
        if (!count)
            return ST_INVALID;
        name->wire[label] = (uint8_t)count;
        name->labels++;
        at++; /* the dot, or one past the end */
    }
    name->wire[used++] = 0;
    name->length = (uint8_t)used;
    return ST_OK;
}

/* Special in a master file, RFC 1035 section 5.1. */
static bool needs_backslash(uint8_t byte)
{
    switch (byte) {
    case '.':
    case '\\':
    case '"':
    case '(':
    case ')':
    case ';':
    case '@':
    case '$':
        return true;
    default:
        return false;
    }
}

void dname_to_text(const struct dname *name, char out[DNAME_TEXT_SIZE])
{
    size_t used = 0, at = 0;
    if (!name->labels) {
        memcpy(out, name->length ? "." : "", name->length ? 2 : 1);
        return;
    }
    while (name->wire[at]) {
        uint8_t n = name->wire[at++];
        if (used)
            out[used++] = '.';
        for (; n; n--) {
            uint8_t byte = name->wire[at++];
            if (byte <= ' ' || byte >= 0x7f) {
                out[used++] = '\\';
                out[used++] = (char)('0' + byte / 100);
                out[used++] = (char)('0' + byte / 10 % 10);
                out[used++] = (char)('0' + byte % 10);
                continue;
            }
            if (needs_backslash(byte))
                out[used++] = '\\';
            out[used++] = (char)byte;
        }
    }
    out[used] = '\0';
}

/* Eight letters at once: a byte's highest bit is set where 'A' <= byte <= 'Z', and becomes the bit of lower case. */
static void lower_eight(uint8_t *at)
{
    const uint64_t each = 0x0101010101010101;
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    uint64_t low = bytes & 0x7f * each;
    uint64_t upper = ((low + (0x80 - 'A') * each) ^ (low + (0x7f - 'Z') * each)) & ~bytes & 0x80 * each;
    bytes |= upper >> 2;
    memcpy(at, &bytes, sizeof bytes);
}

void dname_lower(struct dname *name)
{
    size_t i = 0;
    /* Length bytes are at most 63, below 'A', so they may be treated as bytes of a label. */
    for (; i + 8 <= name->length; i += 8)
        lower_eight(name->wire + i);
    if (i && i < name->length)
        lower_eight(name->wire + name->length - 8); /* some of them twice */
    else
        for (; i < name->length; i++)
            name->wire[i] = (uint8_t)ascii_lower((char)name->wire[i]);
}

static bool same_bytes(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ascii_lower((char)a[i]) != ascii_lower((char)b[i]))
            return false;
    return true;
}

bool dname_equal(const struct dname *a, const struct dname *b)
{
    return a->length == b->length && same_bytes(a->wire, b->wire, a->length);
}

bool dname_is_within(const struct dname *name, const struct dname *parent)
{
    if (name->labels < parent->labels || name->length < parent->length)
        return false;
    size_t at = 0;
    for (unsigned skip = name->labels - parent->labels; skip; skip--)
        at += name->wire[at] + 1u;
    return name->length - at == parent->length && same_bytes(name->wire + at, parent->wire, parent->length);
}
