#include "dnsfilter/dns_special.h"

#include <stdio.h>

enum { SPECIAL_TTL_S = 60 /* short: a server of one's own may be named for the domain at any time */ };

static const char private_reverse[] = "reverse zone of private addresses, never forwarded (RFC 6303)";

/* Each with all below it. */
static const struct dns_special table[] = {
    {"localhost", DNS_SPECIAL_LOOPBACK, "this machine (RFC 6761)"},
    {"invalid", DNS_SPECIAL_NO_NAME, "never a name (RFC 6761)"},
    {"test", DNS_SPECIAL_NO_NAME, "kept for tests, never forwarded (RFC 6761)"},
    {"onion", DNS_SPECIAL_NO_NAME, "only Tor knows it, never forwarded (RFC 7686)"},
    {"local", DNS_SPECIAL_NO_NAME, "asked by multicast, never forwarded (RFC 6762)"},
    {"alt", DNS_SPECIAL_NO_NAME, "not of the DNS, never forwarded (RFC 9476)"},
    {"internal", DNS_SPECIAL_NO_NAME, "kept for networks of one's own, never forwarded"},
    {"home.arpa", DNS_SPECIAL_EMPTY, "of the home network, never forwarded (RFC 8375)"},
    {"service.arpa", DNS_SPECIAL_EMPTY, "of the local network, never forwarded (RFC 9665)"},
    {"resolver.arpa", DNS_SPECIAL_NO_DATA, "of this resolver, never forwarded (RFC 9462)"},
    {"ipv4only.arpa", DNS_SPECIAL_IPV4ONLY, "fixed addresses (RFC 8880)"},

    {"0.in-addr.arpa", DNS_SPECIAL_EMPTY, private_reverse},
    {"10.in-addr.arpa", DNS_SPECIAL_EMPTY, private_reverse},
    {"100.in-addr.arpa", DNS_SPECIAL_EMPTY, private_reverse, 64, 127}, /* RFC 7793 */
    {"127.in-addr.arpa", DNS_SPECIAL_EMPTY, private_reverse},
    {"254.169.in-addr.arpa", DNS_SPECIAL_EMPTY, private_reverse},
    {"172.in-addr.arpa", DNS_SPECIAL_EMPTY, private_reverse, 16, 31},
    {"2.0.192.in-addr.arpa", DNS_SPECIAL_EMPTY, private_reverse},
    {"168.192.in-addr.arpa", DNS_SPECIAL_EMPTY, private_reverse},
    {"100.51.198.in-addr.arpa", DNS_SPECIAL_EMPTY, private_reverse},
    {"113.0.203.in-addr.arpa", DNS_SPECIAL_EMPTY, private_reverse},
    {"255.255.255.255.in-addr.arpa", DNS_SPECIAL_EMPTY, private_reverse},
    {"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", DNS_SPECIAL_EMPTY, private_reverse},
    {"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", DNS_SPECIAL_EMPTY, private_reverse},
    {"d.f.ip6.arpa", DNS_SPECIAL_EMPTY, private_reverse},
    {"8.e.f.ip6.arpa", DNS_SPECIAL_EMPTY, private_reverse},
    {"9.e.f.ip6.arpa", DNS_SPECIAL_EMPTY, private_reverse},
    {"a.e.f.ip6.arpa", DNS_SPECIAL_EMPTY, private_reverse},
    {"b.e.f.ip6.arpa", DNS_SPECIAL_EMPTY, private_reverse},
    {"8.b.d.0.1.0.0.2.ip6.arpa", DNS_SPECIAL_EMPTY, private_reverse},
};

/* What browsers ask whether they may go elsewhere (switches of the configuration). */
const struct dns_special dns_special_canary = {
    .rule = DNS_SPECIAL_NO_NAME, .why = "Firefox is told to keep to this resolver (names.firefox-canary)"};
const struct dns_special dns_special_private_relay = {
    .rule = DNS_SPECIAL_NO_NAME, .why = "Private Relay would pass this resolver by (names.block-private-relay)"};

