#include "daemon/refresher.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/exit_code.h"
#include "config/site.h"
#include "daemon/guard_watch.h"
#include "daemon/refresh_reasons.h"
#include "daemon/signals.h"
#include "feeds/feed_state.h"
#include "feeds/web_url.h"

enum {
    LOOK_INTERVAL_MS = 5000,
    CHILD_LIMIT_MS = 15 * 60 * 1000, /* longer than any download may take by its own limits */
    MAX_WAIT_MS = 10 * 60 * 1000,
    MAX_CHILDREN = 4,         /* so that one that hangs keeps no other back; they read what they got one by one */
    HOST_PACE_MS = 60 * 1000, /* between two lists of one host, once it has been fetched at all */
    CHILD_NICE = 10,          /* answers come first */
};

/* A feed and its refresh. */
struct watch {
    char feed[SOURCE_NAME_SIZE], host[WEB_HOST_SIZE];
    bool asked;  /* it is to be refreshed, due or not */
    pid_t child; /* 0: none */
    int output;  /* what it says on standard error, in memory: a full disk must not silence it; -1: none */
    bool too_late;
    int64_t child_until_ms;
    int64_t started_ms;    /* monotonic; the last one; 0: none was */
    int64_t not_before_ms; /* after a child that failed */
    int64_t wait_ms;       /* doubles */
    uint64_t rebuilt_for;  /* what was guarded when it was built again last, whatever came of it */
};

struct refresher {
    struct timer *timer;
    const struct config *config;
    struct refresh_reasons *reasons;
    struct watch *watches; /* of the configuration's feeds in their order, then those that it has no more */
    size_t count, running;
    size_t configured; /* of the watches, those of the configuration; 0: memory ran out when it was read again */
    size_t last;       /* index of the one that was started last */
    struct guard_watch guards;
    bool config_changed; /* since the guards were looked at */
};

static void run_child(const char *config_path, const char *verb, const char *feed, int output)
{
    signals_unblock();
    (void)!nice(CHILD_NICE);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
    }
    if (output >= 0)
        dup2(output, STDERR_FILENO);
    const char *argv[] = {"ccward", "feeds", verb, feed, "-c", config_path, NULL};
    if (!config_path)
        argv[4] = NULL;
    /* The strings are not changed by exec; its prototype is older than const. */
    execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
    _exit(127);
}

static void close_output(struct watch *watch)
{
    if (watch->output >= 0)
        close(watch->output);
    watch->output = -1;
}

/* VERB: refresh or rebuild. */
static void start_child(struct refresher *refresher, struct watch *watch, const char *verb)
{
    watch->output = memfd_create("refresh", MFD_CLOEXEC);
    watch->too_late = watch->asked = false;
    pid_t pid = fork(); /* between fork and exec only async-signal-safe calls: other threads may hold locks */
    if (pid == 0)
        run_child(refresher->config->path, verb, watch->feed, watch->output);
    if (pid < 0) {
        char why[128];
        snprintf(why, sizeof why, "a process for its refresh cannot be started: %s", strerror(errno));
        refresh_reasons_failed(refresher->reasons, watch->feed, why);
        close_output(watch);
        return;
    }
    refresher->running++;
    watch->child = pid;
    watch->started_ms = clock_mono_ms();
    watch->child_until_ms = watch->started_ms + CHILD_LIMIT_MS;
    log_debug("feed %s: %s started as process %d", watch->feed, verb, (int)pid);
}

/* Whether the host of WATCH is left alone for now. What was never fetched does not wait: it protects nobody yet. */
static bool host_waits(const struct refresher *refresher, const struct watch *watch, int64_t now_ms)
{
    struct feed_state state;
    bool lately = false;
    for (size_t i = 0; watch->host[0] && i < refresher->count; i++) {
        const struct watch *other = &refresher->watches[i];
        if (other == watch || strcmp(other->host, watch->host))
            continue;
        if (other->child)
            return true;
        lately = lately || (other->started_ms && now_ms - other->started_ms < HOST_PACE_MS);
    }
    if (!lately)
        return false;
    feed_state_load(refresher->config->state_dir, watch->feed, &state);
    return state.last_success_ms != 0;
}

