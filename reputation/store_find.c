#include <stdio.h>
#include <string.h>

#include "reputation/embedded_v4.h"
#include "reputation/key.h"
#include "reputation/record_codec.h"
#include "reputation/store_reader.h"
#include "reputation/url_expression.h"

/* The hits that are gathered, most specific first. */
struct gather {
    struct store_hit *hits;
    size_t max, count;
    uint32_t now_s;
    uint16_t port;
    enum record_trigger trigger;
};

static void insert(struct gather *gather, const struct store_hit *hit)
{
    size_t at = gather->count;
    while (at && gather->hits[at - 1].specificity < hit->specificity)
        at--;
    if (at == gather->max)
        return;
    if (gather->count < gather->max)
        gather->count++;
    memmove(gather->hits + at + 1, gather->hits + at, (gather->count - 1 - at) * sizeof *hit);
    gather->hits[at] = *hit;
}

/* Each record of VALUE that applies, as a copy of HIT. SKIP_FLAG: of records that do not cover the subject. */
static void gather_records(struct gather *gather, struct store_hit *hit, struct str value, uint8_t skip_flag)
{
    struct cursor cursor = cursor_over(value.data, value.length);
    while (cursor_left(&cursor) && record_decode(&cursor, &hit->record)) {
        const struct record *record = &hit->record;
        if (record->flags & skip_flag || (record->expires && record->expires <= gather->now_s) ||
            (record->port && record->port != gather->port) || record->trigger != gather->trigger)
            continue;
        insert(gather, hit);
    }
}

struct name_query {
    struct name_key key;
    uint64_t hashes[DNAME_MAX_LABELS + 1]; /* by the number of labels, from one on */
    enum record_trigger trigger;
};

static bool lane_has(const struct store_lane *lane, enum record_trigger trigger)
{
    return trigger == TRIGGER_SUBJECT || lane->triggers >> trigger & 1;
}

bool store_has_trigger(const struct store_reader *reader, enum record_trigger trigger)
{
    return trigger == TRIGGER_SUBJECT || reader->triggers >> trigger & 1;
}

static void find_name_at(const struct store_lane *lane, const struct name_query *query, unsigned labels,
                         struct store_hit *hit, struct gather *gather)
{
    struct str value;
    struct str key = {(const char *)query->key.bytes, query->key.end[labels]};
    enum status status = name_index_find(&lane->index, query->hashes[labels], key, &value);
    if (status == ST_UNAVAILABLE)
        status = lmdb_get(lane->txn, TABLE_NAMES, key, &value);
    if (status != ST_OK)
        return;
    hit->labels = (uint16_t)labels;
    hit->specificity = (uint16_t)labels;
    gather_records(gather, hit, value, labels == query->key.labels ? RECORD_BELOW_ONLY : RECORD_EXACT);
}

/* The lanes that are still asked, as there may be something at the name's ancestor of so many labels or below it. */
struct descent {
    unsigned labels;
    uint8_t lanes[STORE_MAX_SOURCES];
    size_t count;
};

enum { FEW_LANES = 2 };

/* What lies in memory is waited for once for all lanes, rather than for one after the other: their filters, then their
 * indexes, then the entries. Few lanes have the name most likely, so that their indexes need not wait. */
static void find_name_at_all(struct store_reader *reader, const struct name_query *query, const struct descent *descent,
                             struct gather *gather)
{
    uint64_t hash = query->hashes[descent->labels];
    uint8_t lanes[STORE_MAX_SOURCES];
    size_t count = 0;
    for (size_t i = 0; i < descent->count; i++) {
        filter_prefetch(&reader->lanes[descent->lanes[i]].filter, hash);
        if (descent->count <= FEW_LANES)
            name_index_prefetch(&reader->lanes[descent->lanes[i]].index, hash);
    }
    for (size_t i = 0; i < descent->count; i++) {
        const struct store_lane *lane = &reader->lanes[descent->lanes[i]];
        if (!filter_has(&lane->filter, hash, FILTER_ENTRY))
            continue;
        name_index_prefetch(&lane->index, hash);
        lanes[count++] = descent->lanes[i];
    }
    for (size_t i = 0; count > 1 && i < count; i++)
        name_index_prefetch_entry(&reader->lanes[lanes[i]].index, hash);
    for (size_t i = 0; i < count; i++) {
        struct store_hit hit = {.source = lanes[i], .kind = INDICATOR_NAME};
        find_name_at(&reader->lanes[lanes[i]], query, descent->labels, &hit, gather);
    }
}

/* Leaves the lanes that may have something below. */
static void keep_parents(const struct store_reader *reader, const struct name_query *query, struct descent *descent)
{
    size_t kept = 0;
    for (size_t i = 0; i < descent->count; i++)
        if (filter_has(&reader->lanes[descent->lanes[i]].filter, query->hashes[descent->labels], FILTER_PARENT))
            descent->lanes[kept++] = descent->lanes[i];
    descent->count = kept;
}

