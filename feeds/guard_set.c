#include "feeds/guard_set.h"

#include <ifaddrs.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/log.h"
#include "feeds/guarded_hosts.h"
#include "feeds/name_set.h"
#include "reputation/public_suffix.h"
#include "reputation/source_walk.h"

struct guarded_network {
    struct network network;
    enum guard guard;
};

struct guard_set {
    struct name_set names;
    struct guarded_network *networks;
    size_t network_count, network_capacity;
    struct network *own;
    size_t own_count;
    struct store *lists; /* of the feeds that guard */
    struct store_reader *reader;
    uint32_t now_s;
    XXH3_state_t *hash; /* of all that was added */
    struct canonical_url url;
};

bool guard_set_is_for(enum feed_use use)
{
    return use == FEED_BLOCKS || use == FEED_MONITORS;
}

static void note(struct guard_set *set, const void *bytes, size_t n)
{
    XXH3_64bits_update(set->hash, bytes, n);
}

static enum status add_network(struct guard_set *set, const struct network *network, enum guard guard)
{
    if (set->network_count == set->network_capacity) {
        size_t capacity = set->network_capacity ? set->network_capacity * 2 : 256;
        struct guarded_network *networks = reallocarray(set->networks, capacity, sizeof *networks);
        if (!networks)
            return ST_NOMEM;
        set->networks = networks;
        set->network_capacity = capacity;
    }
    set->networks[set->network_count++] = (struct guarded_network){*network, guard};
    return ST_OK;
}

static struct network network_of(const struct addr *addr)
{
    struct network network = {.prefix = 128};
    memcpy(network.ip, addr->ip, sizeof network.ip);
    return network;
}

/* A name, an address or a network. What is none of them guards nothing. */
static enum status add_text(struct guard_set *set, struct str text, enum guard guard)
{
    bool is_address;
    struct network network;
    struct addr addr;
    struct dname name;
    note(set, &guard, sizeof guard);
    note(set, text.data, text.length);
    if (network_parse(text, &network) == ST_OK)
        return add_network(set, &network, guard);
    if (canonical_host(text, &is_address, &addr, &name) != ST_OK)
        return ST_OK;
    if (!is_address)
        return name_set_add(&set->names, &name, (uint8_t)guard);
    network = network_of(&addr);
    return add_network(set, &network, guard);
}

static enum status add_built_in(struct guard_set *set)
{
    enum status st = ST_OK;
    size_t count;
    const char *const *shared = shared_hosts(&count);
    for (size_t i = 0; i < count && st == ST_OK; i++)
        st = add_text(set, str_of(shared[i]), GUARD_SHARED_HOST);
    const struct guarded_host *hosts = guarded_hosts(&count);
    for (size_t i = 0; i < count && st == ST_OK; i++)
        st = add_text(set, str_of(hosts[i].text), hosts[i].guard);
    hosts = guarded_ranges(&count);
    for (size_t i = 0; i < count && st == ST_OK; i++)
        st = add_text(set, str_of(hosts[i].text), hosts[i].guard);
    return st;
}

static enum status add_resolvers(struct guard_set *set, const struct addr *addrs, size_t count)
{
    enum status st = ST_OK;
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        char text[ADDR_TEXT_SIZE];
        addr_format_ip(&addrs[i], text);
        st = add_text(set, str_of(text), GUARD_RESOLVER);
    }
    return st;
}

/* The host of SCHEME://[USER@]HOST[:PORT]/...; empty where there is none, as in a file's. */
static struct str host_of(struct str url)
{
    const char *start = url.length ? memmem(url.data, url.length, "://", 3) : NULL;
    struct str host = start ? str_from(url, (size_t)(start - url.data) + 3) : (struct str){0}, rest;
    for (const char *end = "/?#"; *end; end++)
        str_cut(host, *end, &host, &rest);
    const char *at = host.length ? memrchr(host.data, '@', host.length) : NULL;
    if (at)
        host = str_from(host, (size_t)(at - host.data) + 1);
    if (host.length && host.data[0] == '[' && str_cut(str_from(host, 1), ']', &host, &rest))
        return host;
    str_cut(host, ':', &host, &rest);
    return host;
}

static enum status add_feed_hosts(struct guard_set *set, const struct feed_site *site)
{
    enum status st = ST_OK;
    for (size_t i = 0; i < site->feed_count && st == ST_OK; i++) {
        const struct feed *feed = &site->feeds[i];
        st = add_text(set, host_of(str_of(feed->url)), GUARD_FEED_HOST);
        for (size_t k = 0; k < feed->mirror_count && st == ST_OK; k++)
            st = add_text(set, host_of(str_of(feed->mirrors[k])), GUARD_FEED_HOST);
    }
    return st;
}

