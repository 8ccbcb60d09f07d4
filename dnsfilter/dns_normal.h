/* What is kept of an upstream's answer: only what was asked for (RFC 2181 section 5.4.1, RFC 5452 section 6). */
#pragma once

#include "dnsfilter/dns_answer.h"

/* Writes into OUT the response to ASKED that REPLY holds: of the answer section the alias chain from the name asked and
 * the records of the type asked at its end, of the authority section what is said of a zone above these names or proves
 * a denial, of the additional section addresses where name servers are named, no OPT and no TSIG; signatures and proofs
 * only where DNSSEC_OK; TTLs at most MAX_TTL_S. Returns its length; 0: REPLY is malformed, of another question, still
 * truncated, an error of EDNS, or its aliases never end. NOTE: its extended error, with text in REPLY. OUT has room for
 * DNS_MESSAGE_MAX bytes. */
size_t dns_normalise(const struct dns_question *asked, bool dnssec_ok, uint32_t max_ttl_s, const uint8_t *reply,
                     size_t n, struct dns_note *note, uint8_t *out);

/* Cuts the additional section off a normalised RESPONSE in place, since nobody asked for it. Returns the length. */
size_t dns_normal_bare(uint8_t *response, size_t n);
