#include "daemon/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "blockpage/page_server.h"
#include "dnsfilter/dns_names.h"
#include "proxy/proxy_server.h"

struct worker {
    struct loop *loop;
    pthread_t thread;
    bool started;
    struct judge judge;
    struct upstream *upstream;
    struct dns_server *dns;
    struct proxy_server *proxy; /* NULL: turned off */
    struct page_server *page;   /* NULL: turned off */
    struct leaf_source *leaves;
    struct page_https *https;
    struct timer *drain_timer;
    int64_t drain_timeout_ms, drain_until_ms;
};

enum { DRAIN_POLL_MS = 20 };

/* Where the answer `page` leads. */
static const struct addr_list *page_of(const struct config *config)
{
    return config->blockpage.address.count ? &config->blockpage.address : &config->blockpage.listen;
}

/* What may change while it runs. */
static void take_rules(const struct config *config, struct dns_settings *dns)
{
    dns->allow = config->dns.allow_clients.items;
    dns->allow_count = config->dns.allow_clients.count;
    dns->rate_per_s = (uint32_t)config->dns.rate_limit;
    dns->block_ttl_s = (uint32_t)(config->dns.block_ttl_ms / 1000);
    dns->query_timeout_ms = (int64_t)config->dns.query_timeout_ms;
    dns->stale_after_ms = (int64_t)config->dns.stale_after_ms;
    dns->tcp_idle_ms = (int64_t)config->dns.tcp_idle_ms;
    dns->max_tcp_clients = config->dns.max_tcp_clients;
    dns->max_waiting = config->dns.max_waiting;
    /* `page` without a page server to lead to would be a dead end: say plainly that there is no such name. */
    for (int i = 0; i < CATEGORY_COUNT; i++)
        dns->answers[i] = config->dns.block_answer[i] == BLOCK_PAGE && !page_of(config)->count
                              ? BLOCK_NXDOMAIN
                              : (enum block_answer)config->dns.block_answer[i];
}

static enum status open_dns(struct worker *worker, const struct worker_settings *settings, struct fault *fault)
{
    const struct config *config = settings->config;
    struct upstream_settings upstream = {.try_timeout_ms = (int64_t)config->dns.upstream_timeout_ms,
                                         .tries = (unsigned)config->dns.upstream_tries,
                                         .max_pending = (unsigned)config->dns.upstream_channels};
    enum status status = upstream_new(worker->loop, &upstream, settings->upstreams, &worker->upstream, fault);
    if (status != ST_OK)
        return status;
    struct dns_settings dns = {.listen = config->dns.listen.items,
                               .listen_count = config->dns.listen.count,
                               .tls_listen = config->dns.tls_listen.items,
                               .tls_listen_count = config->dns.tls_listen.count,
                               .https_listen = config->dns.https_listen.items,
                               .https_listen_count = config->dns.https_listen.count,
                               .tls = settings->serving->tls,
                               .page = page_of(config)->items,
                               .page_count = page_of(config)->count,
                               .contact = config->blockpage.contact,
                               .notify = settings->notify,
                               .names = settings->names};
    memcpy(dns.cookie_secret, settings->serving->cookie_secret, sizeof dns.cookie_secret);
    take_rules(config, &dns);
    return dns_server_open(worker->loop, &dns, &worker->judge, worker->upstream, settings->cache, &worker->dns, fault);
}

/* Every address that is ours, so that the proxy never dials it. The caller frees items. */
static enum status own_addresses(const struct config *config, struct addr_list *own)
{
    const struct addr_list *lists[] = {
        &config->dns.listen,     &config->dns.tls_listen,     &config->dns.https_listen,
        &config->proxy.listen,   &config->blockpage.listen,   &config->blockpage.tls_listen,
        &config->console.listen, &config->proxy.socks_listen, &config->proxy.transparent_listen};
    size_t total = 0;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        total += lists[i]->count;
    *own = (struct addr_list){.items = calloc(total + 1, sizeof *own->items)};
    if (!own->items)
        return ST_NOMEM;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (size_t k = 0; k < lists[i]->count; k++)
            own->items[own->count++] = lists[i]->items[k];
    return ST_OK;
}

