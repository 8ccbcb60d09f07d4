#include "dnsfilter/dns_seats.h"

enum { MAX_PART_OF_ONE_ADDRESS = 10 };

void dns_seats_init(struct dns_seats *seats, size_t max)
{
    *seats = (struct dns_seats){.max = max};
    TAILQ_INIT(&seats->seats);
}

/* One address must not keep all others out. */
static bool has_room_for(const struct dns_seats *seats, const struct addr *client)
{
    const struct dns_seat *seat;
    size_t same = 0;
    if (seats->taken >= seats->max)
        return false;
    if (addr_is_loopback(client))
        return true;
    TAILQ_FOREACH(seat, &seats->seats, entry)
    same += addr_same_ip(&seat->client, client);
    return same <= seats->max / MAX_PART_OF_ONE_ADDRESS;
}

bool dns_seats_take(struct dns_seats *seats, struct dns_seat *seat, const struct addr *client)
{
    if (!has_room_for(seats, client))
        return false;
    seat->client = *client;
    TAILQ_INSERT_TAIL(&seats->seats, seat, entry);
    seats->taken++;
    return true;
}

void dns_seats_leave(struct dns_seats *seats, struct dns_seat *seat)
{
    TAILQ_REMOVE(&seats->seats, seat, entry);
    seats->taken--;
}
