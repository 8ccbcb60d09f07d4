/* The certificate authority of one installation: what the block page is signed with over HTTPS. It signs nothing but
 * servers' certificates for one name each; names that are excluded when it is made stay excluded for whoever trusts it
 * (RFC 5280 section 4.2.1.10), and so do all addresses. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/dname.h"

enum {
    AUTHORITY_DAYS = 5 * 365,
    LEAF_DAYS = 7,
    AUTHORITY_PEM_MAX = 65536, /* bytes of a file that is read */
};

/* The names, with all below them, that are excluded in any case: names that stay within a machine or a network. NULL at
 * the end. */
extern const char *const authority_never[];

/* Makes a key and its certificate, both as PEM, with EXCLUDED (names in presentation form, lower case, no escapes)
 * excluded as well. ST_NOMEM. */
enum status authority_make(const char *const *excluded, size_t excluded_count, struct buf *certificate, struct buf *key,
                           struct fault *fault) MUST_CHECK;

/* What a certificate says of itself. */
struct authority_facts {
    char fingerprint[DIGEST_TEXT_SIZE]; /* SHA-256 of the DER form */
    char name[128];                     /* the subject's common name */
    int64_t from_s, until_s;            /* since 1970 */
    struct buf excluded;                /* names, a line each */
    struct buf der;
};
/* ST_INVALID: PEM holds no certificate of an authority. */
enum status authority_facts_read(struct str pem, struct authority_facts *facts, struct fault *fault) MUST_CHECK;
void authority_facts_fini(struct authority_facts *facts);

/* For net/ alone: a certificate's time in seconds since 1970. */
struct asn1_string_st;
int64_t authority_seconds(const struct asn1_string_st *time);

struct authority;

/* ST_INVALID: what is given is no certificate of an authority, or not its key. */
enum status authority_new(struct str certificate, struct str key, struct authority **authority,
                          struct fault *fault) MUST_CHECK;
void authority_free(struct authority *authority); /* NULL is allowed */

enum { LEAF_NAME_SIZE = 254 };
/* NAME as certificates have it: lower case, without a dot at the end. ST_INVALID for what no host has as a name:
 * characters but letters, digits, '-' and '_', one label alone, an address. */
enum status authority_leaf_name(const struct dname *name, char out[LEAF_NAME_SIZE]) MUST_CHECK;
/* Appends a certificate for NAME alone (of authority_leaf_name()) and its key, which it shares with what is signed
 * within an hour of the first, both as DER. It counts from an hour ago, for clocks that are late, until LEAF_DAYS from
 * now or the authority's own end. ST_UNAVAILABLE: that end is past. ST_DENIED: the name is excluded. ST_NOMEM. */
enum status authority_mint(struct authority *authority, const char *name, struct buf *certificate,
                           struct buf *key) MUST_CHECK;