static enum status open_proxy(struct worker *worker, const struct worker_settings *worker_settings, struct fault *fault)
{
    const struct config *config = worker_settings->config;
    struct addr_list own;
    if (!config->proxy.listen.count && !config->proxy.socks_listen.count && !config->proxy.transparent_listen.count)
        return ST_OK;
    if (own_addresses(config, &own) != ST_OK)
        return fault_set(fault, ST_NOMEM, "out of memory");
    struct proxy_settings settings = {.listen = config->proxy.listen.items,
                                      .listen_count = config->proxy.listen.count,
                                      .allow_clients = config->proxy.allow_clients.items,
                                      .allow_client_count = config->proxy.allow_clients.count,
                                      .private_networks = (enum egress_private)config->proxy.private_networks,
                                      .allow_destinations = config->proxy.allow_destinations.items,
                                      .allow_destination_count = config->proxy.allow_destinations.count,
                                      .own = own.items,
                                      .own_count = own.count,
                                      .connect_ports = config->proxy.connect_ports.items,
                                      .connect_port_count = config->proxy.connect_ports.count,
                                      .users = worker_settings->serving->users,
                                      .checker = worker_settings->serving->checker,
                                      .strikes = worker_settings->serving->strikes,
                                      .parent = worker_settings->serving->parent,
                                      .parent_watch = worker_settings->serving->parent_watch,
                                      .socks_listen = config->proxy.socks_listen.items,
                                      .socks_listen_count = config->proxy.socks_listen.count,
                                      .socks_ports = config->proxy.socks_ports.items,
                                      .socks_port_count = config->proxy.socks_ports.count,
                                      .transparent_listen = config->proxy.transparent_listen.items,
                                      .transparent_listen_count = config->proxy.transparent_listen.count,
                                      .contact = config->blockpage.contact,
                                      .page = worker->https,
                                      .access = worker_settings->access,
                                      .head_timeout_ms = (int64_t)config->proxy.head_timeout_ms,
                                      .idle_timeout_ms = (int64_t)config->proxy.idle_timeout_ms,
                                      .connect_timeout_ms = (int64_t)config->proxy.connect_timeout_ms,
                                      .response_timeout_ms = (int64_t)config->proxy.response_timeout_ms,
                                      .tunnel_idle_ms = (int64_t)config->proxy.tunnel_idle_ms,
                                      .clients = worker_settings->clients};
    enum status status = proxy_server_open(worker->loop, &settings, &worker->judge, dns_server_resolver(worker->dns),
                                           &worker->proxy, fault);
    free(own.items);
    return status;
}

static enum status open_page(struct worker *worker, const struct config *config, struct fault *fault)
{
    if (!config->blockpage.listen.count && !config->blockpage.tls_listen.count)
        return ST_OK;
    struct page_server_settings settings = {.listen = config->blockpage.listen.items,
                                            .listen_count = config->blockpage.listen.count,
                                            .tls_listen = config->blockpage.tls_listen.items,
                                            .tls_listen_count = config->blockpage.tls_listen.count,
                                            .contact = config->blockpage.contact,
                                            .https = worker->https};
    return page_server_open(worker->loop, &settings, &worker->judge, &worker->page, fault);
}

static enum status open_https(struct worker *worker, const struct worker_settings *settings, struct fault *fault)
{
    worker->leaves = leaf_source_new_own(worker->loop, settings->signer, settings->signer_generation);
    if (worker->leaves)
        worker->https =
            page_https_new(worker->loop, worker->leaves, &worker->judge, settings->config->blockpage.contact);
    return worker->https ? ST_OK : fault_set(fault, ST_NOMEM, "out of memory");
}

bool workers_hear_nobody(struct worker *const *workers, size_t count)
{
    int64_t down_ms = 0, answered_ms = 0;
    for (size_t i = 0; i < count; i++) {
        struct upstream_outlook outlook = upstream_outlook(workers[i]->upstream);
        down_ms = outlook.down_ms > down_ms ? outlook.down_ms : down_ms;
        answered_ms = outlook.answered_ms > answered_ms ? outlook.answered_ms : answered_ms;
    }
    return down_ms && answered_ms <= down_ms;
}

static void on_drain_timer(void *arg)
{
    struct worker *worker = arg;
    bool idle = dns_server_idle(worker->dns) && (!worker->proxy || proxy_server_idle(worker->proxy));
    if (idle || loop_now_ms(worker->loop) >= worker->drain_until_ms)
        loop_stop(worker->loop);
    else
        timer_start(worker->drain_timer, DRAIN_POLL_MS);
}

