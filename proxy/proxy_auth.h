/* Whether a client's user and password are right: a worker's memory of those that were checked, and its way to the
 * thread that checks the others. For every protocol that the proxy speaks. */
#pragma once

#include <sys/queue.h>

#include "base/addr.h"
#include "proxy/login_strikes.h"
#include "proxy/password_checker.h"

struct proxy_auth;

enum auth_verdict {
    AUTH_GRANTED,
    AUTH_DENIED,
    AUTH_LIMITED, /* too many failures from this address: ask again in AUTH_WINDOW_MS */
    AUTH_BUSY,    /* too many are being checked, or from this address: ask again in a moment */
    AUTH_PENDING, /* on_verdict() follows, with one of those above */
};

enum { AUTH_WINDOW_MS = STRIKES_WINDOW_MS, AUTH_MAX_FAILURES = STRIKES_MAX, AUTH_REMEMBERED_MS = 300000 };

/* One who waits; the caller's memory. `{0}` but for the first three. */
struct auth_ask {
    void (*on_verdict)(void *arg, enum auth_verdict verdict);
    void *arg;
    char *user; /* of USER_MAX_BYTES + 1: gets whom is asked for, where that can be a user; NULL: not wanted */
    bool waiting;
    LIST_ENTRY(auth_ask) entry;
};

/* Borrows STRIKES, and takes a reference to USERS. ST_NOMEM. */
enum status proxy_auth_new(struct loop *loop, struct password_checker *checker, struct login_strikes *strikes,
                           struct proxy_users *users, struct proxy_auth **auth) MUST_CHECK;
void proxy_auth_free(struct proxy_auth *auth); /* whoever waits is not called; NULL is allowed */
/* From now on these (a reference is taken); all that was remembered is forgotten. */
void proxy_auth_set_users(struct proxy_auth *auth, struct proxy_users *users);

/* Asks for CLIENT (its port does not matter). Text that cannot be a user or password is denied. A right answer is
 * remembered for AUTH_REMEMBERED_MS, a wrong one for AUTH_WINDOW_MS: who repeats it is denied at once, and it counts
 * once among the failures. */
enum auth_verdict proxy_auth_ask(struct proxy_auth *auth, const struct addr *client, struct str user,
                                 struct str password, struct auth_ask *ask) MUST_CHECK;
void auth_ask_cancel(struct auth_ask *ask); /* also of one that does not wait */

enum { LOGIN_MAX_BYTES = USER_MAX_BYTES + PASSWORD_MAX_BYTES + 1 };

/* Reads the value of an HTTP field: "Basic", a blank, base64 of USER:PASSWORD (RFC 7617). USER and PASSWORD are in
 * PLAIN, which is the caller's to wipe. ST_INVALID. */
enum status basic_login_parse(struct str value, uint8_t plain[LOGIN_MAX_BYTES], struct str *user,
                              struct str *password) MUST_CHECK;
/* As proxy_auth_ask() for such a value. */
enum auth_verdict proxy_auth_ask_basic(struct proxy_auth *auth, const struct addr *client, struct str value,
                                       struct auth_ask *ask) MUST_CHECK;