/* Names of one label are mostly top-level domains, and few sources have any. */
static void find_single_label(struct store_reader *reader, const struct name_query *query, struct gather *gather)
{
    struct descent descent = {.labels = 1};
    for (size_t i = 0; i < reader->count; i++)
        if (reader->lanes[i].single_labels && lane_has(&reader->lanes[i], query->trigger))
            descent.lanes[descent.count++] = (uint8_t)i;
    find_name_at_all(reader, query, &descent, gather);
}

/* From the root on, down as long as there may be something below. */
static void find_from_root(struct store_reader *reader, const struct name_query *query, struct gather *gather)
{
    struct descent descent = {.labels = 2};
    uint64_t groups = reader->roots ? roots_find(reader->roots, query->hashes[2]) : UINT64_MAX;
    for (size_t i = 0; groups && i < reader->count; i++)
        if (groups >> reader->lanes[i].group & reader->lanes[i].has_names &&
            lane_has(&reader->lanes[i], query->trigger))
            descent.lanes[descent.count++] = (uint8_t)i;
    for (; descent.count && descent.labels <= query->key.labels; descent.labels++) {
        find_name_at_all(reader, query, &descent, gather);
        if (descent.labels < query->key.labels)
            keep_parents(reader, query, &descent);
    }
}

size_t store_find_trigger_name(struct store_reader *reader, enum record_trigger trigger, const struct dname *name,
                               uint32_t now_s, struct store_hit *hits, size_t max)
{
    struct gather gather = {.hits = hits, .max = max, .now_s = now_s, .trigger = trigger};
    struct name_query query = {.trigger = trigger};
    if (!name->labels)
        return 0;
    name_key_from(name, &query.key);
    if (query.key.labels > 1) {
        query.hashes[2] = filter_hash(query.key.bytes, query.key.end[2]);
        if (reader->roots)
            roots_prefetch(reader->roots, query.hashes[2]);
    }
    for (unsigned i = 1; i <= query.key.labels; i++)
        query.hashes[i] = filter_hash(query.key.bytes, query.key.end[i]);
    if (reader->single_labels)
        find_single_label(reader, &query, &gather);
    if (query.key.labels > 1)
        find_from_root(reader, &query, &gather);
    return gather.count;
}

size_t store_find_name(struct store_reader *reader, const struct dname *name, uint32_t now_s, struct store_hit *hits,
                       size_t max)
{
    return store_find_trigger_name(reader, TRIGGER_SUBJECT, name, now_s, hits, max);
}

struct url_query {
    struct name_key host;
    struct str path; /* with query */
    unsigned skips[URL_MAX_HOSTS];
    size_t skip_count;
    size_t path_lengths[URL_MAX_PATHS];
    size_t path_count;
    uint64_t hashes[URL_MAX_HOSTS];
};

static size_t host_end(const struct url_query *query, size_t host)
{
    return query->host.end[query->host.labels - query->skips[host]];
}

static void find_url_host_in(const struct store_lane *lane, const struct url_query *query, size_t host,
                             struct store_hit *hit, struct gather *gather)
{
    size_t end = host_end(query, host);
    hit->host_skip = (uint16_t)query->skips[host];
    for (size_t i = 0; i < query->path_count; i++) {
        struct url_key key;
        struct str value, path = {query->path.data, query->path_lengths[i]};
        if (url_key_from(query->host.bytes, end, path, &key) != ST_OK)
            continue;
        if (lmdb_get(lane->txn, TABLE_URLS, (struct str){(const char *)key.bytes, key.length}, &value) != ST_OK)
            continue;
        hit->path_length = (uint16_t)path.length;
        hit->specificity = (uint16_t)(end + path.length);
        gather_records(gather, hit, value, 0);
    }
}

size_t store_find_url(struct store_reader *reader, const struct canonical_url *url, uint32_t now_s,
                      struct store_hit *hits, size_t max)
{
    struct gather gather = {.hits = hits, .max = max, .now_s = now_s, .port = url->port};
    struct url_query query = {.path = {url->path.data, url->path.length + url->query.length}};
    name_key_from_host(url, &query.host);
    query.skip_count = url_host_skips(url, query.host.labels, query.skips);
    query.path_count = url_path_lengths(url, query.path_lengths);
    for (size_t k = 0; k < query.skip_count; k++)
        query.hashes[k] = filter_hash(query.host.bytes, host_end(&query, k));
    for (size_t i = 0; i < reader->count; i++) {
        const struct store_lane *lane = &reader->lanes[i];
        struct store_hit hit = {.source = (uint16_t)i, .kind = INDICATOR_URL};
        for (size_t k = 0; lane->has_urls && k < query.skip_count; k++)
            if (filter_has(&lane->filter, query.hashes[k], FILTER_URL_HOST))
                find_url_host_in(lane, &query, k, &hit, &gather);
    }
    return gather.count;
}

