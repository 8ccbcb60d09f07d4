#include "dnsfilter/dns_ddr.h"

#include <string.h>

#include "dnsfilter/dns_answer.h"

enum {
    TTL_S = 300,
    RDATA_MAX_BYTES = 400, /* a name and a few parameters */
    /* RFC 9460 section 14.3.2, RFC 9461 section 5 */
    KEY_ALPN = 1,
    KEY_PORT = 3,
    KEY_IPV4HINT = 4,
    KEY_IPV6HINT = 6,
    KEY_DOHPATH = 7,
};

static const uint8_t asked_name[] = "\4_dns\10resolver\4arpa"; /* with the root's zero */

bool dns_ddr_is_asked(const struct dns_query *query)
{
    const struct dns_question *question = &query->message.question;
    struct dname lower;
    if (question->type != DNS_TYPE_SVCB || question->name.length != sizeof asked_name)
        return false;
    lower = question->name;
    dname_lower(&lower);
    return !memcmp(lower.wire, asked_name, sizeof asked_name) && *tls_server_name(query->core->tls);
}

/* One way to us. */
struct way {
    const char *alpn, *path; /* path: of a URI template; NULL: none */
    uint16_t priority;
};

static void add_parameter(struct wire *wire, uint16_t key, const void *value, size_t n)
{
    wire_u16(wire, key);
    wire_u16(wire, (uint16_t)n);
    wire_bytes(wire, value, n);
}

static void add_way(struct dns_build *build, const struct way *way, const struct dname *target, uint16_t port,
                    const struct addr *hint)
{
    uint8_t rdata[RDATA_MAX_BYTES], alpn[16];
    struct wire wire = wire_into(rdata, sizeof rdata), list = wire_into(alpn, sizeof alpn);
    wire_u8(&list, (uint8_t)strlen(way->alpn));
    wire_bytes(&list, way->alpn, strlen(way->alpn));
    wire_u16(&wire, way->priority);
    wire_bytes(&wire, target->wire, target->length);
    add_parameter(&wire, KEY_ALPN, alpn, wire_length(&list));
    add_parameter(&wire, KEY_PORT, (uint8_t[]){(uint8_t)(port >> 8), (uint8_t)port}, 2);
    if (hint && addr_is_v4(hint))
        add_parameter(&wire, KEY_IPV4HINT, hint->ip + 12, 4);
    else if (hint)
        add_parameter(&wire, KEY_IPV6HINT, hint->ip, sizeof hint->ip);
    if (way->path)
        add_parameter(&wire, KEY_DOHPATH, way->path, strlen(way->path));
    if (!wire.failed)
        dns_build_own_record(build, DNS_ANSWER, DNS_TYPE_SVCB, TTL_S, rdata, wire_length(&wire));
}

static void add_listeners(struct dns_build *build, const struct dns_query *query, const struct way *way,
                          const struct addr *listeners, size_t count)
{
    struct dname target;
    if (dname_from_text(str_of(tls_server_name(query->core->tls)), &target) != ST_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        /* Where it is every address of ours, the one that was asked is as good as any. */
        const struct addr *local = &query->client.peer.local;
        const struct addr *hint = addr_is_unspecified(&listeners[i]) ? local : &listeners[i];
        bool same_family = addr_is_v4(hint) == addr_is_v4(&listeners[i]);
        if (addr_is_loopback(hint) && query->client.standing != DNS_MACHINE)
            continue;
        add_way(build, way, &target, listeners[i].port, same_family ? hint : NULL);
    }
}

size_t dns_ddr_answer(const struct dns_query *query)
{
    static const struct way tls = {.alpn = "dot", .priority = 1};
    static const struct way https = {.alpn = "h2", .path = "/dns-query{?dns}", .priority = 2};
    struct dns_core *core = query->core;
    const struct dns_settings *settings = core->settings;
    size_t limit = dns_answer_limit(&query->message, query->client.udp);
    struct dns_build build = dns_build_response(core->out, sizeof core->out, &query->message, DNS_RCODE_NOERROR);
    add_listeners(&build, query, &tls, settings->tls_listen, settings->tls_listen_count);
    add_listeners(&build, query, &https, settings->https_listen, settings->https_listen_count);
    if (!build.header.ancount)
        dns_answer_add_soa(&build, DNS_AUTHORITY, NULL, TTL_S);
    size_t n = dns_answer_end(&build, &query->message, DNS_RCODE_NOERROR, dns_note_none);
    return n > limit ? dns_truncate(core->out, n, limit) : n;
}
