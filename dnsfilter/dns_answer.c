#include "dnsfilter/dns_answer.h"

#include <string.h>

#include "dnsfilter/dns_structured.h"

enum {
    EDE_CACHED_ERROR = 13,
    TYPE_HINFO = 13,
    ANY_TTL_S = 3600,
    MAX_PAGE_RECORDS = 4, /* of one family; keeps every block answer under 512 bytes */
    SOA_MAX_BYTES = 64,
    OPT_AND_EDE_BYTES = 17, /* without the text */
    NOTE_FAMILY_SIZE = 48,
    NOTE_SOURCES_SIZE = 56,
};

const struct dns_note dns_note_none = {.code = -1};
const struct dns_note dns_note_busy = {DNS_EDE_OTHER, {"too many queries wait for an answer", 35}};
const struct dns_note dns_note_timeout = {DNS_EDE_NO_REACHABLE_AUTHORITY, {"no answer from upstream in time", 31}};
const struct dns_note dns_note_unreachable = {DNS_EDE_NETWORK_ERROR, {"upstream can't be reached", 25}};
const struct dns_note dns_note_not_ready = {DNS_EDE_NOT_READY, {"no upstream is known yet", 24}};
const struct dns_note dns_note_loop = {DNS_EDE_NETWORK_ERROR, {"an upstream leads back to this server", 37}};
const struct dns_note dns_note_malformed = {DNS_EDE_NETWORK_ERROR, {"malformed answer from upstream", 30}};
const struct dns_note dns_note_failed = {DNS_EDE_OTHER, {"the upstream says SERVFAIL", 26}};
const struct dns_note dns_note_cached_error = {EDE_CACHED_ERROR, {"failed a moment ago", 19}};
const struct dns_note dns_note_stale = {DNS_EDE_STALE_ANSWER, {"no upstream has a newer answer", 30}};
const struct dns_note dns_note_stale_none = {DNS_EDE_STALE_NXDOMAIN, {"no upstream has a newer answer", 30}};

const struct dns_note dns_note_no_recursion = {DNS_EDE_NOT_AUTHORITATIVE, {"ask with RD set", 15}};
const struct dns_note dns_note_not_supported = {DNS_EDE_NOT_SUPPORTED, {"", 0}};
const struct dns_note dns_note_private = {
    .code = DNS_EDE_BLOCKED,
    .text = {"private address in an answer from outside (names.rebinding-allow)", 65},
    .sub_error = DNS_SUB_POLICY};

size_t dns_answer_limit(const struct dns_message *query, bool udp)
{
    if (!udp)
        return DNS_MESSAGE_MAX;
    if (!query->edns.present || query->edns.udp_size < DNS_UDP_LIMIT_PLAIN)
        return DNS_UDP_LIMIT_PLAIN;
    return query->edns.udp_size < DNS_UDP_LIMIT ? query->edns.udp_size : DNS_UDP_LIMIT;
}

static bool is_filtering(int code)
{
    return code >= DNS_EDE_BLOCKED && code <= DNS_EDE_FILTERED;
}

size_t dns_answer_end(struct dns_build *build, const struct dns_message *query, unsigned rcode, struct dns_note note)
{
    char text[DNS_STRUCTURED_MAX];
    if (query->edns.structured && is_filtering(note.code)) {
        size_t left = (size_t)(build->wire.end - build->wire.at);
        size_t room = left > OPT_AND_EDE_BYTES ? left - OPT_AND_EDE_BYTES : 0;
        note.text = (struct str){text, dns_structured_text(&note, room, text)};
    }
    if (query->edns.present)
        dns_build_opt(build, DNS_UDP_LIMIT, query->edns.dnssec_ok, rcode, note.code, note.text);
    return dns_build_finish(build);
}

size_t dns_answer_error(uint8_t *out, size_t size, const struct dns_message *query, unsigned rcode)
{
    struct dns_message bare;
    bare.header = query->header;
    bare.question_end = 0;
    struct dns_build build = dns_build_response(out, size, &bare, rcode);
    return dns_build_finish(&build);
}

