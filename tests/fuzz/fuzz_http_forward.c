/* Heads that the proxy passes on, read again as the next hop does: one message, the same one, and nothing for one hop
 * alone in it. */
#include <stdint.h>

#include "base/check.h"
#include "proxy/http_forward.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct buf out;

static void check_fields(const struct http_head *head)
{
    static const char *const gone[] = {"Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
                                       "TE",         "Trailer"};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        CHECK(!http_field_find(head, str_of(gone[i])));
    CHECK(http_field_has_token(head, STR("Via"), STR("1.1 ccward")) ||
          http_field_has_token(head, STR("Via"), STR("1.0 ccward")) || head->is_request);
}

static void check_request(const struct http_head *head)
{
    struct http_head next;
    enum http_reject reject;
    buf_clear(&out);
    http_forward_request(&out, head, &(struct http_forward_request){.via_token = "0123456789abcdef"});
    CHECK(!out.failed);
    enum status status = http_request_parse((struct str){out.data, out.length}, &next, &reject);
    if (status == ST_TOO_LARGE) /* by our Via, or the blanks we add */
        return;
    CHECK(status == ST_OK && next.length == out.length);
    CHECK(str_eq(next.method, head->method) && str_eq(next.authority, head->authority));
    CHECK(next.form == HTTP_TARGET_ORIGIN || next.form == HTTP_TARGET_ASTERISK);
    CHECK(next.path.length >= head->path.length &&
          str_eq(str_from(next.path, next.path.length - head->path.length), head->path));
    CHECK(next.framing == head->framing && next.content_length == head->content_length);
    CHECK(next.keep_alive && !next.upgrade);
    check_fields(&next);
}

static void check_response(const struct http_head *head, struct str method)
{
    struct http_head next;
    enum http_reject reject;
    struct http_forward_response how = {.framing = head->framing, .keep_alive = true, .date = "Thu, 1 Jan 1970"};
    if (how.framing == HTTP_BODY_UNTIL_CLOSE)
        how.framing = HTTP_BODY_CHUNKED;
    buf_clear(&out);
    http_forward_response(&out, head, &how);
    CHECK(!out.failed);
    enum status status = http_response_parse((struct str){out.data, out.length}, method, &next, &reject);
    if (status == ST_TOO_LARGE)
        return;
    CHECK(status == ST_OK && next.length == out.length);
    CHECK(next.status == head->status && str_eq(next.reason, head->reason));
    CHECK(next.framing == how.framing);
    CHECK(next.framing != HTTP_BODY_LENGTH || next.content_length == head->content_length);
    check_fields(&next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str methods[] = {{"GET", 3}, {"HEAD", 4}};
    struct str text = {(const char *)data, size};
    struct http_head head;
    enum http_reject reject;
    if (http_request_parse(text, &head, &reject) == ST_OK && head.form == HTTP_TARGET_ABSOLUTE)
        check_request(&head);
    for (size_t i = 0; i < 2; i++)
        if (http_response_parse(text, methods[i], &head, &reject) == ST_OK)
            check_response(&head, methods[i]);
    return 0;
}
