/* The names that the daemon answers itself, as the configuration and the hosts file have them; made anew when that file
 * has changed. Control thread only, but for the snapshot. */
#pragma once

#include <sys/stat.h>

#include "config/config.h"
#include "dnsfilter/dns_names.h"

struct names_watch {
    struct dns_names *names; /* never NULL after a start that went well */
    struct stat seen;        /* the hosts file that was read; zero: none */
    struct stat next;        /* one that is read when it has been left alone for a moment */
    int64_t due_ms;
};

enum status names_watch_start(struct names_watch *watch, const struct config *config) MUST_CHECK;
void names_watch_end(struct names_watch *watch); /* also of `{0}` */
/* True: `names` is another. */
bool names_watch_step(struct names_watch *watch, const struct config *config);
/* After the configuration has changed. What was there stays when memory runs out. */
void names_watch_renew(struct names_watch *watch, const struct config *config);
