/* A DNS query out of an HTTP request (RFC 8484 section 4.1). */
#pragma once

#include "net/http2_session.h"

enum { DOH_MESSAGE_MAX = 65535 };

/* The query that REQUEST holds, in OUT or in the request itself, which *MESSAGE points to; returns 200, or the status
 * of an answer that says what is wrong: 400, 404, 405, 415. */
unsigned doh_request_read(const struct http2_request *request, uint8_t out[DOH_MESSAGE_MAX], struct str *message);
