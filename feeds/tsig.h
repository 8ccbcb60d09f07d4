/* Signatures of one request and of the messages that answer it by TCP: RFC 8945, section 5.3.1 for the many messages of
 * a zone transfer. */
#pragma once

#include "feeds/tsig_key.h"
#include "message/dns_message.h"

enum { TSIG_FUDGE_S = 300, TSIG_MAX_UNSIGNED = 99 };

/* The TSIG record of a message. Views of the packet. */
struct tsig_record {
    size_t offset; /* where it starts: the message without it ends there */
    struct dname name, algorithm;
    uint16_t class;
    uint32_t ttl;
    uint64_t time_s;
    uint16_t fudge_s, original_id, error;
    struct str mac, other;
};
/* ST_NOT_FOUND: the message has none; ST_INVALID: it is not the last record, or malformed. */
enum status tsig_find(const uint8_t *packet, size_t n, const struct dns_message *message,
                      struct tsig_record *record) MUST_CHECK;

struct tsig;

/* Borrows KEY. NULL when out of memory. */
struct tsig *tsig_new(const struct tsig_key *key) MUST_CHECK;
void tsig_free(struct tsig *tsig); /* NULL is allowed */

/* Signs the request of *N bytes in PACKET, which has room for SIZE: appends the record. ST_TOO_LARGE, ST_NOMEM. */
enum status tsig_sign(struct tsig *tsig, uint8_t *packet, size_t size, size_t *n, int64_t now_s) MUST_CHECK;

/* Each message of the response, in order, as dns_transfer_parse() took it; NOW_S: wall clock. ST_DENIED: it is not to
 * be believed, or the primary says that it does not believe us; the fault says why and what to look at. */
enum status tsig_take(struct tsig *tsig, const uint8_t *packet, size_t n, const struct dns_message *message,
                      int64_t now_s, struct fault *fault) MUST_CHECK;
/* After the last message, which must have been signed. */
enum status tsig_end(const struct tsig *tsig, struct fault *fault) MUST_CHECK;
