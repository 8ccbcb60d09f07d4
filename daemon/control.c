#include "daemon/control.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "callbacks/recorder.h"
#include "config/chosen_feeds.h"
#include "config/site.h"
#include "console/console.h"
#include "daemon/announce.h"
#include "daemon/clock_watch.h"
#include "daemon/control_socket.h"
#include "daemon/file_limit.h"
#include "daemon/health.h"
#include "daemon/journals.h"
#include "daemon/lists_watch.h"
#include "daemon/names_watch.h"
#include "daemon/parent_trouble.h"
#include "daemon/refresher.h"
#include "daemon/serving.h"
#include "daemon/signals.h"
#include "daemon/signer_keeper.h"
#include "daemon/snapshot.h"
#include "daemon/store_watch.h"
#include "daemon/upstream_watch.h"
#include "daemon/worker.h"
#include "daemon/zone_news.h"
#include "net/listener.h"
#include "proxy/client_counts.h"

enum {
    MAX_WORKERS = 64,
    STEP_MS = 100, /* callbacks are on disk, and a changed store is in force, well within a second */
    RETRY_MS = 5000,
};

struct control {
    struct config *config;
    struct loop *loop;
    struct signals *signals;
    struct timer *step;
    int state_lock;
    struct upstream_watch upstreams;
    enum origin_result parent_trouble; /* that was told */
    struct policy *policy;
    struct snapshot_facts facts;
    struct fault config_fault; /* why the configuration in force is not that of the file; empty: it is */
    struct fault tls_fault;    /* the same of the certificate */
    struct fault users_fault;  /* the same of the proxy's users */
    struct fault policy_fault; /* why `policy` is not what store and configuration say; empty: it is */
    struct lists_watch lists;
    struct clock_watch clock;
    struct store_watch store; /* that `policy` was made from */
    struct incidents *incidents;
    struct collector *collector;
    struct journals *journals;
    struct dns_cache *cache;
    struct client_counts *clients; /* of the proxy */
    struct serving serving;
    struct signer_keeper *signer;
    struct worker *workers[MAX_WORKERS];
    size_t worker_count;
    struct console *console;
    struct control_socket *socket; /* NULL: commands cannot reach us */
    struct refresher *refresher;
    struct zone_news *news;
    struct names_watch names;
    int64_t started_ms, flushed_ms, watchdog_ms; /* watchdog_ms: when systemd was told last */
    int64_t watchdog_every_ms;                   /* 0: it does not ask */
    int64_t retry_ms;                            /* when a policy is made again in any case; 0: no need */
    bool stopping;
};

/* --- Opening, in this order; each step says what is wrong in words for a person. --- */

/* `ccward status` holds it for a moment to see whether it is held. */
static bool take_lock(int fd)
{
    enum { TRIES = 5, WAIT_US = 10000 };
    for (unsigned tries = 0; flock(fd, LOCK_EX | LOCK_NB); tries++) {
        if (tries == TRIES)
            return false;
        usleep(WAIT_US);
    }
    return true;
}

static enum status lock_state(struct control *control, struct fault *fault)
{
    const char *dir = control->config->state_dir;
    char path[4200], owner[32] = "";
    if (mkdir(dir, 0750) != 0 && errno != EEXIST)
        return fault_errno(fault, ST_IO, "the state directory %s cannot be made", dir);
    snprintf(path, sizeof path, "%s/" PID_FILE, dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return fault_errno(fault, ST_IO, "%s cannot be opened", path);
    if (!take_lock(fd)) {
        ssize_t n = pread(fd, owner, sizeof owner - 1, 0);
        owner[n > 0 ? strcspn(owner, "\n") : 0] = '\0';
        close(fd);
        return fault_set(fault, ST_BUSY, "the state directory %s is in use by another ccward (process %s)", dir,
                         owner[0] ? owner : "unknown");
    }
    int n = snprintf(owner, sizeof owner, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, owner, (size_t)n, 0) != n) {
        close(fd);
        return fault_errno(fault, ST_IO, "%s cannot be written", path);
    }
    control->state_lock = fd;
    return ST_OK;
}

