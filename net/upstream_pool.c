#include "net/upstream_pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "net/stream.h"
#include "net/tls_client.h"

enum {
    MAX_CONNECTIONS = 2,
    MAX_SENT = 64,          /* queries on one connection at once */
    MAX_STRAYS = 256,       /* messages in a row that answer nothing */
    LATE_MAX = 2,           /* late answers in a row, with nothing coming in between */
    BACKOFF_FIRST_MS = 100, /* after a connection that led to nothing; doubled each time up to the last */
    BACKOFF_LAST_MS = 5000,
    PREFIX_BYTES = 2, /* the length before each message (RFC 1035 section 4.2.2) */
};

TAILQ_HEAD(pool_queries, pool_query);

struct pool_connection {
    struct upstream_pool *pool;
    struct stream *stream;  /* by TCP */
    struct tls_client *tls; /* by TLS */
    bool open, retired;
    unsigned answered, strays, late;
    size_t sent_count;
    struct pool_queries sent;
    bool *gone; /* set when it is freed within a callback */
    TAILQ_ENTRY(pool_connection) entry;
};

struct upstream_pool {
    struct upstream_pool_settings settings;
    struct pool_queries waiting, failed;
    TAILQ_HEAD(, pool_connection) connections;
    int64_t backoff_ms, retry_at_ms;
    struct tls_session session;
    bool distrust_told;
    struct loop_task task;
    bool *gone;
};

static void dispatch(struct upstream_pool *pool);

/* Where a query is */

static struct pool_queries *queue_of(struct upstream_pool *pool, const struct pool_query *query)
{
    if (query->place == POOL_SENT)
        return &query->connection->sent;
    return query->place == POOL_WAITING ? &pool->waiting : &pool->failed;
}

static void take_out(struct upstream_pool *pool, struct pool_query *query)
{
    TAILQ_REMOVE(queue_of(pool, query), query, entry);
    if (query->place == POOL_SENT)
        query->connection->sent_count--;
    query->place = POOL_NOWHERE;
    query->connection = NULL;
}

static void put(struct upstream_pool *pool, struct pool_query *query, enum pool_place place)
{
    query->place = place;
    TAILQ_INSERT_TAIL(queue_of(pool, query), query, entry);
}

/* It is told from the loop. */
static void fail_query(struct upstream_pool *pool, struct pool_query *query, enum status status)
{
    query->failure = status;
    put(pool, query, POOL_FAILED);
    loop_defer(pool->settings.loop, &pool->task);
}

/* Connections */

static struct str input_of(const struct pool_connection *connection)
{
    return connection->tls ? tls_client_input(connection->tls) : stream_input(connection->stream);
}

static void consume(struct pool_connection *connection, size_t n)
{
    if (connection->tls)
        tls_client_consume(connection->tls, n);
    else
        stream_consume(connection->stream, n);
}

/* What can't be written fails the connection, which tells from the loop. */
static void write_out(struct pool_connection *connection, const uint8_t *data, size_t n)
{
    if (connection->tls)
        (void)!tls_client_write(connection->tls, data, n);
    else
        (void)!stream_write(connection->stream, data, n);
}

static void connection_free(struct pool_connection *connection)
{
    struct upstream_pool *pool = connection->pool;
    CHECK(TAILQ_EMPTY(&connection->sent));
    if (connection->gone)
        *connection->gone = true;
    TAILQ_REMOVE(&pool->connections, connection, entry);
    stream_free(connection->stream);
    tls_client_free(connection->tls);
    free(connection);
}

static void back_off(struct upstream_pool *pool)
{
    pool->backoff_ms = !pool->backoff_ms                        ? BACKOFF_FIRST_MS
                       : pool->backoff_ms * 2 < BACKOFF_LAST_MS ? pool->backoff_ms * 2
                                                                : BACKOFF_LAST_MS;
    pool->retry_at_ms = loop_now_ms(pool->settings.loop) + pool->backoff_ms;
}

/* A connection that had served before may have been closed for being idle just when a query was sent: it is sent again
 * (RFC 7766 section 6.2.4). */
static void connection_fail(struct pool_connection *connection, enum status status)
{
    struct upstream_pool *pool = connection->pool;
    bool again = connection->answered && status != ST_INVALID && status != ST_TIMEOUT;
    for (struct pool_query *query; (query = TAILQ_FIRST(&connection->sent));) {
        take_out(pool, query);
        if (again && !query->sent_twice) {
            query->sent_twice = true;
            put(pool, query, POOL_WAITING);
        } else {
            fail_query(pool, query, status);
        }
    }
    /* Of several addresses the next is tried before anybody is told. */
    bool elsewhere = !connection->open && pool->settings.host && upstream_host_missed(pool->settings.host);
    if (!connection->answered && !elsewhere)
        back_off(pool);
    connection_free(connection);
    loop_defer(pool->settings.loop, &pool->task);
}

