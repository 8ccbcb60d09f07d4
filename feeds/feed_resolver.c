#include "feeds/feed_resolver.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "feeds/interrupt.h"
#include "feeds/primary.h"
#include "message/dns_message.h"

enum {
    TRY_MS = 2000,
    ROUNDS = 2,    /* through all servers */
    LOOK_MS = 200, /* an interrupt that came between two looks is seen then */
    MAX_ALIASES = 16,
    QUERY_BYTES = DNS_HEADER_BYTES + DNAME_MAX_BYTES + 4,
};

/* One question to one server. */
struct ask {
    const struct addr *server;
    struct dns_question question;
    uint8_t query[QUERY_BYTES];
    size_t query_bytes;
    uint8_t reply[DNS_MESSAGE_MAX];
    size_t reply_bytes;
    struct dns_message message; /* of the reply */
};

struct look_up {
    const struct feed_site *site;
    int64_t until_ms;
    struct addr *addrs;
    size_t count;
};

static bool build(struct ask *ask)
{
    uint16_t id;
    if (getrandom(&id, sizeof id, 0) != sizeof id)
        return false;
    struct dns_build query = dns_build_query(ask->query, sizeof ask->query, id, &ask->question, 0);
    ask->query_bytes = dns_build_finish(&query);
    return ask->query_bytes > 0;
}

/* Whether it answers our question: anything else is somebody's guess. */
static bool is_reply(struct ask *ask)
{
    struct dns_header asked, got;
    const struct dns_question *question = &ask->message.question;
    return dns_header_parse(ask->query, ask->query_bytes, &asked) == ST_OK &&
           dns_header_parse(ask->reply, ask->reply_bytes, &got) == ST_OK && got.id == asked.id &&
           dns_response_parse(ask->reply, ask->reply_bytes, &ask->message) == ST_OK &&
           question->type == ask->question.type && question->class == ask->question.class &&
           dname_equal(&question->name, &ask->question.name);
}

/* Until FD is ready. ST_TIMEOUT, ST_CLOSED. */
static enum status wait_for(int fd, short events, int64_t until_ms)
{
    struct pollfd pollfd = {.fd = fd, .events = events};
    for (;;) {
        int64_t left_ms = until_ms - clock_mono_ms();
        if (interrupted())
            return ST_CLOSED;
        if (left_ms <= 0)
            return ST_TIMEOUT;
        if (poll(&pollfd, 1, left_ms < LOOK_MS ? (int)left_ms : LOOK_MS) > 0)
            return ST_OK;
    }
}

static enum status ask_by_udp(struct ask *ask, int64_t until_ms)
{
    struct sockaddr_storage to;
    socklen_t size = addr_to_sockaddr(ask->server, &to);
    int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool sent = fd >= 0 && !connect(fd, (struct sockaddr *)&to, size) &&
                send(fd, ask->query, ask->query_bytes, MSG_NOSIGNAL) > 0;
    enum status st = sent ? ST_OK : ST_UNAVAILABLE;
    while (st == ST_OK && (st = wait_for(fd, POLLIN, until_ms)) == ST_OK) {
        ssize_t n = recv(fd, ask->reply, sizeof ask->reply, 0);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            st = ST_UNAVAILABLE; /* ICMP said so */
        ask->reply_bytes = n > 0 ? (size_t)n : 0;
        if (n > 0 && is_reply(ask))
            break;
    }
    if (fd >= 0)
        close(fd);
    return st;
}

static enum status ask_by_tcp(struct ask *ask, int64_t until_ms)
{
    long left_ms = (long)(until_ms - clock_mono_ms());
    struct fetch_limits limits = {
        .connect_ms = left_ms, .total_ms = left_ms, .low_speed_s = 3600, .max_bytes = 2 + DNS_MESSAGE_MAX};
    struct progress none = {0};
    struct primary server = primary_start(&limits, &none);
    enum status st = primary_connect(&server, ask->server, NULL);
    if (st == ST_OK)
        st = primary_send(&server, ask->query, ask->query_bytes, NULL);
    if (st == ST_OK)
        st = primary_receive(&server, ask->reply, &ask->reply_bytes, NULL);
    primary_close(&server);
    return st == ST_OK && !is_reply(ask) ? ST_UNAVAILABLE : st == ST_TRUNCATED ? ST_UNAVAILABLE : st;
}

static enum status ask_server(struct ask *ask, int64_t until_ms)
{
    if (!build(ask))
        return ST_INVALID;
    enum status st = ask_by_udp(ask, until_ms);
    return st == ST_OK && ask->message.header.flags & DNS_FLAG_TC ? ask_by_tcp(ask, until_ms) : st;
}

/* One reply, being looked through. */
struct answer {
    const uint8_t *reply;
    size_t n;
    const struct dns_message *message;
    struct addr *addrs;
    size_t *count;
};

static void take_address(struct answer *answer, const struct dns_record *record)
{
    const uint8_t *rdata = answer->reply + record->rdata_offset;
    struct addr addr = {0};
    if (record->type == DNS_TYPE_A)
        addr = addr_v4((uint32_t)rdata[0] << 24 | (uint32_t)rdata[1] << 16 | (uint32_t)rdata[2] << 8 | rdata[3], 0);
    else
        memcpy(addr.ip, rdata, sizeof addr.ip);
    /* The address of nowhere is how filters block; a connection to it would go to this machine. */
    if (!addr_is_unspecified(&addr) && *answer->count < FEED_RESOLVE_MAX)
        answer->addrs[(*answer->count)++] = addr;
}

