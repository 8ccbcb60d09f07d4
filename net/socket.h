/* What the sockets of this folder share: making, binding, addresses, errno in our words. */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/status.h"

/* A non-blocking, close-on-exec socket of ADDR's family bound to ADDR, IPv6 alone where it is IPv6. ST_BUSY with a
 * fault that names the holder of the port, where that can be found out; else ST_DENIED, ST_NOMEM or ST_IO. */
enum status socket_bind(const struct addr *addr, int sock_type, bool reuse_port, int *fd,
                        struct fault *fault) MUST_CHECK;

/* Sends ANSWER (nothing of one that failed) as far as that goes at once and closes FD, so that one who is turned away
 * takes up nothing. What has come so far is read, lest closing resets the connection before ANSWER is read. */
void socket_turn_away_own(int fd, const struct buf *answer);

struct addr socket_local(int fd); /* all zeros when it has none */
struct addr socket_peer(int fd);
/* From where a datagram to ADDR would go; all zeros where none can. Nothing is sent. */
struct addr socket_local_towards(const struct addr *addr);

/* Why a connection or a send failed: ST_UNAVAILABLE (refused, unreachable), ST_TIMEOUT, ST_CLOSED (reset), ST_DENIED,
 * ST_NOMEM or ST_IO. */
enum status socket_status(int error);
bool socket_would_block(int error);
/* Out of descriptors or memory: waiting helps, trying again at once does not. */
bool socket_is_starved(int error);
