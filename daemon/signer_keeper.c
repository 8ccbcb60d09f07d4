#include "daemon/signer_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "daemon/ca_files.h"
#include "daemon/signals.h"

enum {
    LOOK_MS = 500,
    FIRST_WAIT_MS = 500, /* after one that ended by itself; doubles */
    MAX_WAIT_MS = 60000,
    SETTLED_MS = 5000,    /* one that lives so long is well */
    LONG_LIFE_MS = 60000, /* after which an end counts as the first one */
};

/* Tells a certificate from another in its place; zero: there is none. */
struct stamp {
    struct timespec changed;
    ino_t inode;
};

struct signer_keeper {
    int ours[SIGNER_MAX_SOCKETS]; /* the workers' ends until they are taken; -1 then */
    int theirs[SIGNER_MAX_SOCKETS];
    size_t count;
    atomic_uint generation;
    unsigned last_generation;
    pid_t child;        /* 0: none */
    bool ended_by_us;   /* that is no fault of it */
    struct fault fault; /* of the last one, until the next has lived for a while */
    struct stamp seen;  /* the authority that the child has */
    int64_t looked_ms, started_ms, not_before_ms, wait_ms;
};

static struct stamp look(const struct config *config)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/" CA_CERTIFICATE, config->state_dir);
    return lstat(path, &st) == 0 ? (struct stamp){st.st_ctim, st.st_ino} : (struct stamp){0};
}

static bool same(struct stamp a, struct stamp b)
{
    return a.inode == b.inode && a.changed.tv_sec == b.changed.tv_sec && a.changed.tv_nsec == b.changed.tv_nsec;
}

/* Requests that the last one has left are answered already, by their time being over. */
static void drop_requests(const struct signer_keeper *keeper)
{
    char byte;
    for (size_t i = 0; i < keeper->count; i++)
        while (recv(keeper->theirs[i], &byte, sizeof byte, MSG_DONTWAIT) >= 0)
            ;
}

/* Between fork and exec only async-signal-safe calls: other threads may hold locks. */
static void run_child(const struct signer_keeper *keeper, const char *config_path, const char *count, pid_t parent)
{
    enum { AWAY = SIGNER_FIRST_FD + SIGNER_MAX_SOCKETS };
    int aside[SIGNER_MAX_SOCKETS];
    signals_unblock();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
    }
    /* First out of the way of the numbers that they get. */
    for (size_t i = 0; i < keeper->count; i++)
        aside[i] = fcntl(keeper->theirs[i], F_DUPFD_CLOEXEC, AWAY);
    for (size_t i = 0; i < keeper->count; i++)
        if (aside[i] < 0 || dup2(aside[i], SIGNER_FIRST_FD + (int)i) < 0)
            _exit(127);
    const char *argv[] = {"ccward", "signer", "--sockets", count, "-c", config_path, NULL};
    if (!config_path)
        argv[4] = NULL;
    /* The strings are not changed by exec; its prototype is older than const. */
    execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
    _exit(127);
}

static void put_off(struct signer_keeper *keeper, int64_t now_ms)
{
    int64_t longer_ms = keeper->wait_ms ? keeper->wait_ms * 2 : FIRST_WAIT_MS;
    keeper->wait_ms = longer_ms < MAX_WAIT_MS ? longer_ms : MAX_WAIT_MS;
    keeper->not_before_ms = now_ms + keeper->wait_ms;
}

static void start(struct signer_keeper *keeper, const struct config *config, int64_t now_ms)
{
    char count[16];
    pid_t parent = getpid();
    snprintf(count, sizeof count, "%zu", keeper->count);
    drop_requests(keeper);
    pid_t pid = fork();
    if (pid == 0)
        run_child(keeper, config->path, count, parent);
    if (pid < 0) {
        fault_set(&keeper->fault, ST_IO, "the signer cannot be started: %s", strerror(errno));
        log_warning("%s", keeper->fault.text);
        put_off(keeper, now_ms);
        return;
    }
    keeper->child = pid;
    keeper->ended_by_us = false;
    keeper->started_ms = now_ms;
    if (!++keeper->last_generation)
        keeper->last_generation = 1;
    atomic_store_explicit(&keeper->generation, keeper->last_generation, memory_order_release);
    log_info("the signer is process %d: block pages are shown over HTTPS", (int)pid);
}

