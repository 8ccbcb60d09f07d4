#include "net/upstream_https.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/check.h"
#include "message/dns_message.h"

enum {
    CONNECTIONS_PER_SERVER = 2, /* by HTTP/2 one is enough; by HTTP/1.1 queries wait for each other */
    MAX_IDLE = 64,              /* handles kept for the next query */
    UNACKNOWLEDGED_MS = 3000,
};

struct https_transfer {
    struct upstream_https *https;
    struct curl_transfer curl;
    struct https_query *query;
    uint8_t message[QUERY_MASK_MAX];
    struct buf answer;
    struct curl_slist *resolve;
    char error[CURL_ERROR_SIZE];
    TAILQ_ENTRY(https_transfer) entry;
};

struct upstream_https {
    struct upstream_https_settings settings;
    struct curl_loop *curl;
    struct curl_slist *headers;
    TAILQ_HEAD(, https_transfer) idle;
    size_t idle_count;
};

/* What came back */

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct https_transfer *transfer = arg;
    buf_add(&transfer->answer, data, size * count);
    return transfer->answer.failed ? 0 : size * count;
}

static enum status status_of(CURLcode result, const struct https_transfer *transfer)
{
    switch (result) {
    case CURLE_WRITE_ERROR:
    case CURLE_FILESIZE_EXCEEDED:
        return transfer->answer.failed ? ST_TOO_LARGE : ST_UNAVAILABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return ST_TIMEOUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return ST_DENIED;
    case CURLE_OUT_OF_MEMORY:
        return ST_NOMEM;
    default:
        return ST_UNAVAILABLE;
    }
}

/* Whether it is a DNS message that the server stands by (RFC 8484 section 4.2). */
static bool is_answer(CURL *easy, char why[CURL_ERROR_SIZE])
{
    static const struct str wanted = {"application/dns-message", 23};
    long code = 0;
    char *type = NULL;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    struct str given = str_of(type), before, parameters;
    if (str_cut(given, ';', &before, &parameters))
        given = before;
    if (code != 200)
        snprintf(why, CURL_ERROR_SIZE, "it answers with HTTP status %ld", code);
    else if (!str_eq_nocase(str_trim(given), wanted))
        snprintf(why, CURL_ERROR_SIZE, "what it answers with is no application/dns-message");
    else
        return true;
    return false;
}

static uint32_t age_of(CURL *easy)
{
    struct curl_header *header;
    uint64_t age;
    if (curl_easy_header(easy, "Age", 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
        text_u64(str_trim(str_of(header->value)), UINT32_MAX, &age) != ST_OK)
        return 0;
    return (uint32_t)age;
}

/* What stood in an HTTP cache on the way is that much older. */
static void age_ttls(uint8_t *reply, size_t n, uint32_t age_s)
{
    struct dns_message message;
    if (!age_s || dns_response_parse(reply, n, &message) != ST_OK)
        return;
    struct dns_walk walk = dns_walk_start(reply, n, &message);
    for (struct dns_record record; dns_walk_next(&walk, &record);) {
        if (record.type == DNS_TYPE_OPT)
            continue;
        uint32_t ttl_s = record.ttl > age_s ? record.ttl - age_s : 0;
        for (size_t i = 0; i < 4; i++)
            reply[record.ttl_offset + i] = (uint8_t)(ttl_s >> (24 - 8 * i));
    }
}

/* Transfers */

static void transfer_free(struct https_transfer *transfer)
{
    curl_easy_cleanup(transfer->curl.easy);
    curl_slist_free_all(transfer->resolve);
    buf_free(&transfer->answer);
    free(transfer);
}

static void put_back(struct https_transfer *transfer)
{
    struct upstream_https *https = transfer->https;
    transfer->query->transfer = NULL;
    transfer->query = NULL;
    if (https->idle_count == MAX_IDLE) {
        transfer_free(transfer);
        return;
    }
    curl_easy_setopt(transfer->curl.easy, CURLOPT_RESOLVE, NULL);
    curl_slist_free_all(transfer->resolve);
    transfer->resolve = NULL;
    buf_free(&transfer->answer);
    TAILQ_INSERT_HEAD(&https->idle, transfer, entry);
    https->idle_count++;
}

static void on_done(void *arg, int result)
{
    struct https_transfer *transfer = arg;
    struct https_query *query = transfer->query;
    uint8_t *reply = transfer->https->settings.reply;
    char why[CURL_ERROR_SIZE] = "";
    size_t n = transfer->answer.length;
    enum status status = ST_OK;
    if (result != CURLE_OK) {
        status = status_of((CURLcode)result, transfer);
        text_copy(why, sizeof why, str_of(transfer->error[0] ? transfer->error : curl_easy_strerror((CURLcode)result)));
    } else if (!is_answer(transfer->curl.easy, why)) {
        status = ST_UNAVAILABLE;
    } else if (n) {
        memcpy(reply, transfer->answer.data, n);
        age_ttls(reply, n, age_of(transfer->curl.easy));
    }
    put_back(transfer);
    if (status == ST_OK)
        query->on_message(query->arg, n);
    else
        query->on_failed(query->arg, status, why);
}

/* libcurl's own authorities are a file that it reads while it connects; ours are read already. */
static CURLcode on_ssl_context(CURL *easy, void *context, void *arg)
{
    (void)easy;
    const struct upstream_https *https = arg;
    const struct tls_trust *trust = *https->settings.trust;
    if (!trust)
        return CURLE_SSL_CERTPROBLEM;
    SSL_CTX_set1_cert_store(context, SSL_CTX_get_cert_store(tls_trust_context(trust)));
    return CURLE_OK;
}

/* A connection where what was sent is not even acknowledged ends, so that the next query does not go there. */
static int on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    (void)arg, (void)purpose;
    static const unsigned timeout_ms = UNACKNOWLEDGED_MS;
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
    return CURL_SOCKOPT_OK;
}

