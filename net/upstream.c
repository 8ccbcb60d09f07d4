#include "net/upstream.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/upstream_choice.h"
#include "net/upstream_https.h"
#include "net/upstream_routes.h"
#include "net/upstream_try.h"

enum {
    RACERS = 3,             /* of UPSTREAM_PARALLEL */
    MAX_TRIES = 16,         /* of one query at once */
    MAX_ORPHANS = 64,       /* tries that only find out how a server does */
    CHANNELS_PER_QUERY = 2, /* more only by chance: a late try keeps its own until its query is over */
};

/* A place for one query. */
struct slot {
    struct upstream *upstream;
    TAILQ_ENTRY(slot) entry;
    struct timer *timer; /* until another server is asked as well, or until late ones are given up */

    struct query_original original;
    upstream_done_fn *done;
    void *arg;
    int64_t started_ms;
    const struct upstream_servers *servers; /* of the set in force when they were looked for last */
    uint64_t set_number;                    /* of that set */
    uint32_t tried;                         /* servers of this turn, a bit each */
    bool is_probe;                          /* somebody looks for a loop with it */
    unsigned tries_left;
    struct upstream_try *tries[MAX_TRIES];
    size_t try_count;
    bool timed_out;                   /* one of the tries */
    bool heard_invalid;               /* one of them, and nothing better */
    struct upstream_account *account; /* NULL: nobody watches */
    struct buf refusal;               /* an answer for want of a better one */
};
TAILQ_HEAD(slots, slot);

/* A try without a query: its server is being looked at. */
struct orphan {
    struct upstream *upstream;
    struct upstream_try *try;
    bool probe;          /* sent by upstream_look(): */
    size_t slot;         /* of the set in force */
    int64_t asked_ms;    /* then */
    uint64_t set_number; /* of that set */
    TAILQ_ENTRY(orphan) entry;
};

struct upstream {
    struct upstream_shared shared;
    struct upstream_hosts *hosts;
    struct upstream_routes *routes; /* of the set in force */
    uint64_t set_number;
    unsigned tries, max_pending, made;
    struct slots idle, busy;
    TAILQ_HEAD(, orphan) orphans;
    size_t orphan_count;
    bool closing;
    atomic_int_fast64_t answered_ms, down_ms; /* struct upstream_outlook */
    atomic_bool some_down;
};

static void on_try_result(void *arg, struct upstream_try *try, const struct upstream_result *result);

/* How the servers do, for other threads to see */

static void note_outlook(struct upstream *upstream)
{
    const struct upstream_routes *routes = upstream->routes;
    const struct upstream_servers *servers = &routes->servers[routes->set->route_count - 1];
    size_t down = 0;
    for (size_t i = 0; i < servers->count; i++)
        down += !upstream_server_is_up(servers->items[i]);
    atomic_store_explicit(&upstream->some_down, down, memory_order_relaxed);
    if (!down || down < servers->count)
        atomic_store_explicit(&upstream->down_ms, 0, memory_order_relaxed);
    else if (!atomic_load_explicit(&upstream->down_ms, memory_order_relaxed))
        atomic_store_explicit(&upstream->down_ms, loop_now_ms(upstream->shared.loop), memory_order_relaxed);
}

static bool is_default(const struct upstream *upstream, const struct upstream_server *server)
{
    const struct upstream_routes *routes = upstream->routes;
    const struct upstream_servers *servers = &routes->servers[routes->set->route_count - 1];
    for (size_t i = 0; i < servers->count; i++)
        if (servers->items[i] == server)
            return true;
    return false;
}

static void note_result(struct upstream *upstream, const struct upstream_try *try, enum status status)
{
    if (!is_default(upstream, upstream_try_server(try)))
        return;
    if (status == ST_OK)
        atomic_store_explicit(&upstream->answered_ms, loop_now_ms(upstream->shared.loop), memory_order_relaxed);
    note_outlook(upstream);
}

