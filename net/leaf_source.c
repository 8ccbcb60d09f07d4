#include "net/leaf_source.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/siphash.h"
#include "net/leaf_wire.h"
#include "net/random_pool.h"

enum {
    ASK_MS = 1500,
    MAX_QUERIES = 64,  /* that the signer has not answered */
    MAX_CACHED = 1024, /* some 5 KiB each */
    REPLIES_PER_WAKEUP = 64,
};

/* One name that the signer is asked for, and who waits for it. */
struct leaf_query {
    uint32_t number;
    int64_t until_ms;
    char name[LEAF_NAME_SIZE];
    LIST_HEAD(, leaf_ask) asks;
    TAILQ_ENTRY(leaf_query) entry;
};

struct slot {
    uint64_t hash, used;
    struct tls_leaf *leaf; /* NULL: free */
};

struct leaf_source {
    struct loop *loop;
    int fd;
    const atomic_uint *generation;
    unsigned cached_generation;
    struct event *event;
    struct timer *timer; /* of the oldest query */
    struct tls_leaf_context *context;
    TAILQ_HEAD(queries, leaf_query) queries; /* oldest first */
    size_t query_count;
    uint32_t last_number;
    uint64_t uses;
    uint8_t hash_key[SIPHASH_KEY_BYTES];
    struct slot slots[MAX_CACHED];
};

/* The cache. A name's slot is found by a look at all hashes, which stand close together. */

static void forget_all(struct leaf_source *source)
{
    for (size_t i = 0; i < MAX_CACHED; i++) {
        tls_leaf_unref(source->slots[i].leaf);
        source->slots[i] = (struct slot){0};
    }
}

/* What another signer has signed may be by another authority. */
static void follow_generation(struct leaf_source *source)
{
    unsigned now = atomic_load_explicit(source->generation, memory_order_acquire);
    if (!now || now == source->cached_generation)
        return;
    forget_all(source);
    source->cached_generation = now;
}

static uint64_t hash_of(const struct leaf_source *source, const char *name)
{
    return siphash(source->hash_key, name, strlen(name));
}

static struct slot *find_slot(struct leaf_source *source, const char *name)
{
    uint64_t hash = hash_of(source, name);
    for (size_t i = 0; i < MAX_CACHED; i++) {
        struct slot *slot = &source->slots[i];
        if (slot->hash == hash && slot->leaf && !strcmp(tls_leaf_name(slot->leaf), name))
            return slot;
    }
    return NULL;
}

static void cache_own(struct leaf_source *source, const char *name, struct tls_leaf *leaf)
{
    struct slot *slot = find_slot(source, name);
    for (size_t i = 0; !slot && i < MAX_CACHED; i++)
        if (!source->slots[i].leaf)
            slot = &source->slots[i];
    if (!slot) {
        slot = &source->slots[0];
        for (size_t i = 1; i < MAX_CACHED; i++)
            if (source->slots[i].used < slot->used)
                slot = &source->slots[i];
    }
    tls_leaf_unref(slot->leaf);
    *slot = (struct slot){hash_of(source, name), ++source->uses, leaf};
}

/* Queries */

static void end_query(struct leaf_source *source, struct leaf_query *query, struct tls_leaf *leaf)
{
    TAILQ_REMOVE(&source->queries, query, entry);
    source->query_count--;
    while (!LIST_EMPTY(&query->asks)) {
        struct leaf_ask *ask = LIST_FIRST(&query->asks);
        leaf_ask_cancel(ask);
        ask->on_leaf(ask->arg, leaf);
    }
    free(query);
}

static void set_timer(struct leaf_source *source)
{
    if (TAILQ_EMPTY(&source->queries)) {
        timer_stop(source->timer);
        return;
    }
    int64_t left_ms = TAILQ_FIRST(&source->queries)->until_ms - loop_now_ms(source->loop);
    timer_start(source->timer, left_ms > 0 ? left_ms : 0);
}

static void on_timer(void *arg)
{
    struct leaf_source *source = arg;
    while (!TAILQ_EMPTY(&source->queries) && TAILQ_FIRST(&source->queries)->until_ms <= loop_now_ms(source->loop))
        end_query(source, TAILQ_FIRST(&source->queries), NULL);
    set_timer(source);
}

