/* A UDP socket that serves datagrams in batches (recvmmsg, sendmmsg). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/status.h"
#include "base/text.h"
#include "net/loop.h"

struct udp;

enum { UDP_DATAGRAM_MAX = 4096 }; /* longer ones are dropped and counted */

/* Where a datagram came from and at which of our addresses, so that a reply leaves from there (IP_PKTINFO). */
struct udp_peer {
    struct addr remote, local;
    uint32_t scope_id; /* the interface that a link-local IPv6 remote is behind (RFC 4007 section 6) */
};

struct udp_ops {
    /* Several datagrams, which on_datagram() gets one by one after this. May be NULL. */
    void (*on_batch)(void *arg, const struct str *datagrams, size_t count);
    /* One datagram. Returns the number of bytes of a reply written to REPLY (room for REPLY_SIZE), or 0 for none now.
     */
    size_t (*on_datagram)(void *arg, const struct udp_peer *peer, const uint8_t *data, size_t n, uint8_t *reply,
                          size_t reply_size);
};

struct udp_counters {
    uint64_t received, truncated,
        unsent; /* truncated: longer than UDP_DATAGRAM_MAX; unsent: replies that were dropped */
};

/* Binds ADDR with SO_REUSEPORT; ADDR's port may be 0 (tests). */
enum status udp_open(struct loop *loop, const struct addr *addr, const struct udp_ops *ops, void *arg, struct udp **udp,
                     struct fault *fault) MUST_CHECK;
void udp_close(struct udp *udp); /* also from on_datagram(); NULL is allowed */
struct addr udp_addr(const struct udp *udp);

/* A reply later than on_datagram(). Never waits: a full socket buffer drops it, as the network may. */
void udp_send(struct udp *udp, const struct udp_peer *peer, const uint8_t *data, size_t n);

const struct udp_counters *udp_counters(const struct udp *udp);