/* The generation stands for what is in it. */
static enum status add_list(struct guard_set *set, const char *store_dir, const char *name)
{
    struct source *source = NULL;
    struct fault why = {0};
    enum status st = source_open_newest(store_dir, name, &source, &why);
    note(set, name, strlen(name) + 1);
    if (st == ST_NOT_FOUND)
        return ST_OK; /* not fetched yet */
    if (st != ST_OK) {
        log_warning("feed %s guards nothing: %s", name, why.text);
        return st == ST_NOMEM ? ST_NOMEM : ST_OK;
    }
    const struct source_info *info = source_info(source);
    note(set, &info->generation, sizeof info->generation);
    note(set, &info->created_ms, sizeof info->created_ms);
    return store_add_own(set->lists, source);
}

static enum status add_lists(struct guard_set *set, const struct feed_site *site)
{
    char store_dir[PATH_MAX];
    int n = snprintf(store_dir, sizeof store_dir, "%s/reputation", site->state_dir);
    if (n < 0 || (size_t)n >= sizeof store_dir)
        return ST_TOO_LARGE;
    set->lists = store_new();
    enum status st = set->lists ? ST_OK : ST_NOMEM;
    for (size_t i = 0; i < site->feed_count && st == ST_OK; i++)
        if (site->feeds[i].use == FEED_GUARDS)
            st = add_list(set, store_dir, site->feeds[i].name);
    if (st == ST_TOO_LARGE || st == ST_EXISTS) /* more than a store may have: the daemon could not open them either */
        st = ST_OK;
    return st == ST_OK ? store_reader_new(set->lists, &set->reader) : st;
}

/* Of the interfaces, and where ccward listens. They come and go, so that they are not part of the fingerprint. What
 * belongs to no one is not the machine's own where it is given to an interface, as in networks made for tests. */
static enum status find_own(struct guard_set *set, const struct feed_site *site)
{
    struct ifaddrs *interfaces = NULL;
    size_t count = site->listener_count;
    if (getifaddrs(&interfaces))
        interfaces = NULL;
    for (const struct ifaddrs *at = interfaces; at; at = at->ifa_next)
        count++;
    set->own = calloc(count + 1, sizeof *set->own);
    enum status st = set->own ? ST_OK : ST_NOMEM;
    for (size_t i = 0; i < site->listener_count && st == ST_OK; i++)
        set->own[set->own_count++] = network_of(&site->listeners[i]);
    for (const struct ifaddrs *at = interfaces; at && st == ST_OK; at = at->ifa_next) {
        struct addr addr;
        if (at->ifa_addr && addr_from_sockaddr(at->ifa_addr, &addr) && !guard_is_documentation(&addr))
            set->own[set->own_count++] = network_of(&addr);
    }
    if (interfaces)
        freeifaddrs(interfaces);
    return st;
}

enum status guard_set_new(const struct feed_site *site, struct guard_set **out, struct fault *fault)
{
    struct guard_set *set = calloc(1, sizeof *set);
    enum status st = set && (set->hash = XXH3_createState()) ? ST_OK : ST_NOMEM;
    if (st == ST_OK) {
        XXH3_64bits_reset(set->hash);
        set->now_s = (uint32_t)(clock_wall_ms() / 1000);
        st = add_built_in(set);
    }
    if (st == ST_OK)
        st = add_resolvers(set, site->upstreams, site->upstream_count);
    if (st == ST_OK)
        st = add_feed_hosts(set, site);
    if (st == ST_OK)
        st = find_own(set, site);
    if (st == ST_OK)
        st = add_lists(set, site);
    if (st != ST_OK) {
        guard_set_free(set);
        return fault_set(fault, st, "can't gather what is guarded: %s", status_text(st));
    }
    *out = set;
    return ST_OK;
}

void guard_set_free(struct guard_set *set)
{
    if (!set)
        return;
    store_reader_free(set->reader);
    store_free(set->lists);
    name_set_fini(&set->names);
    XXH3_freeState(set->hash);
    free(set->networks);
    free(set->own);
    free(set);
}

uint64_t guard_set_fingerprint(const struct guard_set *set)
{
    uint64_t fingerprint = XXH3_64bits_digest(set->hash);
    return fingerprint ? fingerprint : 1;
}

static bool starts_with_www(const struct dname *name)
{
    return name->labels > 1 && name->wire[0] == 3 && !memcmp(name->wire + 1, "www", 3);
}

static struct dname parent_of(const struct dname *name)
{
    struct dname parent = {.labels = (uint8_t)(name->labels - 1)};
    unsigned first = name->wire[0] + 1u;
    parent.length = (uint8_t)(name->length - first);
    memcpy(parent.wire, name->wire + first, parent.length);
    return parent;
}

/* What only a wildcard of a company makes a suffix is a customer's machine rather than something that many share:
 * *.compute.amazonaws.com, *.beget.app. A name that nobody has tells: it is a suffix then as well. */
