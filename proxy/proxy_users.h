/* Who may use the proxy: a file of lines USER:HASH, as htpasswd writes them. Never changed once made; shared by all
 * workers and the thread that checks passwords. */
#pragma once

#include <stddef.h>

#include "base/status.h"
#include "base/text.h"

enum {
    USER_MAX_BYTES = 255,
    PASSWORD_MAX_BYTES = 255,
    USERS_FILE_MAX_BYTES = 1 << 20,
};

struct proxy_users;

/* Reads TEXT; NAME stands for the file in faults. Hashes are bcrypt ($2b$, $2y$), SHA-512 ($6$) or yescrypt ($y$): what
 * a graphics card tries a million times a second (plain text, MD5, SHA-1, crypt) is refused, as is a file without
 * users. ST_INVALID with line and reason, never with a hash; ST_NOMEM. */
enum status proxy_users_parse(struct str text, const char *name, struct proxy_users **users,
                              struct fault *fault) MUST_CHECK;
/* The same from PATH, which nobody but its owner and group may read, and its owner alone write. */
enum status proxy_users_load(const char *path, struct proxy_users **users, struct fault *fault) MUST_CHECK;

struct proxy_users *proxy_users_ref(struct proxy_users *users);
void proxy_users_unref(struct proxy_users *users); /* NULL is allowed */

/* Whether PASSWORD is USER's. Takes 10 ms to a second of CPU, and as long for a user that there is not. Any thread but
 * one that must not wait. */
bool proxy_users_check(const struct proxy_users *users, const char *user, const char *password);
