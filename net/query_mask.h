/* A query as it goes upstream: under a random id and, where wanted, with letters of random case in its question (0x20),
 * so that who can't see it can't answer it (RFC 5452 section 9.2, draft-vixie-dnsext-dns0x20). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dname.h"
#include "base/status.h"
#include "net/random_pool.h"

enum { QUERY_MASK_MAX = 512 }; /* longer queries are refused: ours are far smaller */

struct query_mask {
    uint8_t bytes[QUERY_MASK_MAX]; /* to be sent */
    size_t length, question_end;
    uint8_t own_id[2], own_name[DNAME_MAX_BYTES]; /* as the caller wrote them */
    size_t name_length;
};

enum query_match {
    MATCH_NONE,      /* no answer to this query, or a malformed one */
    MATCH_CASE_ONLY, /* an answer, but for the case of letters in its question */
    MATCH_TRUNCATED, /* an answer with TC; only header and question were looked at */
    MATCH_ANSWER,
};

/* Takes a query of one question; ST_INVALID when it is none, ST_TOO_LARGE over QUERY_MASK_MAX. */
enum status query_mask_set(struct query_mask *mask, const uint8_t *query, size_t n) MUST_CHECK;
/* Draws another id and, with MIX_CASE, other case; without it the caller's case goes out. */
void query_mask_draw(struct query_mask *mask, struct random_pool *pool, bool mix_case);
/* Compares what came back with what was sent (RFC 5452 section 9.1) and walks the whole message. */
enum query_match query_mask_match(const struct query_mask *mask, const uint8_t *reply, size_t n) MUST_CHECK;
/* Puts the caller's id and question back into a reply that matched. */
void query_mask_undo(const struct query_mask *mask, uint8_t *reply);