static void look_at(struct refresher *refresher, size_t index)
{
    struct watch *watch = &refresher->watches[index];
    int64_t now_ms = clock_mono_ms();
    if (watch->child || now_ms < watch->not_before_ms || refresher->running == MAX_CHILDREN)
        return;
    struct feed feed = feed_of_config(&refresher->config->feeds[index]);
    if (!watch->asked && feed_due_in_s(refresher->config->state_dir, &feed) > 0)
        return;
    if (host_waits(refresher, watch, now_ms))
        return;
    refresher->last = index;
    start_child(refresher, watch, "refresh");
}

/* When all that is due is fetched: what was read while other things were guarded, one by one, from the copies. */
static void look_at_guards(struct refresher *refresher)
{
    guard_watch_look(&refresher->guards, refresher->config, refresher->config_changed);
    refresher->config_changed = false;
    for (size_t i = 0; !refresher->running && i < refresher->configured; i++) {
        struct watch *watch = &refresher->watches[i];
        if (watch->rebuilt_for == refresher->guards.fingerprint ||
            !guard_watch_wants(&refresher->guards, refresher->config, &refresher->config->feeds[i]))
            continue;
        watch->rebuilt_for = refresher->guards.fingerprint;
        start_child(refresher, watch, "rebuild");
    }
}

static void on_look(void *arg)
{
    struct refresher *refresher = arg;
    size_t count = refresher->configured, first = refresher->last + 1;
    timer_start(refresher->timer, LOOK_INTERVAL_MS);
    for (size_t i = 0; i < refresher->count; i++) {
        struct watch *watch = &refresher->watches[i];
        if (!watch->child || clock_mono_ms() <= watch->child_until_ms)
            continue;
        watch->too_late = true;
        kill(watch->child, SIGKILL);
    }
    for (size_t i = 0; i < count; i++)
        if (refresher->watches[i].asked)
            look_at(refresher, i);
    /* The one after the last first, so that a feed that fails again and again does not keep the others back. */
    for (size_t i = 0; i < count; i++)
        look_at(refresher, (first + i) % count);
    if (!refresher->running)
        look_at_guards(refresher);
}

static struct watch *find_watch(struct refresher *refresher, const char *feed)
{
    for (size_t i = 0; i < refresher->count; i++)
        if (!strcmp(refresher->watches[i].feed, feed))
            return &refresher->watches[i];
    return NULL;
}

/* Goes over to CONFIG's feeds; what is under way goes on. */
static enum status watch_feeds(struct refresher *refresher, const struct config *config)
{
    struct watch *watches = calloc(config->feed_count + refresher->count + 1, sizeof *watches);
    size_t count = config->feed_count;
    refresher->config = config;
    refresher->config_changed = true;
    refresher->configured = refresher->last = 0;
    if (!watches)
        return ST_NOMEM;
    for (size_t i = 0; i < config->feed_count; i++) {
        struct watch *old = find_watch(refresher, config->feeds[i].name);
        watches[i] = old ? *old : (struct watch){.output = -1};
        watches[i].not_before_ms = watches[i].wait_ms = 0;
        text_copy(watches[i].feed, sizeof watches[i].feed, str_of(config->feeds[i].name));
        web_url_host(config->feeds[i].url, watches[i].host);
        if (old)
            old->child = 0;
    }
    for (size_t i = 0; i < refresher->count; i++)
        if (refresher->watches[i].child)
            watches[count++] = refresher->watches[i];
    free(refresher->watches);
    refresher->watches = watches;
    refresher->count = count;
    refresher->configured = config->feed_count;
    return ST_OK;
}

enum status refresher_new(struct loop *loop, const struct config *config, struct refresher **out)
{
    struct refresher *refresher = calloc(1, sizeof *refresher);
    if (!refresher)
        return ST_NOMEM;
    refresher->reasons = refresh_reasons_new();
    refresher->timer = timer_new(loop, on_look, refresher);
    if (!refresher->reasons || !refresher->timer || watch_feeds(refresher, config) != ST_OK) {
        refresher_free(refresher);
        return ST_NOMEM;
    }
    timer_start(refresher->timer, 0);
    *out = refresher;
    return ST_OK;
}