const struct dns_special *dns_special_at(size_t index, struct dname *name)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct dns_special *row = &table[i];
        size_t zones = row->last ? row->last - row->first + 1u : 1;
        if (index >= zones) {
            index -= zones;
            continue;
        }
        char text[96];
        if (row->last)
            snprintf(text, sizeof text, "%u.%s", (unsigned)(row->first + index), row->name);
        else
            snprintf(text, sizeof text, "%s", row->name);
        return dname_from_text(str_of(text), name) == ST_OK ? row : NULL;
    }
    return NULL;
}

/* RFC 8880 section 7.1: of ipv4only.arpa a translator answers AAAA, and clients learn its prefix from that. DS: the
 * parent's to say, which shows a validator that the zone is not signed. */
bool dns_special_passes(const struct dns_special *special, const struct dname *apex,
                        const struct dns_question *question)
{
    if (question->name.length != apex->length)
        return false;
    switch (special->rule) {
    case DNS_SPECIAL_EMPTY:
    case DNS_SPECIAL_NO_DATA:
        return question->type == DNS_TYPE_DS;
    case DNS_SPECIAL_IPV4ONLY:
        return question->type == DNS_TYPE_DS || question->type == DNS_TYPE_AAAA;
    default:
        return false;
    }
}

static void add_loopback(struct dns_build *build, uint16_t type)
{
    static const uint8_t v4[] = {127, 0, 0, 1}, v6[16] = {[15] = 1};
    if (type == DNS_TYPE_A)
        dns_build_own_record(build, DNS_ANSWER, type, SPECIAL_TTL_S, v4, sizeof v4);
    else if (type == DNS_TYPE_AAAA)
        dns_build_own_record(build, DNS_ANSWER, type, SPECIAL_TTL_S, v6, sizeof v6);
}

/* What stands at the top of a zone. */
static void add_apex(struct dns_build *build, enum dns_special_rule rule, uint16_t type)
{
    static const uint8_t server[] = "\011localhost";
    static const uint8_t v4[][4] = {{192, 0, 0, 170}, {192, 0, 0, 171}};
    if (type == DNS_TYPE_SOA)
        dns_answer_add_soa(build, DNS_ANSWER, NULL, SPECIAL_TTL_S);
    else if (type == DNS_TYPE_NS)
        dns_build_own_record(build, DNS_ANSWER, type, SPECIAL_TTL_S, server, sizeof server);
    for (size_t i = 0; rule == DNS_SPECIAL_IPV4ONLY && type == DNS_TYPE_A && i < 2; i++)
        dns_build_own_record(build, DNS_ANSWER, type, SPECIAL_TTL_S, v4[i], sizeof v4[i]);
}

size_t dns_special_answer(uint8_t *out, size_t size, const struct dns_message *query, const struct dns_special *special,
                          const struct dname *apex)
{
    uint16_t type = query->question.type;
    bool at_apex = query->question.name.length == apex->length;
    bool zone = special->rule == DNS_SPECIAL_EMPTY || special->rule == DNS_SPECIAL_IPV4ONLY;
    bool none = special->rule == DNS_SPECIAL_NO_NAME || (zone && !at_apex);
    unsigned rcode = none ? DNS_RCODE_NXDOMAIN : DNS_RCODE_NOERROR;
    struct dns_build build = dns_build_response(out, size, query, rcode);
    if (special->rule == DNS_SPECIAL_LOOPBACK)
        add_loopback(&build, type);
    else if (at_apex && special->rule != DNS_SPECIAL_NO_NAME)
        add_apex(&build, special->rule, type);
    if (!build.header.ancount)
        dns_answer_add_soa(&build, DNS_AUTHORITY, at_apex ? NULL : apex, SPECIAL_TTL_S);
    struct dns_note note = {DNS_EDE_OTHER, str_of(special->why)};
    return dns_answer_end(&build, query, rcode, build.header.ancount ? dns_note_none : note);
}