static enum status probe_all(const struct addr_list *list, int sock_type, struct fault *fault)
{
    for (size_t i = 0; i < list->count; i++) {
        enum status status = listener_probe(&list->items[i], sock_type, fault);
        if (status != ST_OK)
            return status;
    }
    return ST_OK;
}

/* All workers share their ports by SO_REUSEPORT, which would let a second daemon in as well: look first. */
static enum status probe_ports(const struct config *config, struct fault *fault)
{
    enum status status = probe_all(&config->dns.listen, SOCK_DGRAM, fault);
    const struct addr_list *streams[] = {
        &config->dns.listen,     &config->dns.tls_listen,     &config->dns.https_listen,
        &config->proxy.listen,   &config->blockpage.listen,   &config->blockpage.tls_listen,
        &config->console.listen, &config->proxy.socks_listen, &config->proxy.transparent_listen};
    for (size_t i = 0; status == ST_OK && i < sizeof streams / sizeof streams[0]; i++)
        status = probe_all(streams[i], SOCK_STREAM, fault);
    return status;
}

/* What it told BEFORE it does not tell again. */
static void tell_damage(const struct snapshot_facts *before, const struct snapshot_facts *now)
{
    if (now->damaged == before->damaged && !strcmp(now->why.text, before->why.text))
        return;
    if (now->damaged)
        log_error("%u source(s) of the store are damaged and left out: %s. `ccward feeds refresh` fetches them anew",
                  now->damaged, now->why.text);
    else
        log_info("the store is whole again");
}

static enum status open_records(struct control *control, struct fault *fault)
{
    const struct config *config = control->config;
    enum status status = incidents_open(config->state_dir, &control->incidents, fault);
    if (status != ST_OK)
        return status;
    struct collector_settings settings = {.state_dir = config->state_dir,
                                          .rotate_bytes = config->log.rotate_bytes,
                                          .rotate_keep = (unsigned)config->log.rotate_keep,
                                          .max_lines_per_s = (unsigned)config->log.max_lines_per_s,
                                          .incidents = control->incidents};
    status = collector_open(&settings, &control->collector, fault);
    return status == ST_OK ? journals_open(config, &control->journals, fault) : status;
}

static size_t worker_count(const struct config *config)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (config->daemon.workers)
        return config->daemon.workers;
    return processors < 1 ? 1 : processors > 4 ? 4 : (size_t)processors;
}

static enum status open_workers(struct control *control, struct fault *fault)
{
    const struct config *config = control->config;
    struct dns_cache_settings cache = {.max_bytes = config->dns.cache_bytes,
                                       .max_ttl_s = (uint32_t)(config->dns.cache_max_ttl_ms / 1000),
                                       .max_negative_ttl_s = (uint32_t)(config->dns.cache_max_negative_ttl_ms / 1000),
                                       .min_ttl_s = (uint32_t)(config->dns.cache_min_ttl_ms / 1000),
                                       .max_failure_ttl_s = (uint32_t)(config->dns.cache_max_failure_ttl_ms / 1000),
                                       .stale_s = (uint32_t)(config->dns.stale_for_ms / 1000),
                                       .stale_ttl_s = (uint32_t)(config->dns.stale_ttl_ms / 1000),
                                       .prefetch = config->dns.prefetch};
    size_t clients = file_limit_clients(config->proxy.max_clients);
    if (!(control->clients = client_counts_new(clients, config->proxy.max_clients_per_address)) ||
        !(control->cache = dns_cache_new(&cache)) || !(control->news = zone_news_new(config)) ||
        names_watch_start(&control->names, config) != ST_OK)
        return fault_set(fault, ST_NOMEM, "out of memory");
    enum status opened = serving_open(&control->serving, config, fault);
    if (opened == ST_OK)
        opened = signer_keeper_new(worker_count(config), &control->signer, fault);
    if (opened != ST_OK)
        return opened;
    for (size_t n = worker_count(config); control->worker_count < n; control->worker_count++) {
        struct worker_settings settings = {.config = config,
                                           .upstreams = control->upstreams.set,
                                           .cache = control->cache,
                                           .clients = control->clients,
                                           .incidents = control->incidents,
                                           .notify = zone_news_table(control->news),
                                           .names = control->names.names,
                                           .serving = &control->serving,
                                           .signer_generation = signer_keeper_generation(control->signer)};
        enum status status =
            config->log.callbacks ? collector_add_recorder(control->collector, &settings.recorder) : ST_OK;
        if (status == ST_OK)
            status = journals_add_worker(control->journals, &settings);
        if (status == ST_OK)
            settings.signer = signer_keeper_take_fd(control->signer, control->worker_count);
        if (status == ST_OK)
            status = worker_new(&settings, control->policy, &control->workers[control->worker_count], fault);
        if (status != ST_OK)
            return status;
    }
    return ST_OK;
}

