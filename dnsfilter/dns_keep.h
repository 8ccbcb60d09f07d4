/* How long a response may be kept, and as what: RFC 2308, RFC 8767 section 4, RFC 9520. */
#pragma once

#include "message/dns_message.h"

struct dns_keep_settings {
    uint32_t max_ttl_s, max_negative_ttl_s; /* the longest that an answer, or that there is none, is kept */
    uint32_t min_ttl_s;                     /* the shortest that an answer is kept */
};

struct dns_keep {
    uint32_t lifetime_s; /* not set for a failure: that depends on how often it has failed */
    bool failure;        /* an rcode that is no answer */
    bool negative, every_type;
    size_t soa_ttl_offset; /* of a negative answer's SOA */
    uint16_t ttl_count;
    uint16_t ttl_offsets[DNS_MAX_RECORDS];
};

/* RESPONSE is what dns_response_parse() made MESSAGE of. False: it must not be kept. */
bool dns_keep_plan(const struct dns_keep_settings *settings, const uint8_t *response, size_t n,
                   const struct dns_message *message, struct dns_keep *keep);

/* Puts the bounds into the TTLs of RESPONSE, whether or not it may be kept, so that what is served never outlives what
 * we would keep ourselves. */
void dns_keep_clamp(const struct dns_keep_settings *settings, const struct dns_keep *keep, uint8_t *response);
