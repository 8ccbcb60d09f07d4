/* The verdict on what a response leads to and comes from: the targets of its aliases and services, its addresses and
 * those hinted at, the names that an address leads back to, and, where some rule asks for them, its name servers. */
#pragma once

#include "callbacks/callback.h"
#include "callbacks/judge.h"

struct dns_finding {
    enum match match;
    struct verdict verdict;
};

/* RESPONSE is well-formed and normalised (dns_normal.h). PASSED: the sources that let the name pass; those that let
 * what it leads to pass are added. UNCLEAN: which of enum dns_clean to look for, and then what there is. Returns the
 * highest action asked for, and where that is not ACTION_ALLOW, what asked for it first. Later finds of the same action
 * are not told: one contact, one callback. A block is the reader's last verdict (policy_data()). */
enum action dns_inspect(struct judge *judge, const struct addr *client, struct passed *passed, const uint8_t *response,
                        size_t n, unsigned *unclean, struct dns_finding *finding);
