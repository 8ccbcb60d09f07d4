/* Connections of one worker by all transports: so many in all, and of one address a part of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/addr.h"

struct dns_seat {
    struct addr client;
    TAILQ_ENTRY(dns_seat) entry;
};

struct dns_seats {
    size_t max, taken;
    TAILQ_HEAD(, dns_seat) seats;
};

void dns_seats_init(struct dns_seats *seats, size_t max);
/* Takes SEAT, to be left once, for a connection of CLIENT; false: there is none. One address gets a tenth; loopback is
 * everyone on this machine. */
bool dns_seats_take(struct dns_seats *seats, struct dns_seat *seat, const struct addr *client);
void dns_seats_leave(struct dns_seats *seats, struct dns_seat *seat);
