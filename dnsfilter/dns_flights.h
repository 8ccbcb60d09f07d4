/* Which questions are under way, over all workers: one worker asks an upstream, and the others are called when it has
 * come to an end. What came stands in the cache by then, or has to be asked for again.
 *
 * Here are hashes alone, no names and no answers: one that is met by chance costs a look into the cache that finds
 * nothing, as does an answer that may not be kept. A bucket's lock is held for a few instructions, and only on the way
 * to an upstream. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>
#include <sys/queue.h>

#include "net/loop.h"

struct dns_flights;

/* Embedded in whoever has a question; LOOP, ON_LANDED and ARG are set by him. */
struct dns_flight {
    struct loop *loop;
    void (*on_landed)(void *arg); /* in LOOP, to whom asks no upstream himself, once LANDED is set */
    void *arg;
    uint64_t hash;
    bool joined, leads;
    atomic_bool landed;
    LIST_ENTRY(dns_flight) entry;
};

struct dns_flights *dns_flights_new(uint64_t seed); /* NULL when out of memory */
void dns_flights_free(struct dns_flights *flights); /* NULL is allowed */
/* With which those who share FLIGHTS hash their questions: equal hashes are taken for one question. */
uint64_t dns_flights_seed(const struct dns_flights *flights);

/* True: FLIGHT leads, and is to ask an upstream; false: another one does already. Any thread, as all functions here. */
bool dns_flights_join(struct dns_flights *flights, struct dns_flight *flight, uint64_t hash);
/* To be called once by each who has joined, before he goes. When the one who leads leaves, the others are called. */
void dns_flights_leave(struct dns_flights *flights, struct dns_flight *flight);
