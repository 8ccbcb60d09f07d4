#include "net/http_server.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "message/http_body.h"
#include "net/listener.h"
#include "net/local_socket.h"
#include "net/socket.h"
#include "net/stream.h"

enum {
    LINGER_MS = 1000,
};

struct http_server {
    struct loop *loop;
    struct http_server_settings settings;
    http_handler_fn *handler;
    void *arg;
    struct listener *listener;
    size_t count;
    LIST_HEAD(, connection) connections;
};

struct connection {
    struct http_server *server;
    struct stream *stream;
    struct addr client, local;
    bool begun;         /* a part of a request has come, and the deadline runs */
    size_t tried_bytes; /* of the input: no whole head */
    struct timer *deadline;
    LIST_ENTRY(connection) entry;

    struct pending *pending; /* a request whose body is on its way */
};

/* The head is kept apart from the input, which the body streams through. */
struct pending {
    struct buf head_bytes, body;
    struct http_head head;
    struct http_body framing;
    size_t body_bytes;
};

/* How far a step came. */
enum progress { MORE, WAIT, GONE };

static void pending_free(struct pending *pending)
{
    if (!pending)
        return;
    buf_free(&pending->head_bytes);
    buf_free(&pending->body);
    free(pending);
}

/* Without its stream, which is gone. */
static void connection_free(struct connection *connection)
{
    LIST_REMOVE(connection, entry);
    connection->server->count--;
    timer_free(connection->deadline);
    pending_free(connection->pending);
    free(connection);
}

static void on_stream_gone(void *arg)
{
    connection_free(arg);
}

/* It counts until its stream is closed, and does no more. */
static enum progress end_connection(struct connection *connection)
{
    timer_stop(connection->deadline);
    pending_free(connection->pending);
    connection->pending = NULL;
    stream_finish_own(connection->stream, LINGER_MS, on_stream_gone, connection);
    return GONE;
}

static struct http_exchange new_exchange(const struct connection *connection, const struct http_head *request,
                                         struct str body, struct buf *response)
{
    return (struct http_exchange){.request = request,
                                  .body = body,
                                  .client = connection->client,
                                  .local = connection->local,
                                  .response = response};
}

static void add_plain(struct http_exchange *exchange, unsigned status)
{
    struct str reason = str_of(http_status_reason(status));
    http_response_add(exchange, status, "Content-Type: text/plain; charset=utf-8\r\n", reason);
}

/* An answer of our own, after which the connection is closed. */
static enum progress refuse(struct connection *connection, unsigned status)
{
    struct buf response = {0};
    struct http_exchange exchange = new_exchange(connection, NULL, (struct str){0}, &response);
    add_plain(&exchange, status);
    if (!response.failed && stream_write(connection->stream, response.data, response.length) != ST_OK)
        buf_clear(&response); /* it is closed either way */
    buf_free(&response);
    return end_connection(connection);
}

static enum progress answer(struct connection *connection, const struct http_head *request, struct str body)
{
    const struct http_server *server = connection->server;
    struct buf response = {0};
    struct http_exchange exchange = new_exchange(connection, request, body, &response);
    timer_stop(connection->deadline);
    connection->begun = false;
    server->handler(server->arg, &exchange);
    if (response.failed || !response.length) {
        buf_free(&response);
        add_plain(&exchange, 500);
    }
    bool sent = !response.failed && stream_write(connection->stream, response.data, response.length) == ST_OK;
    buf_free(&response);
    return sent && request->keep_alive ? MORE : end_connection(connection);
}

/* A request that has begun must end in time. */
static void start_deadline(struct connection *connection)
{
    if (!connection->begun)
        timer_start(connection->deadline, connection->server->settings.head_ms);
    connection->begun = true;
}

static void on_deadline(void *arg)
{
    struct connection *connection = arg;
    refuse(connection, 408);
}

static enum progress begin_body(struct connection *connection, const struct http_head *head)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    enum http_reject reject;
    if (head->framing == HTTP_BODY_LENGTH && head->content_length > connection->server->settings.max_body_bytes)
        return refuse(connection, 413);
    if (head->expect_continue && stream_write(connection->stream, go_on, sizeof go_on - 1) != ST_OK)
        return end_connection(connection);
    struct pending *pending = calloc(1, sizeof *pending);
    if (!pending)
        return refuse(connection, 503);
    connection->pending = pending;
    start_deadline(connection);
    buf_add(&pending->head_bytes, stream_input(connection->stream).data, head->length);
    struct str bytes = {pending->head_bytes.data, pending->head_bytes.length};
    if (pending->head_bytes.failed || http_request_parse(bytes, &pending->head, &reject) != ST_OK)
        return refuse(connection, 503);
    http_body_init(&pending->framing, &pending->head);
    stream_consume(connection->stream, head->length);
    return MORE;
}

static enum progress step_head(struct connection *connection)
{
    struct http_head head;
    enum http_reject reject;
    struct str input = stream_input(connection->stream);
    if (!input.length || !http_head_is_worth_parsing(input, connection->tried_bytes))
        return WAIT;
    enum status status = http_request_parse(input, &head, &reject);
    connection->tried_bytes = status == ST_TRUNCATED ? input.length : 0;
    if (status == ST_TRUNCATED) {
        start_deadline(connection);
        return WAIT;
    }
    if (status != ST_OK)
        return refuse(connection, http_reject_status(reject));
    const struct http_server_settings *settings = &connection->server->settings;
    bool has_body = head.framing != HTTP_BODY_NONE;
    if (has_body && settings->max_body_bytes && (!settings->wants_body || settings->wants_body(&head)))
        return begin_body(connection, &head);
    if (has_body)
        head.keep_alive = false; /* what follows is not read: it is answered at once, whatever its size */
    enum progress progress = answer(connection, &head, (struct str){0});
    if (progress == MORE)
        stream_consume(connection->stream, head.length);
    return progress;
}

