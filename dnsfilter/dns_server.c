#include "dnsfilter/dns_server.h"

#include <stdlib.h>
#include <string.h>

#include "dnsfilter/dns_doh.h"
#include "dnsfilter/dns_names.h"
#include "dnsfilter/dns_query.h"
#include "dnsfilter/dns_resolver.h"
#include "dnsfilter/dns_tcp.h"

/* A UDP socket, with what on_datagram() needs beside it. */
struct udp_socket {
    struct dns_server *server;
    struct udp *udp;
};

struct dns_server {
    struct dns_core core;
    struct dns_settings settings;
    struct addr *listen, *tls_listen, *https_listen, *page; /* what settings points to */
    struct network *allow;
    struct udp_socket *sockets;
    size_t socket_count;
    struct dns_tcp *tcp;
    struct dns_doh *doh;
    struct dns_resolver *resolver;
    bool draining;
};

static const char *const answer_words[] = {
    [BLOCK_PAGE] = "page", [BLOCK_NXDOMAIN] = "nxdomain", [BLOCK_NODATA] = "nodata",
    [BLOCK_NULL] = "null", [BLOCK_REFUSED] = "refused",   [BLOCK_DROP] = "drop",
};

const char *block_answer_text(enum block_answer answer)
{
    return answer_words[answer];
}

enum status block_answer_parse(struct str text, enum block_answer *answer)
{
    for (size_t i = 0; i < sizeof answer_words / sizeof answer_words[0]; i++)
        if (str_eq(text, str_of(answer_words[i]))) {
            *answer = (enum block_answer)i;
            return ST_OK;
        }
    return ST_INVALID;
}

/* The name that a query asks for, in lower case; what is no query is found out later. */
static bool peek_name(struct str datagram, struct dname *name)
{
    struct cursor cursor = cursor_over(datagram.data, datagram.length);
    if (!cursor_bytes(&cursor, DNS_HEADER_BYTES) || dns_name_parse(&cursor, name) != ST_OK)
        return false;
    dname_lower(name);
    return true;
}

static void on_batch(void *arg, const struct str *datagrams, size_t count)
{
    struct judge *judge = ((struct udp_socket *)arg)->server->core.judge;
    struct dname names[STORE_AHEAD_MAX];
    for (size_t i = 0, known = 0; i < count; i++) {
        known += peek_name(datagrams[i], &names[known]);
        if (known == STORE_AHEAD_MAX || i == count - 1) {
            judge_look_ahead(judge, names, known);
            known = 0;
        }
    }
}

static size_t on_datagram(void *arg, const struct udp_peer *peer, const uint8_t *data, size_t n, uint8_t *reply,
                          size_t reply_size)
{
    struct udp_socket *socket = arg;
    struct dns_core *core = &socket->server->core;
    if (socket->server->draining)
        return 0; /* the client asks again, and then whoever listens by then */
    struct dns_client client = {.peer = *peer, .udp = socket->udp};
    client.standing = dns_core_standing(core, &peer->remote);
    size_t length = dns_query_receive(core, &client, data, n);
    if (length > reply_size)
        length = 0;
    memcpy(reply, core->out, length);
    return length;
}

/* A copy of COUNT elements, and *COPY to free; false when out of memory. */
static bool copy_array(const void *from, size_t count, size_t size, void *copy)
{
    void *memory = calloc(count + 1, size);
    if (memory && count)
        memcpy(memory, from, count * size);
    memcpy(copy, &memory, sizeof memory);
    return memory != NULL;
}

static enum status copy_settings(struct dns_server *server, const struct dns_settings *from)
{
    server->settings = *from;
    server->sockets = calloc(from->listen_count + 1, sizeof server->sockets[0]);
    if (!copy_array(from->listen, from->listen_count, sizeof from->listen[0], &server->listen) ||
        !copy_array(from->tls_listen, from->tls_listen_count, sizeof from->listen[0], &server->tls_listen) ||
        !copy_array(from->https_listen, from->https_listen_count, sizeof from->listen[0], &server->https_listen) ||
        !copy_array(from->page, from->page_count, sizeof from->page[0], &server->page) ||
        !copy_array(from->allow, from->allow_count, sizeof from->allow[0], &server->allow) || !server->sockets)
        return ST_NOMEM;
    server->settings.listen = server->listen;
    server->settings.tls_listen = server->tls_listen;
    server->settings.https_listen = server->https_listen;
    server->settings.page = server->page;
    server->settings.allow = server->allow;
    return ST_OK;
}

