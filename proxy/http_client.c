#include "proxy/http_client.h"

#include <stdlib.h>

#include "blockpage/page_https.h"
#include "proxy/tunnel_hello.h"

enum { LINGER_MS = 2000 };

static void on_readable(void *arg)
{
    http_client_step(arg);
}

static void on_drained(void *arg)
{
    struct http_client *client = arg;
    if (client->txn || stream_input(client->stream).length)
        http_client_step(client);
}

static void on_failed(void *arg, enum status status)
{
    (void)status;
    http_client_close(arg);
}

const struct addr *http_arrival_whence(const struct http_arrival *arrival)
{
    return addr_is_loopback(&arrival->local) ? &arrival->local : &arrival->peer;
}

enum status http_client_open_own(struct proxy_context *proxy, int fd, const struct http_arrival *arrival)
{
    static const struct stream_ops ops = {
        .on_data = on_readable, .on_eof = on_readable, .on_drained = on_drained, .on_failed = on_failed};
    struct http_client *client = calloc(1, sizeof *client);
    struct stream *stream = stream_new_own(proxy->loop, fd, &ops, client);
    if (!client || !stream) {
        free(client);
        stream_free(stream);
        return ST_NOMEM;
    }
    *client = (struct http_client){.proxy = proxy,
                                   .door = arrival->door,
                                   .peer = arrival->peer,
                                   .local = arrival->local,
                                   .original = arrival->original,
                                   .whence = *http_arrival_whence(arrival),
                                   .stream = stream};
    LIST_INSERT_HEAD(&proxy->clients, client, entry);
    proxy->client_count++;
    stream_set_idle_timeout(stream, proxy->settings->idle_timeout_ms);
    return ST_OK;
}

const struct addr *http_client_far_end(const struct http_client *client)
{
    return client->door == HTTP_DOOR_REDIRECTED ? &client->original : &client->local;
}

void http_client_close(struct http_client *client)
{
    struct proxy_context *proxy = client->proxy;
    LIST_REMOVE(client, entry);
    proxy->client_count--;
    proxy->lingering_count -= client->lingering;
    http_txn_free(client->txn);
    access_tunnel_end(client);
    http_tunnel_free(client->tunnel);
    tunnel_hello_free(client->hello);
    stream_free(client->stream);
    proxy->on_client_gone(proxy, &client->peer);
    free(client);
}

static void on_stream_gone(void *arg)
{
    struct http_client *client = arg;
    client->stream = NULL;
    http_client_close(client);
}

static void drop_hello(struct http_client *client)
{
    tunnel_hello_free(client->hello);
    client->hello = NULL;
}

/* Lets what is queued go out first. */
static void finish(struct http_client *client)
{
    drop_hello(client);
    client->lingering = true;
    client->proxy->lingering_count++;
    stream_finish_own(client->stream, LINGER_MS, on_stream_gone, client);
}

/* A client that sends more than it said is not to lose its answer by a reset (RFC 9112 section 9.6). */
static void finish_at_once(struct http_client *client)
{
    stream_flush(client->stream);
    if (!stream_input(client->stream).length && stream_is_sent(client->stream))
        http_client_close(client);
    else
        finish(client);
}

static void take_stream_back(struct http_client *client)
{
    access_tunnel_count(client);
    client->stream = http_tunnel_end(client->tunnel);
    client->tunnel = NULL;
}

static void on_tunnel_end(void *arg)
{
    struct http_client *client = arg;
    access_tunnel_end(client);
    take_stream_back(client);
    finish(client);
}

/* A page can only come where the server has said nothing yet. */
static bool may_pass(void *arg, struct str first, bool ended)
{
    struct http_client *client = arg;
    enum hello_says says = tunnel_hello_look(client->hello, first, ended);
    if (says == HELLO_SAYS_WAIT)
        return false;
    if (says == HELLO_SAYS_PASS) {
        drop_hello(client);
        return true;
    }
    bool spoke = http_tunnel_origin_spoke(client->tunnel);
    take_stream_back(client);
    if (spoke || !tunnel_hello_ask_page(client->hello))
        finish(client);
    return false;
}

void http_client_open_tunnel(struct http_client *client)
{
    drop_hello(client);
    http_tunnel_open(client->tunnel);
}

static void become_tunnel(struct http_client *client, struct stream *origin)
{
    static const struct http_tunnel_ops judged = {.may_pass = may_pass, .on_end = on_tunnel_end};
    static const struct http_tunnel_ops plain = {.on_end = on_tunnel_end};
    struct stream *stream = client->stream;
    client->stream = NULL;
    client->tunnel = http_tunnel_new_own(stream, origin, client->proxy->settings->tunnel_idle_ms,
                                         client->hello ? &judged : &plain, client);
    if (!client->tunnel) {
        http_client_close(client);
        return;
    }
    client->proxy->counters.tunnels++;
}

/* The page's server has the connection and its limits from now on. */
static void become_page(struct http_client *client, struct tls_leaf *leaf)
{
    struct stream *stream = client->stream;
    client->stream = NULL;
    page_https_serve_own(client->proxy->settings->page, stream, leaf, &client->peer, http_client_far_end(client));
    tls_leaf_unref(leaf);
    http_client_close(client);
}

void http_client_end_tunnel(struct http_client *client, struct tls_leaf *leaf)
{
    if (leaf)
        become_page(client, leaf);
    else
        finish(client);
}

/* A client that does not read its answers is not asked for the next request. */
static bool has_request(const struct http_client *client)
{
    return client->txn || (stream_input(client->stream).length && !stream_is_full(client->stream));
}

/* The transaction goes, with all that is not needed in a tunnel. */
static enum http_end leave_for_tunnel(struct http_client *client, struct stream **origin)
{
    if (client->txn->is_connect) {
        client->hello = tunnel_hello_new(client->txn);
        if (!client->hello)
            return HTTP_END_ABORT;
    }
    *origin = http_txn_take_origin(client->txn);
    return HTTP_END_TUNNEL;
}

void http_client_step(struct http_client *client)
{
    if (client->stepping) /* a callback from within a step: that step goes on by itself */
        return;
    client->stepping = true;
    enum http_end end = HTTP_END_KEEP;
    struct stream *origin = NULL;
    struct tls_leaf *leaf = NULL;
    while (end == HTTP_END_KEEP && has_request(client)) {
        if (!client->txn)
            client->txn = http_txn_new(client);
        end = client->txn ? http_txn_step(client->txn) : HTTP_END_CLOSE;
        if (end == HTTP_END_WAIT)
            break;
        if (end == HTTP_END_TUNNEL)
            end = leave_for_tunnel(client, &origin);
        if (end == HTTP_END_PAGE)
            leaf = http_txn_take_leaf(client->txn);
        http_txn_free(client->txn);
        client->txn = NULL;
    }
    client->stepping = false;

    if (end == HTTP_END_TUNNEL)
        become_tunnel(client, origin);
    else if (end == HTTP_END_PAGE)
        become_page(client, leaf);
    else if (end == HTTP_END_CLOSE)
        finish(client);
    else if (end == HTTP_END_SENT)
        finish_at_once(client);
    else if (end == HTTP_END_ABORT)
        http_client_close(client);
    else if (end == HTTP_END_KEEP && (client->proxy->draining || stream_saw_eof(client->stream)) &&
             !stream_input(client->stream).length)
        finish(client);
    else if (end == HTTP_END_KEEP)
        stream_set_idle_timeout(client->stream, client->proxy->settings->idle_timeout_ms);
}

void http_client_drain(struct http_client *client)
{
    if (client->stream && !client->txn && !client->lingering)
        finish(client);
}
