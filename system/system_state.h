/* What `ccward system-dns` has changed, so that it can be given back: kept in a folder of root's own, since what stands
 * there is written into files of the system, and the service's user must not have a hand in that. */
#pragma once

#include "system/system_image.h"

enum { SYSTEM_MAX_CHANGES = 2 };

#define SYSTEM_STATE_PATH "/var/lib/ccward-system-dns/state.json"

enum system_manager { MANAGER_RESOLVED, MANAGER_NETWORKMANAGER, MANAGER_RESOLVCONF, MANAGER_PLAIN, MANAGERS };
const char *system_manager_text(enum system_manager manager); /* "systemd-resolved", ..., "plain" */
enum status system_manager_parse(struct str text, enum system_manager *manager) MUST_CHECK;
/* What MANAGER has us change; NULL: no file. Nothing else is ever written. */
const char *system_manager_path(enum system_manager manager);

struct system_change {
    const char *path; /* system_manager_path() */
    struct file_image original, ours;
    struct file_image previous; /* of ours, what stood there when this was recorded; absent: none */
    bool made_folder;
};

struct system_state {
    enum system_manager manager;
    bool fail_closed;
    bool in_force; /* false: given back while the daemon is stopped; without changes then */
    size_t change_count;
    struct system_change changes[SYSTEM_MAX_CHANGES];
};
void system_state_fini(struct system_state *state);

/* ST_NOT_FOUND: nothing is changed. ST_CORRUPT: not as we wrote it. */
enum status system_state_read(const char *root, struct system_state *state, struct fault *fault) MUST_CHECK;
/* Durable when it returns. */
enum status system_state_write(const char *root, const struct system_state *state, struct fault *fault) MUST_CHECK;
enum status system_state_remove(const char *root, struct fault *fault) MUST_CHECK;
