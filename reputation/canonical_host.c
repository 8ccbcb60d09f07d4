#include "reputation/canonical_host.h"

#include <idn2.h>
#include <string.h>

#include "reputation/canonical.h"

bool host_is_ascii(struct str text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((uint8_t)text.data[i] >= 0x80)
            return false;
    return true;
}

enum status host_to_ascii(struct str text, char out[HOST_TEXT_SIZE])
{
    char copy[1024];
    if (!text.length || text.length >= sizeof copy || memchr(text.data, '\0', text.length))
        return ST_INVALID;
    text_copy(copy, sizeof copy, text);
    uint8_t *ascii = NULL;
    int rc = idn2_lookup_u8((const uint8_t *)copy, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
    if (rc != IDN2_OK)
        return rc == IDN2_MALLOC ? ST_NOMEM : ST_INVALID;
    size_t n = strlen((const char *)ascii);
    if (n < HOST_TEXT_SIZE)
        memcpy(out, ascii, n + 1);
    idn2_free(ascii);
    return n < HOST_TEXT_SIZE ? ST_OK : ST_TOO_LARGE;
}

/* 0x1f, 017, 15. At most 32 bits. */
static enum status ipv4_part(struct str text, uint32_t *value)
{
    unsigned base = 10;
    if (text.length > 1 && text.data[0] == '0') {
        base = ascii_lower(text.data[1]) == 'x' ? 16 : 8;
        text = str_from(text, base == 16 ? 2 : 1);
    }
    if (!text.length)
        return ST_INVALID;
    uint64_t sum = 0;
    for (size_t i = 0; i < text.length; i++) {
        int digit = hex_value(text.data[i]);
        if (digit < 0 || (unsigned)digit >= base)
            return ST_INVALID;
        sum = sum * base + (unsigned)digit;
        if (sum > UINT32_MAX)
            return ST_TOO_LARGE;
    }
    *value = (uint32_t)sum;
    return ST_OK;
}

enum status host_parse_ipv4(struct str text, struct addr *addr)
{
    struct str part, rest = text, ignored;
    if (text.length <= 15 && str_cut(text, ' ', &part, &ignored)) /* Windows dials "10.1.2.3 xy" */
        rest = part;
    uint32_t ip = 0, value;
    for (unsigned count = 1; count <= 4; count++) {
        bool more = str_cut(rest, '.', &part, &ignored);
        if (!more)
            part = rest;
        enum status status = ipv4_part(part, &value);
        if (status != ST_OK)
            return status;
        if (!more) { /* the last part fills what is left */
            unsigned left = 8 * (5 - count);
            ip = left == 32 ? value : ip << left | (value & ((UINT32_C(1) << left) - 1));
            *addr = addr_v4(ip, 0);
            return ST_OK;
        }
        ip = ip << 8 | (value & 255);
        rest = ignored;
    }
    return ST_INVALID;
}

enum status host_parse_ipv6(struct str text, struct addr *addr)
{
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    if (!text.length || !memchr(text.data, ':', text.length) || text.data[0] == '[' ||
        addr_parse_ip(text, addr) != ST_OK)
        return ST_INVALID;
    if (!memcmp(addr->ip, nat64, sizeof nat64)) {
        const uint8_t *v4 = addr->ip + 12;
        *addr = addr_v4((uint32_t)v4[0] << 24 | (uint32_t)v4[1] << 16 | (uint32_t)v4[2] << 8 | v4[3], 0);
    }
    return ST_OK;
}

/* The byte in lower case, or 0 where none may stand in a host name. */
static uint8_t host_byte(uint8_t c)
{
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
        return c;
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : 0;
}

/* A name whose last label is a number would be dialled as an address (WHATWG URL, "ends in a number"). */
static bool is_number(const uint8_t *label, size_t n)
{
    size_t i = n > 1 && label[0] == '0' && label[1] == 'x' ? 2 : 0;
    bool hex = i == 2;
    for (; i < n; i++)
        if (hex ? hex_value((char)label[i]) < 0 : !ascii_digit((char)label[i]))
            return false;
    return true;
}

/* Imports call it for every line: one pass, straight into wire form. */
static enum status ascii_host_name(struct str text, struct dname *name)
{
    if (text.length && text.data[text.length - 1] == '.')
        text.length--;
    if (!text.length)
        return ST_INVALID;
    if (text.length > DNAME_MAX_BYTES - 2)
        return ST_TOO_LARGE;
    size_t label = 0, used = 1; /* the length byte of the label under way; the next byte */
    name->labels = 1;
    for (size_t i = 0; i < text.length; i++, used++) {
        uint8_t c = (uint8_t)text.data[i];
        if (c == '.') {
            if (used == label + 1)
                return ST_INVALID;
            name->wire[label] = (uint8_t)(used - label - 1);
            label = used;
            name->labels++;
        } else if (!(name->wire[used] = host_byte(c))) {
            return ST_INVALID;
        } else if (used - label > 63) {
            return ST_TOO_LARGE;
        }
    }
    if (used == label + 1 || is_number(name->wire + label + 1, used - label - 1))
        return ST_INVALID;
    name->wire[label] = (uint8_t)(used - label - 1);
    name->wire[used++] = 0;
    name->length = (uint8_t)used;
    return ST_OK;
}

enum status canonical_host_name(struct str text, struct dname *name)
{
    char ascii[HOST_TEXT_SIZE];
    enum status status = ST_OK;
    if (!host_is_ascii(text)) {
        status = host_to_ascii(text, ascii);
        text = str_of(ascii);
    }
    if (status == ST_OK)
        status = ascii_host_name(text, name);
    if (status != ST_OK)
        *name = (struct dname){0};
    return status;
}

enum status canonical_host(struct str text, bool *is_address, struct addr *addr, struct dname *name)
{
    char ascii[HOST_TEXT_SIZE];
    *is_address = true;
    if (text.length >= 2 && text.data[0] == '[')
        return text.data[text.length - 1] == ']' ? host_parse_ipv6((struct str){text.data + 1, text.length - 2}, addr)
                                                 : ST_INVALID;
    if (host_parse_ipv6(text, addr) == ST_OK)
        return ST_OK;
    if (!host_is_ascii(text)) {
        enum status status = host_to_ascii(text, ascii);
        if (status != ST_OK)
            return status;
        text = str_of(ascii);
    }
    if (text.length && text.data[text.length - 1] == '.')
        text.length--;
    if (host_parse_ipv4(text, addr) == ST_OK)
        return ST_OK;
    *is_address = false;
    return canonical_host_name(text, name);
}
