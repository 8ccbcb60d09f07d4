/* What all workers need alike to serve DNS: the certificate, the secret of cookies. */
#pragma once

#include "daemon/config.h"
#include "net/tls_server.h"

struct serving {
    struct tls_server *tls; /* NULL: nothing listens over TLS */
    uint8_t cookie_secret[SIPHASH_KEY_BYTES];
};

/* Reads what dns.tls-certificate and dns.tls-key name, where something listens over TLS; *TLS is NULL else. */
enum status serving_load_tls(const struct config *config, struct tls_server **tls, struct fault *fault) MUST_CHECK;

enum status serving_open(struct serving *serving, const struct config *config, struct fault *fault) MUST_CHECK;
/* Reads the files anew; on failure all stays as it was. */
enum status serving_renew(struct serving *serving, const struct config *config, struct fault *fault) MUST_CHECK;
void serving_close(struct serving *serving); /* also of `{0}` */