struct upstream_outlook upstream_outlook(const struct upstream *upstream)
{
    return (struct upstream_outlook){atomic_load_explicit(&upstream->answered_ms, memory_order_relaxed),
                                     atomic_load_explicit(&upstream->down_ms, memory_order_relaxed),
                                     atomic_load_explicit(&upstream->some_down, memory_order_relaxed)};
}

/* Tries that nobody waits for */

static void orphan_free(struct orphan *orphan)
{
    TAILQ_REMOVE(&orphan->upstream->orphans, orphan, entry);
    orphan->upstream->orphan_count--;
    upstream_try_free(orphan->try);
    free(orphan);
}

/* It has an answer that came from elsewhere. */
static void note_probe_answer(const struct orphan *orphan)
{
    const struct upstream *upstream = orphan->upstream;
    const struct upstream_set *set = upstream->routes->set;
    if (orphan->set_number != upstream->set_number)
        return;
    bool ended = upstream_loops_note_answer(set->loops, orphan->slot, orphan->asked_ms);
    if (upstream_loops_leads_back(set->loops, orphan->slot))
        upstream_server_forget_cookie(upstream_try_server(orphan->try)); /* it may be our own */
    if (!ended)
        return;
    char text[UPSTREAM_TEXT_SIZE];
    upstream_address_format(&upstream_try_server(orphan->try)->address, text);
    log_info("the DNS server %s does not lead back to ccward any more", text);
}

static void on_orphan_result(void *arg, struct upstream_try *try, const struct upstream_result *result)
{
    struct orphan *orphan = arg;
    note_result(orphan->upstream, try, result->status);
    if (orphan->probe && result->status == ST_OK)
        note_probe_answer(orphan);
    orphan_free(orphan);
}

/* Lets TRY go on alone, or ends it where there are too many already: NULL. */
static struct orphan *orphan_try_own(struct upstream *upstream, struct upstream_try *try)
{
    struct orphan *orphan = upstream->orphan_count < MAX_ORPHANS ? malloc(sizeof *orphan) : NULL;
    if (!orphan) {
        upstream_try_free(try);
        return NULL;
    }
    *orphan = (struct orphan){.upstream = upstream, .try = try};
    upstream_try_set_owner(try, on_orphan_result, orphan);
    TAILQ_INSERT_TAIL(&upstream->orphans, orphan, entry);
    upstream->orphan_count++;
    return orphan;
}

static void probe(struct upstream *upstream, size_t slot, struct upstream_server *server)
{
    struct query_original query;
    int64_t now_ms = loop_now_ms(upstream->shared.loop);
    if (upstream_routes_probe(upstream->routes, slot, now_ms, &query) != ST_OK)
        return;
    struct upstream_try *try = upstream_try_new(&upstream->shared, server, &query, on_orphan_result, NULL);
    struct orphan *orphan = try ? orphan_try_own(upstream, try) : NULL;
    if (!orphan) {
        upstream_loops_note_unsent(upstream->routes->set->loops, slot, now_ms);
        return;
    }
    upstream_loops_note_asked(upstream->routes->set->loops, slot, now_ms);
    orphan->probe = true;
    orphan->slot = slot;
    orphan->asked_ms = now_ms;
    orphan->set_number = upstream->set_number;
}

/* Those for all names, of the last route, come first: they are the only ones that are not asked when they lead back,
 * and there is no place for all servers of very many domains at once. */
void upstream_look(struct upstream *upstream, bool all)
{
    const struct upstream_routes *routes = upstream->routes;
    struct upstream_loops *loops = routes->set->loops;
    int64_t now_ms = loop_now_ms(upstream->shared.loop);
    for (size_t i = routes->set->route_count; i--;)
        for (size_t k = 0; k < routes->servers[i].count; k++) {
            struct upstream_server *server = routes->servers[i].items[k];
            size_t slot = upstream_set_slot(i, k);
            bool is_for_all = !routes->set->routes[i].domain.labels;
            if (all || upstream_loops_take_look(loops, slot, now_ms) ||
                (is_for_all && upstream_server_take_retry(server, now_ms)))
                probe(upstream, slot, server);
        }
}

