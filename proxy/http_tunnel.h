/* Bytes both ways between two streams, unread: after CONNECT (RFC 9110 section 9.3.6) and after an upgrade. */
#pragma once

#include "net/stream.h"

struct http_tunnel;

/* All called from the loop. */
struct http_tunnel_ops {
    /* The client has sent something, or ended (ENDED). While it says false nothing of it goes on to the origin; it may
     * free or end the tunnel then. NULL: all goes on. */
    bool (*may_pass)(void *arg, struct str first, bool ended);
    /* Once, when both directions have ended; http_tunnel_free() or http_tunnel_end() is the callee's. */
    void (*on_end)(void *arg);
};

/* Takes both streams, with what they have received (also on failure: NULL). */
struct http_tunnel *http_tunnel_new_own(struct stream *client, struct stream *origin, int64_t idle_ms,
                                        const struct http_tunnel_ops *ops, void *arg) MUST_CHECK;
/* Lets go on what may_pass() was said false of. */
void http_tunnel_open(struct http_tunnel *tunnel);
bool http_tunnel_origin_spoke(const struct http_tunnel *tunnel); /* something of it has gone to the client */
/* Passed on so far, from the client and to it. */
void http_tunnel_bytes(const struct http_tunnel *tunnel, uint64_t *from_client, uint64_t *to_client);
/* Frees the tunnel, leaves the origin's stream to drain, and gives the client's back to be finished or freed. */
struct stream *http_tunnel_end(struct http_tunnel *tunnel) MUST_CHECK;
void http_tunnel_free(struct http_tunnel *tunnel);
