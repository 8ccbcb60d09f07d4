/* Answers of the proxy's own: what it refuses, what failed. One table (http_answer.c): status, the error of RFC 9209,
 * and a sentence for the person who reads it. */
#pragma once

#include "base/buf.h"
#include "message/http_head.h"

enum http_answer {
    ANSWER_NONE,
    ANSWER_BAD_REQUEST,
    ANSWER_BAD_BODY,
    ANSWER_NOT_FOR_A_PROXY,
    ANSWER_SCHEME,
    ANSWER_BAD_HOST,
    ANSWER_TRACE,
    ANSWER_OPTIONS,
    ANSWER_LOOP,
    ANSWER_HEAD_TIMEOUT,
    ANSWER_LOGIN,
    ANSWER_LOGIN_LIMIT,
    ANSWER_LOGIN_BUSY,
    ANSWER_BODY_TIMEOUT,
    ANSWER_CONNECT_PORT,
    ANSWER_DESTINATION,
    ANSWER_PRIVATE,
    ANSWER_OUR_LISTENER,
    ANSWER_NO_SUCH_NAME,
    ANSWER_NAME_TIMEOUT,
    ANSWER_NO_RESOLVER,
    ANSWER_UNREACHABLE,
    ANSWER_CONNECT_TIMEOUT,
    ANSWER_PARENT_UNREACHABLE,
    ANSWER_PARENT_TIMEOUT,
    ANSWER_PARENT_LOGIN,
    ANSWER_PARENT_REFUSED,
    ANSWER_PARENT_MALFORMED,
    ANSWER_NO_RESPONSE,
    ANSWER_RESPONSE_TIMEOUT,
    ANSWER_BAD_RESPONSE,
    ANSWER_TOO_MANY_CLIENTS,
    ANSWER_NO_MEMORY,
    ANSWER_CONNECT_TO_SERVER,
    ANSWER_NOT_REDIRECTED,
    ANSWER_COUNT,
};

/* Whose counter an answer goes to. */
enum http_blame { BLAME_NOBODY, BLAME_CLIENT, BLAME_RULES, BLAME_ORIGIN };
enum http_blame http_answer_blame(enum http_answer answer);

/* Appends a whole response. REJECT says more about ANSWER_BAD_REQUEST and brings its status; HEAD_ONLY: to a HEAD. */
void http_answer_build(struct buf *out, enum http_answer answer, enum http_reject reject, const char *date,
                       bool head_only, bool keep_alive);