static const char *refresh_fault(const void *arg, const char *feed)
{
    const struct control *control = arg;
    return control->refresher ? refresher_fault(control->refresher, feed) : "";
}

static bool health(void *arg, struct buf *out)
{
    const struct control *control = arg;
    const struct upstream_route *all = upstream_set_default(control->upstreams.set);
    struct health_facts facts = {.config = control->config,
                                 .store = policy_store(control->policy),
                                 .snapshot = &control->facts,
                                 .upstreams = all->servers,
                                 .upstream_count = all->server_count,
                                 .upstream_set = control->upstreams.set,
                                 .config_fault = control->config_fault.text,
                                 .tls_fault = control->tls_fault.text,
                                 .users_fault = control->users_fault.text,
                                 .signer_fault = signer_keeper_fault(control->signer),
                                 .store_fault = control->policy_fault.text,
                                 .upstreams_down = control->upstreams.down,
                                 .parent_trouble = control->parent_trouble,
                                 .lists_fault = control->lists.fault.text,
                                 .running = true,
                                 .stopping = control->stopping,
                                 .callbacks_failing = collector_is_failing(control->collector),
                                 .incidents_failing = incidents_is_failing(control->incidents),
                                 .uptime_s = (clock_mono_ms() - control->started_ms) / 1000,
                                 .hits = collector_counters(control->collector)->hits,
                                 .incidents = incidents_number(control->incidents),
                                 .clock_note = control->clock.note,
                                 .refresh_fault = refresh_fault,
                                 .refresh_arg = control};
    json_t *json = health_json(&facts);
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    bool ok = text && !strcmp(json_string_value(json_object_get(json, "state")), "ok");
    buf_printf(out, "%s\n", text ? text : "{\"state\": \"degraded\", \"reason\": \"out of memory\"}");
    free(text);
    json_decref(json);
    return ok;
}

static enum status open_console(struct control *control, struct fault *fault)
{
    const struct config *config = control->config;
    if (!config->console.listen.count)
        return ST_OK;
    struct console_settings settings = {.listen = config->console.listen.items,
                                        .listen_count = config->console.listen.count,
                                        .pac = config_pac(config),
                                        .health = health,
                                        .arg = control};
    return console_open(control->loop, &settings, &control->console, fault);
}

static enum status begin_trace(void *arg, struct dns_trace *trace)
{
    struct control *control = arg;
    text_copy(trace->group, sizeof trace->group, str_of(policy_group_name(control->policy, &trace->client)));
    return worker_trace(control->workers[0], trace);
}

/* Without it answers are given all the same. */
static void open_socket(struct control *control)
{
    struct fault fault = {0};
    if (control_socket_open(control->loop, control->config->state_dir, control->cache, begin_trace, control,
                            &control->socket, &fault) != ST_OK)
        log_warning("%s; `ccward cache` and `ccward query` will not work", fault.text);
}

/* --- While it runs. --- */

/* What was in force stays in force for REASON, which is told once. */
static void keep_policy(struct control *control, const char *reason)
{
    struct fault fault = {0};
    control->retry_ms = clock_mono_ms() + RETRY_MS;
    fault_set(&fault, ST_IO, "%s", reason);
    if (strcmp(fault.text, control->policy_fault.text))
        log_error("%s; what was in force stays in force", reason);
    control->policy_fault = fault;
}

/* True: all workers have it, or will between two rounds. */
static bool hand_out(struct control *control, struct policy *policy)
{
    bool taken = true;
    for (size_t i = 0; i < control->worker_count; i++)
        taken = worker_set_policy(control->workers[i], policy) == ST_OK && taken;
    return taken;
}