static void find_addr_in(const struct store_lane *lane, const struct addr *addr, struct store_hit *hit,
                         struct gather *gather)
{
    uint8_t ip[16], key[NETWORK_KEY_BYTES];
    memcpy(ip, addr->ip, sizeof ip);
    int shortest = network_shortest(addr);
    for (int prefix = 128; prefix >= shortest; prefix--) {
        struct str value;
        if (!source_has_prefix(lane->header->prefixes, (unsigned)prefix))
            continue;
        network_mask(ip, (uint8_t)prefix);
        network_key_from(ip, (uint8_t)prefix, key);
        if (!filter_has(&lane->filter, filter_hash(key, sizeof key), FILTER_NETWORK))
            continue;
        if (lmdb_get(lane->txn, TABLE_NETS, (struct str){(const char *)key, sizeof key}, &value) != ST_OK)
            continue;
        hit->prefix = (uint8_t)prefix;
        hit->specificity = (uint16_t)prefix;
        gather_records(gather, hit, value, 0);
    }
}

size_t store_find_trigger_addr(struct store_reader *reader, enum record_trigger trigger, const struct addr *addr,
                               uint32_t now_s, struct store_hit *hits, size_t max)
{
    struct gather gather = {.hits = hits, .max = max, .now_s = now_s, .port = addr->port, .trigger = trigger};
    struct addr v4[EMBEDDED_V4_MAX];
    size_t embedded = embedded_v4(addr, v4);
    for (size_t i = 0; i < reader->count; i++) {
        const struct store_lane *lane = &reader->lanes[i];
        struct store_hit hit = {.source = (uint16_t)i, .kind = INDICATOR_NETWORK};
        if (!lane->has_networks || !lane_has(lane, trigger))
            continue;
        find_addr_in(lane, addr, &hit, &gather);
        for (size_t k = 0; k < embedded; k++) {
            hit.embedded_v4 = (uint8_t)(k + 1);
            find_addr_in(lane, &v4[k], &hit, &gather);
        }
    }
    return gather.count;
}

size_t store_find_addr(struct store_reader *reader, const struct addr *addr, uint32_t now_s, struct store_hit *hits,
                       size_t max)
{
    return store_find_trigger_addr(reader, TRIGGER_SUBJECT, addr, now_s, hits, max);
}

static void name_text(const struct store_hit *hit, const struct dname *name, char *out, size_t size)
{
    struct dname part;
    char text[DNAME_TEXT_SIZE];
    size_t at = 0;
    for (unsigned skip = name->labels - hit->labels; skip; skip--)
        at += name->wire[at] + 1u;
    if (dname_from_wire(name->wire + at, name->length - at, &part) != ST_OK)
        text[0] = '\0';
    else
        dname_to_text(&part, text);
    text_copy(out, size, str_of(text));
}

static void url_text(const struct store_hit *hit, const struct canonical_url *url, char *out, size_t size)
{
    struct str host = url->host, dropped;
    char port[8] = "";
    for (unsigned skip = hit->host_skip; skip; skip--)
        (void)str_cut(host, '.', &dropped, &host);
    if (hit->record.port)
        snprintf(port, sizeof port, ":%u", hit->record.port);
    snprintf(out, size, "%.*s%s%.*s", (int)host.length, host.data, port, (int)hit->path_length, url->path.data);
}

static void network_text(const struct store_hit *hit, const struct addr *addr, char *out, size_t size)
{
    char text[ADDR_TEXT_SIZE];
    struct addr at = *addr, v4[EMBEDDED_V4_MAX];
    if (hit->embedded_v4 && hit->embedded_v4 <= embedded_v4(addr, v4))
        at = v4[hit->embedded_v4 - 1];
    struct network network = {.prefix = hit->prefix};
    at.port = hit->record.port;
    memcpy(network.ip, at.ip, sizeof network.ip);
    network_mask(network.ip, network.prefix);
    if (network.prefix < 128)
        network_format(&network, text);
    else if (at.port)
        addr_format(&at, text);
    else
        addr_format_ip(&at, text);
    text_copy(out, size, str_of(text));
    size_t used = strlen(out);
    if (network.prefix < 128 && at.port)
        snprintf(out + used, size - used, " port %u", at.port);
}

void store_hit_text(const struct store_hit *hit, const struct dname *name, const struct canonical_url *url,
                    const struct addr *addr, char *out, size_t size)
{
    switch (hit->kind) {
    case INDICATOR_NAME:
        name_text(hit, name, out, size);
        break;
    case INDICATOR_URL:
        url_text(hit, url, out, size);
        break;
    case INDICATOR_NETWORK:
        network_text(hit, addr, out, size);
        break;
    }
}
