#include "daemon/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

struct signals {
    struct loop *loop;
    void (*on_signal)(void *arg, int number);
    void *arg;
    pthread_t thread;
    atomic_bool ended;
};

struct arrival {
    struct signals *signals;
    int number;
};

enum { WAKE_SIGNAL = SIGUSR2 }; /* to see `ended`; without effect when it comes from outside */

static const int watched[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, WAKE_SIGNAL};

static void watched_set(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < sizeof watched / sizeof watched[0]; i++)
        sigaddset(set, watched[i]);
}

void signals_block(void)
{
    sigset_t set;
    watched_set(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void signals_unblock(void)
{
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

static void deliver(void *arg)
{
    struct arrival *arrival = arg;
    arrival->signals->on_signal(arrival->signals->arg, arrival->number);
    free(arrival);
}

static void *wait_for_signals(void *arg)
{
    struct signals *signals = arg;
    sigset_t set;
    watched_set(&set);
    while (!atomic_load(&signals->ended)) {
        int number = sigwaitinfo(&set, NULL);
        struct arrival *arrival = number > 0 && number != WAKE_SIGNAL ? malloc(sizeof *arrival) : NULL;
        if (!arrival)
            continue;
        *arrival = (struct arrival){signals, number};
        if (loop_call(signals->loop, deliver, arrival) != ST_OK)
            free(arrival);
    }
    return NULL;
}

enum status signals_new(struct loop *loop, void (*on_signal)(void *arg, int number), void *arg, struct signals **out)
{
    struct signals *signals = calloc(1, sizeof *signals);
    if (!signals)
        return ST_NOMEM;
    *signals = (struct signals){.loop = loop, .on_signal = on_signal, .arg = arg};
    if (pthread_create(&signals->thread, NULL, wait_for_signals, signals) != 0) {
        free(signals);
        return ST_NOMEM;
    }
    *out = signals;
    return ST_OK;
}

void signals_free(struct signals *signals)
{
    if (!signals)
        return;
    atomic_store(&signals->ended, true);
    pthread_kill(signals->thread, WAKE_SIGNAL);
    pthread_join(signals->thread, NULL);
    free(signals);
}
