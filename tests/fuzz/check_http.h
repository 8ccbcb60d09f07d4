/* What must hold of any bytes given to the HTTP message code; for the fuzz target and for tests over published cases.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "message/http_body.h"

/* METHOD empty: a request; else a response to it. */
static inline enum status check_parse(struct str data, struct str method, struct http_head *head,
                                      enum http_reject *reject)
{
    return method.length ? http_response_parse(data, method, head, reject) : http_request_parse(data, head, reject);
}

/* The head comes to the same end whole and byte by byte: "more", then one answer that stays. */
static inline enum status check_http_head(struct str data, struct str method, struct http_head *head)
{
    enum http_reject reject, part_reject;
    static struct http_head part;
    enum status whole = check_parse(data, method, head, &reject);
    CHECK((reject == HTTP_REJECT_NONE) == (whole == ST_OK || whole == ST_TRUNCATED));
    CHECK(whole != ST_OK || (head->length <= data.length && head->field_count <= HTTP_MAX_FIELDS));
    bool decided = false;
    for (size_t n = 0; n < data.length; n++) {
        char *exact = malloc(n ? n : 1);
        CHECK(exact);
        memcpy(exact, data.data, n);
        enum status status = check_parse((struct str){exact, n}, method, &part, &part_reject);
        CHECK(status == whole || (status == ST_TRUNCATED && !decided));
        decided |= status != ST_TRUNCATED;
        if (decided) {
            CHECK(status == whole && part_reject == reject);
            CHECK(status != ST_OK ||
                  (part.length == head->length && part.framing == head->framing && n >= part.length));
        }
        free(exact);
    }
    return whole;
}

struct check_body {
    enum status status;
    bool done;
    size_t taken;
    struct buf payload;
};

/* The body fed in pieces of PIECE bytes. */
static inline struct check_body check_feed(const struct http_head *head, struct str data, size_t piece)
{
    struct check_body end = {0};
    struct http_body body;
    http_body_init(&body, head);
    size_t taken = 1;
    while (taken && !body.done && end.status == ST_OK && end.taken < data.length) {
        struct str rest = str_from(data, end.taken), payload;
        if (rest.length > piece)
            rest.length = piece;
        end.status = http_body_take(&body, rest, &taken, &payload);
        CHECK(taken <= rest.length && payload.length <= taken);
        buf_add(&end.payload, payload.data, payload.length);
        end.taken += taken;
    }
    CHECK(end.status == ST_OK || end.status == ST_INVALID);
    end.done = body.done;
    return end;
}

/* The body comes to the same end whole and in pieces. */
static inline struct check_body check_http_body(const struct http_head *head, struct str data)
{
    struct check_body whole = check_feed(head, data, SIZE_MAX);
    for (size_t piece = 1; piece <= 16; piece *= 2) {
        struct check_body split = check_feed(head, data, piece);
        CHECK(split.status == whole.status && split.done == whole.done);
        if (whole.status == ST_OK) {
            CHECK(split.taken == whole.taken);
            CHECK(str_eq((struct str){split.payload.data, split.payload.length},
                         (struct str){whole.payload.data, whole.payload.length}));
        }
        buf_free(&split.payload);
    }
    buf_free(&whole.payload);
    return whole;
}
