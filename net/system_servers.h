/* The DNS servers of this machine, from resolv.conf(5) and the lists that network managers keep behind it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/status.h"

enum { SYSTEM_MAX_LISTS = 4 };

/* systemd-resolved's stub, and at the next address the one that only passes queries on. */
#define SYSTEM_STUB_TEXT "127.0.0.53"
enum { SYSTEM_STUB_IP = 0x7f000035 };
bool system_servers_is_stub(const struct addr *addr); /* either of them, whatever the port */

/* Where they are named. */
struct system_places {
    const char *resolv_conf;
    /* Read where resolv.conf names systemd-resolved's stub, this program itself or nobody; the first with a server
     * counts. systemd-resolved's own comes first. NULL: no more. */
    const char *lists[SYSTEM_MAX_LISTS];
};
/* Those of systemd-resolved and NetworkManager, with RESOLV_CONF before them. */
struct system_places system_places_of(const char *resolv_conf);

/* Fills SERVERS with at most MAX servers that are none of OWN (our listeners; a wildcard covers every local address of
 * its port). ST_NOT_FOUND when none is left, and FAULT says why. */
enum status system_servers(const struct system_places *places, const struct addr *own, size_t own_count,
                           struct addr *servers, size_t max, size_t *count, struct fault *fault) MUST_CHECK;

/* Another number when one of the files has changed, come or gone. */
uint64_t system_servers_stamp(const struct system_places *places);

/* Whether a query to SERVER would come in at one of the listeners OWN. */
bool system_servers_is_own(const struct addr *server, const struct addr *own, size_t own_count);