void refresher_ask(struct refresher *refresher, size_t index)
{
    if (index >= refresher->configured)
        return;
    refresher->watches[index].asked = true;
    timer_start(refresher->timer, 0);
}

void refresher_set_config(struct refresher *refresher, const struct config *config)
{
    if (watch_feeds(refresher, config) != ST_OK)
        log_error("out of memory: no feed is refreshed until the configuration is read again");
    timer_start(refresher->timer, 0);
}

/* What the child has said, cut at its start. */
static void read_output(const struct watch *watch, char *out, size_t size)
{
    off_t length = lseek(watch->output, 0, SEEK_END), from = length < (off_t)size ? 0 : length - (off_t)size + 1;
    ssize_t n = length > 0 ? pread(watch->output, out, size - 1, from) : 0;
    out[n > 0 ? n : 0] = '\0';
}

static void tell_end(struct refresher *refresher, struct watch *watch, int result)
{
    char output[4096], why[64];
    read_output(watch, output, sizeof output);
    close_output(watch);
    const char *feed = watch->feed;
    if (watch->too_late)
        refresh_reasons_failed(refresher->reasons, feed, "its refresh took too long and was ended");
    else if (WIFSIGNALED(result)) {
        snprintf(why, sizeof why, "its refresh was ended by signal %d", WTERMSIG(result));
        refresh_reasons_failed(refresher->reasons, feed, why);
    } else if (WEXITSTATUS(result) == EXIT_OK) {
        if (output[0] && write(STDERR_FILENO, output, strlen(output)) < 0)
            log_debug("feed %s: %s", feed, strerror(errno));
        refresh_reasons_clear(refresher->reasons, feed);
    } else if (WEXITSTATUS(result) != EXIT_BUSY) { /* then another one refreshes it */
        refresh_reasons_failed(refresher->reasons, feed, output);
    }
}

const char *refresher_fault(const struct refresher *refresher, const char *feed)
{
    return refresh_reasons_of(refresher->reasons, feed);
}

static bool reap(struct refresher *refresher, struct watch *watch)
{
    int result;
    if (!watch->child || waitpid(watch->child, &result, WNOHANG) != watch->child)
        return false;
    watch->child = 0;
    refresher->running--;
    tell_end(refresher, watch, result);
    /* A child that could not even keep its feed's state leaves the feed due: do not start one after the other. */
    bool failed = !WIFEXITED(result) || WEXITSTATUS(result) != EXIT_OK;
    int64_t longer_ms = watch->wait_ms * 2 < LOOK_INTERVAL_MS ? LOOK_INTERVAL_MS : watch->wait_ms * 2;
    watch->wait_ms = !failed ? 0 : longer_ms < MAX_WAIT_MS ? longer_ms : MAX_WAIT_MS;
    watch->not_before_ms = clock_mono_ms() + watch->wait_ms;
    return true;
}

void refresher_reap(struct refresher *refresher)
{
    bool any = false;
    for (size_t i = 0; i < refresher->count; i++)
        any = reap(refresher, &refresher->watches[i]) || any;
    if (any)
        timer_start(refresher->timer, 0);
}

static void signal_children(const struct refresher *refresher, int number)
{
    for (size_t i = 0; i < refresher->count; i++)
        if (refresher->watches[i].child)
            kill(refresher->watches[i].child, number);
}

static void end_children(struct refresher *refresher)
{
    signal_children(refresher, SIGTERM);
    for (int tries = 0; tries < 50 && refresher->running; tries++) {
        for (size_t i = 0; i < refresher->count; i++) {
            struct watch *watch = &refresher->watches[i];
            if (!watch->child || waitpid(watch->child, NULL, WNOHANG) == 0)
                continue;
            watch->child = 0;
            refresher->running--;
        }
        if (refresher->running)
            usleep(20000);
        if (tries == 25)
            signal_children(refresher, SIGKILL);
    }
}

void refresher_free(struct refresher *refresher)
{
    if (!refresher)
        return;
    end_children(refresher);
    for (size_t i = 0; i < refresher->count; i++)
        close_output(&refresher->watches[i]);
    refresh_reasons_free(refresher->reasons);
    timer_free(refresher->timer);
    free(refresher->watches);
    free(refresher);
}
