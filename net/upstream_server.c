#include "net/upstream_server.h"

#include <math.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/digest.h"
#include "base/log.h"

enum {
    DOWN_FIRST_MS = 1000,
    DOWN_LAST_MS = 60000,
    PATIENCE_UNKNOWN_MS = 400,
    PATIENCE_LEAST_MS = 200, /* under that, each slow name would be asked of two servers */
    CASE_MISMATCHES_MAX = 3, /* then it is taken for one that does not keep letter case */
    COOKIES_MISSING_MAX = 3,
    AGAIN_AFTER_MS = 3600 * 1000, /* what was seen may have been the work of one who forges answers */
    SECRET_BYTES = 32,
};

void upstream_server_init(struct upstream_server *server, const struct upstream_address *address,
                          struct upstream_hosts *hosts)
{
    *server = (struct upstream_server){.address = *address, .users = 1, .down_ms = DOWN_FIRST_MS};
    if (upstream_address_is_named(address))
        upstream_host_init(&server->host, hosts, server->address.host, address->addr.port);
}

const struct addr *upstream_server_addr(const struct upstream_server *server)
{
    if (!upstream_address_is_named(&server->address))
        return &server->address.addr;
    return server->host.count ? upstream_host_addr(&server->host) : NULL;
}

/* Health and speed */

bool upstream_server_is_up(const struct upstream_server *server)
{
    return server->failures < SERVER_DOWN_AFTER_FAILURES;
}

void upstream_server_answered(struct upstream_server *server, int64_t rtt_ms)
{
    double rtt = (double)rtt_ms;
    server->failures = 0;
    server->down_ms = DOWN_FIRST_MS;
    if (!server->measured) {
        server->rtt_ms = rtt;
        server->rtt_deviation_ms = rtt / 2;
        server->measured = true;
        return;
    }
    server->rtt_deviation_ms += (fabs(rtt - server->rtt_ms) - server->rtt_deviation_ms) / 4;
    server->rtt_ms += (rtt - server->rtt_ms) / 8;
}

static void leave_alone(struct upstream_server *server, int64_t now_ms)
{
    server->retry_at_ms = now_ms + server->down_ms;
    server->down_ms = server->down_ms * 2 < DOWN_LAST_MS ? server->down_ms * 2 : DOWN_LAST_MS;
}

void upstream_server_failed(struct upstream_server *server, int64_t now_ms)
{
    if (upstream_server_is_up(server) && ++server->failures == SERVER_DOWN_AFTER_FAILURES)
        leave_alone(server, now_ms);
}

bool upstream_server_take_retry(struct upstream_server *server, int64_t now_ms)
{
    if (upstream_server_is_up(server) || now_ms < server->retry_at_ms)
        return false;
    leave_alone(server, now_ms);
    return true;
}

int64_t upstream_server_patience_ms(const struct upstream_server *server, bool connecting, int64_t most_ms)
{
    int64_t patience_ms = PATIENCE_UNKNOWN_MS;
    if (server->measured)
        patience_ms = (int64_t)(server->rtt_ms + 4 * server->rtt_deviation_ms);
    if (patience_ms < PATIENCE_LEAST_MS)
        patience_ms = PATIENCE_LEAST_MS;
    if (connecting) /* two more trips and a signature (RFC 8446 section 2), or what is usual for that */
        patience_ms += server->measured ? (int64_t)(2 * server->rtt_ms) : PATIENCE_UNKNOWN_MS;
    return patience_ms < most_ms ? patience_ms : most_ms;
}

/* Letter case */

void upstream_server_limit_trust(const struct upstream_server *server, uint8_t *reply)
{
    bool encrypted = server->address.transport == UPSTREAM_TLS || server->address.transport == UPSTREAM_HTTPS;
    if (!encrypted && !addr_is_loopback(&server->address.addr))
        reply[3] &= (uint8_t)~DNS_FLAG_AD;
}

bool upstream_server_mixes_case(struct upstream_server *server, int64_t now_ms)
{
    if (server->loses_case && now_ms >= server->mix_again_at_ms) {
        server->loses_case = false;
        server->case_mismatches = CASE_MISMATCHES_MAX - 1; /* after one more mismatch it is left alone again */
    }
    return !server->loses_case;
}

