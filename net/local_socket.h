/* Sockets between processes of this machine, at a path that only their owner and root may connect to. */
#pragma once

#include "base/status.h"

/* A listening socket (non-blocking, close-on-exec) NAME in folder DIR, mode 0600. What stood there before is removed:
 * the caller knows that nobody else listens there. DIR may be longer than socket addresses are. */
enum status local_socket_listen(const char *dir, const char *name, int *fd, struct fault *fault) MUST_CHECK;
/* A connection to it. ST_UNAVAILABLE: nobody listens; ST_DENIED: it is another's. */
enum status local_socket_connect(const char *dir, const char *name, int *fd) MUST_CHECK;
/* Removes what local_socket_listen() has made. */
void local_socket_remove(const char *dir, const char *name);
