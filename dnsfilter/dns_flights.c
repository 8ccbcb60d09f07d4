#include "dnsfilter/dns_flights.h"

#include <pthread.h>
#include <stdlib.h>

enum { BUCKETS = 1024 };

struct bucket {
    pthread_mutex_t lock;
    LIST_HEAD(, dns_flight) flights;
};

struct dns_flights {
    uint64_t seed;
    struct bucket buckets[BUCKETS];
};

struct dns_flights *dns_flights_new(uint64_t seed)
{
    struct dns_flights *flights = calloc(1, sizeof *flights);
    if (!flights)
        return NULL;
    flights->seed = seed;
    for (size_t i = 0; i < BUCKETS; i++)
        pthread_mutex_init(&flights->buckets[i].lock, NULL);
    return flights;
}

void dns_flights_free(struct dns_flights *flights)
{
    if (!flights)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        pthread_mutex_destroy(&flights->buckets[i].lock);
    free(flights);
}

uint64_t dns_flights_seed(const struct dns_flights *flights)
{
    return flights->seed;
}

bool dns_flights_join(struct dns_flights *flights, struct dns_flight *flight, uint64_t hash)
{
    struct bucket *bucket = &flights->buckets[hash % BUCKETS];
    struct dns_flight *other;
    flight->hash = hash;
    flight->joined = flight->leads = true;
    atomic_store(&flight->landed, false);
    pthread_mutex_lock(&bucket->lock);
    LIST_FOREACH(other, &bucket->flights, entry)
    {
        if (other->hash == hash && other->leads)
            flight->leads = false;
    }
    LIST_INSERT_HEAD(&bucket->flights, flight, entry);
    pthread_mutex_unlock(&bucket->lock);
    return flight->leads;
}

void dns_flights_leave(struct dns_flights *flights, struct dns_flight *flight)
{
    struct bucket *bucket = &flights->buckets[flight->hash % BUCKETS];
    struct dns_flight *other;
    pthread_mutex_lock(&bucket->lock);
    LIST_REMOVE(flight, entry);
    LIST_FOREACH(other, &bucket->flights, entry)
    {
        if (!flight->leads || other->hash != flight->hash || atomic_load(&other->landed))
            continue;
        atomic_store(&other->landed, true);
        /* Under the lock: once it is released the other may leave, and its loop be gone. A call that is lost for lack
         * of memory leaves those who wait there to their deadline. */
        (void)!loop_call(other->loop, other->on_landed, other->arg);
    }
    pthread_mutex_unlock(&bucket->lock);
    flight->joined = false;
}