void upstream_server_lost_case(struct upstream_server *server, int64_t now_ms)
{
    if (server->loses_case || ++server->case_mismatches < CASE_MISMATCHES_MAX)
        return;
    char text[UPSTREAM_TEXT_SIZE];
    upstream_address_format(&server->address, text);
    log_info("the DNS server %s does not keep the case of letters in its answers; it is asked by TCP", text);
    server->loses_case = server->tcp_works = true;
    server->mix_again_at_ms = now_ms + AGAIN_AFTER_MS;
}

/* EDNS */

bool upstream_server_takes_edns(struct upstream_server *server, int64_t now_ms)
{
    if (server->edns_faults && now_ms >= server->edns_again_at_ms)
        server->edns_faults = 0;
    return server->edns_faults < 2;
}

void upstream_server_refused_edns(struct upstream_server *server, int64_t now_ms)
{
    char text[UPSTREAM_TEXT_SIZE];
    upstream_address_format(&server->address, text);
    server->edns_again_at_ms = now_ms + AGAIN_AFTER_MS;
    if (++server->edns_faults == 2)
        log_info("the DNS server %s does not take EDNS; it is asked without, so DNSSEC data is not to be had there",
                 text);
}

/* Cookies */

static uint8_t secret[SECRET_BYTES];

static void draw_secret(void)
{
    CHECK(getrandom(secret, sizeof secret, 0) == sizeof secret);
}

/* One client cookie per pair of addresses (RFC 7873 section 4.1, RFC 9018 section 3), the same in all threads, so that
 * a query of ours is known wherever it comes in. */
static enum status make_client_cookie(const struct addr *remote, const struct addr *local,
                                      uint8_t cookie[CLIENT_COOKIE_BYTES])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint8_t input[2 * SECRET_BYTES + sizeof remote->ip + 2 + sizeof local->ip], digest[DIGEST_BYTES];
    pthread_once(&once, draw_secret);
    struct wire wire = wire_into(input, sizeof input);
    wire_bytes(&wire, secret, sizeof secret);
    wire_bytes(&wire, remote->ip, sizeof remote->ip);
    wire_u16(&wire, remote->port);
    wire_bytes(&wire, local->ip, sizeof local->ip);
    wire_bytes(&wire, secret, sizeof secret);
    enum status status = digest_bytes(input, wire_length(&wire), digest);
    if (status == ST_OK)
        memcpy(cookie, digest, CLIENT_COOKIE_BYTES);
    return status;
}

bool upstream_server_takes_cookies(const struct upstream_server *server, int64_t now_ms)
{
    return !server->edns_faults && now_ms >= server->cookie.off_until_ms;
}

const struct query_cookie *upstream_server_cookie(struct upstream_server *server, const struct addr *local)
{
    struct server_cookie *cookie = &server->cookie;
    if (!addr_same_ip(&cookie->local, local)) { /* a server cookie would tell that both addresses are ours */
        const struct addr *remote = upstream_server_addr(server);
        if (!remote || make_client_cookie(remote, local, cookie->value.bytes) != ST_OK)
            return NULL;
        cookie->local = *local;
        cookie->value.length = CLIENT_COOKIE_BYTES;
    }
    return &cookie->value;
}

void upstream_server_take_cookie(struct upstream_server *server, const struct query_cookie *cookie)
{
    struct query_cookie *own = &server->cookie.value;
    if (cookie->length < COOKIE_MIN_BYTES || memcmp(own->bytes, cookie->bytes, CLIENT_COOKIE_BYTES))
        return; /* none, or one that was drawn before our address changed */
    *own = *cookie;
    server->cookie.missing = 0;
}

void upstream_server_forget_cookie(struct upstream_server *server)
{
    server->cookie = (struct server_cookie){.off_until_ms = server->cookie.off_until_ms};
}

void upstream_server_lost_cookie(struct upstream_server *server, int64_t now_ms)
{
    if (++server->cookie.missing < COOKIES_MISSING_MAX)
        return;
    server->cookie = (struct server_cookie){.off_until_ms = now_ms + AGAIN_AFTER_MS};
}

bool upstream_server_knows_cookie(const struct upstream_server *server, const uint8_t cookie[CLIENT_COOKIE_BYTES])
{
    return server->cookie.value.length && !memcmp(server->cookie.value.bytes, cookie, CLIENT_COOKIE_BYTES);
}
