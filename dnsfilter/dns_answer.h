/* Building what is sent to clients: error replies, block answers, and responses of others made to fit the client.
 *
 * All write into OUT and return the length; 0: nothing is to be sent. */
#pragma once

#include "dnsfilter/dns_server.h"
#include "message/dns_message.h"

/* An extended error (RFC 8914), told to clients that send EDNS. That something is blocked or filtered is told as JSON
 * to those that ask for it (dns_structured.h). */
struct dns_note {
    int code; /* enum dns_ede; -1: none */
    struct str text;
    int sub_error;      /* enum dns_sub_error */
    struct str contact; /* whom to ask; empty: nobody is named */
};
extern const struct dns_note dns_note_none;
extern const struct dns_note dns_note_busy;         /* too much waits already */
extern const struct dns_note dns_note_timeout;      /* no upstream answered in time */
extern const struct dns_note dns_note_unreachable;  /* no upstream could be reached */
extern const struct dns_note dns_note_not_ready;    /* no upstream is known, as before a network is joined */
extern const struct dns_note dns_note_loop;         /* the query was our own, or would come back */
extern const struct dns_note dns_note_malformed;    /* an upstream's answer was no good */
extern const struct dns_note dns_note_failed;       /* an upstream says SERVFAIL and not why */
extern const struct dns_note dns_note_cached_error; /* it failed a moment ago */
extern const struct dns_note dns_note_private;      /* private addresses were taken out */
extern const struct dns_note dns_note_no_recursion; /* we are nobody's authority */
extern const struct dns_note dns_note_not_supported;
extern const struct dns_note dns_note_stale;      /* an answer whose time is up, for lack of a better one */
extern const struct dns_note dns_note_stale_none; /* likewise, that there is no such name */

/* What the client can take: RFC 1035 section 2.3.4, RFC 6891 section 6.2.3, and never more than fits an unfragmented
 * datagram; by TCP everything. */
size_t dns_answer_limit(const struct dns_message *query, bool udp);

/* A header with RCODE and nothing else, so that nothing of what a stranger sent is reflected. */
size_t dns_answer_error(uint8_t *out, size_t size, const struct dns_message *query, unsigned rcode);

/* RCODE with the question, and an OPT where the client sent one. */
size_t dns_answer_rcode(uint8_t *out, size_t size, const struct dns_message *query, unsigned rcode,
                        struct dns_note note);

/* The answer to a blocked name, as the verdict has it (dns_local.h has that of RECORD_ANSWER_DATA) or else the settings
 * for its category. */
size_t dns_answer_blocked(uint8_t *out, size_t size, const struct dns_message *query,
                          const struct dns_settings *settings, const struct verdict *verdict);

/* An answer that is empty but for TC: what is asked for is to be had by TCP. */
size_t dns_answer_by_tcp(uint8_t *out, size_t size, const struct dns_message *query);

/* Parts of answers. An SOA: a name that does not exist needs one, or the answer is not cached and asked for again at
 * once (RFC 2308); OWNER NULL: the name asked for. Why something is blocked, "c2: conficker (test-hosts, urlhaus)", so
 * that a person who asks by hand sees it; NUL-terminated. An OPT where the client sent one (RFC 6891 section 6.1.1),
 * and the end. */
enum { DNS_NOTE_SIZE = 193 }; /* the longest, with a blank after every comma */
void dns_answer_add_soa(struct dns_build *build, enum dns_section section, const struct dname *owner, uint32_t ttl_s);
struct str dns_answer_why(const struct verdict *verdict, char out[DNS_NOTE_SIZE]);
struct dns_note dns_answer_block_note(const struct verdict *verdict, const struct dns_settings *settings,
                                      char why[DNS_NOTE_SIZE]);
size_t dns_answer_end(struct dns_build *build, const struct dns_message *query, unsigned rcode, struct dns_note note);

/* The least answer to a query for ANY: RFC 8482 section 4.2. */
size_t dns_answer_any(uint8_t *out, size_t size, const struct dns_message *query);

/* Makes the response of N bytes in OUT (well-formed, one question, without OPT) the answer to QUERY: its id and bits,
 * the question as the client wrote it, an OPT where it sent one, and not more than LIMIT bytes. */
size_t dns_answer_finish(uint8_t *out, size_t size, size_t n, const struct dns_message *query, struct dns_note note,
                         size_t limit);
