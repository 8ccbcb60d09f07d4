/* Request heads: RFC 9112 sections 3 and 6. */
#include <string.h>

#include "message/http_scan.h"

/* SCHEME "://" AUTHORITY and the rest (RFC 9110 section 4.2.4: no userinfo, which no host may hold). */
static bool read_absolute(struct http_head *head)
{
    struct str rest;
    if (!str_cut(head->target, ':', &head->scheme, &rest) || !str_starts(rest, STR("//")))
        return false;
    rest = str_from(rest, 2);
    size_t n = 0;
    while (n < rest.length && rest.data[n] != '/' && rest.data[n] != '?')
        n++;
    head->form = HTTP_TARGET_ABSOLUTE;
    struct str authority = {rest.data, n};
    head->path = str_from(rest, n);
    for (size_t i = 0; i < head->scheme.length; i++) {
        char c = head->scheme.data[i];
        if (!ascii_alpha(c) && (!i || (!ascii_digit(c) && c != '+' && c != '-' && c != '.')))
            return false;
    }
    return head->scheme.length && http_scan_authority(authority, &head->authority, &head->host, &head->port);
}

static bool read_target(struct http_head *head)
{
    if (!http_is_all(head->target, HTTP_TARGET))
        return false;
    if (str_eq(head->method, STR("CONNECT"))) {
        head->form = HTTP_TARGET_AUTHORITY;
        return http_scan_authority(head->target, &head->authority, &head->host, &head->port) && head->port;
    }
    if (head->target.data[0] == '/') {
        head->form = HTTP_TARGET_ORIGIN;
        head->path = head->target;
        return true;
    }
    if (str_eq(head->target, STR("*"))) {
        head->form = HTTP_TARGET_ASTERISK;
        return str_eq(head->method, STR("OPTIONS"));
    }
    return read_absolute(head);
}

static enum status read_request_line(struct http_scan *scan, struct http_head *head)
{
    struct str line, rest, version;
    enum status status = http_scan_line(scan, HTTP_MAX_REQUEST_LINE, &line);
    if (status != ST_OK)
        return status;
    if (!str_cut(line, ' ', &head->method, &rest) || !str_cut(rest, ' ', &head->target, &version) ||
        !http_is_token(head->method) || !head->target.length)
        return http_scan_refuse(scan, HTTP_REJECT_SYNTAX);
    status = http_scan_version(scan, version, &head->version_minor);
    if (status != ST_OK)
        return status;
    return read_target(head) ? ST_OK : http_scan_refuse(scan, HTTP_REJECT_TARGET);
}

static enum status skip_empty_line(struct http_scan *scan)
{
    struct str empty;
    if (!scan->data.length || scan->data.data[0] != '\r')
        return ST_OK;
    return http_scan_line(scan, 0, &empty);
}

/* RFC 9112 section 3.2: the target's authority goes before the Host field. */
static enum status judge_host(struct http_scan *scan, struct http_head *head, const struct http_facts *facts)
{
    if (!facts->authority.data && head->version_minor)
        return http_scan_refuse(scan, HTTP_REJECT_HOST);
    if (head->form == HTTP_TARGET_ORIGIN || head->form == HTTP_TARGET_ASTERISK) {
        head->authority = facts->authority;
        head->host = facts->host;
        head->port = facts->port;
    }
    return ST_OK;
}

/* RFC 9112 section 6.3. A CONNECT has no content (RFC 9110 section 9.3.6), though some clients say so with a 0. */
static enum status judge_framing(struct http_scan *scan, struct http_head *head, const struct http_facts *facts)
{
    if (head->form == HTTP_TARGET_AUTHORITY) {
        if (facts->has_encoding)
            return http_scan_refuse(scan, HTTP_REJECT_ENCODING);
        if (head->content_length)
            return http_scan_refuse(scan, HTTP_REJECT_LENGTH);
        head->framing = HTTP_BODY_NONE;
    } else if (facts->has_encoding) {
        head->framing = HTTP_BODY_CHUNKED;
    } else {
        head->framing = facts->has_length ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
    }
    head->keep_alive = head->version_minor && !facts->names_close;
    return ST_OK;
}

enum status http_request_parse(struct str data, struct http_head *head, enum http_reject *reject)
{
    struct http_scan scan = http_scan_start(data);
    struct http_facts facts;
    memset(head, 0, offsetof(struct http_head, fields));
    head->is_request = true;
    enum status status = skip_empty_line(&scan);
    if (status == ST_OK)
        status = read_request_line(&scan, head);
    if (status == ST_OK)
        status = http_scan_fields(&scan, head, &facts);
    if (status == ST_OK)
        status = judge_host(&scan, head, &facts);
    if (status == ST_OK)
        status = judge_framing(&scan, head, &facts);
    return http_scan_end(&scan, status, reject);
}
