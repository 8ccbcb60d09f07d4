/* One client connection: its requests one after the other, in order, or the tunnel that it became. */
#pragma once

#include "net/stream.h"
#include "proxy/http_tunnel.h"
#include "proxy/http_txn.h"
#include "proxy/proxy_context.h"

struct http_arrival {
    enum http_door door;
    struct addr peer, local;
    struct addr original; /* HTTP_DOOR_REDIRECTED: where it was going */
};

struct http_client {
    struct proxy_context *proxy;
    enum http_door door;
    struct addr peer, local, original; /* as in struct http_arrival */
    struct addr whence;                /* http_arrival_whence() */
    struct stream *stream;             /* NULL while a tunnel has it */
    struct http_txn *txn;              /* the request under way */
    struct http_tunnel *tunnel;        /* at most one of these two */
    struct tunnel_hello *hello;   /* what the client says first in it is still to be judged, or the page to be shown */
    struct access_tunnel *access; /* of the tunnel; NULL: nobody wants to know */
    bool stepping;
    bool lingering; /* counts in the limits until its stream is closed, and does no more */
    LIST_ENTRY(http_client) entry;
};

/* Where it comes from, for rules that tell programs of this machine from others: a loopback address for all of these,
 * though those that the firewall redirected come from any address of the machine. */
const struct addr *http_arrival_whence(const struct http_arrival *arrival);

/* Takes FD (also on failure). */
enum status http_client_open_own(struct proxy_context *proxy, int fd, const struct http_arrival *arrival) MUST_CHECK;
/* Our end as the client's socket has it, by which the program behind it is found. */
const struct addr *http_client_far_end(const struct http_client *client);
/* Closes at once, with whatever is under way. */
void http_client_close(struct http_client *client);
/* Goes on with what has become possible; closes the client when there is nothing left to do, so that the caller must
 * not use it, or its transaction, again. */
void http_client_step(struct http_client *client);
/* What the client said first in its tunnel goes on as it is. */
void http_client_open_tunnel(struct http_client *client);
/* The tunnel was blocked by what the client said first: shows the page with LEAF, or closes where that is NULL. */
void http_client_end_tunnel(struct http_client *client, struct tls_leaf *leaf);
/* Closes if no request is under way; else keep-alive ends after it. */
void http_client_drain(struct http_client *client);
