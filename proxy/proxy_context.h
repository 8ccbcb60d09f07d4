/* What every connection and request of one worker shares. */
#pragma once

#include <sys/queue.h>

#include "base/buf.h"
#include "message/http_date.h"
#include "proxy/egress.h"
#include "proxy/http_via.h"
#include "proxy/origin_pool.h"
#include "proxy/proxy_server.h"

struct http_client;
struct proxy_auth;
struct http_txn;

/* By which door a client came; http_door.h. */
enum http_door {
    HTTP_DOOR_PROXY,      /* it knows that it talks to an HTTP proxy */
    HTTP_DOOR_SOCKS,      /* to a SOCKS proxy */
    HTTP_DOOR_REDIRECTED, /* it does not know: the firewall sent it here */
    HTTP_DOOR_COUNT
};

struct proxy_context {
    struct loop *loop;
    struct proxy_server *server;
    struct judge *judge;
    struct proxy_auth *auth; /* NULL: everyone whose address is served may use the proxy */
    struct resolver *resolver;
    const struct proxy_settings *settings;
    struct egress egress;
    struct origin_pool *pool;
    struct http_via via;
    struct proxy_counters counters;
    bool draining;

    LIST_HEAD(, http_client) clients; /* tunnels too */
    size_t client_count;
    size_t lingering_count; /* of these: done, but their last bytes are still on the way */
    void (*on_client_gone)(struct proxy_context *proxy, const struct addr *peer);

    SLIST_HEAD(, http_txn) spare_txns; /* with their arenas, so that a request allocates nothing */
    size_t spare_txn_count;

    struct buf out; /* for building heads and answers; empty between calls */
    char date[HTTP_DATE_SIZE];
    int64_t date_s;
};

/* Whether CLIENT may use the proxy at all: a program of this machine, or one of settings->allow_clients. To be asked
 * for every connection that is accepted, whatever protocol it speaks. */
bool proxy_context_serves(const struct proxy_context *proxy, const struct addr *client);

/* The Date of now (RFC 9110 section 5.6.7), formatted once a second. */
const char *proxy_context_date(struct proxy_context *proxy);