/* It goes by the true time: the loop's may be that of a round which began before the query was sent. */
static void note_loop(struct upstream *upstream, size_t slot)
{
    struct buf text = {0};
    const struct upstream_set *set = upstream->routes->set;
    if (!upstream_loops_note(set->loops, slot, clock_mono_ms()))
        return;
    upstream_set_tell_loop(set, slot, &text);
    log_warning("%s", buf_text(&text));
    buf_free(&text);
}

bool upstream_is_own_probe(struct upstream *upstream, const struct dname *name)
{
    size_t slot;
    if (!upstream_loops_came_in(upstream->routes->set->loops, name, clock_mono_ms(), &slot))
        return false;
    note_loop(upstream, slot);
    return true;
}

bool upstream_is_own_cookie(struct upstream *upstream, const struct dname *name, const uint8_t *cookie)
{
    size_t slot;
    if (!upstream_routes_know_cookie(upstream->routes, name, cookie, loop_now_ms(upstream->shared.loop), &slot))
        return false;
    note_loop(upstream, slot);
    return true;
}

/* The servers to choose from */

static bool find_servers(struct slot *slot)
{
    struct upstream *upstream = slot->upstream;
    struct dname name;
    if (slot->servers && slot->set_number == upstream->set_number)
        return true;
    CHECK(dname_from_wire(slot->original.bytes + DNS_HEADER_BYTES, slot->original.name_length, &name) == ST_OK);
    slot->servers = upstream_routes_find(upstream->routes, &name);
    slot->set_number = upstream->set_number;
    slot->is_probe = upstream_loops_may_be(&name);
    slot->tried = 0;
    return slot->servers;
}

static uint32_t all_of(const struct slot *slot)
{
    return (1u << slot->servers->count) - 1;
}

/* Those that are not asked as they lead back to us, a bit each. The probes of other forwarders go to them where no
 * other is left, or who asks us would never find out that he leads back to himself. */
static uint32_t barred(const struct slot *slot)
{
    uint32_t looped = upstream_routes_looped(slot->upstream->routes, slot->servers);
    return slot->is_probe && looped == all_of(slot) ? 0 : looped;
}

static enum upstream_mode mode_of(const struct upstream *upstream)
{
    return upstream->routes->set->mode;
}

static struct upstream_candidates candidates_of(const struct slot *slot)
{
    return (struct upstream_candidates){slot->servers->items, slot->servers->count};
}

static bool has_untried(const struct slot *slot)
{
    return (slot->tried | barred(slot)) != all_of(slot);
}

/* One query: tries until one gets an answer. */

static void slot_clear(struct slot *slot)
{
    for (size_t i = 0; i < slot->try_count; i++)
        upstream_try_free(slot->tries[i]);
    slot->try_count = 0;
    slot->account = NULL;
    timer_stop(slot->timer);
    buf_free(&slot->refusal);
}

/* What is still under way finds out how its server does. */
static void let_go_of_tries(struct slot *slot)
{
    for (size_t i = 0; i < slot->try_count; i++) {
        if (upstream_try_is_late(slot->tries[i]))
            upstream_try_free(slot->tries[i]);
        else
            orphan_try_own(slot->upstream, slot->tries[i]);
    }
    slot->try_count = 0;
}

static void drop_try(struct slot *slot, struct upstream_try *try)
{
    size_t i = 0;
    while (slot->tries[i] != try)
        CHECK(++i < slot->try_count);
    slot->tries[i] = slot->tries[--slot->try_count];
    upstream_try_free(try);
}

/* Gives the slot back first and calls DONE last: it may send the next query, or free the upstream. */
static void finish(struct slot *slot, enum status status, size_t n)
{
    struct upstream *upstream = slot->upstream;
    upstream_done_fn *done = slot->done;
    void *arg = slot->arg;
    if (status == ST_OK) {
        upstream->shared.counters.replies++;
        query_original_restore(&slot->original, upstream->shared.reply);
    } else {
        upstream->shared.counters.failures++;
    }
    let_go_of_tries(slot);
    slot_clear(slot);
    TAILQ_REMOVE(&upstream->busy, slot, entry);
    TAILQ_INSERT_HEAD(&upstream->idle, slot, entry);
    done(arg, status, status == ST_OK ? upstream->shared.reply : NULL, n);
}