static struct dns_forwards_settings forwarding_of(const struct dns_settings *settings)
{
    return (struct dns_forwards_settings){.timeout_ms = settings->query_timeout_ms,
                                          .stale_after_ms = settings->stale_after_ms,
                                          .max_waiting = settings->max_waiting};
}

static enum status make_parts(struct dns_server *server, struct upstream *upstream)
{
    struct dns_core *core = &server->core;
    struct dns_forwards_settings forwarding = forwarding_of(&server->settings);
    core->forwards = dns_forwards_new(core->loop, upstream, core->cache, &forwarding);
    server->resolver = dns_resolver_new(core);
    if (!core->forwards || !server->resolver)
        return ST_NOMEM;
    enum status status = dns_share_init(&core->share, server->settings.max_waiting);
    if (status == ST_OK)
        status = dns_rate_init(&core->rate, server->settings.rate_per_s);
    if (status == ST_OK)
        status = dns_tcp_new(core, &server->tcp);
    return status == ST_OK ? dns_doh_new(core, &server->doh) : status;
}

/* UDP and TCP at ADDR; where its port is 0, TCP takes the port that UDP got. */
static enum status listen_at(struct dns_server *server, struct addr addr, struct fault *fault)
{
    static const struct udp_ops ops = {.on_batch = on_batch, .on_datagram = on_datagram};
    struct udp_socket *socket = &server->sockets[server->socket_count];
    socket->server = server;
    enum status status = udp_open(server->core.loop, &addr, &ops, socket, &socket->udp, fault);
    if (status != ST_OK)
        return status;
    server->socket_count++;
    addr = udp_addr(socket->udp);
    return dns_tcp_listen(server->tcp, &addr, false, fault);
}

static enum status listen_all(struct dns_server *server, struct fault *fault)
{
    const struct dns_settings *settings = &server->settings;
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < settings->listen_count; i++)
        status = listen_at(server, settings->listen[i], fault);
    for (size_t i = 0; status == ST_OK && i < settings->tls_listen_count; i++)
        status = dns_tcp_listen(server->tcp, &settings->tls_listen[i], true, fault);
    for (size_t i = 0; status == ST_OK && i < settings->https_listen_count; i++)
        status = dns_doh_listen(server->doh, &settings->https_listen[i], fault);
    return status;
}

static struct dns_names *always_special(void)
{
    struct hosts_file_facts facts;
    return dns_names_new(&(struct dns_names_settings){.rebinding_protection = true}, &facts);
}

enum status dns_server_open(struct loop *loop, const struct dns_settings *settings, struct judge *judge,
                            struct upstream *upstream, struct dns_cache *cache, struct dns_server **result,
                            struct fault *fault)
{
    struct dns_server *server = calloc(1, sizeof *server);
    if (!server)
        return fault_set(fault, ST_NOMEM, "out of memory");
    server->core.loop = loop;
    server->core.judge = judge;
    server->core.cache = cache;
    server->core.settings = &server->settings;
    server->core.notify = dns_notify_ref(settings->notify);
    server->core.names = settings->names ? dns_names_ref(settings->names) : always_special();
    server->core.tls = tls_server_ref(settings->tls);
    dns_seats_init(&server->core.seats, settings->max_tcp_clients);
    enum status status = server->core.names ? copy_settings(server, settings) : ST_NOMEM;
    if (status == ST_OK)
        status = make_parts(server, upstream);
    if (status == ST_OK)
        status = listen_all(server, fault);
    if (status != ST_OK) {
        dns_server_close(server);
        return fault_set(fault, status, "%s", status_text(status));
    }
    *result = server;
    return ST_OK;
}

void dns_server_set_notify(struct dns_server *server, struct dns_notify *notify)
{
    struct dns_notify *old = server->core.notify;
    server->core.notify = dns_notify_ref(notify);
    dns_notify_unref(old);
}

void dns_server_set_names(struct dns_server *server, struct dns_names *names)
{
    struct dns_names *old = server->core.names;
    server->core.names = dns_names_ref(names);
    dns_names_unref(old);
}

void dns_server_set_tls(struct dns_server *server, struct tls_server *tls)
{
    struct tls_server *old = server->core.tls;
    server->core.tls = tls_server_ref(tls);
    tls_server_unref(old);
}