static void retire_when_done(struct pool_connection *connection)
{
    if (connection->retired && TAILQ_EMPTY(&connection->sent))
        connection_free(connection);
}

static struct pool_query *find_sent(const struct pool_connection *connection, const uint8_t *message)
{
    struct pool_query *query;
    TAILQ_FOREACH(query, &connection->sent, entry)
    {
        if (!memcmp(query->mask->bytes, message, 2))
            break;
    }
    return query;
}

static void take_message(struct pool_connection *connection, size_t n)
{
    struct upstream_pool *pool = connection->pool;
    struct pool_query *query = find_sent(connection, pool->settings.reply);
    if (!query) {
        ++*pool->settings.unwanted;
        if (++connection->strays > MAX_STRAYS)
            connection_fail(connection, ST_INVALID);
        return;
    }
    connection->strays = 0;
    connection->answered++;
    pool->backoff_ms = 0;
    take_out(pool, query);
    if (!TAILQ_EMPTY(&pool->waiting))
        loop_defer(pool->settings.loop, &pool->task);
    query->on_message(query->arg, n);
}

/* The next whole message, copied to the settings' reply. False: none is whole, or the connection is no more. */
static bool next_message(struct pool_connection *connection, size_t *n)
{
    struct str input = input_of(connection);
    struct cursor cursor = cursor_over(input.data, input.length);
    uint16_t length = cursor_u16(&cursor);
    if (!cursor.failed && length < DNS_HEADER_BYTES) {
        connection_fail(connection, ST_INVALID);
        return false;
    }
    const uint8_t *message = cursor_bytes(&cursor, length);
    if (!message)
        return false;
    memcpy(connection->pool->settings.reply, message, length);
    consume(connection, PREFIX_BYTES + (size_t)length);
    *n = length;
    return true;
}

static void on_data(void *arg)
{
    struct pool_connection *connection = arg;
    bool gone = false;
    connection->gone = &gone;
    connection->late = 0;
    for (size_t n; !gone && next_message(connection, &n);)
        take_message(connection, n);
    if (gone)
        return;
    connection->gone = NULL;
    retire_when_done(connection);
}

static void on_eof(void *arg)
{
    connection_fail(arg, ST_CLOSED);
}

/* Said once, until the server is believed again. */
static void tell_distrust(struct pool_connection *connection)
{
    struct upstream_pool *pool = connection->pool;
    const char *why = connection->tls ? tls_client_why(connection->tls) : "";
    char text[UPSTREAM_TEXT_SIZE];
    if (!*why || pool->distrust_told)
        return;
    pool->distrust_told = true;
    upstream_address_format(pool->settings.address, text);
    log_warning("the DNS server %s cannot be asked over TLS: %s", text, why);
}

static void on_failed(void *arg, enum status status)
{
    tell_distrust(arg);
    connection_fail(arg, status == ST_IO ? ST_UNAVAILABLE : status);
}

static void on_connected(void *arg)
{
    struct pool_connection *connection = arg;
    struct upstream_pool *pool = connection->pool;
    connection->open = true;
    if (pool->settings.host)
        upstream_host_reached(pool->settings.host);
    if (connection->tls)
        tls_client_set_idle_timeout(connection->tls, pool->settings.idle_ms);
    else
        stream_set_idle_timeout(connection->stream, pool->settings.idle_ms);
    pool->distrust_told = false;
    dispatch(pool);
}

static const struct stream_ops ops = {
    .on_connected = on_connected, .on_data = on_data, .on_eof = on_eof, .on_failed = on_failed};

static bool begin(struct pool_connection *connection)
{
    struct upstream_pool *pool = connection->pool;
    const struct upstream_pool_settings *settings = &pool->settings;
    const struct upstream_address *address = settings->address;
    const struct addr *addr = settings->host ? upstream_host_addr(settings->host) : &address->addr;
    if (address->transport == UPSTREAM_TLS && !*settings->trust)
        return false; /* the set in force has no such server any more */
    if (address->transport == UPSTREAM_TLS) {
        struct tls_target target = {.addr = *addr, .name = address->host, .alpn = "dot"};
        connection->tls = tls_client_connect(settings->loop, *settings->trust, &target, &pool->session,
                                             settings->connect_timeout_ms, &ops, connection);
        return connection->tls;
    }
    connection->stream = stream_connect(settings->loop, addr, settings->connect_timeout_ms, &ops, connection);
    if (connection->stream)
        stream_set_input_limit(connection->stream, PREFIX_BYTES + DNS_MESSAGE_MAX);
    return connection->stream;
}

static enum status open_connection(struct upstream_pool *pool)
{
    struct pool_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return ST_NOMEM;
    connection->pool = pool;
    if (!begin(connection)) {
        free(connection);
        return ST_NOMEM;
    }
    TAILQ_INIT(&connection->sent);
    TAILQ_INSERT_TAIL(&pool->connections, connection, entry);
    return ST_OK;
}

