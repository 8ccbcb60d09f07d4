/* The verdict on what a response leads to: the targets of its aliases, its addresses. */
#pragma once

#include "callbacks/callback.h"
#include "callbacks/judge.h"

struct dns_finding {
    enum match match;
    struct verdict verdict;
};

/* RESPONSE is well-formed and normalised (dns_normal.h). Returns the highest action asked for, and where that is not
 * ACTION_ALLOW, what asked for it first. Later finds of the same action are not told: one contact, one callback. */
enum action dns_inspect(struct judge *judge, const struct addr *client, const uint8_t *response, size_t n,
                        struct dns_finding *finding);
