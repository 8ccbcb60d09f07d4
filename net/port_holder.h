/* Who holds a port, from /proc: for the message that a port is in use. */
#pragma once

#include <stdbool.h>

#include "base/addr.h"

enum { PORT_HOLDER_TEXT_SIZE = 64 };

/* Finds a process with a socket that keeps ADDR from being bound and writes "NAME (process PID)". SOCK_TYPE is
 * SOCK_STREAM or SOCK_DGRAM. False when there is none, or we may not see whose it is. */
bool port_holder_find(const struct addr *addr, int sock_type, char out[PORT_HOLDER_TEXT_SIZE]);
