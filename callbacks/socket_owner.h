/* Whose a client's socket on this machine is. */
#pragma once

#include "callbacks/callback.h"

struct socket_owner {
    uint64_t inode, uid;
};

/* Asks the kernel alone, which answers at once. */
bool socket_owner_ask(const struct callback *callback, struct socket_owner *owner) MUST_CHECK;
/* The kernel is asked for the one socket (sock_diag(7)); where it cannot tell, its tables of all sockets are read.
 * False: there is none (any more). */
bool socket_owner_find(const struct callback *callback, struct socket_owner *owner) MUST_CHECK;
