/* Having this machine, or one user's desktop, use ccward as its proxy, and taking that back: `ccward system-proxy`. All
 * of it can be called again at any time, and after it was cut short: what is changed is written down before. */
#pragma once

#include "system/proxy_places.h"
#include "system/system_image.h"

enum { SYSTEM_PROXY_FILES = 16, SYSTEM_PROXY_COMMANDS = 8 };

struct system_proxy {
    const char *root; /* before all paths; empty: none. Else no program is run */
    bool for_user;    /* the settings of the user in whose home ROOT is */
    bool no_programs;
    bool dry_run;
    const struct config *config; /* of enable */
};

enum system_proxy_state {
    SYSTEM_PROXY_OFF,
    SYSTEM_PROXY_ON,
    SYSTEM_PROXY_CHANGED, /* it was turned on, but somewhere it is not any more */
};

/* What was done, or in a dry run would be. */
struct system_proxy_report {
    enum system_proxy_state state;
    char proxy[ADDR_TEXT_SIZE]; /* empty: off */
    size_t file_count;
    struct system_file_change files[SYSTEM_PROXY_FILES];
    const char *names[SYSTEM_PROXY_FILES]; /* of the places */
    size_t command_count;
    char commands[SYSTEM_PROXY_COMMANDS][256];
    struct buf notes; /* lines for a person */
    unsigned failed;  /* places that could not be changed; NOTES tell */
};
void system_proxy_report_fini(struct system_proxy_report *report);

enum status system_proxy_enable(const struct system_proxy *proxy, struct system_proxy_report *report,
                                struct fault *fault) MUST_CHECK;
enum status system_proxy_disable(const struct system_proxy *proxy, struct system_proxy_report *report,
                                 struct fault *fault) MUST_CHECK;
enum status system_proxy_look(const struct system_proxy *proxy, struct system_proxy_report *report,
                              struct fault *fault) MUST_CHECK;
