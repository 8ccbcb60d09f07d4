/* What all workers need alike: to serve DNS the certificate and the secret of cookies, for the proxy its parent and its
 * users. */
#pragma once

#include "config/config.h"
#include "net/tls_server.h"
#include "proxy/origin_parent.h"
#include "proxy/parent_watch.h"
#include "proxy/password_checker.h"

struct serving {
    struct tls_server *tls; /* NULL: nothing listens over TLS */
    uint8_t cookie_secret[SIPHASH_KEY_BYTES];
    struct origin_parent *parent;      /* NULL: none */
    struct parent_watch *parent_watch; /* of it */
    struct proxy_users *users;         /* NULL: the proxy asks for no login */
    struct password_checker *checker;  /* for those */
    struct login_strikes *strikes;     /* likewise */
};

/* Reads what dns.tls-certificate and dns.tls-key name, where something listens over TLS; *TLS is NULL else. */
enum status serving_load_tls(const struct config *config, struct tls_server **tls, struct fault *fault) MUST_CHECK;

/* The proxy that proxy.parent names, with its login; *PARENT is NULL where it names none. */
enum status serving_load_parent(const struct config *config, struct origin_parent **parent,
                                struct fault *fault) MUST_CHECK;

/* Those in the file that proxy.users names; *USERS is NULL where it names none. */
enum status serving_load_users(const struct config *config, struct proxy_users **users, struct fault *fault) MUST_CHECK;

enum status serving_open(struct serving *serving, const struct config *config, struct fault *fault) MUST_CHECK;
/* Reads the certificate's files anew; on failure all stays as it was. */
enum status serving_renew(struct serving *serving, const struct config *config, struct fault *fault) MUST_CHECK;
/* Likewise the file of users, where there was one at start. */
enum status serving_renew_users(struct serving *serving, const struct config *config, struct fault *fault) MUST_CHECK;
void serving_close(struct serving *serving); /* also of `{0}` */