static void finish_without_answer(struct slot *slot)
{
    size_t n = slot->refusal.length;
    if (n) {
        memcpy(slot->upstream->shared.reply, slot->refusal.data, n);
        finish(slot, ST_OK, n);
    } else {
        bool loop = find_servers(slot) && barred(slot) == all_of(slot);
        enum status status = slot->timed_out ? ST_TIMEOUT : ST_UNAVAILABLE;
        finish(slot, loop ? ST_LOOP : slot->heard_invalid ? ST_INVALID : status, 0);
    }
}

static struct upstream_try *add_try(struct slot *slot, size_t index)
{
    struct upstream *upstream = slot->upstream;
    struct upstream_try *try =
        upstream_try_new(&upstream->shared, slot->servers->items[index], &slot->original, on_try_result, slot);
    if (try)
        slot->tries[slot->try_count++] = try;
    if (try && slot->account)
        upstream_account_asked(slot->account, try, &upstream_try_server(try)->address,
                               loop_now_ms(upstream->shared.loop));
    return try;
}

/* How long the tries have in all: a server that is slow with this name has so long, though others were asked. */
static int64_t left_ms(const struct slot *slot)
{
    const struct upstream *upstream = slot->upstream;
    int64_t budget_ms = upstream->shared.try_timeout_ms * upstream->tries;
    return slot->started_ms + budget_ms - loop_now_ms(upstream->shared.loop);
}

/* The next server is asked. False: there is none, or no memory. */
static bool start_try(struct slot *slot)
{
    struct upstream *upstream = slot->upstream;
    int64_t most_ms = upstream->shared.try_timeout_ms;
    if (!slot->tries_left || slot->try_count == MAX_TRIES || !find_servers(slot))
        return false;
    if (!has_untried(slot))
        slot->tried = 0;
    slot->tried |= barred(slot);
    if (slot->tried == all_of(slot))
        return false;
    struct upstream_candidates candidates = candidates_of(slot);
    size_t index = upstream_choose(&candidates, mode_of(upstream), slot->tried);
    slot->tried |= 1u << index;
    slot->tries_left--;
    struct upstream_try *try = add_try(slot, index);
    if (!try)
        return false;
    int64_t patience_ms =
        upstream_server_patience_ms(candidates.servers[index], upstream_try_is_connecting(try), most_ms);
    if (patience_ms < most_ms) /* else the end of the try leads to the next */
        timer_start(slot->timer, patience_ms);
    return true;
}

static void start_probe(struct slot *slot)
{
    struct upstream *upstream = slot->upstream;
    struct upstream_candidates candidates = candidates_of(slot);
    size_t index = upstream_choose_probe(&candidates, mode_of(upstream), upstream->shared.counters.queries,
                                         loop_now_ms(upstream->shared.loop));
    if (index == candidates.count || (slot->tried | barred(slot)) >> index & 1)
        return;
    slot->tried |= 1u << index;
    add_try(slot, index);
}

static bool is_waiting(const struct slot *slot, bool for_late_ones)
{
    for (size_t i = 0; i < slot->try_count; i++) {
        const struct upstream_try *try = slot->tries[i];
        if (upstream_try_is_late(try) ? for_late_ones && upstream_server_is_up(upstream_try_server(try))
                                      : !for_late_ones)
            return true;
    }
    return false;
}

/* A try is over or late: the next one, or the end. */
static void step(struct slot *slot)
{
    if (is_waiting(slot, false) || start_try(slot))
        return;
    /* A late server that answers other queries is slow with this name: it may have what is left of the time. */
    if (is_waiting(slot, true) && left_ms(slot) > 0)
        timer_start(slot->timer, left_ms(slot));
    else
        finish_without_answer(slot);
}

/* A late server is joined by another, but is not asked the same again before its try is over: it may be slow with this
 * name, and all who wait for that are one query. */
