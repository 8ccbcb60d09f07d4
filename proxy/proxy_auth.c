#include "proxy/proxy_auth.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/check.h"
#include "base/digest.h"

enum { SETS = 64, WAYS = 4 };

/* What is known of a user with a password: by a keyed hash, so that no password stays in memory. */
struct known {
    uint8_t mark[DIGEST_BYTES];
    int64_t until_ms; /* 0: free */
    bool right;
};

/* What is being checked, and all who wait for it. */
struct check {
    struct password_job job;
    uint8_t mark[DIGEST_BYTES];
    struct login_strike strike; /* it counts until it has proved right */
    LIST_HEAD(, auth_ask) asks;
    LIST_ENTRY(check) entry;
};

struct proxy_auth {
    struct loop *loop;
    struct password_desk *desk;
    struct proxy_users *users;
    struct hmac *hmac;
    struct login_strikes *strikes; /* borrowed */
    LIST_HEAD(, check) checks;
    struct known known[SETS][WAYS];
};

static void on_checked(void *arg, struct password_job *job);

enum status proxy_auth_new(struct loop *loop, struct password_checker *checker, struct login_strikes *strikes,
                           struct proxy_users *users, struct proxy_auth **out)
{
    struct proxy_auth *auth = calloc(1, sizeof *auth);
    if (!auth)
        return ST_NOMEM;
    auth->loop = loop;
    auth->users = proxy_users_ref(users);
    auth->strikes = strikes;
    LIST_INIT(&auth->checks);
    auth->hmac = hmac_new(HMAC_SHA256, login_strikes_key(strikes), DIGEST_BYTES);
    enum status status = auth->hmac ? password_desk_open(checker, loop, on_checked, auth, &auth->desk) : ST_NOMEM;
    if (status == ST_OK)
        *out = auth;
    else
        proxy_auth_free(auth);
    return status;
}

static void check_free(struct check *check)
{
    LIST_REMOVE(check, entry);
    while (!LIST_EMPTY(&check->asks))
        auth_ask_cancel(LIST_FIRST(&check->asks));
    proxy_users_unref(check->job.users);
    explicit_bzero(check, sizeof *check);
    free(check);
}

/* Nothing counts against who was not told that it is wrong. */
static void end_check(struct proxy_auth *auth, struct check *check, bool right)
{
    login_strikes_end(auth->strikes, &check->strike, check->mark, right);
    check_free(check);
}

void proxy_auth_free(struct proxy_auth *auth)
{
    if (!auth)
        return;
    password_desk_close(auth->desk);
    while (!LIST_EMPTY(&auth->checks))
        end_check(auth, LIST_FIRST(&auth->checks), true);
    hmac_free(auth->hmac);
    proxy_users_unref(auth->users);
    free(auth);
}

void proxy_auth_set_users(struct proxy_auth *auth, struct proxy_users *users)
{
    proxy_users_unref(auth->users);
    auth->users = proxy_users_ref(users);
    memset(auth->known, 0, sizeof auth->known);
}

void auth_ask_cancel(struct auth_ask *ask)
{
    if (ask->waiting)
        LIST_REMOVE(ask, entry);
    ask->waiting = false;
}

/* Marks */

static enum status make_mark(struct proxy_auth *auth, struct str user, struct str password, uint8_t mark[DIGEST_BYTES])
{
    uint8_t code[HMAC_MAX_BYTES], length = (uint8_t)user.length;
    hmac_add(auth->hmac, &length, 1);
    hmac_add(auth->hmac, user.data, user.length);
    hmac_add(auth->hmac, password.data, password.length);
    enum status status = hmac_finish(auth->hmac, code);
    memcpy(mark, code, DIGEST_BYTES);
    return status;
}

static struct known *find_known(struct proxy_auth *auth, const uint8_t mark[DIGEST_BYTES])
{
    struct known *set = auth->known[mark[0] % SETS], *found = NULL;
    for (size_t i = 0; i < WAYS; i++)
        if (digest_same(set[i].mark, mark, DIGEST_BYTES) && set[i].until_ms > loop_now_ms(auth->loop))
            found = &set[i];
    return found;
}

static void remember(struct proxy_auth *auth, const uint8_t mark[DIGEST_BYTES], bool right)
{
    struct known *set = auth->known[mark[0] % SETS], *place = &set[0];
    for (size_t i = 1; i < WAYS; i++)
        if (set[i].until_ms < place->until_ms)
            place = &set[i];
    memcpy(place->mark, mark, DIGEST_BYTES);
    place->until_ms = loop_now_ms(auth->loop) + (right ? AUTH_REMEMBERED_MS : AUTH_WINDOW_MS);
    place->right = right;
}

