/* Building what is sent to clients: error replies, block answers, and responses of others made to fit the client.
 *
 * All write into OUT and return the length; 0: nothing is to be sent. */
#pragma once

#include "dnsfilter/dns_server.h"
#include "message/dns_message.h"

/* An extended error (RFC 8914), told to clients that send EDNS. */
struct dns_note {
    int code; /* enum dns_ede; -1: none */
    struct str text;
};
extern const struct dns_note dns_note_none;
extern const struct dns_note dns_note_busy;         /* too much waits already */
extern const struct dns_note dns_note_timeout;      /* no upstream answered in time */
extern const struct dns_note dns_note_unreachable;  /* no upstream could be reached */
extern const struct dns_note dns_note_malformed;    /* an upstream's answer was no good */
extern const struct dns_note dns_note_cached_error; /* it failed a moment ago */

/* What the client can take: RFC 1035 section 2.3.4, RFC 6891 section 6.2.3, and never more than fits an unfragmented
 * datagram; by TCP everything. */
size_t dns_answer_limit(const struct dns_message *query, bool udp);

/* A header with RCODE and nothing else, so that nothing of what a stranger sent is reflected. */
size_t dns_answer_error(uint8_t *out, size_t size, const struct dns_message *query, unsigned rcode);

/* RCODE with the question, and an OPT where the client sent one. */
size_t dns_answer_rcode(uint8_t *out, size_t size, const struct dns_message *query, unsigned rcode,
                        struct dns_note note);

/* The answer to a blocked name, as the settings have it for the verdict's category. */
size_t dns_answer_blocked(uint8_t *out, size_t size, const struct dns_message *query,
                          const struct dns_settings *settings, const struct verdict *verdict);

/* The least answer to a query for ANY: RFC 8482 section 4.2. */
size_t dns_answer_any(uint8_t *out, size_t size, const struct dns_message *query);

/* Makes the response of N bytes in OUT (well-formed, one question, without OPT) the answer to QUERY: its id and bits,
 * the question as the client wrote it, an OPT where it sent one, and not more than LIMIT bytes. */
size_t dns_answer_finish(uint8_t *out, size_t size, size_t n, const struct dns_message *query, struct dns_note note,
                         size_t limit);
