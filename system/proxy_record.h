/* What `ccward system-proxy` has changed, so that it can be given back. For the system it is kept in a folder of root's
 * own, as that of system-dns is (daemon/system_state.h); for a user below their home. */
#pragma once

#include "system/system_proxy.h"

struct proxy_change {
    const struct proxy_place *place;
    struct file_image original, ours;
    unsigned made_folders;
};

struct proxy_record {
    char proxy[ADDR_TEXT_SIZE];
    size_t change_count;
    struct proxy_change changes[SYSTEM_PROXY_FILES];
    bool has_gnome; /* the user's settings of GNOME, as they were before */
    struct gnome_setting gnome[GNOME_SETTINGS];
};
void proxy_record_fini(struct proxy_record *record);
struct proxy_change *proxy_record_find(struct proxy_record *record, const struct proxy_place *place); /* or NULL */

/* ST_NOT_FOUND: nothing is changed. ST_CORRUPT: not as we wrote it. */
enum status proxy_record_read(const struct system_proxy *proxy, struct proxy_record *record,
                              struct fault *fault) MUST_CHECK;
/* Durable when it returns. */
enum status proxy_record_write(const struct system_proxy *proxy, const struct proxy_record *record,
                               struct fault *fault) MUST_CHECK;
enum status proxy_record_remove(const struct system_proxy *proxy, struct fault *fault) MUST_CHECK;