size_t dns_answer_rcode(uint8_t *out, size_t size, const struct dns_message *query, unsigned rcode,
                        struct dns_note note)
{
    struct dns_build build = dns_build_response(out, size, query, rcode);
    return dns_answer_end(&build, query, rcode, note);
}

void dns_answer_add_soa(struct dns_build *build, enum dns_section section, const struct dname *owner, uint32_t ttl_s)
{
    static const uint8_t mname[] = "\011localhost";
    static const uint8_t rname[] = "\012hostmaster\007invalid";
    enum { SERIAL = 1, REFRESH_S = 3600, RETRY_S = 600, EXPIRE_S = 86400 };
    uint8_t rdata[SOA_MAX_BYTES];
    struct wire wire = wire_into(rdata, sizeof rdata);
    wire_bytes(&wire, mname, sizeof mname); /* each with the root's zero */
    wire_bytes(&wire, rname, sizeof rname);
    wire_u32(&wire, SERIAL);
    wire_u32(&wire, REFRESH_S);
    wire_u32(&wire, RETRY_S);
    wire_u32(&wire, EXPIRE_S);
    wire_u32(&wire, ttl_s);
    if (owner)
        dns_build_record(build, section, owner, DNS_TYPE_SOA, ttl_s, rdata, wire_length(&wire));
    else
        dns_build_own_record(build, section, DNS_TYPE_SOA, ttl_s, rdata, wire_length(&wire));
}

static void add_address(struct dns_build *build, uint16_t type, uint32_t ttl_s, const struct addr *addr)
{
    if (type == DNS_TYPE_A && addr_is_v4(addr))
        dns_build_own_record(build, DNS_ANSWER, DNS_TYPE_A, ttl_s, addr->ip + 12, 4);
    else if (type == DNS_TYPE_AAAA && !addr_is_v4(addr))
        dns_build_own_record(build, DNS_ANSWER, DNS_TYPE_AAAA, ttl_s, addr->ip, 16);
}

static void add_addresses(struct dns_build *build, uint16_t type, uint32_t ttl_s, const struct addr *addrs,
                          size_t count)
{
    for (size_t i = 0; i < count && build->header.ancount < MAX_PAGE_RECORDS; i++)
        add_address(build, type, ttl_s, &addrs[i]);
}

static void add_text(struct wire *wire, const char *text)
{
    wire_bytes(wire, text, strlen(text));
}

struct str dns_answer_why(const struct verdict *verdict, char out[DNS_NOTE_SIZE])
{
    char family[NOTE_FAMILY_SIZE], sources[NOTE_SOURCES_SIZE];
    struct wire wire = wire_into(out, DNS_NOTE_SIZE - 1);
    add_text(&wire, category_text(verdict->category));
    if (verdict->family[0]) {
        text_printable(family, sizeof family, str_of(verdict->family));
        add_text(&wire, ": ");
        add_text(&wire, family);
    }
    text_printable(sources, sizeof sources, str_of(verdict->sources));
    add_text(&wire, " (");
    for (const char *c = sources; *c; c++) {
        wire_u8(&wire, (uint8_t)*c);
        if (c[0] == ',' && c[1] && c[1] != ' ')
            wire_u8(&wire, ' ');
    }
    add_text(&wire, ")");
    out[wire_length(&wire)] = '\0';
    return (struct str){out, wire_length(&wire)};
}

struct dns_note dns_answer_block_note(const struct verdict *verdict, const struct dns_settings *settings,
                                      char why[DNS_NOTE_SIZE])
{
    return (struct dns_note){.code = DNS_EDE_BLOCKED,
                             .text = dns_answer_why(verdict, why),
                             .sub_error = dns_sub_error_of(verdict->category),
                             .contact = str_of(settings->contact)};
}

static enum block_answer answer_of(const struct dns_settings *settings, const struct verdict *verdict)
{
    switch (verdict->answer) {
    case RECORD_ANSWER_NXDOMAIN:
        return BLOCK_NXDOMAIN;
    case RECORD_ANSWER_NODATA:
        return BLOCK_NODATA;
    case RECORD_ANSWER_DROP:
        return BLOCK_DROP;
    default:
        break;
    }
    if (!verdict->group_answer)
        return settings->answers[verdict->category];
    enum block_answer answer = (enum block_answer)(verdict->group_answer - 1);
    return answer == BLOCK_PAGE && !settings->page_count ? BLOCK_NXDOMAIN : answer; /* else it would lead nowhere */
}

