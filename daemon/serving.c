#include "daemon/serving.h"

#include <sys/random.h>

enum status serving_load_tls(const struct config *config, struct tls_server **tls, struct fault *fault)
{
    const struct tls_server_files files = {.certificate = config->dns.tls_certificate,
                                           .key = config->dns.tls_key,
                                           .certificate_option = "dns.tls-certificate",
                                           .key_option = "dns.tls-key"};
    *tls = NULL;
    if (!config->dns.tls_listen.count && !config->dns.https_listen.count)
        return ST_OK;
    return tls_server_new(&files, tls, fault);
}

enum status serving_open(struct serving *serving, const struct config *config, struct fault *fault)
{
    ssize_t got = getrandom(serving->cookie_secret, sizeof serving->cookie_secret, 0);
    if (got != (ssize_t)sizeof serving->cookie_secret)
        return fault_errno(fault, ST_IO, "no random bytes for the secret of DNS cookies");
    return serving_load_tls(config, &serving->tls, fault);
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

void serving_close(struct serving *serving)
{
    tls_server_unref(serving->tls);
    serving->tls = NULL;
}
