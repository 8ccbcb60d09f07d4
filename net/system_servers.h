/* The DNS servers of this machine, from resolv.conf(5); systemd-resolved's own list where the stub is named. */
#pragma once

#include <stddef.h>

#include "base/addr.h"
#include "base/status.h"

/* Fills SERVERS with at most MAX servers that are none of OWN (our listeners; a wildcard covers every local address of
 * its port). PATH is /etc/resolv.conf but in tests. ST_NOT_FOUND when none is left, and FAULT says why. */
enum status system_servers(const char *path, const struct addr *own, size_t own_count, struct addr *servers, size_t max,
                           size_t *count, struct fault *fault) MUST_CHECK;
/* The same with the place of systemd-resolved's list given, for tests. */
enum status system_servers_from(const char *path, const char *resolved_path, const struct addr *own, size_t own_count,
                                struct addr *servers, size_t max, size_t *count, struct fault *fault) MUST_CHECK;