/* Judges by what the configuration and the store say now; what was in force stays when that fails. */
static enum status renew_policy(struct control *control, const struct config *config)
{
    struct fault fault = {0};
    struct policy *policy;
    struct snapshot_facts facts;
    struct timespec seen = store_watch_time(config);
    enum status status = snapshot_build(config, control->policy, &policy, &facts, &fault);
    store_watch_note(&control->store, seen);
    if (status != ST_OK) {
        keep_policy(control, fault.text);
        return status;
    }
    tell_damage(&control->facts, &facts);
    if (hand_out(control, policy)) {
        control->retry_ms = 0;
        control->policy_fault.text[0] = '\0';
    } else {
        keep_policy(control, "a worker cannot take the new policy: out of memory or file descriptors");
    }
    policy_unref(control->policy);
    control->policy = policy;
    control->facts = facts;
    log_info("in force: %zu sources with %llu names, %llu URLs, %llu networks", facts.sources,
             (unsigned long long)facts.counts[INDICATOR_NAME], (unsigned long long)facts.counts[INDICATOR_URL],
             (unsigned long long)facts.counts[INDICATOR_NETWORK]);
    return ST_OK;
}

static void log_faults(const struct config_faults *faults)
{
    struct str line, rest = {faults->text.data, faults->text.length};
    while (str_cut(rest, '\n', &line, &rest))
        log_warning("%.*s", (int)line.length, line.data);
}

/* After the feeds have changed. A worker that keeps the old table tells nobody of what it hears. */
static void renew_news(struct control *control)
{
    zone_news_free(control->news);
    control->news = zone_news_new(control->config);
    enum status status = control->news ? ST_OK : ST_NOMEM;
    for (size_t i = 0; status == ST_OK && i < control->worker_count; i++)
        status = worker_set_notify(control->workers[i], zone_news_table(control->news));
    if (status != ST_OK)
        log_error("zones are fetched when they are due, and not when their primaries say so: out of memory");
}

/* After `names` has changed. A worker that could not take them answers by those before. */
static void hand_out_names(struct control *control)
{
    bool taken = true;
    for (size_t i = 0; i < control->worker_count; i++)
        taken = worker_set_names(control->workers[i], control->names.names) == ST_OK && taken;
    if (!taken)
        log_error("a worker cannot take the names that are answered here: out of memory");
}

/* After the configuration has changed. A worker that could not take it answers as before. */
static void hand_out_rules(struct control *control)
{
    bool taken = true;
    for (size_t i = 0; i < control->worker_count; i++)
        taken = worker_set_rules(control->workers[i], control->config) == ST_OK && taken;
    if (!taken)
        log_error("a worker cannot take the new options of dns: out of memory");
}

/* Takes what `ccward feeds enable` and its like have chosen since. */
static void renew_chosen(struct control *control)
{
    struct config_faults faults = {0};
    if (!config_chosen_changed(control->config))
        return;
    config_take_chosen(control->config, &faults);
    log_faults(&faults);
    config_faults_free(&faults);
    refresher_set_config(control->refresher, control->config);
    renew_news(control);
    (void)!renew_policy(control, control->config);
}

static void on_step(void *arg)
{
    struct control *control = arg;
    timer_start(control->step, STEP_MS);
    collector_step(control->collector);
    int64_t now = clock_mono_ms();
    journals_step(control->journals, now);
    if (now - control->flushed_ms >= 1000) {
        control->flushed_ms = now;
        incidents_flush(control->incidents);
    }
    if (control->watchdog_every_ms && now - control->watchdog_ms >= control->watchdog_every_ms) {
        control->watchdog_ms = now;
        sd_notify(0, "WATCHDOG=1");
    }
    zone_news_step(control->news, control->refresher, now);
    lists_watch_step(&control->lists, control->config->state_dir);
    clock_watch_step(&control->clock);
    if (names_watch_step(&control->names, control->config))
        hand_out_names(control);
    renew_chosen(control);
    signer_keeper_step(control->signer, control->config, now);
    upstream_watch_step(&control->upstreams, control->config, now);
    parent_trouble_step(control->serving.parent_watch, control->config->proxy.parent, &control->parent_trouble);
    if (store_watch_changed(&control->store, control->config) || (control->retry_ms && now >= control->retry_ms))
        (void)!renew_policy(control, control->config);
}

