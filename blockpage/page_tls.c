#include "blockpage/page_tls.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/listener.h"
#include "net/stream.h"
#include "net/tls_hello.h"

enum {
    HELLO_TIMEOUT_MS = 5000,
    LINGER_MS = 1000,
    MAX_CONNECTIONS = 512,
    INPUT_LIMIT_BYTES = 2 * TLS_HELLO_MAX_BYTES, /* tls_hello_parse() gives up by then */
};

/* RFC 8446 section 6. */
enum alert { ALERT_ACCESS_DENIED = 49, ALERT_DECODE_ERROR = 50, ALERT_UNRECOGNIZED_NAME = 112 };

struct page_tls {
    struct loop *loop;
    struct judge *judge;
    struct page_https *https;
    struct listener *listener;
    size_t count;
    LIST_HEAD(, connection) connections;
};

struct connection {
    struct page_tls *tls;
    struct stream *stream;
    struct timer *deadline;
    struct addr client, local;
    size_t wanted_bytes; /* of the input; before that it is no whole hello */
    bool asking;         /* for a certificate; the hello stays in the input for who shows it */
    struct leaf_ask ask;
    LIST_ENTRY(connection) entry;
};

static void connection_free(struct connection *connection)
{
    LIST_REMOVE(connection, entry);
    connection->tls->count--;
    leaf_ask_cancel(&connection->ask);
    timer_free(connection->deadline);
    stream_free(connection->stream);
    free(connection);
}

static void on_stream_gone(void *arg)
{
    struct connection *connection = arg;
    connection->stream = NULL;
    connection_free(connection);
}

/* Sends a fatal alert as the whole answer. The connection counts until its stream is closed. */
static void end_with(struct connection *connection, enum alert alert)
{
    enum { RECORD_ALERT = 21, LEVEL_FATAL = 2 };
    const uint8_t record[] = {RECORD_ALERT, 3, 3, 0, 2, LEVEL_FATAL, (uint8_t)alert};
    timer_stop(connection->deadline);
    if (stream_write(connection->stream, record, sizeof record) == ST_OK)
        stream_finish_own(connection->stream, LINGER_MS, on_stream_gone, connection);
    else
        connection_free(connection);
}

/* NAME has length 0 where the SNI is none. */
static void judge_name(struct connection *connection, const char *sni, struct dname *name, struct verdict *verdict)
{
    *verdict = (struct verdict){.action = ACTION_ALLOW};
    if (dname_from_text(str_of(sni), name) != ST_OK) { /* empty as well: none was sent */
        name->length = 0;
        return;
    }
    struct subject subject = {.kind = SUBJECT_NAME, .client = connection->client, .name = name};
    judge_decide(connection->tls->judge, &subject, verdict);
}

static void record(const struct connection *connection, const char *sni, const struct verdict *verdict)
{
    struct callback callback = {
        .time_ms = clock_wall_ms(),
        .client = connection->client,
        .local = connection->local,
        .channel = CHANNEL_TLS,
        .match = MATCH_SNI,
        .count = 1,
        .verdict = *verdict,
    };
    text_printable(callback.subject, sizeof callback.subject, str_of(sni));
    recorder_record(connection->tls->judge->recorder, &callback);
}

static void on_leaf(void *arg, struct tls_leaf *leaf)
{
    struct connection *connection = arg;
    if (!leaf) {
        end_with(connection, ALERT_ACCESS_DENIED);
        return;
    }
    page_https_serve_own(connection->tls->https, connection->stream, leaf, &connection->client, &connection->local);
    connection->stream = NULL;
    connection_free(connection);
}

static void turn_away(struct connection *connection, const struct dname *name)
{
    if (!page_https_is_ready(connection->tls->https)) {
        end_with(connection, ALERT_ACCESS_DENIED);
        return;
    }
    connection->asking = true;
    connection->ask = (struct leaf_ask){.on_leaf = on_leaf, .arg = connection};
    page_https_ask(connection->tls->https, name, &connection->client, &connection->ask); /* may call back at once */
}

static void on_data(void *arg)
{
    struct connection *connection = arg;
    struct tls_hello hello;
    struct dname name;
    struct verdict verdict;
    if (connection->asking)
        return;
    struct str input = stream_input(connection->stream);
    if (input.length < connection->wanted_bytes)
        return;
    enum status status = tls_hello_parse(input, &hello);
    if (status == ST_TRUNCATED) {
        size_t wanted = input.length + hello.missing_bytes;
        connection->wanted_bytes = wanted < INPUT_LIMIT_BYTES ? wanted : INPUT_LIMIT_BYTES;
        return;
    }
    if (status != ST_OK) {
        end_with(connection, ALERT_DECODE_ERROR);
        return;
    }
    judge_name(connection, hello.sni, &name, &verdict);
    if (verdict.action != ACTION_ALLOW)
        record(connection, hello.sni, &verdict);
    if (verdict.action == ACTION_BLOCK)
        turn_away(connection, &name);
    else
        end_with(connection, ALERT_UNRECOGNIZED_NAME);
}

static void on_gone(void *arg)
{
    connection_free(arg);
}

static void on_failed(void *arg, enum status status)
{
    (void)status;
    connection_free(arg);
}

static const struct stream_ops stream_ops = {.on_data = on_data, .on_eof = on_gone, .on_failed = on_failed};

static void on_accept(void *arg, int fd, const struct addr *peer, const struct addr *local)
{
    struct page_tls *tls = arg;
    struct connection *connection = tls->count < MAX_CONNECTIONS ? calloc(1, sizeof *connection) : NULL;
    if (!connection) {
        close(fd);
        return;
    }
    *connection = (struct connection){.tls = tls, .client = *peer, .local = *local};
    LIST_INSERT_HEAD(&tls->connections, connection, entry);
    tls->count++;
    connection->stream = stream_new_own(tls->loop, fd, &stream_ops, connection);
    connection->deadline = timer_new(tls->loop, on_gone, connection); /* however slowly it talks */
    if (!connection->stream || !connection->deadline) {
        connection_free(connection);
        return;
    }
    stream_set_input_limit(connection->stream, INPUT_LIMIT_BYTES);
    timer_start(connection->deadline, HELLO_TIMEOUT_MS);
}

enum status page_tls_open(struct loop *loop, const struct addr *addr, struct judge *judge, struct page_https *https,
                          struct page_tls **out, struct fault *fault)
{
    static const struct listener_ops listener_ops = {.on_accept = on_accept};
    struct page_tls *tls = calloc(1, sizeof *tls);
    if (!tls)
        return fault_set(fault, ST_NOMEM, "%s", status_text(ST_NOMEM));
    *tls = (struct page_tls){.loop = loop, .judge = judge, .https = https};
    LIST_INIT(&tls->connections);
    enum status status = listener_open(loop, addr, &listener_ops, tls, &tls->listener, fault);
    if (status != ST_OK) {
        free(tls);
        return status;
    }
    *out = tls;
    return ST_OK;
}

void page_tls_close(struct page_tls *tls)
{
    if (!tls)
        return;
    listener_close(tls->listener);
    while (!LIST_EMPTY(&tls->connections))
        connection_free(LIST_FIRST(&tls->connections));
    free(tls);
}

struct addr page_tls_addr(const struct page_tls *tls)
{
    return listener_addr(tls->listener);
}
