/* Response heads: RFC 9112 sections 4 and 6. */
#include <string.h>

#include "message/http_scan.h"

/* Servers that leave out the reason often leave out the space before it too, which nobody can misread. */
static enum status read_status_line(struct http_scan *scan, struct http_head *head)
{
    struct str line, version, rest;
    uint64_t number;
    enum status status = http_scan_line(scan, HTTP_MAX_REQUEST_LINE, &line);
    if (status != ST_OK)
        return status;
    if (!str_cut(line, ' ', &version, &rest))
        return http_scan_refuse(scan, HTTP_REJECT_SYNTAX);
    status = http_scan_version(scan, version, &head->version_minor);
    if (status != ST_OK)
        return status;
    struct str code = {rest.data, rest.length < 3 ? rest.length : 3};
    struct str after = str_from(rest, 3);
    if (text_u64(code, 999, &number) != ST_OK || number < 100 || (after.length && after.data[0] != ' '))
        return http_scan_refuse(scan, HTTP_REJECT_SYNTAX);
    head->status = (unsigned)number;
    head->reason = str_from(after, 1);
    return ST_OK;
}

static bool has_no_body(struct str method, unsigned status)
{
    return status < 200 || status == 204 || status == 304 || str_eq(method, STR("HEAD")) ||
           (status < 300 && str_eq(method, STR("CONNECT")));
}

/* RFC 9110 section 8.6, RFC 9112 section 6.1: it has no content, but its server may be about to send some. */
static bool promises_what_cannot_come(const struct http_head *head, const struct http_facts *facts)
{
    return head->status == 204 && (head->content_length || facts->has_encoding);
}

static void judge_framing(struct http_head *head, const struct http_facts *facts, struct str method)
{
    if (has_no_body(method, head->status))
        head->framing = HTTP_BODY_NONE;
    else if (facts->has_encoding)
        head->framing = HTTP_BODY_CHUNKED;
    else
        head->framing = facts->has_length ? HTTP_BODY_LENGTH : HTTP_BODY_UNTIL_CLOSE;
    head->keep_alive = head->framing != HTTP_BODY_UNTIL_CLOSE && !facts->names_close &&
                       (head->version_minor || facts->names_keep_alive) && !promises_what_cannot_come(head, facts);
}

enum status http_response_parse(struct str data, struct str method, struct http_head *head, enum http_reject *reject)
{
    struct http_scan scan = http_scan_start(data);
    struct http_facts facts;
    memset(head, 0, offsetof(struct http_head, fields));
    enum status status = read_status_line(&scan, head);
    if (status == ST_OK)
        status = http_scan_fields(&scan, head, &facts);
    if (status == ST_OK)
        judge_framing(head, &facts, method);
    return http_scan_end(&scan, status, reject);
}
