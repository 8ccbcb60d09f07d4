#include "net/upstream_host.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "message/dns_message.h"
#include "net/upstream.h"

enum {
    FAMILIES = 2,
    TTL_LEAST_S = 60,
    TTL_MOST_S = 86400,
    RETRY_MS = 2000, /* after a look-up that found nothing */
    TRY_MS = 1500,
    TRIES = 3,
    MAX_PENDING = 64,
};

static const uint16_t types[FAMILIES] = {DNS_TYPE_AAAA, DNS_TYPE_A};

struct upstream_hosts {
    struct loop *loop;
    struct upstream *upstream; /* NULL: nobody can be asked */
};

/* The look-up of one family. */
struct part {
    struct host_lookup *lookup;
    bool waiting;
    size_t count;
    struct addr addrs[HOST_MAX_ADDRS];
};

struct host_lookup {
    struct upstream_host *host;
    struct part parts[FAMILIES];
    uint32_t ttl_s;
};

static void add_addr(struct part *part, const uint8_t *bytes, size_t n)
{
    struct addr addr = n == 4 ? addr_v4(0, 0) : (struct addr){0};
    if (part->count == HOST_MAX_ADDRS || (n != 4 && n != 16))
        return;
    memcpy(addr.ip + sizeof addr.ip - n, bytes, n);
    addr.port = part->lookup->host->port;
    if (!addr_is_unspecified(&addr))
        part->addrs[part->count++] = addr;
}

static void read_reply(struct part *part, uint16_t type, const uint8_t *reply, size_t n)
{
    struct dns_message message;
    if (dns_response_parse(reply, n, &message) != ST_OK || dns_header_rcode(&message.header) != DNS_RCODE_NOERROR)
        return;
    struct dns_walk walk = dns_walk_start(reply, n, &message);
    for (struct dns_record record; dns_walk_next(&walk, &record) && record.section == DNS_ANSWER;) {
        if (record.type != type || record.class != DNS_CLASS_IN)
            continue;
        add_addr(part, reply + record.rdata_offset, record.rdata_length);
        if (record.ttl < part->lookup->ttl_s)
            part->lookup->ttl_s = record.ttl;
    }
}

/* The families take turns, so that a dead one costs one attempt (RFC 8305 section 4). */
static size_t take_addrs(const struct host_lookup *lookup, struct addr addrs[HOST_MAX_ADDRS])
{
    size_t count = 0;
    for (size_t i = 0; i < HOST_MAX_ADDRS; i++)
        for (size_t k = 0; k < FAMILIES; k++)
            if (i < lookup->parts[k].count && count < HOST_MAX_ADDRS)
                addrs[count++] = lookup->parts[k].addrs[i];
    return count;
}

static void keep(struct upstream_host *host, const struct addr *addrs, size_t count)
{
    if (count == host->count && !memcmp(host->addrs, addrs, count * sizeof addrs[0]))
        return; /* the one that works stays in use */
    memcpy(host->addrs, addrs, count * sizeof addrs[0]);
    host->count = count;
    host->at = host->failed = 0;
}

/* Tells those who wait now; what they do may free the host. */
static void tell(void *arg)
{
    struct upstream_host *host = arg;
    struct host_waiter *waiter;
    bool gone = false;
    size_t count = 0;
    TAILQ_FOREACH(waiter, &host->waiters, entry)
    {
        count++;
    }
    host->gone = &gone;
    while (!gone && count-- && (waiter = TAILQ_FIRST(&host->waiters))) {
        upstream_host_leave(waiter);
        waiter->on_known(waiter->arg, host->count);
    }
    if (!gone)
        host->gone = NULL;
}

static void finish(struct host_lookup *lookup)
{
    struct upstream_host *host = lookup->host;
    struct addr addrs[HOST_MAX_ADDRS];
    int64_t now_ms = loop_now_ms(host->hosts->loop);
    size_t count = take_addrs(lookup, addrs);
    uint32_t ttl_s = lookup->ttl_s < TTL_LEAST_S ? TTL_LEAST_S : lookup->ttl_s;
    if (count)
        keep(host, addrs, count);
    host->expires_ms = now_ms + (count ? (int64_t)ttl_s * 1000 : 0);
    host->retry_at_ms = count ? 0 : now_ms + RETRY_MS;
    host->lookup = NULL;
    free(lookup);
    tell(host);
}

static void on_reply(void *arg, enum status status, const uint8_t *reply, size_t n)
{
    struct part *part = arg;
    struct host_lookup *lookup = part->lookup;
    part->waiting = false;
    if (status == ST_OK)
        read_reply(part, types[part - lookup->parts], reply, n);
    for (size_t i = 0; i < FAMILIES; i++)
        if (lookup->parts[i].waiting)
            return;
    finish(lookup);
}

