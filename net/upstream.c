#include "net/upstream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "net/query_mask.h"
#include "net/upstream_channel.h"

enum {
    MAX_SERVERS = 16,
    CASE_MISMATCHES_MAX = 3,           /* then this server is taken for one that does not keep letter case */
    CASE_AGAIN_AFTER_MS = 3600 * 1000, /* it may have been one who forges answers that was seen */
    DOWN_AFTER_FAILURES = 2,           /* one lost datagram says nothing */
    DOWN_FIRST_MS = 1000,              /* then one query tries again; doubled each time up to the last */
    DOWN_LAST_MS = 60000,
};

struct server {
    struct addr addr;
    bool mix_case;
    unsigned case_mismatches;
    int64_t mix_again_at_ms;
    unsigned failures; /* since its last answer */
    int64_t down_ms;   /* how long it is left alone after the next failure */
    int64_t retry_at_ms;
};

/* A place for one query. */
struct slot {
    struct upstream *upstream;
    struct upstream_channel *channel;
    TAILQ_ENTRY(slot) entry;

    struct query_mask mask;
    upstream_done_fn *done;
    void *arg;
    struct server *server; /* of the current try */
    uint32_t tried;        /* servers of this turn, a bit each */
    unsigned tries_left;
    bool timed_out; /* one of the tries */
};
TAILQ_HEAD(slots, slot);

struct upstream {
    struct upstream_shared shared;
    struct server servers[MAX_SERVERS];
    size_t server_count;
    unsigned tries, max_pending, made;
    struct slots idle, busy;
    struct random_pool random;
    struct upstream_counters counters;
    bool closing;
};

/* Which server to ask */

static bool is_up(const struct upstream *upstream, const struct server *server)
{
    return server->failures < DOWN_AFTER_FAILURES || loop_now_ms(upstream->shared.loop) >= server->retry_at_ms;
}

/* The first that was not tried in this turn: one that is up, or else any. */
static struct server *choose_server(struct upstream *upstream, struct slot *slot)
{
    uint32_t all = (1u << upstream->server_count) - 1;
    if ((slot->tried & all) == all)
        slot->tried = 0;
    struct server *chosen = NULL;
    for (size_t i = upstream->server_count; i-- > 0;) {
        struct server *server = &upstream->servers[i];
        if (!(slot->tried & 1u << i) && (!chosen || is_up(upstream, server) || !is_up(upstream, chosen)))
            chosen = server;
    }
    slot->tried |= 1u << (chosen - upstream->servers);
    if (chosen->failures >= DOWN_AFTER_FAILURES) /* this query finds out; the others wait for what it finds */
        chosen->retry_at_ms = loop_now_ms(upstream->shared.loop) + chosen->down_ms;
    return chosen;
}

static void note_answer(struct server *server)
{
    server->failures = 0;
    server->case_mismatches = 0;
    server->down_ms = DOWN_FIRST_MS;
}

static void note_failure(struct upstream *upstream, struct server *server)
{
    int64_t now_ms = loop_now_ms(upstream->shared.loop);
    if (server->failures >= DOWN_AFTER_FAILURES && now_ms < server->retry_at_ms)
        return; /* a query from before it was known to be down */
    if (++server->failures < DOWN_AFTER_FAILURES)
        return;
    server->retry_at_ms = now_ms + server->down_ms;
    server->down_ms = server->down_ms * 2 < DOWN_LAST_MS ? server->down_ms * 2 : DOWN_LAST_MS;
}

/* True when that was one too many: the case of letters is left alone for a while. */
static bool note_wrong_case(struct upstream *upstream, struct server *server)
{
    if (!server->mix_case || ++server->case_mismatches < CASE_MISMATCHES_MAX)
        return false;
    char text[ADDR_TEXT_SIZE];
    addr_format(&server->addr, text);
    log_info("the DNS server %s does not keep the case of letters in its answers; queries to it do without that check",
             text);
    server->mix_case = false;
    server->mix_again_at_ms = loop_now_ms(upstream->shared.loop) + CASE_AGAIN_AFTER_MS;
    return true;
}

/* A server that was found out before is left alone again after one mismatch. */
static bool wants_mixed_case(struct upstream *upstream, struct server *server)
{
    if (!server->mix_case && loop_now_ms(upstream->shared.loop) >= server->mix_again_at_ms) {
        server->mix_case = true;
        server->case_mismatches = CASE_MISMATCHES_MAX - 1;
    }
    return server->mix_case;
}

/* One query: tries until one gets an answer. */

