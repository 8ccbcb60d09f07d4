#include "proxy/password_checker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "net/stream.h"

STAILQ_HEAD(password_jobs, password_job);

struct password_checker {
    pthread_t thread;
    pthread_mutex_t lock; /* of all below, and of the desks' `checked` */
    pthread_cond_t changed;
    struct password_jobs waiting;
    size_t waiting_count, max_waiting, desk_count;
    struct password_job *working; /* on this one */
    bool stopping;
};

struct password_desk {
    struct password_checker *checker;
    struct password_jobs checked;
    int bell; /* a byte written here wakes the loop */
    struct stream *stream;
    void (*on_checked)(void *arg, struct password_job *job);
    void *arg;
};

static void *run(void *arg)
{
    struct password_checker *checker = arg;
    pthread_mutex_lock(&checker->lock);
    while (!checker->stopping) {
        struct password_job *job = STAILQ_FIRST(&checker->waiting);
        if (!job) {
            pthread_cond_wait(&checker->changed, &checker->lock);
            continue;
        }
        STAILQ_REMOVE_HEAD(&checker->waiting, entry);
        checker->waiting_count--;
        checker->working = job;
        pthread_mutex_unlock(&checker->lock);
        job->right = proxy_users_check(job->users, job->user, job->password);
        pthread_mutex_lock(&checker->lock);
        checker->working = NULL;
        STAILQ_INSERT_TAIL(&job->desk->checked, job, entry);
        (void)!send(job->desk->bell, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL); /* full: it rings already */
        pthread_cond_broadcast(&checker->changed);
    }
    pthread_mutex_unlock(&checker->lock);
    return NULL;
}

/* Signals are for the thread that waits for them. */
static int start_thread(struct password_checker *checker)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&checker->thread, NULL, run, checker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

enum status password_checker_new(size_t max_waiting, struct password_checker **out, struct fault *fault)
{
    struct password_checker *checker = calloc(1, sizeof *checker);
    if (!checker)
        return fault_set(fault, ST_NOMEM, "out of memory");
    STAILQ_INIT(&checker->waiting);
    checker->max_waiting = max_waiting;
    CHECK(pthread_mutex_init(&checker->lock, NULL) == 0 && pthread_cond_init(&checker->changed, NULL) == 0);
    if (start_thread(checker) != 0) {
        pthread_cond_destroy(&checker->changed);
        pthread_mutex_destroy(&checker->lock);
        free(checker);
        return fault_set(fault, ST_NOMEM, "a thread to check passwords cannot be started");
    }
    *out = checker;
    return ST_OK;
}

void password_checker_free(struct password_checker *checker)
{
    if (!checker)
        return;
    pthread_mutex_lock(&checker->lock);
    CHECK(!checker->desk_count);
    checker->stopping = true;
    pthread_cond_broadcast(&checker->changed);
    pthread_mutex_unlock(&checker->lock);
    pthread_join(checker->thread, NULL);
    pthread_cond_destroy(&checker->changed);
    pthread_mutex_destroy(&checker->lock);
    free(checker);
}

/* Desks */

static void on_bell(void *arg)
{
    struct password_desk *desk = arg;
    struct password_checker *checker = desk->checker;
    struct password_jobs checked = STAILQ_HEAD_INITIALIZER(checked);
    stream_consume(desk->stream, stream_input(desk->stream).length);
    pthread_mutex_lock(&checker->lock);
    STAILQ_CONCAT(&checked, &desk->checked);
    pthread_mutex_unlock(&checker->lock);
    struct password_job *job;
    while ((job = STAILQ_FIRST(&checked))) {
        STAILQ_REMOVE_HEAD(&checked, entry);
        desk->on_checked(desk->arg, job);
    }
}

/* Both ends are ours. */
static void on_bell_failed(void *arg, enum status status)
{
    (void)arg;
    CHECK(status != ST_OK);
}

enum status password_desk_open(struct password_checker *checker, struct loop *loop,
                               void (*on_checked)(void *arg, struct password_job *job), void *arg,
                               struct password_desk **out)
{
    static const struct stream_ops ops = {.on_data = on_bell, .on_failed = on_bell_failed};
    int ends[2];
    struct password_desk *desk = calloc(1, sizeof *desk);
    if (!desk || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
        free(desk);
        return ST_NOMEM;
    }
    *desk = (struct password_desk){.checker = checker, .bell = ends[1], .on_checked = on_checked, .arg = arg};
    STAILQ_INIT(&desk->checked);
    desk->stream = stream_new_own(loop, ends[0], &ops, desk);
    if (!desk->stream) {
        close(desk->bell);
        free(desk);
        return ST_NOMEM;
    }
    pthread_mutex_lock(&checker->lock);
    checker->desk_count++;
    pthread_mutex_unlock(&checker->lock);
    *out = desk;
    return ST_OK;
}

enum status password_desk_submit(struct password_desk *desk, struct password_job *job)
{
    struct password_checker *checker = desk->checker;
    enum status status = ST_OK;
    job->desk = desk;
    pthread_mutex_lock(&checker->lock);
    if (checker->waiting_count >= checker->max_waiting) {
        status = ST_BUSY;
    } else {
        STAILQ_INSERT_TAIL(&checker->waiting, job, entry);
        checker->waiting_count++;
        pthread_cond_broadcast(&checker->changed);
    }
    pthread_mutex_unlock(&checker->lock);
    return status;
}

void password_desk_close(struct password_desk *desk)
{
    if (!desk)
        return;
    struct password_checker *checker = desk->checker;
    struct password_jobs others = STAILQ_HEAD_INITIALIZER(others);
    struct password_job *job;
    pthread_mutex_lock(&checker->lock);
    while ((job = STAILQ_FIRST(&checker->waiting))) {
        STAILQ_REMOVE_HEAD(&checker->waiting, entry);
        if (job->desk == desk)
            checker->waiting_count--;
        else
            STAILQ_INSERT_TAIL(&others, job, entry);
    }
    STAILQ_CONCAT(&checker->waiting, &others);
    while (checker->working && checker->working->desk == desk)
        pthread_cond_wait(&checker->changed, &checker->lock);
    checker->desk_count--;
    pthread_mutex_unlock(&checker->lock);
    stream_free(desk->stream);
    close(desk->bell);
    free(desk);
}
