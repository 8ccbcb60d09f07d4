/* The network of a replay: the same functions as net/loop.h (clock and timers), net/udp.h, net/listener.h, net/stream.h
 * and net/upstream.h, but what comes in is said by the test, and what goes out is looked at by the test. */
#pragma once

#include "net/listener.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/tls_server.h"
#include "net/udp.h"
#include "net/upstream.h"

enum { FAKE_MESSAGE_MAX = 65535 };

/* Messages sent to clients, oldest first. */
struct fake_sent {
    int tcp; /* index of the connection; -1: UDP */
    struct addr to;
    size_t length;
    const uint8_t *data;
};
/* The oldest one not taken yet; NULL: none. Valid until the next call of this. */
const struct fake_sent *fake_take_sent(void);

void fake_datagram(const struct addr *from, const uint8_t *data, size_t n);

/* To the first address listened at, or to that of TLS, which is the second; the index of the connection. -1: it is
 * turned away. */
/* -1: it was refused; then there is nothing to send to, and nothing happens. */
int fake_tcp_connect(const struct addr *from);
int fake_tls_connect(const struct addr *from);
void fake_tcp_send(int connection, const uint8_t *data, size_t n); /* raw bytes */
void fake_tcp_end(int connection);                                 /* FIN */
bool fake_tcp_open(int connection);                                /* the server has not closed it */

/* Queries to the upstream that wait, oldest first. */
struct fake_query {
    uint8_t data[1024];
    size_t length;
    upstream_done_fn *done;
    void *arg;
};
size_t fake_queries(void);
const struct fake_query *fake_query(size_t index);
void fake_answer(size_t index, enum status status, const uint8_t *data, size_t n); /* takes it off */
extern uint64_t fake_queries_seen;
extern enum status fake_upstream_refuses; /* ST_OK: it takes queries */

void fake_run_timers(void);
void fake_run_calls(void); /* of loop_call() */
/* Forgets everything; nothing may be open any more. */
void fake_reset(void);
