#include "message/http_scan.h"

#include "base/addr.h"

enum {
    V = HTTP_TEXT | HTTP_TARGET,              /* other visible ASCII */
    T = HTTP_TEXT | HTTP_TARGET | HTTP_TCHAR, /* a token's mark */
    H = T | HTTP_HOST,
};
const uint8_t http_classes[256] = {
    ['\t'] = HTTP_TEXT, [' '] = HTTP_TEXT, ['!'] = T,         ['"'] = V,         ['#'] = HTTP_TEXT | HTTP_TCHAR,
    ['$'] = T,          ['%'] = T,         ['&'] = T,         ['\''] = T,        ['('] = V,
    [')'] = V,          ['*'] = T,         ['+'] = T,         [','] = V,         ['-'] = H,
    ['.'] = H,          ['/'] = V,         ['0' ... '9'] = H, [':' ... '@'] = V, ['A' ... 'Z'] = H,
    ['[' ... ']'] = V,  ['^'] = T,         ['_'] = H,         ['`'] = T,         ['a' ... 'z'] = H,
    ['{'] = V,          ['|'] = T,         ['}'] = V,         ['~'] = H,         [0x80 ... 0xff] = HTTP_TEXT,
};

bool http_is_all(struct str text, enum http_class class)
{
    size_t i = 0;
    while (i < text.length && http_is(text.data[i], class))
        i++;
    return i && i == text.length;
}

struct http_scan http_scan_start(struct str data)
{
    if (data.length > HTTP_MAX_HEAD)
        data.length = HTTP_MAX_HEAD;
    return (struct http_scan){.data = data};
}

enum status http_scan_end(struct http_scan *scan, enum status status, enum http_reject *reject)
{
    if (status == ST_TRUNCATED && scan->data.length == HTTP_MAX_HEAD)
        status = http_scan_refuse(scan, HTTP_REJECT_HEAD_TOO_LARGE);
    *reject = scan->reject;
    return status;
}

enum status http_scan_refuse(struct http_scan *scan, enum http_reject reject)
{
    scan->reject = reject;
    bool too_large = reject == HTTP_REJECT_LINE_TOO_LONG || reject == HTTP_REJECT_HEAD_TOO_LARGE ||
                     reject == HTTP_REJECT_FIELD_TOO_LARGE;
    return too_large ? ST_TOO_LARGE : ST_INVALID;
}

enum status http_scan_line(struct http_scan *scan, size_t limit, struct str *line)
{
    struct str rest = str_from(scan->data, scan->at);
    size_t n = 0;
    while (n < rest.length && http_is(rest.data[n], HTTP_TEXT))
        n++;
    if (n > limit)
        return http_scan_refuse(scan, HTTP_REJECT_LINE_TOO_LONG);
    if (n == rest.length)
        return ST_TRUNCATED;
    if (rest.data[n] != '\r')
        return http_scan_refuse(scan, HTTP_REJECT_BARE_LINE_END);
    if (n + 1 == rest.length)
        return ST_TRUNCATED;
    if (rest.data[n + 1] != '\n')
        return http_scan_refuse(scan, HTTP_REJECT_BARE_LINE_END);
    *line = (struct str){rest.data, n};
    scan->at += n + 2;
    return ST_OK;
}

enum status http_scan_version(struct http_scan *scan, struct str text, unsigned *minor)
{
    if (text.length != 8 || !str_starts(text, STR("HTTP/")) || !ascii_digit(text.data[5]) || text.data[6] != '.' ||
        !ascii_digit(text.data[7]))
        return http_scan_refuse(scan, HTTP_REJECT_SYNTAX);
    if (text.data[5] == '0') /* HTTP/0.9 had no version in its messages */
        return http_scan_refuse(scan, HTTP_REJECT_SYNTAX);
    if (text.data[5] != '1')
        return http_scan_refuse(scan, HTTP_REJECT_VERSION);
    *minor = text.data[7] != '0';
    return ST_OK;
}

bool http_scan_authority(struct str text, struct str *authority, struct str *host, uint16_t *port)
{
    struct str number = {0};
    *port = 0;
    *host = text;
    if (text.length && text.data[0] == '[') {
        struct addr addr;
        struct str inside, after;
        if (!str_cut(text, ']', &inside, &after))
            return false;
        host->length = inside.length + 1;
        if (addr_parse_ip(*host, &addr) != ST_OK || (after.length && after.data[0] != ':'))
            return false;
        number = str_from(after, 1);
    } else {
        str_cut(text, ':', host, &number);
        if (!http_is_all(*host, HTTP_HOST))
            return false;
    }
    uint64_t value = 0;
    if (number.length && (text_u64(number, UINT16_MAX, &value) != ST_OK || number.data[0] == '0'))
        return false;
    *port = (uint16_t)value;
    *authority = *port ? text : *host;
    return true;
}