static void end(struct signer_keeper *keeper)
{
    if (!keeper->child)
        return;
    keeper->ended_by_us = true;
    atomic_store_explicit(&keeper->generation, 0, memory_order_release);
    kill(keeper->child, SIGKILL); /* it has nothing to finish */
}

void signer_keeper_step(struct signer_keeper *keeper, const struct config *config, int64_t now_ms)
{
    if (keeper->looked_ms && now_ms - keeper->looked_ms < LOOK_MS)
        return;
    keeper->looked_ms = now_ms;
    struct stamp now = look(config);
    if (!same(now, keeper->seen)) {
        keeper->seen = now;
        keeper->not_before_ms = keeper->wait_ms = 0;
        keeper->fault = (struct fault){0};
        end(keeper);
    }
    if (keeper->child && now_ms - keeper->started_ms >= SETTLED_MS)
        keeper->fault = (struct fault){0};
    if (!keeper->child && now.inode && now_ms >= keeper->not_before_ms)
        start(keeper, config, now_ms);
}

void signer_keeper_renew(struct signer_keeper *keeper)
{
    end(keeper);
}

void signer_keeper_reap(struct signer_keeper *keeper, int64_t now_ms)
{
    int result;
    if (!keeper->child || waitpid(keeper->child, &result, WNOHANG) != keeper->child)
        return;
    keeper->child = 0;
    atomic_store_explicit(&keeper->generation, 0, memory_order_release);
    keeper->looked_ms = 0;
    if (keeper->ended_by_us)
        return;
    if (now_ms - keeper->started_ms >= LONG_LIFE_MS)
        keeper->wait_ms = 0;
    put_off(keeper, now_ms);
    char why[48];
    if (WIFSIGNALED(result))
        snprintf(why, sizeof why, "signal %d", WTERMSIG(result));
    else
        snprintf(why, sizeof why, "exit code %d", WEXITSTATUS(result));
    fault_set(&keeper->fault, ST_IO, "the signer has ended (%s); the log says why", why);
    log_warning("the signer has ended (%s); it is started again in %lld ms, until when no block page is shown over "
                "HTTPS",
                why, (long long)keeper->wait_ms);
}

enum status signer_keeper_new(size_t count, struct signer_keeper **result, struct fault *fault)
{
    CHECK(count <= SIGNER_MAX_SOCKETS);
    struct signer_keeper *keeper = calloc(1, sizeof *keeper);
    if (!keeper)
        return fault_set(fault, ST_NOMEM, "out of memory");
    atomic_init(&keeper->generation, 0);
    for (; keeper->count < count; keeper->count++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
            enum status status = fault_errno(fault, ST_IO, "a socket to the signer cannot be made");
            signer_keeper_free(keeper);
            return status;
        }
        keeper->ours[keeper->count] = pair[0];
        keeper->theirs[keeper->count] = pair[1];
    }
    *result = keeper;
    return ST_OK;
}

void signer_keeper_free(struct signer_keeper *keeper)
{
    if (!keeper)
        return;
    end(keeper);
    if (keeper->child)
        waitpid(keeper->child, NULL, 0);
    for (size_t i = 0; i < keeper->count; i++) {
        if (keeper->ours[i] >= 0)
            close(keeper->ours[i]);
        close(keeper->theirs[i]);
    }
    free(keeper);
}

int signer_keeper_take_fd(struct signer_keeper *keeper, size_t index)
{
    CHECK(index < keeper->count);
    int fd = keeper->ours[index];
    keeper->ours[index] = -1;
    return fd;
}

const char *signer_keeper_fault(const struct signer_keeper *keeper)
{
    return keeper->fault.text;
}

const atomic_uint *signer_keeper_generation(const struct signer_keeper *keeper)
{
    return &keeper->generation;
}
