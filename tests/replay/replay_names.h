/* The names that a scenario's server answers itself. */
#pragma once

#include "base/text.h"
#include "dnsfilter/dns_names.h"

/* The words of a `names` line; more lines add up. */
void replay_names_setting(struct str words);
/* `host NAME ADDR...` */
void replay_names_host(struct str words);
/* `hosts-file LINE` */
void replay_names_hosts_line(struct str line);
void replay_names_reset(void);
/* What the lines so far say. The caller holds the reference. */
struct dns_names *replay_names_make(void);
