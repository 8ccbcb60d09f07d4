#include "dnsfilter/dns_resolver.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "dnsfilter/dns_clean.h"
#include "dnsfilter/dns_servers.h"

enum { PARTS = 2, PATIENCE_MS = 50 /* for the second family once the first is here: RFC 8305 section 3 */ };
static const uint16_t part_types[PARTS] = {DNS_TYPE_AAAA, DNS_TYPE_A}; /* in the order of preference */

/* The look-up of one family. */
struct part {
    struct dns_lookup *lookup;
    struct dns_waiter waiter;
    bool waiting;
    enum status status; /* once it doesn't wait: ST_OK with addresses, or why there are none */
    size_t count;
    struct addr addrs[RESOLVER_MAX_ADDRS];
};

struct dns_lookup {
    struct dns_resolver *resolver;
    struct part parts[PARTS];
    struct timer *timer;
    resolver_done_fn *done;
    void *arg;
    TAILQ_ENTRY(dns_lookup) entry;
    size_t alias_count; /* of both families */
    bool wants_servers;
    unsigned unclean; /* enum dns_clean: what is not wanted of the world's answers */

    /* What is large comes last and is not cleared. */
    struct dname name;
    struct dname aliases[RESOLVER_MAX_ALIASES];
    struct resolver_servers servers; /* of both families, where they are wanted */
};

struct dns_resolver {
    struct resolver interface;
    struct dns_core *core;
    TAILQ_HEAD(, dns_lookup) lookups;
};

/* Each target once, as both families have the same chain as a rule. False: there is no room. */
static bool add_alias(struct dns_lookup *lookup, const uint8_t *response, size_t n, const struct dns_record *record)
{
    struct dname target;
    struct cursor rdata = cursor_over(response, n);
    cursor_bytes(&rdata, record->rdata_offset);
    if (dns_name_parse(&rdata, &target) != ST_OK)
        return false;
    for (size_t i = 0; i < lookup->alias_count; i++)
        if (dname_equal(&lookup->aliases[i], &target))
            return true;
    if (lookup->alias_count == RESOLVER_MAX_ALIASES)
        return false;
    lookup->aliases[lookup->alias_count++] = target;
    return true;
}

/* The proxy must not be led to networks of one's own by a stranger's name any more than a DNS client. */
static void add_addr(struct part *part, const uint8_t *response, const struct dns_record *record)
{
    if (part->count == RESOLVER_MAX_ADDRS || dns_clean_record(response, record, part->lookup->unclean))
        return;
    struct addr *addr = &part->addrs[part->count++];
    if (record->type == DNS_TYPE_A)
        *addr = addr_v4(0, 0);
    memcpy(addr->ip + (record->type == DNS_TYPE_A ? 12 : 0), response + record->rdata_offset, record->rdata_length);
    addr->port = 0;
}

/* The addresses in a normalised response stand at the end of the alias chain already. Records come in any order, so
 * that the whole answer is read for aliases. */
static void read_response(struct part *part, uint16_t type, const uint8_t *response, size_t n)
{
    struct dns_message message;
    part->count = 0;
    part->status = ST_UNAVAILABLE;
    if (dns_response_parse(response, n, &message) != ST_OK)
        return;
    if (part->lookup->wants_servers)
        dns_servers_add(&part->lookup->servers, response, n, &message);
    bool whole = true;
    struct dns_walk walk = dns_walk_start(response, n, &message);
    for (struct dns_record record; whole && dns_walk_next(&walk, &record) && record.section == DNS_ANSWER;) {
        if (record.type == DNS_TYPE_CNAME)
            whole = add_alias(part->lookup, response, n, &record);
        else if (record.type == type)
            add_addr(part, response, &record);
    }
    unsigned rcode = dns_header_rcode(&message.header);
    if (whole && (rcode == DNS_RCODE_NOERROR || rcode == DNS_RCODE_NXDOMAIN))
        part->status = part->count ? ST_OK : ST_NOT_FOUND;
    else
        part->count = 0;
}

static enum status joint_status(const struct dns_lookup *lookup)
{
    enum status status = ST_NOT_FOUND;
    for (size_t i = 0; i < PARTS; i++) {
        if (lookup->parts[i].status == ST_OK)
            return ST_OK;
        if (lookup->parts[i].status != ST_NOT_FOUND)
            status = lookup->parts[i].status;
    }
    return status;
}