static void on_slot_timer(void *arg)
{
    struct slot *slot = arg;
    if (is_waiting(slot, false) && find_servers(slot) && !has_untried(slot))
        return;
    if (!start_try(slot))
        step(slot);
}

/* Not what was asked for, but perhaps another server has it. */
static bool is_refusal(unsigned rcode)
{
    return rcode != DNS_RCODE_NOERROR && rcode != DNS_RCODE_NXDOMAIN;
}

static void on_try_result(void *arg, struct upstream_try *try, const struct upstream_result *result)
{
    struct slot *slot = arg;
    note_result(slot->upstream, try, result->status);
    if (slot->account)
        upstream_account_ended(slot->account, try, result->status, result->rcode,
                               loop_now_ms(slot->upstream->shared.loop));
    slot->heard_invalid |= result->invalid || result->status == ST_INVALID;
    if (result->status == ST_TIMEOUT) {
        slot->timed_out = true;
        step(slot);
        return;
    }
    if (result->status == ST_OK)
        upstream_server_limit_trust(upstream_try_server(try), slot->upstream->shared.reply);
    drop_try(slot, try);
    if (result->status != ST_OK) {
        step(slot);
        return;
    }
    bool others = is_waiting(slot, false) || (slot->tries_left && find_servers(slot) && has_untried(slot));
    if (!is_refusal(result->rcode) || !others) {
        finish(slot, ST_OK, result->reply_length);
        return;
    }
    if (!slot->refusal.length)
        buf_add(&slot->refusal, slot->upstream->shared.reply, result->reply_length);
    step(slot);
}

static void start(struct slot *slot)
{
    struct upstream *upstream = slot->upstream;
    size_t racers = mode_of(upstream) == UPSTREAM_PARALLEL ? RACERS : 1;
    for (size_t i = 0; i < racers && has_untried(slot); i++)
        if (!start_try(slot))
            break;
    start_probe(slot);
    if (!slot->try_count) /* out of memory: told from the loop */
        timer_start(slot->timer, 0);
}

/* Slots */

static void slot_free(struct slot *slot)
{
    slot_clear(slot);
    timer_free(slot->timer);
    free(slot);
}

static struct slot *slot_new(struct upstream *upstream)
{
    struct slot *slot = calloc(1, sizeof *slot);
    if (!slot)
        return NULL;
    slot->upstream = upstream;
    slot->timer = timer_new(upstream->shared.loop, on_slot_timer, slot);
    if (!slot->timer) {
        free(slot);
        return NULL;
    }
    upstream->made++;
    TAILQ_INSERT_HEAD(&upstream->idle, slot, entry);
    return slot;
}

enum status upstream_query(struct upstream *upstream, const uint8_t *query, size_t n, upstream_done_fn *done, void *arg)
{
    if (upstream->closing)
        return ST_CLOSED;
    struct slot *slot = TAILQ_FIRST(&upstream->idle);
    if (!slot && upstream->made == upstream->max_pending)
        return ST_BUSY;
    if (!slot)
        slot = slot_new(upstream);
    if (!slot)
        return ST_NOMEM;
    enum status status = query_original_set(&slot->original, query, n);
    if (status != ST_OK)
        return status;
    slot->servers = NULL;
    if (!find_servers(slot))
        return ST_UNAVAILABLE;
    if (barred(slot) == all_of(slot))
        return ST_LOOP;
    slot->done = done;
    slot->arg = arg;
    slot->started_ms = loop_now_ms(upstream->shared.loop);
    slot->tries_left = upstream->tries;
    slot->timed_out = slot->heard_invalid = false;
    TAILQ_REMOVE(&upstream->idle, slot, entry);
    TAILQ_INSERT_TAIL(&upstream->busy, slot, entry);
    upstream->shared.counters.queries++;
    start(slot);
    return ST_OK;
}

static void release(struct upstream *upstream, struct slot *slot)
{
    slot_clear(slot);
    TAILQ_REMOVE(&upstream->busy, slot, entry);
    TAILQ_INSERT_HEAD(&upstream->idle, slot, entry);
}

