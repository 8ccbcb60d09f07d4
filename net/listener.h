/* A listening TCP socket. Running out of file descriptors pauses accepting for 100 ms and never spins. */
#pragma once

#include "base/addr.h"
#include "base/status.h"
#include "net/loop.h"

struct listener;

struct listener_ops {
    /* A connection from PEER to LOCAL; the callee owns FD (non-blocking, close-on-exec, TCP_NODELAY). */
    void (*on_accept)(void *arg, int fd, const struct addr *peer, const struct addr *local);
};

/* Binds ADDR with SO_REUSEPORT (each worker has a listener of its own) and listens. A port in use is ST_BUSY, and FAULT
 * then names the process that holds it, where that can be found out. ADDR's port may be 0 (tests): see
 * listener_addr(). */
enum status listener_open(struct loop *loop, const struct addr *addr, const struct listener_ops *ops, void *arg,
                          struct listener **listener, struct fault *fault) MUST_CHECK;
/* The same on a socket that listens already (local_socket_listen()), which is the listener's from now on. Who connects
 * has no address. */
enum status listener_open_own(struct loop *loop, int fd, const struct listener_ops *ops, void *arg,
                              struct listener **listener, struct fault *fault) MUST_CHECK;
void listener_close(struct listener *listener); /* also from on_accept(); NULL is allowed */
struct addr listener_addr(const struct listener *listener);

/* Before any SO_REUSEPORT socket is opened: makes sure that no other process listens at ADDR (SO_REUSEPORT alone would
 * let a second daemon of the same user in). SOCK_TYPE is SOCK_STREAM or SOCK_DGRAM. ST_BUSY with a fault as above. */
enum status listener_probe(const struct addr *addr, int sock_type, struct fault *fault) MUST_CHECK;
