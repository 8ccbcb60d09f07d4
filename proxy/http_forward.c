#include "proxy/http_forward.h"

#include <inttypes.h>
#include <string.h>

#include "proxy/parent_messages.h"

static bool in_list(struct str name, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].length == name.length && str_eq_nocase(list[i], name))
            return true;
    return false;
}

static bool is_hop_by_hop(struct str name)
{
    static const struct str names[] = {
        {"TE", 2},
        {"Trailer", 7},
        {"Upgrade", 7},
        {"Connection", 10},
        {"Keep-Alive", 10},
        {"Proxy-Connection", 16},
        {"Transfer-Encoding", 17},
        {"Proxy-Authenticate", 18},
        {"Proxy-Authorization", 19},
        {"Proxy-Authentication-Info", 25},
    };
    return in_list(name, names, sizeof names / sizeof *names);
}

/* Connection may name a field of its sender's making, but not one by which others find the message's end, way or age.
 */
static bool is_protected(struct str name)
{
    static const struct str names[] = {
        {"Via", 3},
        {"Date", 4},
        {"Host", 4},
        {"Expect", 6},
        {"Max-Forwards", 12},
        {"Cache-Control", 13},
        {"Content-Length", 14},
    };
    return in_list(name, names, sizeof names / sizeof *names);
}

/* Most messages name nothing in Connection but these, which are not passed on anyway. */
static bool names_fields(const struct http_head *head)
{
    static const struct str usual[] = {{"close", 5}, {"Upgrade", 7}, {"keep-alive", 10}};
    for (size_t i = 0; i < head->field_count; i++)
        if (str_eq_nocase(head->fields[i].name, STR("Connection")) &&
            !in_list(head->fields[i].value, usual, sizeof usual / sizeof *usual))
            return true;
    return false;
}

static void add_field(struct buf *out, struct str name, struct str value)
{
    char *room = buf_reserve(out, name.length + value.length + 4);
    if (!room)
        return;
    memcpy(room, name.data, name.length);
    memcpy(room + name.length, ": ", 2);
    if (value.length)
        memcpy(room + name.length + 2, value.data, value.length);
    memcpy(room + name.length + 2 + value.length, "\r\n", 2);
    out->length += name.length + value.length + 4;
}

static void add_str(struct buf *out, struct str text)
{
    buf_add(out, text.data, text.length);
}

bool http_forward_max(const struct http_head *request, uint64_t *hops)
{
    const struct http_field *field = http_field_find(request, STR("Max-Forwards"));
    return field && text_u64(field->value, UINT64_MAX, hops) == ST_OK;
}

/* RFC 9112 section 3.2.4: OPTIONS for a whole server, when nothing follows its authority. */
static void add_target(struct buf *out, const struct http_head *request, bool absolute)
{
    if (absolute) {
        add_str(out, STR("http://"));
        add_str(out, request->authority);
    }
    if (absolute && !request->path.length && str_eq(request->method, STR("OPTIONS")))
        return; /* the last proxy writes the asterisk */
    if (!request->path.length && str_eq(request->method, STR("OPTIONS"))) {
        buf_add_char(out, '*');
        return;
    }
    if (!request->path.length || request->path.data[0] != '/')
        buf_add_char(out, '/');
    add_str(out, request->path);
}

/* RFC 9110 section 8.6: not in a response that has no content by its status. */
static bool is_false_length(const struct http_head *head, struct str name)
{
    return !head->is_request && (head->status < 200 || head->status == 204) &&
           str_eq_nocase(name, STR("Content-Length"));
}

/* RFC 9110 section 10.1.1: an HTTP/1.0 client does not know what it would wait for. */
static bool is_void_expectation(const struct http_head *head, struct str name)
{
    return head->is_request && !head->expect_continue && str_eq_nocase(name, STR("Expect"));
}

static void add_fields(struct buf *out, const struct http_head *head)
{
    static const struct str connection = {"Connection", 10};
    bool named = names_fields(head);
    uint64_t hops;
    for (size_t i = 0; i < head->field_count; i++) {
        struct str name = head->fields[i].name, value = head->fields[i].value;
        if (is_hop_by_hop(name) || is_false_length(head, name) || is_void_expectation(head, name) ||
            (head->is_request && str_eq_nocase(name, STR("Host"))))
            continue;
        if (named && !is_protected(name) && http_field_has_token(head, connection, name))
            continue;
        if (head->is_request && str_eq_nocase(name, STR("Max-Forwards")) && str_eq(head->method, STR("OPTIONS")) &&
            http_forward_max(head, &hops) && hops) {
            buf_printf(out, "Max-Forwards: %" PRIu64 "\r\n", hops - 1);
            continue;
        }
        add_field(out, name, value);
    }
}

void http_forward_request(struct buf *out, const struct http_head *request, const struct http_forward_request *how)
{
    add_str(out, request->method);
    buf_add_char(out, ' ');
    add_target(out, request, how->parent);
    add_str(out, STR(" HTTP/1.1\r\n"));
    add_field(out, STR("Host"), request->authority); /* RFC 9112 section 3.2.2: that of the target */
    add_fields(out, request);
    if (request->framing == HTTP_BODY_CHUNKED)
        add_str(out, STR("Transfer-Encoding: chunked\r\n"));
    if (how->parent)
        parent_authorization_build(out, how->parent);
    if (how->upgrade)
        add_str(out, STR("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    add_str(out, request->version_minor ? STR("Via: 1.1 ccward (") : STR("Via: 1.0 ccward ("));
    buf_add_text(out, how->via_token);
    add_str(out, STR(")\r\n\r\n"));
}

void http_forward_response(struct buf *out, const struct http_head *response, const struct http_forward_response *how)
{
    char line[16] = "HTTP/1.1 000 ";
    for (unsigned i = 0, digits = response->status; i < 3; i++, digits /= 10)
        line[11 - i] = (char)('0' + digits % 10);
    buf_add(out, line, 13);
    add_str(out, response->reason);
    add_str(out, STR("\r\n"));
    add_fields(out, response);
    if (how->date && !http_field_find(response, STR("Date")))
        add_field(out, STR("Date"), str_of(how->date));
    if (how->framing == HTTP_BODY_CHUNKED)
        add_str(out, STR("Transfer-Encoding: chunked\r\n"));
    if (how->upgrade)
        add_str(out, STR("Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    else if (!how->keep_alive && how->date)
        add_str(out, STR("Connection: close\r\n"));
    add_str(out, response->version_minor ? STR("Via: 1.1 ccward\r\n\r\n") : STR("Via: 1.0 ccward\r\n\r\n"));
}
