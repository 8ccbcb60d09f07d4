#include "daemon/serving.h"

#include <stdlib.h>
#include <sys/random.h>

#include "feeds/secret.h"
#include "proxy/login_strikes.h"

enum { MAX_LOGINS_WAITING = 64 }; /* at 100 ms each */

/* What a person wrote into the configuration, or a file that it names, is wrong: told with its place. */
static enum status placed(const struct config *config, enum status status, struct fault *fault)
{
    if (status != ST_OK && fault)
        config_place_fault(config, fault);
    return status;
}

enum status serving_load_tls(const struct config *config, struct tls_server **tls, struct fault *fault)
{
    const struct tls_server_files files = {.certificate = config->dns.tls_certificate,
                                           .key = config->dns.tls_key,
                                           .certificate_option = "dns.tls-certificate",
                                           .key_option = "dns.tls-key"};
    *tls = NULL;
    if (!config->dns.tls_listen.count && !config->dns.https_listen.count)
        return ST_OK;
    return placed(config, tls_server_new(&files, tls, fault), fault);
}

static enum status take_login(const struct config *config, struct origin_parent *parent, struct fault *fault)
{
    struct secret login;
    struct fault why = {0};
    enum status status = secret_read(config->proxy.parent_login, &login, &why);
    if (status == ST_OK && login.text[0])
        status = origin_parent_set_login(parent, str_of(login.text), &why);
    secret_wipe(&login);
    return status == ST_OK ? ST_OK
                           : placed(config, fault_set(fault, status, "proxy.parent-login: %s", why.text), fault);
}

enum status serving_load_parent(const struct config *config, struct origin_parent **out, struct fault *fault)
{
    *out = NULL;
    if (!config->proxy.parent[0])
        return ST_OK;
    struct origin_parent *parent = calloc(1, sizeof *parent);
    if (!parent)
        return fault_set(fault, ST_NOMEM, "out of memory");
    parent->by_name = config->proxy.parent_gets == PARENT_GETS_NAME;
    enum status status = origin_parent_parse(str_of(config->proxy.parent), parent, fault);
    for (size_t i = 0; status == ST_OK && i < config->proxy.no_proxy.count; i++)
        status = origin_parent_add_direct(parent, str_of(config->proxy.no_proxy.items[i]));
    if (status == ST_OK)
        status = take_login(config, parent, fault);
    if (status == ST_OK)
        *out = parent;
    else
        origin_parent_free(parent);
    return status;
}

enum status serving_load_users(const struct config *config, struct proxy_users **users, struct fault *fault)
{
    struct fault why = {0};
    *users = NULL;
    if (!config->proxy.users[0])
        return ST_OK;
    enum status status = proxy_users_load(config->proxy.users, users, &why);
    return status == ST_OK ? ST_OK : placed(config, fault_set(fault, status, "proxy.users: %s", why.text), fault);
}

static enum status open_users(struct serving *serving, const struct config *config, struct fault *fault)
{
    enum status status = serving_load_users(config, &serving->users, fault);
    if (status != ST_OK || !serving->users)
        return status;
    if ((status = login_strikes_new(&serving->strikes)) != ST_OK)
        return fault_set(fault, status, "logins to the proxy cannot be counted: %s", status_text(status));
    return password_checker_new(MAX_LOGINS_WAITING, &serving->checker, fault);
}

enum status serving_open(struct serving *serving, const struct config *config, struct fault *fault)
{
    ssize_t got = getrandom(serving->cookie_secret, sizeof serving->cookie_secret, 0);
    if (got != (ssize_t)sizeof serving->cookie_secret)
        return fault_errno(fault, ST_IO, "no random bytes for the secret of DNS cookies");
    enum status status = serving_load_tls(config, &serving->tls, fault);
    if (status == ST_OK)
        status = serving_load_parent(config, &serving->parent, fault);
    if (status == ST_OK && serving->parent && !(serving->parent_watch = parent_watch_new()))
        status = fault_set(fault, ST_NOMEM, "out of memory");
    return status == ST_OK ? open_users(serving, config, fault) : status;
}

enum status serving_renew(struct serving *serving, const struct config *config, struct fault *fault)
{
    struct tls_server *tls;
    enum status status = serving_load_tls(config, &tls, fault);
    if (status != ST_OK)
        return status;
    tls_server_unref(serving->tls);
    serving->tls = tls;
    return ST_OK;
}

enum status serving_renew_users(struct serving *serving, const struct config *config, struct fault *fault)
{
    struct proxy_users *users;
    if (!serving->users)
        return ST_OK;
    enum status status = serving_load_users(config, &users, fault);
    if (status != ST_OK)
        return status;
    proxy_users_unref(serving->users);
    serving->users = users;
    return ST_OK;
}

void serving_close(struct serving *serving)
{
    tls_server_unref(serving->tls);
    serving->tls = NULL;
    password_checker_free(serving->checker);
    serving->checker = NULL;
    login_strikes_free(serving->strikes);
    serving->strikes = NULL;
    proxy_users_unref(serving->users);
    serving->users = NULL;
    origin_parent_free(serving->parent);
    serving->parent = NULL;
    parent_watch_free(serving->parent_watch);
    serving->parent_watch = NULL;
}
