/* Bytes both ways between two streams, unread: after CONNECT (RFC 9110 section 9.3.6) and after an upgrade. */
#pragma once

#include "net/stream.h"

struct http_tunnel;

/* Takes both streams, with what they have received (also on failure: NULL). ON_END is called once, from the loop, when
 * both directions have ended; http_tunnel_free() or http_tunnel_end() is the callee's. */
struct http_tunnel *http_tunnel_new_own(struct stream *client, struct stream *origin, int64_t idle_ms,
                                        void (*on_end)(void *arg), void *arg) MUST_CHECK;
/* Frees the tunnel, leaves the origin's stream to drain, and gives the client's back to be finished or freed. */
struct stream *http_tunnel_end(struct http_tunnel *tunnel) MUST_CHECK;
void http_tunnel_free(struct http_tunnel *tunnel);