/* RFC 8305 section 4: the families take turns, so that a dead one costs one attempt. */
static size_t interleave(const struct dns_lookup *lookup, struct addr *addrs)
{
    size_t count = 0;
    for (size_t i = 0; i < RESOLVER_MAX_ADDRS; i++)
        for (size_t part = 0; part < PARTS; part++)
            if (i < lookup->parts[part].count && count < RESOLVER_MAX_ADDRS)
                addrs[count++] = lookup->parts[part].addrs[i];
    return count;
}

/* Nothing is waited for any more; what was found stays until it is freed. */
static void lookup_end(struct dns_lookup *lookup)
{
    for (size_t i = 0; i < PARTS; i++)
        if (lookup->parts[i].waiting)
            dns_forward_leave(lookup->resolver->core->forwards, &lookup->parts[i].waiter);
    TAILQ_REMOVE(&lookup->resolver->lookups, lookup, entry);
    timer_free(lookup->timer);
}

/* Tells the caller and ends. A family that still waits is left out. */
static void finish(struct dns_lookup *lookup)
{
    struct addr addrs[RESOLVER_MAX_ADDRS];
    struct resolver_answer answer = {
        .status = joint_status(lookup),
        .addrs = addrs,
        .addr_count = interleave(lookup, addrs),
        .aliases = lookup->aliases,
        .alias_count = lookup->alias_count,
        .servers = lookup->wants_servers ? &lookup->servers : NULL,
    };
    lookup_end(lookup);
    lookup->done(lookup->arg, &answer);
    free(lookup);
}

static void on_timer(void *arg)
{
    finish(arg);
}

static void step(struct dns_lookup *lookup)
{
    bool waiting = false, found = false;
    for (size_t i = 0; i < PARTS; i++) {
        waiting |= lookup->parts[i].waiting;
        found |= lookup->parts[i].count > 0;
    }
    if (!waiting)
        finish(lookup);
    else if (found)
        timer_start(lookup->timer, PATIENCE_MS);
}

/* An answer whose time is up, where no upstream has another. */
static bool read_stale(struct part *part, const struct dns_cache_key *key)
{
    struct dns_core *core = part->lookup->resolver->core;
    size_t n = dns_cache_get_stale(core->cache, key, loop_now_ms(core->loop), core->out, sizeof core->out);
    if (n)
        read_response(part, key->type, core->out, n);
    return n;
}

static void on_reply(void *arg, const struct dns_reply *reply)
{
    struct part *part = arg;
    size_t index = (size_t)(part - part->lookup->parts);
    struct dns_cache_key key = {.name = &part->lookup->name, .type = part_types[index], .class = DNS_CLASS_IN};
    part->waiting = false;
    if (!reply->failed || !read_stale(part, &key)) {
        if (reply->status == ST_OK)
            read_response(part, key.type, reply->data, reply->length);
        else
            part->status = reply->status == ST_TIMEOUT ? ST_TIMEOUT : ST_UNAVAILABLE;
    }
    step(part->lookup);
}

/* What is answered here is answered the same to the proxy. False: the world is asked. */
static bool answer_here(struct part *part, const struct dns_cache_key *key)
{
    struct dns_core *core = part->lookup->resolver->core;
    struct dns_message query = {.header = {.flags = DNS_FLAG_RD},
                                .question = {.name = *key->name, .type = key->type, .class = key->class},
                                .question_end = DNS_HEADER_BYTES};
    struct dns_place place;
    dns_names_find(core->names, &query.question, true, &place); /* the proxy connects from this machine */
    if (place.kind == DNS_PLACE_WORLD || place.kind == DNS_PLACE_ALIAS)
        return false;
    size_t n = dns_names_answer(core->out, sizeof core->out, sizeof core->out, &query, core->names, &place);
    unsigned unclean = part->lookup->unclean;
    part->waiting = false;
    part->lookup->unclean = 0; /* the user's own */
    read_response(part, key->type, core->out, n);
    part->lookup->unclean = unclean;
    return true;
}

