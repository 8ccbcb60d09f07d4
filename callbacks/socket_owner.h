/* Whose a client's socket on this machine is. */
#pragma once

#include "callbacks/callback.h"

struct socket_owner {
    uint64_t inode, uid;
};

/* Asks the kernel alone, which answers at once. */
bool socket_owner_ask(const struct callback *callback, struct socket_owner *owner) MUST_CHECK;

/* How the kernel can be asked, for TCP and for UDP; starts as zero. */
struct socket_owner_ways {
    enum { DIAG_UNTRIED, DIAG_WORKS, DIAG_FAILS } diag[2];
};

/* The kernel is asked for the one socket (sock_diag(7)); where it does not know how, its tables of all sockets are
 * read. False: there is none (any more). */
bool socket_owner_find(struct socket_owner_ways *ways, const struct callback *callback,
                       struct socket_owner *owner) MUST_CHECK;