static enum status start_part(struct host_lookup *lookup, size_t index)
{
    uint8_t query[DNS_HEADER_BYTES + DNAME_MAX_BYTES + 32];
    struct dns_question question = {.type = types[index], .class = DNS_CLASS_IN};
    struct part *part = &lookup->parts[index];
    enum status status = dname_from_text(str_of(lookup->host->name), &question.name);
    if (status != ST_OK)
        return status;
    struct dns_build build = dns_build_query(query, sizeof query, 0, &question, 0);
    dns_build_opt(&build, DNS_UDP_LIMIT, false, 0, -1, (struct str){0});
    size_t n = dns_build_finish(&build);
    part->lookup = lookup;
    status = upstream_query(lookup->host->hosts->upstream, query, n, on_reply, part);
    part->waiting = status == ST_OK;
    return status;
}

/* False: nobody can be asked now. */
static bool start_lookup(struct upstream_host *host)
{
    struct upstream_hosts *hosts = host->hosts;
    int64_t now_ms = loop_now_ms(hosts->loop);
    if (host->lookup)
        return true;
    if (!hosts->upstream || now_ms < host->retry_at_ms)
        return false;
    struct host_lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return false;
    lookup->host = host;
    lookup->ttl_s = TTL_MOST_S;
    bool started = false;
    for (size_t i = 0; i < FAMILIES; i++)
        started |= start_part(lookup, i) == ST_OK;
    if (started) {
        host->lookup = lookup;
        return true;
    }
    free(lookup);
    host->retry_at_ms = now_ms + RETRY_MS;
    return false;
}

bool upstream_host_ready(struct upstream_host *host, struct host_waiter *waiter)
{
    struct loop *loop = host->hosts->loop;
    bool looking = loop_now_ms(loop) < host->expires_ms || start_lookup(host);
    if (host->count)
        return true;
    waiter->host = host;
    TAILQ_INSERT_TAIL(&host->waiters, waiter, entry);
    if (!looking)
        loop_defer(loop, &host->task);
    return false;
}

void upstream_host_leave(struct host_waiter *waiter)
{
    if (!waiter->host)
        return;
    TAILQ_REMOVE(&waiter->host->waiters, waiter, entry);
    waiter->host = NULL;
}

const struct addr *upstream_host_addr(const struct upstream_host *host)
{
    CHECK(host->at < host->count);
    return &host->addrs[host->at];
}

void upstream_host_reached(struct upstream_host *host)
{
    host->failed = 0;
}

bool upstream_host_missed(struct upstream_host *host)
{
    host->at = (host->at + 1) % host->count;
    if (++host->failed < host->count)
        return true;
    host->failed = 0;
    return false;
}

void upstream_host_init(struct upstream_host *host, struct upstream_hosts *hosts, const char *name, uint16_t port)
{
    *host = (struct upstream_host){.hosts = hosts, .name = name, .port = port};
    host->task = (struct loop_task){.run = tell, .arg = host};
    TAILQ_INIT(&host->waiters);
}

void upstream_host_fini(struct upstream_host *host)
{
    CHECK(TAILQ_EMPTY(&host->waiters));
    if (host->gone)
        *host->gone = true;
    loop_task_cancel(host->hosts->loop, &host->task);
    for (size_t i = 0; host->lookup && i < FAMILIES; i++)
        if (host->lookup->parts[i].waiting)
            upstream_cancel(host->hosts->upstream, &host->lookup->parts[i]);
    free(host->lookup);
    host->lookup = NULL;
}

/* The servers that are asked for addresses */

struct upstream_hosts *upstream_hosts_new(struct loop *loop)
{
    struct upstream_hosts *hosts = calloc(1, sizeof *hosts);
    if (hosts)
        hosts->loop = loop;
    return hosts;
}

enum status upstream_hosts_use(struct upstream_hosts *hosts, struct upstream_set *bootstrap)
{
    static const struct upstream_settings settings = {
        .try_timeout_ms = TRY_MS, .tries = TRIES, .max_pending = MAX_PENDING};
    if (!bootstrap)
        return ST_OK;
    if (hosts->upstream)
        return upstream_use(hosts->upstream, bootstrap);
    return upstream_new(hosts->loop, &settings, bootstrap, &hosts->upstream, NULL);
}

void upstream_hosts_free(struct upstream_hosts *hosts)
{
    if (!hosts)
        return;
    upstream_free(hosts->upstream);
    free(hosts);
}
