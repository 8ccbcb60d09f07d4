/* The HTTP side of one worker: requests and CONNECT in, responses and tunnels out. http_txn.c has the way of one
 * request. */
#pragma once

#include "callbacks/judge.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "proxy/egress.h"

struct access_log;
struct origin_parent;
struct parent_watch;
struct client_counts;
struct login_strikes;
struct page_https;
struct password_checker;
struct proxy_users;

struct proxy_settings {
    const struct addr *listen;
    size_t listen_count;
    const struct addr *socks_listen;
    size_t socks_listen_count;
    const struct addr *transparent_listen; /* for connections that the firewall redirects */
    size_t transparent_listen_count;
    const struct network *allow_clients; /* who is served besides this machine itself */
    size_t allow_client_count;
    enum egress_private private_networks;     /* who may reach them */
    const struct network *allow_destinations; /* networks that may be dialled after all */
    size_t allow_destination_count;
    const struct addr *own; /* every listener of ours: never dialled */
    size_t own_count;
    const uint16_t *connect_ports;
    size_t connect_port_count;
    const uint16_t *socks_ports;
    size_t socks_port_count;
    struct proxy_users *users;          /* who may use the proxy; a reference is taken; NULL: no login is asked for */
    struct password_checker *checker;   /* borrowed; for those */
    struct login_strikes *strikes;      /* likewise */
    const struct origin_parent *parent; /* borrowed; NULL: servers are dialled directly */
    struct parent_watch *parent_watch;  /* borrowed, may be NULL; is told how the parent does */
    const char *contact;                /* for the block page; may be NULL */
    struct page_https *page;            /* for the block page in the CONNECT of a blocked host; borrowed, may be NULL */
    struct access_log *access;          /* where requests are noted as they end; borrowed, NULL: nowhere */
    int64_t head_timeout_ms, idle_timeout_ms, connect_timeout_ms, response_timeout_ms, tunnel_idle_ms;
    struct client_counts *clients; /* shared by all workers; borrowed */
};

struct proxy_server;

/* Copies SETTINGS; borrows the rest. */
enum status proxy_server_open(struct loop *loop, const struct proxy_settings *settings, struct judge *judge,
                              struct resolver *resolver, struct proxy_server **server, struct fault *fault) MUST_CHECK;
void proxy_server_drain(struct proxy_server *server); /* stops accepting; keep-alive ends after the current request */
bool proxy_server_idle(const struct proxy_server *server);
void proxy_server_close(struct proxy_server *server); /* NULL is allowed */
/* Who may use it from now on; of a server that was opened with users. */
void proxy_server_set_users(struct proxy_server *server, struct proxy_users *users);
/* Where the listener INDEX listens, with the port that was found for 0; those of settings.listen, socks_listen and
 * transparent_listen are counted on. Not after proxy_server_drain(). */
struct addr proxy_server_addr(const struct proxy_server *server, size_t index);

struct proxy_counters {
    uint64_t requests, tunnels, blocked, refused, failed, malformed;
    uint64_t fallbacks; /* connections to another address of a server than the one that was tried first */
};
const struct proxy_counters *proxy_server_counters(const struct proxy_server *server);