/* Asking */

static bool is_text(struct str text, size_t max)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return false;
    return text.length && text.length <= max;
}

static void wait_for(struct check *check, struct auth_ask *ask)
{
    LIST_INSERT_HEAD(&check->asks, ask, entry);
    ask->waiting = true;
}

static enum auth_verdict begin_check(struct proxy_auth *auth, const struct addr *client, struct str user,
                                     struct str password, const uint8_t mark[DIGEST_BYTES], struct auth_ask *ask)
{
    struct check *check = calloc(1, sizeof *check);
    if (!check)
        return AUTH_BUSY;
    enum status status = login_strikes_begin(auth->strikes, client, loop_now_ms(auth->loop), &check->strike);
    if (status != ST_OK) {
        free(check);
        return status == ST_BUSY ? AUTH_BUSY : AUTH_LIMITED;
    }
    LIST_INIT(&check->asks);
    LIST_INSERT_HEAD(&auth->checks, check, entry);
    text_copy(check->job.user, sizeof check->job.user, user);
    text_copy(check->job.password, sizeof check->job.password, password);
    memcpy(check->mark, mark, DIGEST_BYTES);
    check->job.users = proxy_users_ref(auth->users);
    if (password_desk_submit(auth->desk, &check->job) != ST_OK) {
        end_check(auth, check, true);
        return AUTH_BUSY;
    }
    wait_for(check, ask);
    return AUTH_PENDING;
}

enum auth_verdict proxy_auth_ask(struct proxy_auth *auth, const struct addr *client, struct str user,
                                 struct str password, struct auth_ask *ask)
{
    uint8_t mark[DIGEST_BYTES];
    struct check *check;
    if (!is_text(user, USER_MAX_BYTES) || !is_text(password, PASSWORD_MAX_BYTES))
        return AUTH_DENIED;
    if (ask->user)
        text_copy(ask->user, USER_MAX_BYTES + 1, user);
    if (make_mark(auth, user, password, mark) != ST_OK)
        return AUTH_BUSY;
    const struct known *known = find_known(auth, mark);
    if (known)
        return known->right ? AUTH_GRANTED : AUTH_DENIED;
    LIST_FOREACH(check, &auth->checks, entry)
    if (digest_same(check->mark, mark, DIGEST_BYTES)) {
        wait_for(check, ask);
        return AUTH_PENDING;
    }
    return begin_check(auth, client, user, password, mark, ask);
}

/* Each is told once; who is told may ask again, or end, and with it others who wait. */
static void tell(struct check *check, enum auth_verdict verdict)
{
    while (!LIST_EMPTY(&check->asks)) {
        struct auth_ask *ask = LIST_FIRST(&check->asks);
        auth_ask_cancel(ask);
        ask->on_verdict(ask->arg, verdict);
    }
}

static void on_checked(void *arg, struct password_job *job)
{
    struct proxy_auth *auth = arg;
    struct check *check = (struct check *)job; /* its first member */
    if (job->users != auth->users) {           /* the file was read again meanwhile */
        proxy_users_unref(job->users);
        job->users = proxy_users_ref(auth->users);
        if (password_desk_submit(auth->desk, job) == ST_OK)
            return;
        tell(check, AUTH_BUSY);
        end_check(auth, check, true);
        return;
    }
    bool right = job->right;
    login_strikes_end(auth->strikes, &check->strike, check->mark, right);
    remember(auth, check->mark, right);
    tell(check, right ? AUTH_GRANTED : AUTH_DENIED);
    check_free(check);
}

enum status basic_login_parse(struct str value, uint8_t plain[LOGIN_MAX_BYTES], struct str *user, struct str *password)
{
    struct str rest = value, scheme = str_word(&rest), coded = str_word(&rest);
    size_t length;
    if (!str_eq_nocase(scheme, STR("Basic")) || str_word(&rest).length ||
        !base64_decode(coded, plain, LOGIN_MAX_BYTES, &length))
        return ST_INVALID;
    return str_cut((struct str){(const char *)plain, length}, ':', user, password) ? ST_OK : ST_INVALID;
}

enum auth_verdict proxy_auth_ask_basic(struct proxy_auth *auth, const struct addr *client, struct str value,
                                       struct auth_ask *ask)
{
    uint8_t plain[LOGIN_MAX_BYTES];
    struct str user, password;
    enum auth_verdict verdict = AUTH_DENIED;
    if (basic_login_parse(value, plain, &user, &password) == ST_OK)
        verdict = proxy_auth_ask(auth, client, user, password, ask);
    explicit_bzero(plain, sizeof plain);
    return verdict;
}