static void take_reply(struct leaf_source *source, const uint8_t *bytes, size_t n)
{
    struct leaf_reply reply;
    struct leaf_query *query;
    struct tls_leaf *leaf = NULL;
    if (leaf_reply_parse(bytes, n, &reply) != ST_OK)
        return; /* the timer ends what waits for it */
    TAILQ_FOREACH(query, &source->queries, entry) if (query->number == reply.number) break;
    if (!query)
        return; /* too late, or of an earlier signer */
    if (reply.result == LEAF_SIGNED &&
        tls_leaf_new(source->context, query->name, reply.certificate, reply.key, &leaf) == ST_OK)
        cache_own(source, query->name, tls_leaf_ref(leaf));
    end_query(source, query, leaf);
    tls_leaf_unref(leaf);
    set_timer(source);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct leaf_source *source = arg;
    uint8_t bytes[LEAF_REPLY_MAX + 1]; /* one more, so that what is longer shows */
    for (unsigned i = 0; i < REPLIES_PER_WAKEUP; i++) {
        ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n == 0) /* the other end is gone for good */
            event_del(source->event);
        if (n <= 0)
            break;
        take_reply(source, bytes, (size_t)n);
    }
    explicit_bzero(bytes, sizeof bytes);
}

static struct leaf_query *find_query(struct leaf_source *source, const char *name)
{
    struct leaf_query *query;
    TAILQ_FOREACH(query, &source->queries, entry) if (!strcmp(query->name, name)) return query;
    return NULL;
}

/* NULL: it cannot be asked for now. */
static struct leaf_query *send_query(struct leaf_source *source, const char *name, const struct addr *client)
{
    uint8_t bytes[LEAF_REQUEST_MAX];
    struct leaf_request request = {.number = ++source->last_number, .client = *client};
    struct leaf_query *query = source->query_count < MAX_QUERIES ? calloc(1, sizeof *query) : NULL;
    if (!query)
        return NULL;
    text_copy(request.name, sizeof request.name, str_of(name));
    size_t n = leaf_request_build(&request, bytes);
    if (send(source->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)n) {
        free(query);
        return NULL;
    }
    query->number = request.number;
    query->until_ms = loop_now_ms(source->loop) + ASK_MS;
    text_copy(query->name, sizeof query->name, str_of(name));
    LIST_INIT(&query->asks);
    TAILQ_INSERT_TAIL(&source->queries, query, entry);
    source->query_count++;
    set_timer(source);
    return query;
}

void leaf_source_ask(struct leaf_source *source, const struct dname *name, const struct addr *client,
                     struct leaf_ask *ask)
{
    char text[LEAF_NAME_SIZE];
    ask->query = NULL;
    if (!leaf_source_is_up(source) || authority_leaf_name(name, text) != ST_OK) {
        ask->on_leaf(ask->arg, NULL);
        return;
    }
    follow_generation(source);
    struct slot *slot = find_slot(source, text);
    if (slot && tls_leaf_is_fresh(slot->leaf)) {
        slot->used = ++source->uses;
        ask->on_leaf(ask->arg, slot->leaf);
        return;
    }
    struct leaf_query *query = find_query(source, text);
    if (!query)
        query = send_query(source, text, client);
    if (!query) {
        ask->on_leaf(ask->arg, NULL);
        return;
    }
    ask->query = query;
    LIST_INSERT_HEAD(&query->asks, ask, entry);
}

void leaf_ask_cancel(struct leaf_ask *ask)
{
    if (!ask->query)
        return;
    LIST_REMOVE(ask, entry);
    ask->query = NULL;
}

/* Life */

bool leaf_source_is_up(const struct leaf_source *source)
{
    return source && atomic_load_explicit(source->generation, memory_order_acquire);
}

struct leaf_source *leaf_source_new_own(struct loop *loop, int fd, const atomic_uint *generation)
{
    struct random_pool pool = {0};
    struct leaf_source *source = calloc(1, sizeof *source);
    if (!source) {
        close(fd);
        return NULL;
    }
    source->loop = loop;
    source->fd = fd;
    source->generation = generation;
    TAILQ_INIT(&source->queries);
    random_pool_take(&pool, source->hash_key, sizeof source->hash_key);
    source->context = tls_leaf_context_new();
    source->timer = timer_new(loop, on_timer, source);
    source->event = event_new(loop_event_base(loop), fd, EV_READ | EV_PERSIST, on_readable, source);
    if (!source->context || !source->timer || !source->event || event_add(source->event, NULL) != 0) {
        leaf_source_free(source);
        return NULL;
    }
    return source;
}

void leaf_source_free(struct leaf_source *source)
{
    if (!source)
        return;
    while (!TAILQ_EMPTY(&source->queries))
        end_query(source, TAILQ_FIRST(&source->queries), NULL);
    forget_all(source);
    if (source->event)
        event_free(source->event);
    timer_free(source->timer);
    tls_leaf_context_free(source->context);
    close(source->fd);
    free(source);
}
