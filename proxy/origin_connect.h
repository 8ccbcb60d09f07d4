/* A connection to the server that a request is for, directly or through the parent proxy, whatever protocol the client
 * speaks. Dialled, or named to the parent, are the addresses that were judged. */
#pragma once

#include "proxy/origin_dial.h"
#include "proxy/origin_parent.h"
#include "proxy/proxy_context.h"

/* How a connection is made. */
enum origin_route {
    ROUTE_DIRECT,
    ROUTE_PARENT, /* through the parent, as a tunnel to the server */
    ROUTE_PLAIN,  /* to an HTTP parent, which reads the request itself */
};

enum origin_result {
    ORIGIN_CONNECTED,
    ORIGIN_NO_MEMORY,
    ORIGIN_UNREACHABLE,
    ORIGIN_TIMEOUT,
    ORIGIN_PARENT_UNREACHABLE,
    ORIGIN_PARENT_TIMEOUT,
    ORIGIN_PARENT_LOGIN,     /* the parent wants another user or password, or any */
    ORIGIN_PARENT_REFUSED,   /* the parent does not connect to such a server */
    ORIGIN_PARENT_MALFORMED, /* what the parent says is no answer */
};

/* What is to be reached. */
struct origin_target {
    enum origin_route route;
    struct addr *addrs; /* judged, with the port; put in the order in which they are tried */
    size_t addr_count;
    struct str name; /* empty: the parent is told addrs; else it is told this */
    struct str host; /* as the client wrote it; to tell servers apart */
    uint16_t port;
};

/* ORIGIN_CONNECTED: the caller owns STREAM and gives it its owner, by stream_set_owner(), within this call or after it;
 * input may be waiting in it. ADDR: the address that was dialled or named; NULL: none. */
typedef void origin_connected_fn(void *arg, enum origin_result result, struct stream *stream, const struct addr *addr);

struct parent_call;

struct origin_connect {
    struct proxy_context *proxy;
    origin_connected_fn *done;
    void *arg;
    const struct addr *first; /* the address tried first */
    struct origin_dial dial;
    struct parent_call *call; /* NULL: direct */
};

/* Chooses the way to the host NAME (length 0: it is an address) at ADDRS, the allowed ones of those that it has. Where
 * some of them go past the parent, *COUNT becomes the number of those, which are put first. IS_PLAIN: an http://
 * request without an upgrade. */
enum origin_route origin_route(const struct origin_parent *parent, const struct dname *name, struct addr *addrs,
                               size_t *count, bool is_plain);
/* Whether NAME can be reached though no address of it was found: the parent is told names. */
bool origin_route_without_addr(const struct origin_parent *parent, const struct dname *name);

/* Connects within settings->connect_timeout_ms. DONE is called once, never from within this call, unless
 * origin_connect_stop() came first. What TARGET points to must stay until then. ST_NOMEM. */
enum status origin_connect_start(struct origin_connect *connect, struct proxy_context *proxy,
                                 const struct origin_target *target, origin_connected_fn *done, void *arg) MUST_CHECK;
/* DONE is not called any more. Any time, also for one that never started (zeros). */
void origin_connect_stop(struct origin_connect *connect);