/* From what is answered here, else from the cache, else from an upstream. */
static void start_part(struct dns_lookup *lookup, size_t index)
{
    struct dns_core *core = lookup->resolver->core;
    struct part *part = &lookup->parts[index];
    part->lookup = lookup;
    struct dns_cache_key key = {.name = &lookup->name, .type = part_types[index], .class = DNS_CLASS_IN};
    enum dns_cache_age age;
    if (answer_here(part, &key))
        return;
    size_t n = dns_cache_get(core->cache, &key, loop_now_ms(core->loop), core->out, sizeof core->out, &age);
    bool at_once = age == DNS_CACHE_EXPIRED && !core->settings->stale_after_ms;
    if (age == DNS_CACHE_DUE || at_once)
        dns_forward_refresh(core->forwards, &key);
    part->waiting = false;
    if (n) {
        read_response(part, key.type, core->out, n);
        return;
    }
    if (at_once && read_stale(part, &key))
        return;
    part->waiter = (struct dns_waiter){.on_reply = on_reply, .arg = part, .has_stale = age == DNS_CACHE_EXPIRED};
    part->waiting = dns_forward_wait(core->forwards, &key, &part->waiter) == ST_OK;
    part->status = ST_UNAVAILABLE;
    if (!part->waiting)
        (void)read_stale(part, &key);
}

/* As for DNS clients: what safe search makes another name of NAME. */
static const struct dname *name_to_ask(const struct dns_names *names, const struct dname *name, struct dname *target)
{
    struct dns_question question = {.name = *name, .type = DNS_TYPE_A, .class = DNS_CLASS_IN};
    struct dns_place place;
    dns_names_find(names, &question, true, &place);
    if (place.kind != DNS_PLACE_ALIAS)
        return name;
    dns_names_target(names, &place, target);
    return target;
}

static void lookup_name(void *self, const struct dname *name, resolver_done_fn *done, void *arg)
{
    struct dns_resolver *resolver = self;
    struct dns_lookup *lookup = malloc(sizeof *lookup);
    struct timer *timer = lookup ? timer_new(resolver->core->loop, on_timer, lookup) : NULL;
    if (!timer) {
        free(lookup);
        done(arg, &(struct resolver_answer){.status = ST_UNAVAILABLE});
        return;
    }
    struct dname target;
    name = name_to_ask(resolver->core->names, name, &target);
    memset(lookup, 0, offsetof(struct dns_lookup, name));
    lookup->resolver = resolver;
    lookup->timer = timer;
    lookup->done = done;
    lookup->arg = arg;
    lookup->name = *name;
    lookup->servers.name_count = lookup->servers.addr_count = 0;
    lookup->unclean = dns_names_clean_of(resolver->core->names, name);
    lookup->wants_servers = judge_has_trigger(resolver->core->judge, TRIGGER_NS_NAME) ||
                            judge_has_trigger(resolver->core->judge, TRIGGER_NS_ADDRESS);
    TAILQ_INSERT_TAIL(&resolver->lookups, lookup, entry);
    /* Marked before they start: room for one may be made by giving the other up, and that must not finish this. */
    for (size_t i = 0; i < PARTS; i++)
        lookup->parts[i].waiting = true;
    for (size_t i = 0; i < PARTS; i++)
        start_part(lookup, i);
    step(lookup);
}

static void cancel(void *self, void *arg)
{
    struct dns_resolver *resolver = self;
    struct dns_lookup *lookup, *next;
    for (lookup = TAILQ_FIRST(&resolver->lookups); lookup; lookup = next) {
        next = TAILQ_NEXT(lookup, entry);
        if (lookup->arg != arg)
            continue;
        lookup_end(lookup);
        free(lookup);
    }
}

struct dns_resolver *dns_resolver_new(struct dns_core *core)
{
    struct dns_resolver *resolver = calloc(1, sizeof *resolver);
    if (!resolver)
        return NULL;
    resolver->core = core;
    resolver->interface = (struct resolver){.self = resolver, .lookup = lookup_name, .cancel = cancel};
    TAILQ_INIT(&resolver->lookups);
    return resolver;
}

void dns_resolver_free(struct dns_resolver *resolver)
{
    CHECK(!resolver || TAILQ_EMPTY(&resolver->lookups));
    free(resolver);
}

struct resolver *dns_resolver_interface(struct dns_resolver *resolver)
{
    return &resolver->interface;
}