/* Nothing of the environment (proxies, .netrc, cookies), no redirects, no other protocol. */
static void set_options(struct https_transfer *transfer)
{
    CURL *easy = transfer->curl.easy;
    struct upstream_https *https = transfer->https;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L); /* rather share a connection than make another */
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_context);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, https);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)https->settings.timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, https->headers);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, (long)DNS_MESSAGE_MAX);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
}

static struct https_transfer *transfer_new(struct upstream_https *https)
{
    struct https_transfer *transfer = TAILQ_FIRST(&https->idle);
    if (transfer) {
        TAILQ_REMOVE(&https->idle, transfer, entry);
        https->idle_count--;
        return transfer;
    }
    transfer = calloc(1, sizeof *transfer);
    if (!transfer)
        return NULL;
    transfer->https = https;
    transfer->answer.max_bytes = DNS_MESSAGE_MAX;
    transfer->curl = (struct curl_transfer){.easy = curl_easy_init(), .on_done = on_done, .arg = transfer};
    if (!transfer->curl.easy) {
        transfer_free(transfer);
        return NULL;
    }
    set_options(transfer);
    return transfer;
}

/* "HOST:PORT:ADDR,ADDR": libcurl then looks nothing up, and tries one address after the other. */
static enum status set_addresses(struct https_transfer *transfer, const struct upstream_address *server,
                                 const char *name, const struct upstream_host *host)
{
    struct buf line = {0};
    char ip[ADDR_TEXT_SIZE];
    size_t count = host ? host->count : 1;
    buf_printf(&line, "%s:%u:", name, server->addr.port);
    for (size_t i = 0; i < count; i++) {
        const struct addr *addr = host ? &host->addrs[i] : &server->addr;
        addr_format_ip(addr, ip);
        buf_printf(&line, addr_is_v4(addr) ? "%s%s" : "%s[%s]", i ? "," : "", ip);
    }
    transfer->resolve = line.failed ? NULL : curl_slist_append(NULL, buf_text(&line));
    buf_free(&line);
    curl_easy_setopt(transfer->curl.easy, CURLOPT_RESOLVE, transfer->resolve);
    return transfer->resolve ? ST_OK : ST_NOMEM;
}

static enum status set_url(struct https_transfer *transfer, const struct upstream_address *server, const char *name)
{
    char url[UPSTREAM_TEXT_SIZE];
    snprintf(url, sizeof url, "https://%s:%u%s", name, server->addr.port, server->path);
    return curl_easy_setopt(transfer->curl.easy, CURLOPT_URL, url) == CURLE_OK ? ST_OK : ST_NOMEM;
}

enum status upstream_https_send(struct upstream_https *https, const struct upstream_address *server,
                                const struct upstream_host *host, const struct query_mask *mask,
                                struct https_query *query)
{
    struct https_transfer *transfer = transfer_new(https);
    char ip[ADDR_TEXT_SIZE], name[ADDR_TEXT_SIZE + UPSTREAM_HOST_SIZE];
    if (!transfer)
        return ST_NOMEM;
    transfer->query = query;
    query->transfer = transfer;
    transfer->error[0] = '\0';
    addr_format_ip(&server->addr, ip);
    snprintf(name, sizeof name, server->host[0] || addr_is_v4(&server->addr) ? "%s" : "[%s]",
             server->host[0] ? server->host : ip);
    memcpy(transfer->message, mask->bytes, mask->length);
    curl_easy_setopt(transfer->curl.easy, CURLOPT_POSTFIELDS, transfer->message);
    curl_easy_setopt(transfer->curl.easy, CURLOPT_POSTFIELDSIZE, (long)mask->length);
    enum status status = set_url(transfer, server, name);
    if (status == ST_OK && server->host[0])
        status = set_addresses(transfer, server, name, host);
    if (status == ST_OK)
        status = curl_loop_start(https->curl, &transfer->curl);
    if (status != ST_OK)
        put_back(transfer);
    return status;
}

void upstream_https_cancel(struct upstream_https *https, struct https_query *query)
{
    if (!query->transfer)
        return;
    curl_loop_cancel(https->curl, &query->transfer->curl);
    put_back(query->transfer);
}

struct upstream_https *upstream_https_new(const struct upstream_https_settings *settings)
{
    static const char *const lines[] = {"Content-Type: application/dns-message", "Accept: application/dns-message",
                                        "User-Agent:", "Expect:"};
    struct upstream_https *https = calloc(1, sizeof *https);
    if (!https)
        return NULL;
    https->settings = *settings;
    TAILQ_INIT(&https->idle);
    https->curl = curl_loop_new(settings->loop, CONNECTIONS_PER_SERVER);
    bool made = https->curl;
    for (size_t i = 0; made && i < sizeof lines / sizeof lines[0]; i++) {
        struct curl_slist *more = curl_slist_append(https->headers, lines[i]);
        made = more;
        https->headers = more ? more : https->headers;
    }
    if (!made) {
        upstream_https_free(https);
        return NULL;
    }
    return https;
}

void upstream_https_free(struct upstream_https *https)
{
    if (!https)
        return;
    while (!TAILQ_EMPTY(&https->idle)) {
        struct https_transfer *transfer = TAILQ_FIRST(&https->idle);
        TAILQ_REMOVE(&https->idle, transfer, entry);
        transfer_free(transfer);
    }
    curl_loop_free(https->curl);
    curl_slist_free_all(https->headers);
    free(https);
}
