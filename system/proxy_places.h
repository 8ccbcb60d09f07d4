/* Where a machine, or a user's desktop, is told which proxy to use: one table, with how each file is made to say so and
 * how that is taken out of it again. Reads only. */
#pragma once

#include "config/config.h"
#include "system/system_files.h"

/* What is to be told; views of a configuration. */
struct proxy_choice {
    struct addr proxy;              /* that programs on this machine reach */
    const struct text_list *direct; /* domains that go without it */
};

struct proxy_place {
    const char *name; /* for people: "GNOME" */
    const char *path;
    bool for_user; /* below the user's home, else of the system */
    bool (*is_there)(const char *root);
    /* ORIGINAL, without anything of ours, as it is to be. ST_INVALID, ST_DENIED with a fault: it is left alone. */
    enum status (*apply)(const struct proxy_choice *choice, const struct file_image *original, struct buf *out,
                         struct fault *fault);
    /* NOW without what is ours: as OURS, which was made of ORIGINAL, has it, where that is known. *ANY: there was
     * something. No bytes: nothing else is in it. */
    enum status (*strip)(const struct file_image *now, const struct file_image *original, const struct file_image *ours,
                         struct buf *out, bool *any);
};

extern const struct proxy_place proxy_places[];
extern const size_t proxy_place_count;

#define PROXY_DCONF_DB "/etc/dconf/db/ccward" /* what `dconf update` makes of ours */

/* False: ccward has no proxy listener. */
bool proxy_choice_of(const struct config *config, struct proxy_choice *choice);
/* The settings of GNOME as `gsettings set` takes them. */
enum { GNOME_SETTINGS = 6 };
struct gnome_setting {
    const char *schema, *key;
    char value[2048];
};
void proxy_gnome_settings(const struct proxy_choice *choice, struct gnome_setting settings[GNOME_SETTINGS]);