static enum progress step_body(struct connection *connection)
{
    struct pending *pending = connection->pending;
    while (!pending->framing.done) {
        size_t taken;
        struct str data;
        if (http_body_take(&pending->framing, stream_input(connection->stream), &taken, &data) != ST_OK)
            return refuse(connection, 400);
        pending->body_bytes += data.length;
        if (pending->body_bytes > connection->server->settings.max_body_bytes)
            return refuse(connection, 413);
        buf_add(&pending->body, data.data, data.length);
        if (pending->body.failed)
            return refuse(connection, 503);
        stream_consume(connection->stream, taken);
        if (!taken)
            return WAIT;
    }
    enum progress progress = answer(connection, &pending->head, (struct str){pending->body.data, pending->body.length});
    if (progress == MORE) {
        pending_free(pending);
        connection->pending = NULL;
    }
    return progress;
}

/* Answers requests one after another, as far as they have come and the client takes the answers. */
static void connection_step(struct connection *connection)
{
    enum progress progress = MORE;
    while (progress == MORE && !stream_is_full(connection->stream))
        progress = connection->pending ? step_body(connection) : step_head(connection);
    if (progress == WAIT && stream_saw_eof(connection->stream))
        end_connection(connection);
}

static void on_data(void *arg)
{
    connection_step(arg);
}

static void on_failed(void *arg, enum status status)
{
    (void)status;
    struct connection *connection = arg;
    stream_free(connection->stream);
    connection_free(connection);
}

static const struct stream_ops stream_ops = {
    .on_data = on_data, .on_eof = on_data, .on_drained = on_data, .on_failed = on_failed};

static void turn_away(int fd)
{
    struct buf response = {0};
    struct http_exchange exchange = {.response = &response};
    add_plain(&exchange, 503);
    socket_turn_away_own(fd, &response);
    buf_free(&response);
}

/* NULL when out of memory; STREAM is freed then. */
static struct connection *add_connection_own(struct http_server *server, struct stream *stream, const struct addr *peer,
                                             const struct addr *local)
{
    struct connection *connection = malloc(sizeof *connection);
    struct timer *deadline = connection ? timer_new(server->loop, on_deadline, connection) : NULL;
    if (!deadline) {
        free(connection);
        stream_free(stream);
        return NULL;
    }
    *connection =
        (struct connection){.server = server, .stream = stream, .client = *peer, .local = *local, .deadline = deadline};
    LIST_INSERT_HEAD(&server->connections, connection, entry);
    server->count++;
    stream_set_owner(stream, &stream_ops, connection);
    stream_set_idle_timeout(stream, server->settings.idle_ms);
    return connection;
}

static void on_accept(void *arg, int fd, const struct addr *peer, const struct addr *local)
{
    struct http_server *server = arg;
    if (!http_server_has_room(server)) {
        turn_away(fd);
        return;
    }
    struct stream *stream = stream_new_own(server->loop, fd, &stream_ops, NULL);
    if (stream)
        add_connection_own(server, stream, peer, local);
}

bool http_server_has_room(const struct http_server *server)
{
    return server->count < server->settings.max_connections;
}

void http_server_adopt_own(struct http_server *server, struct stream *stream, const struct addr *client,
                           const struct addr *local)
{
    struct connection *connection = NULL;
    if (http_server_has_room(server))
        connection = add_connection_own(server, stream, client, local);
    else
        stream_free(stream);
    if (connection)
        start_deadline(connection); /* also of what comes before the request: a greeting by TLS */
}

static const struct listener_ops listener_ops = {on_accept};

struct http_server *http_server_new(struct loop *loop, const struct http_server_settings *settings,
                                    http_handler_fn *handler, void *arg)
{
    struct http_server *server = malloc(sizeof *server);
    if (!server)
        return NULL;
    *server = (struct http_server){.loop = loop, .settings = *settings, .handler = handler, .arg = arg};
    LIST_INIT(&server->connections);
    return server;
}

enum status http_server_open(struct loop *loop, const struct addr *addr, const struct http_server_settings *settings,
                             http_handler_fn *handler, void *arg, struct http_server **result, struct fault *fault)
{
    struct http_server *server = http_server_new(loop, settings, handler, arg);
    if (!server)
        return fault_set(fault, ST_NOMEM, "out of memory");
    enum status status = listener_open(loop, addr, &listener_ops, server, &server->listener, fault);
    if (status == ST_OK)
        *result = server;
    else
        free(server);
    return status;
}

enum status http_server_open_local(struct loop *loop, const char *dir, const char *name,
                                   const struct http_server_settings *settings, http_handler_fn *handler, void *arg,
                                   struct http_server **result, struct fault *fault)
{
    int fd;
    struct http_server *server = http_server_new(loop, settings, handler, arg);
    if (!server)
        return fault_set(fault, ST_NOMEM, "out of memory");
    enum status status = local_socket_listen(dir, name, &fd, fault);
    if (status == ST_OK)
        status = listener_open_own(loop, fd, &listener_ops, server, &server->listener, fault);
    if (status == ST_OK)
        *result = server;
    else
        free(server);
    return status;
}

void http_server_close(struct http_server *server)
{
    if (!server)
        return;
    listener_close(server->listener);
    while (!LIST_EMPTY(&server->connections)) {
        struct connection *connection = LIST_FIRST(&server->connections);
        stream_free(connection->stream);
        connection_free(connection);
    }
    free(server);
}

struct addr http_server_addr(const struct http_server *server)
{
    return listener_addr(server->listener);
}