static void start_try(struct slot *slot)
{
    struct upstream *upstream = slot->upstream;
    slot->tries_left--;
    slot->server = choose_server(upstream, slot);
    query_mask_draw(&slot->mask, &upstream->random, wants_mixed_case(upstream, slot->server));
    upstream_channel_send(slot->channel, &slot->server->addr, &slot->mask);
}

/* Gives the slot back first and calls DONE last: it may send the next query, or free the upstream. */
static void finish(struct slot *slot, enum status status, size_t n)
{
    struct upstream *upstream = slot->upstream;
    upstream_done_fn *done = slot->done;
    void *arg = slot->arg;
    if (status == ST_OK) {
        upstream->counters.replies++;
        query_mask_undo(&slot->mask, upstream->shared.reply);
    } else {
        upstream->counters.failures++;
    }
    TAILQ_REMOVE(&upstream->busy, slot, entry);
    TAILQ_INSERT_HEAD(&upstream->idle, slot, entry);
    done(arg, status, status == ST_OK ? upstream->shared.reply : NULL, n);
}

static void on_try_result(void *arg, const struct upstream_result *result)
{
    struct slot *slot = arg;
    struct upstream *upstream = slot->upstream;
    if (result->status == ST_OK) {
        note_answer(slot->server);
        finish(slot, ST_OK, result->reply_length);
        return;
    }
    slot->timed_out |= result->status == ST_TIMEOUT;
    if (!result->wrong_case_only) {
        note_failure(upstream, slot->server);
    } else if (note_wrong_case(upstream, slot->server)) {
        slot->tries_left++;
        slot->tried = 0;
    }
    if (slot->tries_left)
        start_try(slot);
    else
        finish(slot, slot->timed_out ? ST_TIMEOUT : ST_UNAVAILABLE, 0);
}

static void slot_free(struct slot *slot)
{
    upstream_channel_free(slot->channel);
    free(slot);
}

static struct slot *slot_new(struct upstream *upstream)
{
    struct slot *slot = calloc(1, sizeof *slot);
    if (!slot)
        return NULL;
    slot->upstream = upstream;
    slot->channel = upstream_channel_new(&upstream->shared, on_try_result, slot);
    if (!slot->channel) {
        slot_free(slot);
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
    if (!upstream->server_count)
        return ST_UNAVAILABLE;
    struct slot *slot = TAILQ_FIRST(&upstream->idle);
    if (!slot && upstream->made == upstream->max_pending)
        return ST_BUSY;
    if (!slot)
        slot = slot_new(upstream);
    if (!slot)
        return ST_NOMEM;
    enum status status = query_mask_set(&slot->mask, query, n);
    if (status != ST_OK)
        return status;
    slot->done = done;
    slot->arg = arg;
    slot->tried = 0;
    slot->tries_left = upstream->tries;
    slot->timed_out = false;
    TAILQ_REMOVE(&upstream->idle, slot, entry);
    TAILQ_INSERT_TAIL(&upstream->busy, slot, entry);
    upstream->counters.queries++;
    start_try(slot);
    return ST_OK;
}

static void release(struct upstream *upstream, struct slot *slot)
{
    upstream_channel_cancel(slot->channel);
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

enum status upstream_new(struct loop *loop, const struct upstream_settings *settings, struct upstream **result,
                         struct fault *fault)
{
    if (settings->server_count > MAX_SERVERS)
        return fault_set(fault, ST_INVALID, "at most %d DNS servers can be asked, not %zu", MAX_SERVERS,
                         settings->server_count);
    if (!settings->tries || !settings->max_pending || settings->try_timeout_ms <= 0)
        return fault_set(fault, ST_INVALID, "tries, their time and their number must be over 0");
    struct upstream *upstream = calloc(1, sizeof *upstream);
    if (!upstream)
        return fault_set(fault, ST_NOMEM, "out of memory");
    upstream->shared.loop = loop;
    upstream->shared.unwanted = &upstream->counters.unwanted;
    upstream->shared.try_timeout_ms = settings->try_timeout_ms;
    upstream->tries = settings->tries;
    upstream->max_pending = settings->max_pending;
    upstream->server_count = settings->server_count;
    for (size_t i = 0; i < settings->server_count; i++)
        upstream->servers[i] =
            (struct server){.addr = settings->servers[i], .mix_case = true, .down_ms = DOWN_FIRST_MS};
    TAILQ_INIT(&upstream->idle);
    TAILQ_INIT(&upstream->busy);
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
    free(upstream);
}

const struct upstream_counters *upstream_counters(const struct upstream *upstream)
{
    return &upstream->counters;
}
