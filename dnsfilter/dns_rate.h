/* How many answers a network gets by UDP, whose sender can be forged: what is over it would flood its owner. */
#pragma once

#include "base/addr.h"
#include "base/status.h"

enum { DNS_RATE_SLOTS = 8192 };

/* A bucket for each /24 or /56, found by a keyed hash in a table that never grows: networks that fall into one slot
 * share what it gives, and nobody can choose them. */
struct dns_rate {
    uint64_t seed;
    uint32_t per_s; /* 0: no limit */
    struct dns_rate_slot {
        uint32_t seen_ms; /* the clock's lower bits when `left` was filled up last */
        uint32_t left;    /* thousandths of answers */
        uint8_t over;     /* refusals, so that some are told */
    } slots[DNS_RATE_SLOTS];
};

enum dns_rate_verdict {
    DNS_RATE_ANSWER,
    DNS_RATE_SLIP, /* every second one: a short answer, by which who really asked gets on by TCP or with a cookie */
    DNS_RATE_DROP,
};

/* ST_IO without randomness. */
enum status dns_rate_init(struct dns_rate *rate, uint32_t per_s) MUST_CHECK;
/* Counts one answer to CLIENT; a second's worth may be taken at once. */
enum dns_rate_verdict dns_rate_take(struct dns_rate *rate, const struct addr *client, int64_t now_ms);
