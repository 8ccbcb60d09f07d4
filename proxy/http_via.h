/* Via (RFC 9110 section 7.6.3): the trace of proxies, by which a request that comes back to us is known. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "message/http_head.h"

enum { HTTP_VIA_TOKEN_SIZE = 17 };

/* Our mark in a request's Via is different for every host, so that no two sites can tell that the same proxy called. */
struct http_via {
    uint64_t key[2];
};

enum status http_via_init(struct http_via *via) MUST_CHECK; /* a random key; ST_IO without randomness */
/* The mark for HOST (no regard to case): 16 hex digits. */
void http_via_token(const struct http_via *via, struct str host, char token[HTTP_VIA_TOKEN_SIZE]);
/* Whether REQUEST passed here before with the same host. */
bool http_via_is_loop(const struct http_head *request, const char *token);