void upstream_cancel(struct upstream *upstream, void *arg)
{
    for (struct slot *slot = TAILQ_FIRST(&upstream->busy), *next; slot; slot = next) {
        next = TAILQ_NEXT(slot, entry);
        if (slot->arg == arg)
            release(upstream, slot);
    }
}

void upstream_watch(struct upstream *upstream, const void *arg, struct upstream_account *account)
{
    struct slot *slot;
    TAILQ_FOREACH(slot, &upstream->busy, entry)
    {
        if (slot->arg != arg || slot->account)
            continue;
        slot->account = account;
        for (size_t i = 0; i < slot->try_count; i++)
            upstream_account_asked(account, slot->tries[i], &upstream_try_server(slot->tries[i])->address,
                                   slot->started_ms);
    }
}

void upstream_unwatch(struct upstream *upstream, const struct upstream_account *account)
{
    struct slot *slot;
    TAILQ_FOREACH(slot, &upstream->busy, entry)
    {
        if (slot->account == account)
            slot->account = NULL;
    }
}

/* The set */

enum status upstream_use(struct upstream *upstream, struct upstream_set *set)
{
    struct upstream_routes *routes = upstream_routes_new(set, upstream->routes, upstream->hosts);
    enum status status = routes ? upstream_hosts_use(upstream->hosts, set->bootstrap) : ST_NOMEM;
    if (status != ST_OK) {
        upstream_routes_free(routes);
        return status;
    }
    upstream_routes_free(upstream->routes);
    upstream->routes = routes;
    upstream->shared.trust = set->trust;
    upstream->set_number++;
    note_outlook(upstream);
    return ST_OK;
}

/* Making and freeing */

enum status upstream_new(struct loop *loop, const struct upstream_settings *settings, struct upstream_set *set,
                         struct upstream **result, struct fault *fault)
{
    if (!settings->tries || !settings->max_pending || settings->try_timeout_ms <= 0)
        return fault_set(fault, ST_INVALID, "tries, their time and their number must be over 0");
    struct upstream *upstream = calloc(1, sizeof *upstream);
    if (!upstream)
        return fault_set(fault, ST_NOMEM, "out of memory");
    upstream->shared.loop = loop;
    upstream->shared.try_timeout_ms = settings->try_timeout_ms;
    upstream->tries = settings->tries;
    upstream->max_pending = settings->max_pending;
    TAILQ_INIT(&upstream->idle);
    TAILQ_INIT(&upstream->busy);
    TAILQ_INIT(&upstream->orphans);
    upstream->shared.channels =
        upstream_channels_new(loop, settings->max_pending * CHANNELS_PER_QUERY + MAX_ORPHANS, upstream->shared.reply);
    upstream->hosts = upstream_hosts_new(loop);
    if (!upstream->shared.channels || !upstream->hosts || upstream_use(upstream, set) != ST_OK) {
        upstream_channels_free(upstream->shared.channels);
        upstream_hosts_free(upstream->hosts);
        free(upstream);
        return fault_set(fault, ST_NOMEM, "out of memory");
    }
    *result = upstream;
    return ST_OK;
}

void upstream_free(struct upstream *upstream)
{
    if (!upstream)
        return;
    upstream->closing = true;
    while (!TAILQ_EMPTY(&upstream->busy)) {
        struct slot *slot = TAILQ_FIRST(&upstream->busy);
        release(upstream, slot);
        slot->done(slot->arg, ST_CLOSED, NULL, 0);
    }
    while (!TAILQ_EMPTY(&upstream->idle)) {
        struct slot *slot = TAILQ_FIRST(&upstream->idle);
        TAILQ_REMOVE(&upstream->idle, slot, entry);
        slot_free(slot);
    }
    while (!TAILQ_EMPTY(&upstream->orphans))
        orphan_free(TAILQ_FIRST(&upstream->orphans));
    upstream_https_free(upstream->shared.https);
    upstream_channels_free(upstream->shared.channels);
    upstream_routes_free(upstream->routes);
    upstream_hosts_free(upstream->hosts);
    free(upstream);
}

const struct upstream_counters *upstream_counters(const struct upstream *upstream)
{
    return &upstream->shared.counters;
}
