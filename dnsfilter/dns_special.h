/* Names that have a meaning of their own and are nobody's to ask for (RFC 6761 and those after it): what each is, and
 * the answer to it. */
#pragma once

#include "dnsfilter/dns_answer.h"

enum dns_special_rule {
    DNS_SPECIAL_NO_NAME,  /* no such name, nor any below it */
    DNS_SPECIAL_EMPTY,    /* a zone without names: RFC 6303 section 3 */
    DNS_SPECIAL_NO_DATA,  /* whatever is asked of it, there is nothing */
    DNS_SPECIAL_LOOPBACK, /* this machine: RFC 6761 section 6.3 */
    DNS_SPECIAL_IPV4ONLY, /* RFC 8880 */
};

struct dns_special {
    const char *name; /* with FIRST or LAST: that, below this */
    enum dns_special_rule rule;
    const char *why;
    uint8_t first, last;
};

/* Those that are always special: of INDEX from 0 on; NULL past the end. NAME: of the zone. Rows of the table that stand
 * for several zones give each. */
const struct dns_special *dns_special_at(size_t index, struct dname *name);
extern const struct dns_special dns_special_canary;        /* use-application-dns.net */
extern const struct dns_special dns_special_private_relay; /* mask.icloud.com and its like */

/* Whether only the world's DNS can answer QUESTION, of a name at or below APEX: the delegation of a zone that is really
 * delegated, or what a translator from IPv6 to IPv4 makes known by it. */
bool dns_special_passes(const struct dns_special *special, const struct dname *apex,
                        const struct dns_question *question);

/* The answer to a name at or below APEX. Returns the length. */
size_t dns_special_answer(uint8_t *out, size_t size, const struct dns_message *query, const struct dns_special *special,
                          const struct dname *apex);
