/* Clients on connections: what those by TCP, TLS and HTTPS have in common. */
#pragma once

#include "dnsfilter/dns_query.h"
#include "net/stream.h"
#include "net/timer.h"

struct dns_clients;

/* The first member of each protocol's own. */
struct dns_connection {
    struct dns_carrier carrier; /* first: a pointer to it is one to the connection */
    struct dns_clients *all;
    struct dns_seat seat;
    struct stream *stream;
    struct dns_client who;
    struct timer *timer;
    size_t waiting;
    bool ending;                     /* nothing more is read; closed once nothing waits */
    bool lingering;                  /* counts in the limits until its stream is closed, and does no more */
    TAILQ_HEAD(, dns_query) queries; /* those that wait */
    TAILQ_ENTRY(dns_connection) entry;
};

/* What the protocol does. */
struct dns_clients_ops {
    void (*wait)(struct dns_carrier *carrier, struct dns_query *query);
    void (*answer)(struct dns_carrier *carrier, struct dns_query *query, const uint8_t *reply, size_t n);
    void (*on_timer)(void *connection);
    void (*step)(struct dns_connection *connection);    /* goes as far as it can; may free it */
    void (*release)(struct dns_connection *connection); /* frees what is the protocol's own; may be NULL */
};

struct dns_clients {
    struct dns_core *core;
    const struct dns_clients_ops *ops;
    size_t count, lingering_count; /* the latter of the former */
    bool draining;
    TAILQ_HEAD(, dns_connection) connections;
};

void dns_clients_init(struct dns_clients *clients, struct dns_core *core, const struct dns_clients_ops *ops);
/* A connection of SIZE bytes, its first member filled in but for the stream, the rest zero. NULL, and FD is closed:
 * the client is not let in, has too many already, or memory is out. */
struct dns_connection *dns_clients_admit_own(struct dns_clients *clients, int fd, const struct addr *peer,
                                             const struct addr *local, bool encrypted, size_t size) MUST_CHECK;
void dns_clients_drain(struct dns_clients *clients);
void dns_clients_cut_all(struct dns_clients *clients);
size_t dns_clients_count(const struct dns_clients *clients); /* but those that linger */

void dns_connection_keep(struct dns_connection *connection, struct dns_query *query);
void dns_connection_drop(struct dns_connection *connection, struct dns_query *query);
/* At once; queries that wait are cancelled. */
void dns_connection_cut(struct dns_connection *connection);
/* Once all answers are out. */
void dns_connection_finish(struct dns_connection *connection);
void dns_connection_restart_timer(struct dns_connection *connection);