/* The certificate may have been renewed. What was in force stays where it cannot be read. */
static void renew_certificate(struct control *control)
{
    struct fault fault = {0};
    enum status status = serving_renew(&control->serving, control->config, &fault);
    for (size_t i = 0; status == ST_OK && i < control->worker_count; i++)
        status = worker_set_tls(control->workers[i], control->serving.tls);
    control->tls_fault = (struct fault){0};
    if (status == ST_OK)
        return;
    fault_set(&control->tls_fault, status, "%s; the certificate that was in force stays in force",
              fault.text[0] ? fault.text : status_text(status));
    log_error("%s", control->tls_fault.text);
}

/* Those who may use the proxy may have changed. */
static void renew_users(struct control *control)
{
    struct fault fault = {0};
    enum status status = serving_renew_users(&control->serving, control->config, &fault);
    for (size_t i = 0; status == ST_OK && control->serving.users && i < control->worker_count; i++)
        status = worker_set_users(control->workers[i], control->serving.users);
    control->users_fault = (struct fault){0};
    if (status == ST_OK)
        return;
    fault_set(&control->users_fault, status, "%s; the users that were in force stay in force",
              fault.text[0] ? fault.text : status_text(status));
    log_error("%s", control->users_fault.text);
}

/* What was wrong first. */
static struct str first_error(const struct config_faults *faults)
{
    struct str line, rest = {faults->text.data, faults->text.length};
    while (str_cut(rest, '\n', &line, &rest))
        if (line.length && !memmem(line.data, line.length, "warning: ", 9))
            return line;
    return (struct str){0};
}

/* The configuration in force stays. */
static void keep_config(struct control *control, enum status status, struct str reason)
{
    if (!reason.length)
        reason = str_of(status_text(status));
    control->config_fault = (struct fault){0};
    fault_set(&control->config_fault, status,
              "the configuration was not read again: %.*s; what was in force stays in force", (int)reason.length,
              reason.data);
    log_error("%s", control->config_fault.text);
}

/* All of it, or nothing. */
static void take_config(struct control *control, struct config *config)
{
    struct fault fault = {0};
    struct upstream_set *set;
    enum status status = upstream_watch_build(&control->upstreams, config, &set, &fault);
    if (status == ST_OK && (status = renew_policy(control, config)) != ST_OK)
        fault = control->policy_fault;
    if (status != ST_OK) {
        keep_config(control, status, str_of(fault.text));
        upstream_watch_keep(&control->upstreams, set);
        return;
    }
    upstream_watch_take_own(&control->upstreams, set);
    /* The workers were started with the old one and still look at it: only what the control thread uses changes. */
    config_take_reloadable(control->config, config);
    log_set_level((enum log_level)control->config->log.level);
    refresher_set_config(control->refresher, control->config);
    renew_news(control);
    names_watch_renew(&control->names, control->config);
    hand_out_names(control);
    hand_out_rules(control);
    signer_keeper_renew(control->signer);
    control->config_fault = (struct fault){0};
    log_info("the configuration was read again");
}

static void tell_what_stays(const struct control *control, const struct config *config)
{
    struct buf names = {0};
    if (config_needs_restart(control->config, config, &names))
        log_warning("changes only when ccward is started again: %s", buf_text(&names));
    buf_free(&names);
}

static void reload(struct control *control)
{
    struct config *config = calloc(1, sizeof *config);
    struct config_faults faults = {0};
    enum status status = config ? config_load(control->config->path, config, &faults) : ST_NOMEM;
    if (status == ST_OK)
        config_take_chosen(config, &faults);
    log_faults(&faults);
    if (status != ST_OK) {
        keep_config(control, status, first_error(&faults));
    } else {
        tell_what_stays(control, config);
        take_config(control, config);
        config_free(config);
    }
    config_faults_free(&faults);
    free(config);
}

