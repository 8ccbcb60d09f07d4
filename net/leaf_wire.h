/* What goes between a worker and the signer, over a socket that keeps messages apart (unix(7) SOCK_SEQPACKET):
 *
 *     request: version 1, number (32 bits), client's address (16 bytes), length (8), name
 *     reply:   version 1, number (32 bits), result (8), length (16), certificate, length (16), key; both DER
 *
 * Numbers in network byte order. A reply but LEAF_SIGNED has neither certificate nor key. */
#pragma once

#include "base/addr.h"
#include "base/cursor.h"
#include "net/authority.h"

enum {
    LEAF_REQUEST_MAX = 1 + 4 + 16 + 1 + LEAF_NAME_SIZE - 1,
    LEAF_CERTIFICATE_MAX = 2048,
    LEAF_KEY_MAX = 512,
    LEAF_REPLY_MAX = 1 + 4 + 1 + 2 + LEAF_CERTIFICATE_MAX + 2 + LEAF_KEY_MAX,
};

struct leaf_request {
    uint32_t number;
    struct addr client;        /* without port */
    char name[LEAF_NAME_SIZE]; /* as authority_leaf_name() has it */
};

enum leaf_result {
    LEAF_SIGNED,
    LEAF_REFUSED, /* nothing blocks the name, or it is excluded */
    LEAF_FAILED,  /* later it may be otherwise */
    LEAF_RESULTS
};

struct leaf_reply {
    uint32_t number;
    enum leaf_result result;
    struct str certificate, key; /* views */
};

/* Returns the length. */
size_t leaf_request_build(const struct leaf_request *request, uint8_t out[LEAF_REQUEST_MAX]);
/* Takes exactly N bytes. ST_INVALID, also of a name that authority_leaf_name() would not give. */
enum status leaf_request_parse(const uint8_t *bytes, size_t n, struct leaf_request *request) MUST_CHECK;
/* 0: it has no room. */
size_t leaf_reply_build(const struct leaf_reply *reply, uint8_t out[LEAF_REPLY_MAX]);
enum status leaf_reply_parse(const uint8_t *bytes, size_t n, struct leaf_reply *reply) MUST_CHECK;
