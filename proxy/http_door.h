/* The doors that requests come by. Behind each stands the same way (http_txn.c): what a SOCKS client asks for, or a
 * client whose TLS connection the firewall redirected, is a CONNECT in other words. They differ in how a request is
 * read, which is a step of each door's own, and in how its client is told what becomes of it. */
#pragma once

#include "proxy/http_steps.h"

/* What a client is told; each appends to proxy->out, or says nothing. */
struct http_speech {
    void (*answer)(struct http_txn *txn, enum http_answer answer, enum http_reject reject, bool keep_alive);
    void (*refuse)(struct http_txn *txn, const struct verdict *verdict, bool keep_alive); /* it is blocked */
    void (*connected)(struct http_txn *txn); /* bytes both ways from now on */
    uint16_t refused_status;                 /* for the callback; 0: none is said */
};
extern const struct http_speech http_speech_http, http_speech_socks /* socks_txn.c */, http_speech_silent;

/* Where the way of a request by this door begins. */
enum http_step http_door_step(enum http_door door);

/* Makes the request a CONNECT to HOST, a name or address as text, and PORT. ST_INVALID as egress_parse_host(),
 * ST_NOMEM. */
enum status http_door_connect(struct http_txn *txn, struct str host, uint16_t port) MUST_CHECK;

/* CONNECT to this port may be asked for by this door. Where the firewall sends connections, its rules say so. */
bool http_door_allows_port(const struct http_txn *txn);

/* Waits for more of what the client asks, within the time for a head. */
enum next http_door_await(struct http_txn *txn);
