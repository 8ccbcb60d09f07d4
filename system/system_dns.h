/* Making this machine ask ccward, and taking that back: `ccward system-dns`. All of it can be called again at any time,
 * and after it was cut short: what was changed is written down before it is changed. */
#pragma once

#include "system/system_plan.h"

struct system_dns {
    const char *root; /* before all paths; empty: none. Else no program is run */
    const struct config *config;
    const char *config_path;
    bool fail_closed; /* of enable: nothing is given back while the daemon is stopped */
    bool dry_run;     /* change nothing */
    bool force;       /* of disable: give back also what someone else has changed since */
    bool later;       /* programs are told, but not waited for: systemd itself waits for us */
    bool any_manager; /* find out which it is; else: */
    enum system_manager manager;
};

enum system_dns_state {
    SYSTEM_DNS_OFF,
    SYSTEM_DNS_ON,
    SYSTEM_DNS_RELEASED, /* given back until the daemon runs again */
    SYSTEM_DNS_CHANGED,  /* on, but a file is not as it was left */
};

/* What was done, or in a dry run would be. */
struct system_dns_report {
    enum system_dns_state state;
    enum system_manager manager;
    struct addr server; /* with SYSTEM_DNS_ON, of enable */
    bool fail_closed;
    size_t file_count;
    struct system_file_change files[SYSTEM_MAX_CHANGES];
    bool has_command;
    struct system_command command;
    struct buf notes;
};
void system_dns_report_fini(struct system_dns_report *report);

enum status system_dns_enable(const struct system_dns *dns, struct system_dns_report *report,
                              struct fault *fault) MUST_CHECK;
enum status system_dns_disable(const struct system_dns *dns, struct system_dns_report *report,
                               struct fault *fault) MUST_CHECK;
enum status system_dns_look(const struct system_dns *dns, struct system_dns_report *report,
                            struct fault *fault) MUST_CHECK;

/* The daemon has stopped: what was changed is given back until it runs again, unless that is not wanted. */
enum status system_dns_release(const struct system_dns *dns, struct system_dns_report *report,
                               struct fault *fault) MUST_CHECK;
/* The daemon runs again. Does nothing where it was never enabled. */
enum status system_dns_resume(const struct system_dns *dns, struct system_dns_report *report,
                              struct fault *fault) MUST_CHECK;
