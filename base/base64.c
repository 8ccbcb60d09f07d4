#include "base/base64.h"

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (ascii_digit(c))
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(struct str text, uint8_t *out, size_t size, size_t *length)
{
    size_t padding = 0, used = 0;
    uint32_t bits = 0;
    while (padding < 2 && padding < text.length && text.data[text.length - 1 - padding] == '=')
        padding++;
    *length = 0;
    if (text.length % 4 || text.length / 4 * 3 - padding > size)
        return false;
    size_t bytes = text.length / 4 * 3 - padding;
    for (size_t i = 0; i < text.length; i++) {
        bool pad = i >= text.length - padding;
        int value = pad ? 0 : value_of(text.data[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 < 3)
            continue;
        for (int shift = 16; shift >= 0; shift -= 8) {
            uint8_t byte = (uint8_t)(bits >> shift);
            if (used < bytes)
                out[used++] = byte;
            else if (byte)
                return false;
        }
        bits = 0;
    }
    *length = used;
    return true;
}

void base64_encode(struct buf *out, const void *data, size_t n)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *bytes = data;
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i < 3 ? n - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < left ? bytes[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            buf_add_char(out, k <= left ? letters[bits >> (18 - 6 * k) & 63] : '=');
    }
}
