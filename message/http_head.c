#include "message/http_head.h"

#include <string.h>

#include "message/http_scan.h"

static const struct {
    unsigned status;
    const char *text;
} rejects[] = {
    [HTTP_REJECT_NONE] = {400, "no fault"},
    [HTTP_REJECT_SYNTAX] = {400, "malformed start line"},
    [HTTP_REJECT_BARE_LINE_END] = {400, "control byte or bare line end"},
    [HTTP_REJECT_FIELD] = {400, "malformed field"},
    [HTTP_REJECT_TARGET] = {400, "bad request target"},
    [HTTP_REJECT_HOST] = {400, "missing, repeated or bad Host"},
    [HTTP_REJECT_LENGTH] = {400, "bad Content-Length"},
    [HTTP_REJECT_ENCODING] = {400, "bad Transfer-Encoding"},
    [HTTP_REJECT_VERSION] = {505, "HTTP version not supported"},
    [HTTP_REJECT_LINE_TOO_LONG] = {414, "start line too long"},
    [HTTP_REJECT_HEAD_TOO_LARGE] = {431, "head too large"},
    [HTTP_REJECT_FIELD_TOO_LARGE] = {431, "field too large"},
    [HTTP_REJECT_EXPECTATION] = {417, "unknown expectation"},
};

unsigned http_reject_status(enum http_reject reject)
{
    return rejects[reject].status;
}

const char *http_reject_text(enum http_reject reject)
{
    return rejects[reject].text;
}

bool http_head_is_worth_parsing(struct str input, size_t tried)
{
    struct str fresh = str_from(input, tried);
    return !tried || input.length >= HTTP_MAX_HEAD || (fresh.length && memchr(fresh.data, '\n', fresh.length));
}

const struct http_field *http_field_find(const struct http_head *head, struct str name)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (str_eq_nocase(head->fields[i].name, name))
            return &head->fields[i];
    return NULL;
}

static bool list_has(struct str list, struct str token)
{
    struct str item;
    while (str_cut(list, ',', &item, &list))
        if (str_eq_nocase(str_trim(item), token))
            return true;
    return str_eq_nocase(str_trim(list), token);
}

bool http_field_has_token(const struct http_head *head, struct str name, struct str token)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (str_eq_nocase(head->fields[i].name, name) && list_has(head->fields[i].value, token))
            return true;
    return false;
}

bool http_is_token(struct str text)
{
    return http_is_all(text, HTTP_TCHAR);
}

const char *http_status_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } reasons[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {407, "Proxy Authentication Required"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {508, "Loop Detected"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Unknown";
}