size_t dns_answer_blocked(uint8_t *out, size_t size, const struct dns_message *query,
                          const struct dns_settings *settings, const struct verdict *verdict)
{
    static const struct addr nulls[] = {{.ip = {[10] = 0xff, 0xff}}, {.ip = {0}}}; /* 0.0.0.0 and :: */
    enum block_answer answer = answer_of(settings, verdict);
    uint16_t type = query->question.type;
    unsigned rcode = DNS_RCODE_NOERROR;
    if (answer == BLOCK_DROP)
        return 0;
    if (answer == BLOCK_NXDOMAIN)
        rcode = DNS_RCODE_NXDOMAIN;
    else if (answer == BLOCK_REFUSED)
        rcode = DNS_RCODE_REFUSED;
    struct dns_build build = dns_build_response(out, size, query, rcode);
    if (answer == BLOCK_PAGE)
        add_addresses(&build, type, settings->block_ttl_s, settings->page, settings->page_count);
    else if (answer == BLOCK_NULL)
        add_addresses(&build, type, settings->block_ttl_s, nulls, sizeof nulls / sizeof nulls[0]);
    if (!build.header.ancount && answer != BLOCK_REFUSED)
        dns_answer_add_soa(&build, DNS_AUTHORITY, NULL, settings->block_ttl_s);
    char why[DNS_NOTE_SIZE];
    struct dns_note note = query->edns.present ? dns_answer_block_note(verdict, settings, why) : dns_note_none;
    return dns_answer_end(&build, query, rcode, note);
}

size_t dns_answer_by_tcp(uint8_t *out, size_t size, const struct dns_message *query)
{
    struct dns_build build = dns_build_response(out, size, query, DNS_RCODE_NOERROR);
    build.header.flags |= DNS_FLAG_TC;
    return dns_answer_end(&build, query, DNS_RCODE_NOERROR, dns_note_none);
}

size_t dns_answer_any(uint8_t *out, size_t size, const struct dns_message *query)
{
    static const uint8_t hinfo[] = "\007RFC8482"; /* CPU; the zero byte at the end is an empty OS */
    struct dns_build build = dns_build_response(out, size, query, DNS_RCODE_NOERROR);
    dns_build_own_record(&build, DNS_ANSWER, TYPE_HINFO, ANY_TTL_S, hinfo, sizeof hinfo);
    return dns_answer_end(&build, query, DNS_RCODE_NOERROR, dns_note_none);
}

static uint16_t client_flags(uint16_t response_flags, const struct dns_message *query)
{
    uint16_t flags = (uint16_t)(DNS_FLAG_QR | DNS_FLAG_RA | (response_flags & 15));
    flags |= query->header.flags & (DNS_FLAG_RD | DNS_FLAG_CD);
    /* RFC 6840 section 5.8: AD only to those who show that they understand it. */
    if (query->header.flags & DNS_FLAG_AD || (query->edns.present && query->edns.dnssec_ok))
        flags |= response_flags & DNS_FLAG_AD;
    return flags;
}

size_t dns_answer_finish(uint8_t *out, size_t size, size_t n, const struct dns_message *query, struct dns_note note,
                         size_t limit)
{
    const struct dns_question *question = &query->question;
    struct dns_build build = {.wire = {.start = out, .at = out + n, .end = out + size}};
    struct wire asked = wire_into(out + DNS_HEADER_BYTES, n - DNS_HEADER_BYTES);
    if (dns_header_parse(out, n, &build.header) != ST_OK)
        return 0;
    build.header.id = query->header.id;
    build.header.flags = client_flags(build.header.flags, query);
    wire_bytes(&asked, question->name.wire, question->name.length);
    wire_u16(&asked, question->type);
    wire_u16(&asked, question->class);
    size_t length = dns_answer_end(&build, query, 0, note);
    return length > limit ? dns_truncate(out, length, limit) : length;
}