/* Connections that were let in stay, and close after the time that they last began to wait for. */
enum status dns_server_set_rules(struct dns_server *server, const struct dns_settings *from)
{
    struct dns_core *core = &server->core;
    struct dns_settings *settings = &server->settings;
    struct network *allow;
    if (!copy_array(from->allow, from->allow_count, sizeof from->allow[0], &allow))
        return ST_NOMEM;
    free(server->allow);
    settings->allow = server->allow = allow;
    settings->allow_count = from->allow_count;
    settings->rate_per_s = core->rate.per_s = from->rate_per_s;
    memcpy(settings->answers, from->answers, sizeof settings->answers);
    settings->block_ttl_s = from->block_ttl_s;
    settings->query_timeout_ms = from->query_timeout_ms;
    settings->stale_after_ms = from->stale_after_ms;
    settings->tcp_idle_ms = from->tcp_idle_ms;
    settings->max_tcp_clients = core->seats.max = from->max_tcp_clients;
    settings->max_waiting = from->max_waiting;
    dns_share_limit(&core->share, from->max_waiting);
    struct dns_forwards_settings forwarding = forwarding_of(settings);
    dns_forwards_set(core->forwards, &forwarding);
    return ST_OK;
}

static void trace_waits(struct dns_carrier *carrier, struct dns_query *query)
{
    (void)carrier;
    query->client.trace->waits = true;
}

static void trace_answered(struct dns_carrier *carrier, struct dns_query *query, const uint8_t *reply, size_t n)
{
    (void)carrier;
    dns_trace_end(query->client.trace, reply, n);
}

void dns_server_trace(struct dns_server *server, struct dns_trace *trace)
{
    static struct dns_carrier carrier = {trace_waits, trace_answered};
    struct dns_core *core = &server->core;
    struct dns_client client = {.peer = {.remote = trace->client},
                                .standing = dns_core_standing(core, &trace->client),
                                .carrier = &carrier,
                                .trace = trace};
    uint8_t packet[DNS_UDP_LIMIT_PLAIN];
    struct dns_build build = dns_build_query(packet, sizeof packet, 0, &trace->question, 0);
    dns_build_opt(&build, DNS_UDP_LIMIT, trace->dnssec_ok, 0, -1, (struct str){0});
    size_t n = dns_build_finish(&build);
    dns_trace_start(trace);
    dns_trace_step(trace, "client");
    dns_trace_say(trace, client.standing == DNS_STRANGER ? "gets no answer: see dns.allow-clients" : "is let in");
    n = dns_query_receive(core, &client, packet, n);
    if (!trace->waits)
        dns_trace_end(trace, core->out, n);
}

void dns_server_drain(struct dns_server *server)
{
    server->draining = true;
    dns_tcp_drain(server->tcp);
    dns_doh_drain(server->doh);
}

bool dns_server_idle(const struct dns_server *server)
{
    return !dns_forwards_waiting(server->core.forwards) && !dns_tcp_client_count(server->tcp) &&
           !dns_doh_client_count(server->doh);
}

void dns_server_close(struct dns_server *server)
{
    if (!server)
        return;
    dns_tcp_free(server->tcp);
    dns_doh_free(server->doh);
    dns_forwards_free(server->core.forwards); /* those who still wait are told, so sockets and look-ups go later */
    dns_resolver_free(server->resolver);
    for (size_t i = 0; i < server->socket_count; i++)
        udp_close(server->sockets[i].udp);
    dns_notify_unref(server->core.notify);
    dns_names_unref(server->core.names);
    tls_server_unref(server->core.tls);
    free(server->sockets);
    free(server->page);
    free(server->allow);
    free(server->https_listen);
    free(server->tls_listen);
    free(server->listen);
    free(server);
}

struct addr dns_server_addr(const struct dns_server *server, size_t index)
{
    return udp_addr(server->sockets[index].udp);
}

struct addr dns_server_tls_addr(const struct dns_server *server, size_t index)
{
    return dns_tcp_addr(server->tcp, server->socket_count + index);
}

struct addr dns_server_https_addr(const struct dns_server *server, size_t index)
{
    return dns_doh_addr(server->doh, index);
}

struct resolver *dns_server_resolver(struct dns_server *server)
{
    return dns_resolver_interface(server->resolver);
}

const struct dns_counters *dns_server_counters(const struct dns_server *server)
{
    return &server->core.counters;
}