enum status worker_new(const struct worker_settings *settings, struct policy *policy, struct worker **out,
                       struct fault *fault)
{
    const struct config *config = settings->config;
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker || !(worker->loop = loop_new()) ||
        !(worker->drain_timer = timer_new(worker->loop, on_drain_timer, worker))) {
        close(settings->signer);
        worker_free(worker);
        return fault_set(fault, ST_NOMEM, "a worker cannot be made: out of memory or file descriptors");
    }
    worker->judge =
        (struct judge){.recorder = settings->recorder, .incidents = settings->incidents, .reports = settings->reports};
    enum status status = open_https(worker, settings, fault);
    if (status == ST_OK)
        status = policy_reader_new(policy, &worker->judge.policy);
    if (status == ST_OK)
        status = open_dns(worker, settings, fault);
    if (status == ST_OK)
        status = open_proxy(worker, settings, fault);
    if (status == ST_OK)
        status = open_page(worker, config, fault);
    if (status != ST_OK) {
        worker_free(worker);
        return status;
    }
    *out = worker;
    return ST_OK;
}

static void *run_thread(void *arg)
{
    struct worker *worker = arg;
    loop_run(worker->loop);
    return NULL;
}

enum status worker_start(struct worker *worker, struct fault *fault)
{
    if (pthread_create(&worker->thread, NULL, run_thread, worker) != 0)
        return fault_set(fault, ST_NOMEM, "a thread cannot be started");
    worker->started = true;
    return ST_OK;
}

struct policy_change {
    struct worker *worker;
    struct policy_reader *reader;
};

static void apply_policy(void *arg)
{
    struct policy_change *change = arg;
    policy_reader_free(change->worker->judge.policy);
    change->worker->judge.policy = change->reader;
    free(change);
}

enum status worker_set_policy(struct worker *worker, struct policy *policy)
{
    struct policy_change *change = calloc(1, sizeof *change);
    if (!change)
        return ST_NOMEM;
    change->worker = worker;
    enum status status = policy_reader_new(policy, &change->reader);
    if (status == ST_OK)
        status = loop_call(worker->loop, apply_policy, change);
    if (status != ST_OK) {
        policy_reader_free(change->reader);
        free(change);
    }
    return status;
}

struct notify_change {
    struct worker *worker;
    struct dns_notify *notify;
};

static void apply_notify(void *arg)
{
    struct notify_change *change = arg;
    dns_server_set_notify(change->worker->dns, change->notify);
    dns_notify_unref(change->notify);
    free(change);
}

enum status worker_set_notify(struct worker *worker, struct dns_notify *notify)
{
    struct notify_change *change = calloc(1, sizeof *change);
    if (!change)
        return ST_NOMEM;
    *change = (struct notify_change){worker, dns_notify_ref(notify)};
    enum status status = loop_call(worker->loop, apply_notify, change);
    if (status != ST_OK) {
        dns_notify_unref(notify);
        free(change);
    }
    return status;
}

struct names_change {
    struct worker *worker;
    struct dns_names *names;
};

static void apply_names(void *arg)
{
    struct names_change *change = arg;
    dns_server_set_names(change->worker->dns, change->names);
    dns_names_unref(change->names);
    free(change);
}

enum status worker_set_names(struct worker *worker, struct dns_names *names)
{
    struct names_change *change = malloc(sizeof *change);
    if (!change)
        return ST_NOMEM;
    *change = (struct names_change){worker, dns_names_ref(names)};
    enum status status = loop_call(worker->loop, apply_names, change);
    if (status != ST_OK) {
        dns_names_unref(names);
        free(change);
    }
    return status;
}

struct upstream_change {
    struct worker *worker;
    struct upstream_set *set;
};

static void apply_upstreams(void *arg)
{
    struct upstream_change *change = arg;
    if (upstream_use(change->worker->upstream, change->set) != ST_OK)
        log_error("a worker cannot take the new upstream servers: out of memory");
    upstream_set_unref(change->set);
    free(change);
}

enum status worker_set_upstreams(struct worker *worker, struct upstream_set *set)
{
    struct upstream_change *change = malloc(sizeof *change);
    if (!change)
        return ST_NOMEM;
    *change = (struct upstream_change){worker, upstream_set_ref(set)};
    enum status status = loop_call(worker->loop, apply_upstreams, change);
    if (status != ST_OK) {
        upstream_set_unref(set);
        free(change);
    }
    return status;
}

static void look_at_all(void *arg)
{
    struct worker *worker = arg;
    upstream_look(worker->upstream, true);
}

static void look_at_some(void *arg)
{
    struct worker *worker = arg;
    upstream_look(worker->upstream, false);
}

