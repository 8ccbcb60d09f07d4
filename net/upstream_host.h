/* The addresses of an upstream that is known by name. They are asked of the bootstrap servers, kept as long as their
 * TTL says, and used beyond it while nobody answers: who is reached there has to prove his name anyway. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/addr.h"
#include "net/loop.h"
#include "net/upstream_set.h"

struct upstream_hosts;

enum { HOST_MAX_ADDRS = 8 };

struct host_waiter;

struct upstream_host {
    struct upstream_hosts *hosts;
    const char *name; /* borrowed */
    uint16_t port;    /* that the addresses get */
    struct addr addrs[HOST_MAX_ADDRS];
    size_t count;
    size_t at, failed; /* which is used, and how many before it failed in a row */
    int64_t expires_ms, retry_at_ms;
    struct host_lookup *lookup; /* NULL: none is under way */
    TAILQ_HEAD(host_waiters, host_waiter) waiters;
    struct loop_task task; /* tells them when nobody can be asked */
    bool *gone;            /* set when it is freed within a callback */
};

/* Embedded in who waits. */
struct host_waiter {
    void (*on_known)(void *arg, bool known); /* false: there are no addresses */
    void *arg;
    struct upstream_host *host; /* NULL: does not wait */
    TAILQ_ENTRY(host_waiter) entry;
};

/* What looks them up, one worker's own. */
struct upstream_hosts *upstream_hosts_new(struct loop *loop); /* NULL when out of memory */
void upstream_hosts_free(struct upstream_hosts *hosts);       /* NULL is allowed */
/* BOOTSTRAP: servers that are asked from now on; NULL: the same as before, or nobody. */
enum status upstream_hosts_use(struct upstream_hosts *hosts, struct upstream_set *bootstrap) MUST_CHECK;

void upstream_host_init(struct upstream_host *host, struct upstream_hosts *hosts, const char *name, uint16_t port);
void upstream_host_fini(struct upstream_host *host); /* nobody may wait */

/* True: there are addresses. False: WAITER is told, from the loop. */
bool upstream_host_ready(struct upstream_host *host, struct host_waiter *waiter);
void upstream_host_leave(struct host_waiter *waiter); /* also when it does not wait */

/* The address to use; HOST must have some. */
const struct addr *upstream_host_addr(const struct upstream_host *host);
/* It was reached there, or not; false: no other is left to be tried. */
void upstream_host_reached(struct upstream_host *host);
bool upstream_host_missed(struct upstream_host *host);