/* From waiting to sent */

/* The least busy connection with room; NULL: there is none, and MAY_OPEN says whether to make one. */
static struct pool_connection *find_room(struct upstream_pool *pool, bool *may_open)
{
    struct pool_connection *best = NULL, *connection;
    size_t in_use = 0;
    bool connecting = false;
    TAILQ_FOREACH(connection, &pool->connections, entry)
    {
        connecting |= !connection->open;
        in_use += !connection->retired;
        if (connection->open && !connection->retired && connection->sent_count < MAX_SENT &&
            (!best || connection->sent_count < best->sent_count))
            best = connection;
    }
    *may_open = !connecting && in_use < MAX_CONNECTIONS;
    return best;
}

static void send_on(struct pool_connection *connection, struct pool_query *query)
{
    struct upstream_pool *pool = connection->pool;
    while (find_sent(connection, query->mask->bytes))
        query_mask_draw_id(query->mask, pool->settings.random);
    /* In one piece: RFC 7766 section 8. */
    uint8_t framed[PREFIX_BYTES + QUERY_MASK_MAX];
    size_t n = query->mask->length;
    framed[0] = (uint8_t)(n >> 8);
    framed[1] = (uint8_t)n;
    memcpy(framed + PREFIX_BYTES, query->mask->bytes, n);
    query->connection = connection;
    query->sent_ms = loop_now_ms(pool->settings.loop);
    connection->sent_count++;
    put(pool, query, POOL_SENT);
    write_out(connection, framed, PREFIX_BYTES + n);
}

static void fail_waiting(struct upstream_pool *pool, enum status status)
{
    for (struct pool_query *query; (query = TAILQ_FIRST(&pool->waiting));) {
        take_out(pool, query);
        fail_query(pool, query, status);
    }
}

static void dispatch(struct upstream_pool *pool)
{
    bool may_open;
    for (struct pool_query *query; (query = TAILQ_FIRST(&pool->waiting));) {
        struct pool_connection *connection = find_room(pool, &may_open);
        if (connection) {
            take_out(pool, query);
            send_on(connection, query);
            continue;
        }
        if (!may_open)
            return;
        bool backing_off = pool->backoff_ms && loop_now_ms(pool->settings.loop) < pool->retry_at_ms;
        enum status status = backing_off ? ST_UNAVAILABLE : open_connection(pool);
        if (status == ST_OK || !TAILQ_EMPTY(&pool->connections))
            return;
        fail_waiting(pool, status);
    }
}

static void on_task(void *arg)
{
    struct upstream_pool *pool = arg;
    bool gone = false;
    dispatch(pool);
    pool->gone = &gone;
    for (struct pool_query *query; !gone && (query = TAILQ_FIRST(&pool->failed));) {
        take_out(pool, query);
        query->on_failed(query->arg, query->failure);
    }
    if (!gone)
        pool->gone = NULL;
}

void upstream_pool_send(struct upstream_pool *pool, struct pool_query *query)
{
    bool may_open;
    CHECK(query->place == POOL_NOWHERE);
    query->sent_twice = false;
    struct pool_connection *connection = TAILQ_EMPTY(&pool->waiting) ? find_room(pool, &may_open) : NULL;
    if (connection) {
        send_on(connection, query);
        return;
    }
    put(pool, query, POOL_WAITING);
    loop_defer(pool->settings.loop, &pool->task);
}

void upstream_pool_cancel(struct upstream_pool *pool, struct pool_query *query)
{
    struct pool_connection *connection = query->connection;
    if (query->place == POOL_NOWHERE)
        return;
    take_out(pool, query);
    if (!TAILQ_EMPTY(&pool->waiting))
        loop_defer(pool->settings.loop, &pool->task);
    if (connection && !connection->gone)
        retire_when_done(connection);
}

void upstream_pool_note_late(struct pool_query *query)
{
    struct pool_connection *connection = query->connection;
    if (query->place == POOL_SENT && ++connection->late >= LATE_MAX)
        connection->retired = true;
}

struct upstream_pool *upstream_pool_new(const struct upstream_pool_settings *settings)
{
    struct upstream_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pool->settings = *settings;
    pool->task = (struct loop_task){.run = on_task, .arg = pool};
    TAILQ_INIT(&pool->waiting);
    TAILQ_INIT(&pool->failed);
    TAILQ_INIT(&pool->connections);
    return pool;
}

void upstream_pool_free(struct upstream_pool *pool)
{
    if (!pool)
        return;
    CHECK(TAILQ_EMPTY(&pool->waiting) && TAILQ_EMPTY(&pool->failed));
    if (pool->gone)
        *pool->gone = true;
    while (!TAILQ_EMPTY(&pool->connections))
        connection_free(TAILQ_FIRST(&pool->connections));
    loop_task_cancel(pool->settings.loop, &pool->task);
    tls_session_forget(&pool->session);
    free(pool);
}