enum status worker_look_at_upstreams(struct worker *worker, bool all)
{
    return loop_call(worker->loop, all ? look_at_all : look_at_some, worker);
}

bool worker_has_upstream_down(const struct worker *worker)
{
    return upstream_outlook(worker->upstream).some_down;
}

struct tls_change {
    struct worker *worker;
    struct tls_server *tls;
};

static void apply_tls(void *arg)
{
    struct tls_change *change = arg;
    dns_server_set_tls(change->worker->dns, change->tls);
    tls_server_unref(change->tls);
    free(change);
}

enum status worker_set_tls(struct worker *worker, struct tls_server *tls)
{
    struct tls_change *change = calloc(1, sizeof *change);
    if (!change)
        return ST_NOMEM;
    *change = (struct tls_change){worker, tls_server_ref(tls)};
    enum status status = loop_call(worker->loop, apply_tls, change);
    if (status != ST_OK) {
        tls_server_unref(tls);
        free(change);
    }
    return status;
}

struct rules_change {
    struct worker *worker;
    struct dns_settings settings;
    struct network allow[]; /* that it points to */
};

static void apply_rules(void *arg)
{
    struct rules_change *change = arg;
    if (dns_server_set_rules(change->worker->dns, &change->settings) != ST_OK)
        log_error("a worker cannot take the new options of dns: out of memory");
    free(change);
}

enum status worker_set_rules(struct worker *worker, const struct config *config)
{
    size_t count = config->dns.allow_clients.count;
    struct rules_change *change = calloc(1, sizeof *change + count * sizeof change->allow[0]);
    if (!change)
        return ST_NOMEM;
    change->worker = worker;
    take_rules(config, &change->settings);
    if (count)
        memcpy(change->allow, config->dns.allow_clients.items, count * sizeof change->allow[0]);
    change->settings.allow = change->allow;
    enum status status = loop_call(worker->loop, apply_rules, change);
    if (status != ST_OK)
        free(change);
    return status;
}

struct users_change {
    struct worker *worker;
    struct proxy_users *users;
};

static void apply_users(void *arg)
{
    struct users_change *change = arg;
    proxy_server_set_users(change->worker->proxy, change->users);
    proxy_users_unref(change->users);
    free(change);
}

enum status worker_set_users(struct worker *worker, struct proxy_users *users)
{
    if (!worker->proxy)
        return ST_OK;
    struct users_change *change = malloc(sizeof *change);
    if (!change)
        return ST_NOMEM;
    *change = (struct users_change){worker, proxy_users_ref(users)};
    enum status status = loop_call(worker->loop, apply_users, change);
    if (status != ST_OK) {
        proxy_users_unref(users);
        free(change);
    }
    return status;
}

struct trace_call {
    struct worker *worker;
    struct dns_trace *trace;
};

static void begin_trace(void *arg)
{
    struct trace_call *call = arg;
    dns_server_trace(call->worker->dns, call->trace);
    free(call);
}

enum status worker_trace(struct worker *worker, struct dns_trace *trace)
{
    struct trace_call *call = malloc(sizeof *call);
    if (!call)
        return ST_NOMEM;
    *call = (struct trace_call){worker, trace};
    enum status status = loop_call(worker->loop, begin_trace, call);
    if (status != ST_OK)
        free(call);
    return status;
}

static void begin_drain(void *arg)
{
    struct worker *worker = arg;
    dns_server_drain(worker->dns);
    if (worker->proxy)
        proxy_server_drain(worker->proxy);
    worker->drain_until_ms = loop_now_ms(worker->loop) + worker->drain_timeout_ms;
    timer_start(worker->drain_timer, 0);
}

void worker_stop(struct worker *worker, int64_t timeout_ms)
{
    if (!worker->started)
        return;
    worker->drain_timeout_ms = timeout_ms;
    if (loop_call(worker->loop, begin_drain, worker) != ST_OK)
        log_warning("a worker cannot be asked to finish: out of memory");
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    if (worker->started)
        pthread_join(worker->thread, NULL);
    page_server_close(worker->page);
    proxy_server_close(worker->proxy);
    page_https_free(worker->https);
    leaf_source_free(worker->leaves);
    dns_server_close(worker->dns);
    upstream_free(worker->upstream);
    timer_free(worker->drain_timer);
    policy_reader_free(worker->judge.policy);
    loop_free(worker->loop);
    free(worker);
}
