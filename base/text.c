#include "base/text.h"

#include <string.h>

struct str str_of(const char *text)
{
    return (struct str){text ? text : "", text ? strlen(text) : 0};
}

bool str_eq(struct str a, struct str b)
{
    return a.length == b.length && (!a.length || !memcmp(a.data, b.data, a.length));
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++)
        if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
            return false;
    return true;
}

bool str_starts(struct str text, struct str prefix)
{
    return text.length >= prefix.length && str_eq((struct str){text.data, prefix.length}, prefix);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str text)
{
    while (text.length && is_blank(text.data[0])) {
        text.data++;
        text.length--;
    }
    while (text.length && is_blank(text.data[text.length - 1]))
        text.length--;
    return text;
}

struct str str_from(struct str text, size_t offset)
{
    if (offset > text.length)
        offset = text.length;
    return (struct str){offset ? text.data + offset : text.data, text.length - offset}; /* data may be NULL */
}

bool str_cut(struct str text, char at, struct str *before, struct str *after)
{
    const char *found = text.length ? memchr(text.data, at, text.length) : NULL;
    if (!found)
        return false;
    size_t offset = (size_t)(found - text.data);
    *before = (struct str){text.data, offset};
    *after = str_from(text, offset + 1);
    return true;
}

struct str str_word(struct str *text)
{
    struct str rest = str_trim(*text);
    size_t n = 0;
    while (n < rest.length && !is_blank(rest.data[n]))
        n++;
    *text = str_from(rest, n);
    return (struct str){rest.data, n};
}

int hex_value(char c)
{
    if (ascii_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum status text_u64(struct str text, uint64_t max, uint64_t *value)
{
    if (!text.length)
        return ST_INVALID;
    uint64_t sum = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (!ascii_digit(text.data[i]))
            return ST_INVALID;
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (digit > max || sum > (max - digit) / 10)
            return ST_TOO_LARGE;
        sum = sum * 10 + digit;
    }
    *value = sum;
    return ST_OK;
}

void text_copy(char *out, size_t size, struct str text)
{
    size_t n = text.length < size ? text.length : size - 1;
    if (n)
        memcpy(out, text.data, n);
    out[n] = '\0';
}

/* Length of the well-formed UTF-8 character at TEXT, or 0 (RFC 3629: no overlong forms, no surrogates). */
static size_t utf8_length(const unsigned char *text, size_t n)
{
    unsigned char c = text[0];
    size_t length = c < 0x80                ? 1
                    : c >= 0xc2 && c < 0xe0 ? 2
                    : c >= 0xe0 && c < 0xf0 ? 3
                    : c >= 0xf0 && c < 0xf5 ? 4
                                            : 0;
    if (!length || length > n)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if ((c == 0xe0 && text[1] < 0xa0) || (c == 0xed && text[1] >= 0xa0) || (c == 0xf0 && text[1] < 0x90) ||
        (c == 0xf4 && text[1] >= 0x90))
        return 0;
    return length;
}

/* C0, DEL, C1, and the line and paragraph separators, which some readers of lines break at. */
static bool is_control(const unsigned char *text, size_t length)
{
    if (length == 1)
        return text[0] < 0x20 || text[0] == 0x7f;
    if (length == 2)
        return text[0] == 0xc2 && text[1] < 0xa0;
    return length == 3 && text[0] == 0xe2 && text[1] == 0x80 && (text[2] == 0xa8 || text[2] == 0xa9);
}

void text_printable(char *out, size_t size, struct str text)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *in = (const unsigned char *)text.data;
    size_t used = 0;
    for (size_t i = 0; i < text.length;) {
        size_t length = utf8_length(in + i, text.length - i);
        bool escape = !length || is_control(in + i, length);
        size_t take = length ? length : 1;
        size_t need = escape ? take * 4 : take;
        if (used + need >= size)
            break;
        for (size_t k = 0; k < take; k++) {
            if (escape) {
                out[used++] = '\\';
                out[used++] = 'x';
                out[used++] = hex[in[i + k] >> 4];
                out[used++] = hex[in[i + k] & 15];
            } else {
                out[used++] = (char)in[i + k];
            }
        }
        i += take;
    }
    out[used] = '\0';
}
