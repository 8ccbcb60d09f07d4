/* A query as it goes upstream: under a random id, with letters of random case in its question (0x20), with a DNS
 * cookie, so that who can't see it can't answer it (RFC 5452 section 9.2, draft-vixie-dnsext-dns0x20, RFC 7873). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dname.h"
#include "base/status.h"
#include "message/dns_message.h"
#include "net/random_pool.h"

enum {
    CLIENT_COOKIE_BYTES = 8, /* RFC 7873 section 4.1; a server's part has 8 to 32 more */
    COOKIE_MIN_BYTES = 16,
    COOKIE_MAX_BYTES = 40,
    QUERY_MASK_MAX = 512, /* the longest name, OPT, cookie and padding fit */
};

/* What the caller asked: of his message the header, the question, and that of the OPT record which is not between two
 * neighbours alone. */
struct query_original {
    uint8_t bytes[DNS_HEADER_BYTES + DNAME_MAX_BYTES + 4]; /* header and question */
    size_t length, name_length;
    bool edns, dnssec_ok;
    uint16_t udp_size;
};

struct query_cookie {
    uint8_t bytes[COOKIE_MAX_BYTES]; /* the client's part, then the server's */
    size_t length;                   /* CLIENT_COOKIE_BYTES, or COOKIE_MIN_BYTES to COOKIE_MAX_BYTES */
};

/* How it is to look. */
struct query_style {
    bool mix_case;
    bool zero_id;                      /* RFC 8484 section 4.1: over HTTPS, so that equal queries are equal */
    bool without_edns;                 /* for servers that do not know it */
    const struct query_cookie *cookie; /* NULL: none */
    size_t pad_to;                     /* RFC 8467 section 4.1: its length becomes a multiple of that; 0: none */
};

struct query_mask {
    uint8_t bytes[QUERY_MASK_MAX]; /* to be sent */
    size_t length, question_end, name_length;
    bool mixed, edns;
    bool cookie_known; /* the server has sent cookies before: a reply without one is not his */
    uint8_t client_cookie[CLIENT_COOKIE_BYTES];
    bool has_cookie;
};

enum query_match {
    MATCH_NONE,      /* no answer to this query, or a malformed one */
    MATCH_CASE_ONLY, /* an answer, but for the case of letters in its question */
    MATCH_NO_COOKIE, /* an answer or a rejection, but for the cookie that its server always sends */
    MATCH_REJECTED,  /* FORMERR or NOTIMP without a question: what old servers say to a query with EDNS. Only the id was
                        compared. */
    MATCH_TRUNCATED, /* an answer with TC; only header and question were looked at */
    MATCH_ANSWER,
};

/* What an answer says beside its records. */
struct query_reply {
    unsigned rcode; /* with the bits of the OPT record */
    bool edns;
    struct query_cookie cookie; /* length 0: none */
};

/* Takes a query of one question, and no more than an OPT record beside it; else ST_INVALID. */
enum status query_original_set(struct query_original *original, const uint8_t *query, size_t n) MUST_CHECK;

/* Draws another id and other case. */
void query_mask_draw(struct query_mask *mask, const struct query_original *original, struct random_pool *pool,
                     const struct query_style *style);
/* Draws another id alone: this one is taken on the connection. */
void query_mask_draw_id(struct query_mask *mask, struct random_pool *pool);
/* Compares what came back with what was sent (RFC 5452 section 9.1, RFC 7873 section 5.3) and walks the whole message.
 * INFO is set with MATCH_ANSWER, of it the rcode with MATCH_REJECTED. */
enum query_match query_mask_match(const struct query_mask *mask, const uint8_t *reply, size_t n,
                                  struct query_reply *info) MUST_CHECK;
/* Puts the caller's id and question back into a reply that matched. */
void query_original_restore(const struct query_original *original, uint8_t *reply);