static bool is_public_suffix(const struct dname *name)
{
    static const char nobody[] = "\031no-one-has-this-name-here";
    if (name->labels < 2 || !public_suffix_is(name, true))
        return false;
    struct dname sibling = parent_of(name);
    size_t n = sizeof nobody - 1;
    if (public_suffix_is(name, false) || sibling.length + n > sizeof sibling.wire)
        return true;
    memmove(sibling.wire + n, sibling.wire, sibling.length);
    memcpy(sibling.wire, nobody, n);
    sibling.length = (uint8_t)(sibling.length + n);
    sibling.labels++;
    return !public_suffix_is(&sibling, true);
}

/* Whether a list names NAME, or names what is above it and means all below: that it must say itself, as lists of MISP
 * do; a plain list of popular names means those names. */
static bool lists_name(struct guard_set *set, const struct dname *name)
{
    struct store_hit hits[STORE_MAX_HITS];
    size_t count = store_find_name(set->reader, name, set->now_s, hits, STORE_MAX_HITS);
    for (size_t i = 0; i < count; i++)
        if (hits[i].labels == name->labels || hits[i].record.flags & RECORD_ALLOW)
            return true;
    return false;
}

static enum guard find_in_lists(struct guard_set *set, const struct dname *name, uint8_t flags)
{
    if (!store_source_count(set->lists))
        return GUARD_NOT;
    bool listed = lists_name(set, name) || (!(flags & RECORD_EXACT) && store_has_name_below(set->reader, name));
    if (!listed && starts_with_www(name)) {
        struct dname parent = parent_of(name);
        listed = lists_name(set, &parent);
    }
    return listed ? GUARD_LISTED : GUARD_NOT;
}

enum guard guard_set_name(struct guard_set *set, const struct dname *name, uint8_t flags)
{
    const struct name_slot *slot = name_set_find(&set->names, name);
    if (slot && slot->value)
        return (enum guard)slot->value;
    if (slot && slot->below && !(flags & RECORD_EXACT)) /* it would block what is guarded along with itself */
        return (enum guard)slot->below;
    if (starts_with_www(name) && (slot = name_set_find_parent(&set->names, name)) && slot->value)
        return (enum guard)slot->value;
    if (is_public_suffix(name))
        return GUARD_PUBLIC_SUFFIX;
    return find_in_lists(set, name, flags);
}

/* Whether one of the two holds the other. */
static bool overlap(const struct network *a, const struct network *b)
{
    unsigned bits = a->prefix < b->prefix ? a->prefix : b->prefix, whole = bits / 8;
    return !memcmp(a->ip, b->ip, whole) && (bits % 8 == 0 || !((a->ip[whole] ^ b->ip[whole]) >> (8 - bits % 8)));
}

static bool holds_own(const struct guard_set *set, const struct network *network)
{
    for (size_t i = 0; i < set->own_count; i++)
        if (overlap(&set->own[i], network))
            return true;
    return false;
}

enum guard guard_set_network(struct guard_set *set, const struct network *network)
{
    struct store_hit hits[1];
    if (guard_network_is_wide(network))
        return GUARD_WIDE_NETWORK;
    if (holds_own(set, network))
        return GUARD_OWN_ADDRESS;
    for (size_t i = 0; i < set->network_count; i++)
        if (overlap(&set->networks[i].network, network))
            return set->networks[i].guard;
    if (!store_source_count(set->lists))
        return GUARD_NOT;
    /* A listed network that holds the first address of this one, and is no smaller, holds all of it. */
    struct addr first = {0};
    memcpy(first.ip, network->ip, sizeof first.ip);
    bool listed = store_find_addr(set->reader, &first, set->now_s, hits, 1) && hits[0].prefix <= network->prefix;
    return listed || store_has_network_within(set->reader, network) ? GUARD_LISTED : GUARD_NOT;
}

/* Whether the path of a URL may come to no more than "/", so that it is worth looking closely. */
static bool may_be_whole_host(struct str url)
{
    const char *start = url.length ? memmem(url.data, url.length, "://", 3) : NULL;
    struct str path, rest = start ? str_from(url, (size_t)(start - url.data) + 3) : url;
    if (!str_cut(rest, '/', &rest, &path) || !path.length)
        return true;
    return path.data[0] == '/' || memchr(path.data, '%', path.length) || memchr(path.data, '\\', path.length) ||
           path.data[0] == '.' || memmem(path.data, path.length, "/.", 2) || (unsigned char)path.data[0] <= ' ';
}

enum guard guard_set_url(struct guard_set *set, struct str url)
{
    if (!may_be_whole_host(url) || canonical_url(url, &set->url) != ST_OK || set->url.path.length > 1 ||
        set->url.query.length)
        return GUARD_NOT;
    if (!set->url.host_is_address)
        return set->url.name.labels > 1 ? guard_set_name(set, &set->url.name, 0) : GUARD_NOT;
    struct network network = network_of(&set->url.addr);
    return guard_set_network(set, &network);
}

bool guard_set_is_own(const struct guard_set *set, const struct network *network)
{
    return network->prefix == 128 && holds_own(set, network);
}