/* What stands at NAME: addresses, which are taken; or an alias, which NAME becomes: true. */
static bool take_at(struct answer *answer, struct dname *name)
{
    const struct dns_question *question = &answer->message->question;
    struct dns_walk walk = dns_walk_start(answer->reply, answer->n, answer->message);
    struct dname alias = {0};
    struct dns_record record;
    size_t before = *answer->count;
    while (dns_walk_next(&walk, &record)) {
        if (record.section != DNS_ANSWER || record.class != DNS_CLASS_IN || !dname_equal(&record.owner, name))
            continue;
        if (record.type == DNS_TYPE_CNAME) {
            struct cursor cursor = cursor_over(answer->reply, answer->n);
            (void)cursor_bytes(&cursor, record.rdata_offset);
            if (dns_name_parse(&cursor, &alias) != ST_OK)
                alias = (struct dname){0};
        } else if (record.type == question->type) {
            take_address(answer, &record);
        }
    }
    if (*answer->count > before || !alias.length)
        return false;
    *name = alias;
    return true;
}

void feed_reply_addresses(const uint8_t *reply, size_t n, const struct dns_message *message,
                          struct addr addrs[FEED_RESOLVE_MAX], size_t *count)
{
    struct answer answer = {reply, n, message, addrs, count};
    struct dname name = message->question.name;
    for (unsigned i = 0; i < MAX_ALIASES && take_at(&answer, &name); i++)
        ;
}

/* ST_OK: the answer is final, with or without addresses. */
static enum status take_reply(const struct ask *ask, struct look_up *look_up)
{
    unsigned rcode = dns_header_rcode(&ask->message.header);
    if (rcode == DNS_RCODE_NXDOMAIN)
        return ST_NOT_FOUND;
    if (rcode != DNS_RCODE_NOERROR)
        return ST_UNAVAILABLE;
    feed_reply_addresses(ask->reply, ask->reply_bytes, &ask->message, look_up->addrs, &look_up->count);
    return ST_OK;
}

/* Asks one server after the other, until one answers. */
static enum status ask_all(struct ask *ask, struct look_up *look_up)
{
    const struct feed_site *site = look_up->site;
    enum status st = ST_UNAVAILABLE;
    for (size_t i = 0; i < site->upstream_count * ROUNDS; i++) {
        int64_t now_ms = clock_mono_ms();
        if (now_ms >= look_up->until_ms)
            return ST_TIMEOUT;
        ask->server = &site->upstreams[i % site->upstream_count];
        st = ask_server(ask, now_ms + TRY_MS < look_up->until_ms ? now_ms + TRY_MS : look_up->until_ms);
        if (st == ST_OK)
            st = take_reply(ask, look_up);
        if (st == ST_OK || st == ST_NOT_FOUND || st == ST_CLOSED || st == ST_INVALID)
            return st;
    }
    return st;
}

/* What needs no question. */
static bool is_known(struct str host, struct addr *addrs, size_t *count)
{
    static const struct str local = {".localhost", 10}; /* RFC 6761 section 6.3 */
    if (addr_parse_ip(host, &addrs[0]) == ST_OK) {
        *count = 1;
        return true;
    }
    if (!str_eq_nocase(host, str_from(local, 1)) &&
        !(host.length > local.length && str_eq_nocase(str_from(host, host.length - local.length), local)))
        return false;
    addrs[0] = addr_v4(0x7f000001, 0);
    addrs[1] = (struct addr){.ip = {[15] = 1}};
    *count = 2;
    return true;
}

static enum status tell(enum status st, struct str host, struct fault *fault)
{
    const char *why = st == ST_NOT_FOUND     ? "there is no such name"
                      : st == ST_TIMEOUT     ? "no DNS server answered in time"
                      : st == ST_UNAVAILABLE ? "no DNS server could be asked, or none knows"
                                             : status_text(st);
    if (st == ST_CLOSED)
        return fault_set(fault, st, "interrupted");
    return fault_set(fault, st, "can't look up %.*s: %s", (int)host.length, host.data, why);
}

enum status feed_resolve(const struct feed_site *site, struct str host, int64_t until_ms,
                         struct addr addrs[FEED_RESOLVE_MAX], size_t *count, struct fault *fault)
{
    static const uint16_t types[] = {DNS_TYPE_A, DNS_TYPE_AAAA};
    struct look_up look_up = {.site = site, .until_ms = until_ms, .addrs = addrs};
    *count = 0;
    if (is_known(host, addrs, count))
        return ST_OK;
    struct ask ask = {.question.class = DNS_CLASS_IN};
    if (dname_from_text(host, &ask.question.name) != ST_OK || !ask.question.name.labels)
        return fault_set(fault, ST_INVALID, "'%.*s' is not the name of a host", (int)host.length, host.data);
    if (!site->upstream_count)
        return fault_set(fault, ST_UNAVAILABLE,
                         "can't look up %.*s: there is no DNS server to ask but ccward itself; name some in "
                         "dns.upstreams of the configuration",
                         (int)host.length, host.data);
    enum status st = ST_OK;
    for (size_t i = 0; i < 2 && st == ST_OK; i++) {
        ask.question.type = types[i];
        st = ask_all(&ask, &look_up);
    }
    *count = look_up.count;
    if (look_up.count && st != ST_CLOSED)
        return ST_OK; /* one family is enough */
    if (st == ST_OK)
        return fault_set(fault, ST_NOT_FOUND, "%.*s has no address", (int)host.length, host.data);
    return tell(st, host, fault);
}