static void on_signal(void *arg, int number)
{
    struct control *control = arg;
    switch (number) {
    case SIGTERM:
    case SIGINT:
        control->stopping = true;
        loop_stop(control->loop);
        break;
    case SIGHUP:
        sd_notify(0, "RELOADING=1");
        collector_reopen(control->collector);
        journals_reopen(control->journals);
        renew_certificate(control);
        renew_users(control);
        reload(control);
        sd_notify(0, "READY=1");
        break;
    case SIGUSR1:
        collector_reopen(control->collector);
        journals_reopen(control->journals);
        break;
    case SIGCHLD:
        refresher_reap(control->refresher);
        signer_keeper_reap(control->signer, clock_mono_ms());
        break;
    }
}

/* --- Start and end. --- */

static enum status open_all(struct control *control, struct fault *fault)
{
    const struct config *config = control->config;
    enum status status = probe_ports(config, fault);
    if (status == ST_OK)
        status = lock_state(control, fault);
    if (status == ST_OK && !(control->loop = loop_new()))
        status = fault_set(fault, ST_NOMEM, "out of memory or file descriptors");
    if (status == ST_OK)
        status = upstream_watch_start(&control->upstreams, config, fault);
    if (status == ST_OK) {
        lists_watch_start(&control->lists, config->state_dir);
        clock_watch_start(&control->clock);
        store_watch_note(&control->store, store_watch_time(config));
        status = snapshot_build(config, NULL, &control->policy, &control->facts, fault);
    }
    if (status == ST_OK) {
        tell_damage(&(struct snapshot_facts){0}, &control->facts);
        status = open_records(control, fault);
    }
    if (status == ST_OK)
        status = open_workers(control, fault);
    if (status == ST_OK)
        status = open_console(control, fault);
    if (status == ST_OK)
        open_socket(control);
    if (status == ST_OK && (refresher_new(control->loop, config, &control->refresher) != ST_OK ||
                            !(control->step = timer_new(control->loop, on_step, control)) ||
                            signals_new(control->loop, on_signal, control, &control->signals) != ST_OK))
        status = fault_set(fault, ST_NOMEM, "out of memory");
    for (size_t i = 0; status == ST_OK && i < control->worker_count; i++)
        status = worker_start(control->workers[i], fault);
    if (status == ST_OK)
        upstream_watch_workers(&control->upstreams, control->workers, control->worker_count, control->cache);
    return status;
}

static void close_all(struct control *control)
{
    for (size_t i = 0; i < control->worker_count; i++)
        worker_stop(control->workers[i], (int64_t)control->config->daemon.stop_timeout_ms);
    for (size_t i = 0; i < MAX_WORKERS; i++)
        worker_free(control->workers[i]);
    signer_keeper_free(control->signer);
    refresher_free(control->refresher);
    zone_news_free(control->news);
    names_watch_end(&control->names);
    control_socket_close(control->socket);
    console_close(control->console);
    signals_free(control->signals);
    timer_free(control->step);
    collector_close(control->collector);
    journals_close(control->journals);
    incidents_close(control->incidents);
    dns_cache_free(control->cache);
    client_counts_free(control->clients);
    upstream_watch_end(&control->upstreams);
    serving_close(&control->serving);
    policy_unref(control->policy);
    loop_free(control->loop);
    if (control->state_lock >= 0)
        close(control->state_lock);
}

enum status control_run_own(struct config *config, bool announce, struct fault *fault)
{
    struct control control = {
        .config = config, .state_lock = -1, .started_ms = clock_mono_ms(), .flushed_ms = clock_mono_ms()};
    uint64_t watchdog_us = 0;
    if (sd_watchdog_enabled(0, &watchdog_us) > 0)
        control.watchdog_every_ms = (int64_t)(watchdog_us / 2000); /* half of what it waits, sd_watchdog_enabled(3) */
    signals_block();
    file_limit_raise();
    log_set_level((enum log_level)config->log.level);
    enum status status = open_all(&control, fault);
    if (status == ST_OK) {
        if (announce)
            announce_ready(config, &control.facts, control.upstreams.set);
        sd_notify(0, "READY=1\nSTATUS=Answering");
        control.retry_ms = clock_mono_ms(); /* for one that is prepared */
        timer_start(control.step, STEP_MS);
        loop_run(control.loop);
        sd_notify(0, "STOPPING=1");
        log_info("stopping");
    }
    close_all(&control);
    config_free(config);
    return status;
}
