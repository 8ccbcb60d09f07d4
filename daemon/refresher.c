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
#include "daemon/command.h"
#include "daemon/refresh_reasons.h"
#include "daemon/signals.h"

enum {
    LOOK_INTERVAL_MS = 5000,
    CHILD_LIMIT_MS = 15 * 60 * 1000, /* longer than any download may take by its own limits */
    MAX_WAIT_MS = 10 * 60 * 1000,
};

struct refresher {
    struct timer *timer;
    const struct config *config;
    struct refresh_reasons *reasons;
    pid_t child; /* 0: none */
    int output;  /* what it says on standard error, in memory: a full disk must not silence it; -1: none */
    bool too_late;
    char child_feed[SOURCE_NAME_SIZE];
    int64_t child_until_ms;
    size_t last_feed; /* index of the one that was started last */
    bool *asked;      /* of each feed; NULL: none is */
    int64_t wait_ms;  /* after a child that failed; doubles */
};

static void run_child(const char *config_path, const char *feed, int output)
{
    signals_unblock();
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
    }
    if (output >= 0)
        dup2(output, STDERR_FILENO);
    const char *argv[] = {"ccward", "feeds", "refresh", feed, "-c", config_path, NULL};
    if (!config_path)
        argv[4] = NULL;
    /* The strings are not changed by exec; its prototype is older than const. */
    execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
    _exit(127);
}

static void close_output(struct refresher *refresher)
{
    if (refresher->output >= 0)
        close(refresher->output);
    refresher->output = -1;
}

static void start_child(struct refresher *refresher, const char *feed)
{
    refresher->output = memfd_create("refresh", MFD_CLOEXEC);
    refresher->too_late = false;
    pid_t pid = fork(); /* between fork and exec only async-signal-safe calls: other threads may hold locks */
    if (pid == 0)
        run_child(refresher->config->path, feed, refresher->output);
    if (pid < 0) {
        char why[128];
        snprintf(why, sizeof why, "a process for its refresh cannot be started: %s", strerror(errno));
        refresh_reasons_failed(refresher->reasons, feed, why);
        close_output(refresher);
        return;
    }
    refresher->child = pid;
    refresher->child_until_ms = clock_mono_ms() + CHILD_LIMIT_MS;
    text_copy(refresher->child_feed, sizeof refresher->child_feed, str_of(feed));
    log_debug("feed %s: refresh started as process %d", feed, (int)pid);
}

/* The next of those that were asked for. */
static bool take_asked(struct refresher *refresher, size_t *index)
{
    for (size_t i = 0; refresher->asked && i < refresher->config->feed_count; i++)
        if (refresher->asked[i]) {
            refresher->asked[i] = false;
            *index = i;
            return true;
        }
    return false;
}

static void on_look(void *arg)
{
    struct refresher *refresher = arg;
    timer_start(refresher->timer, LOOK_INTERVAL_MS);
    if (refresher->child && clock_mono_ms() > refresher->child_until_ms) {
        refresher->too_late = true;
        kill(refresher->child, SIGKILL);
    }
    size_t count = refresher->config->feed_count, asked;
    if (!refresher->child && take_asked(refresher, &asked))
        start_child(refresher, refresher->config->feeds[asked].name);
    for (size_t i = 0; !refresher->child && i < count; i++) {
        /* The one after the last first, so that a feed that fails again and again does not keep the others back. */
        size_t index = (refresher->last_feed + 1 + i) % count;
        struct feed feed = feed_of_config(&refresher->config->feeds[index]);
        if (feed_due_in_s(refresher->config->state_dir, &feed) > 0)
            continue;
        refresher->last_feed = index;
        start_child(refresher, feed.name);
    }
}

enum status refresher_new(struct loop *loop, const struct config *config, struct refresher **out)
{
    struct refresher *refresher = calloc(1, sizeof *refresher);
    if (!refresher || !(refresher->reasons = refresh_reasons_new()) ||
        !(refresher->timer = timer_new(loop, on_look, refresher))) {
        if (refresher)
            refresh_reasons_free(refresher->reasons);
        free(refresher);
        return ST_NOMEM;
    }
    refresher->output = -1;
    refresher->config = config;
    timer_start(refresher->timer, 0);
    *out = refresher;
    return ST_OK;
}

void refresher_ask(struct refresher *refresher, size_t index)
{
    if (!refresher->asked)
        refresher->asked = calloc(refresher->config->feed_count + 1, sizeof *refresher->asked);
    if (!refresher->asked) {
        log_error("feed %s: out of memory: it is fetched when it is due", refresher->config->feeds[index].name);
        return;
    }
    refresher->asked[index] = true;
    if (!refresher->child)
        timer_start(refresher->timer, 0);
}

void refresher_set_config(struct refresher *refresher, const struct config *config)
{
    free(refresher->asked);
    refresher->asked = NULL;
    refresher->config = config;
    refresher->wait_ms = 0;
    timer_start(refresher->timer, 0);
}

/* What the child has said, cut at its start. */
static void read_output(const struct refresher *refresher, char *out, size_t size)
{
    off_t length = lseek(refresher->output, 0, SEEK_END), from = length < (off_t)size ? 0 : length - (off_t)size + 1;
    ssize_t n = length > 0 ? pread(refresher->output, out, size - 1, from) : 0;
    out[n > 0 ? n : 0] = '\0';
}

static void tell_end(struct refresher *refresher, int result)
{
    char output[4096], why[64];
    read_output(refresher, output, sizeof output);
    close_output(refresher);
    const char *feed = refresher->child_feed;
    if (refresher->too_late)
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

void refresher_reap(struct refresher *refresher)
{
    int result;
    if (!refresher->child || waitpid(refresher->child, &result, WNOHANG) != refresher->child)
        return;
    refresher->child = 0;
    tell_end(refresher, result);
    /* A child that could not even keep its feed's state leaves the feed due: do not start one after the other. */
    bool failed = !WIFEXITED(result) || WEXITSTATUS(result) != EXIT_OK;
    int64_t longer_ms = refresher->wait_ms * 2 < LOOK_INTERVAL_MS ? LOOK_INTERVAL_MS : refresher->wait_ms * 2;
    refresher->wait_ms = !failed ? 0 : longer_ms < MAX_WAIT_MS ? longer_ms : MAX_WAIT_MS;
    timer_start(refresher->timer, refresher->wait_ms);
}

void refresher_free(struct refresher *refresher)
{
    if (!refresher)
        return;
    if (refresher->child) {
        kill(refresher->child, SIGTERM);
        int result;
        for (int tries = 0; tries < 50 && waitpid(refresher->child, &result, WNOHANG) == 0; tries++) {
            usleep(20000);
            if (tries == 25)
                kill(refresher->child, SIGKILL);
        }
    }
    close_output(refresher);
    refresh_reasons_free(refresher->reasons);
    timer_free(refresher->timer);
    free(refresher->asked);
    free(refresher);
}
