/* Where a connection was going before the firewall of this machine redirected it here (nftables `redirect`). */
#pragma once

#include "base/addr.h"
#include "base/status.h"

/* FD: an accepted TCP connection. ST_NOT_FOUND: nothing redirected it, whoever made it meant this listener. */
enum status original_dst_find(int fd, struct addr *addr) MUST_CHECK;
