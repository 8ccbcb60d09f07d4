#include "daemon/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { WAKE_SIGNAL = SIGUSR2 }; /* to see `ended`; without effect when it comes from outside */

static const int watched[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, WAKE_SIGNAL};
enum { WATCHED = sizeof watched / sizeof watched[0] };

struct arrival {
    struct signals *signals;
    int number;
};

struct signals {
    struct loop *loop;
    void (*on_signal)(void *arg, int number);
    void *arg;
    pthread_t thread;
    atomic_bool ended;
    struct arrival arrivals[WATCHED]; /* what calls get: one that comes when the loop has ended leaves nothing behind */
};

static void watched_set(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < WATCHED; i++)
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
}

static void *wait_for_signals(void *arg)
{
    struct signals *signals = arg;
    sigset_t set;
    watched_set(&set);
    while (!atomic_load(&signals->ended)) {
        int number = sigwaitinfo(&set, NULL);
        for (size_t i = 0; i < WATCHED; i++)
            if (watched[i] == number && number != WAKE_SIGNAL)
                (void)!loop_call(signals->loop, deliver, &signals->arrivals[i]);
    }
    return NULL;
}

enum status signals_new(struct loop *loop, void (*on_signal)(void *arg, int number), void *arg, struct signals **out)
{
    struct signals *signals = calloc(1, sizeof *signals);
    if (!signals)
        return ST_NOMEM;
    *signals = (struct signals){.loop = loop, .on_signal = on_signal, .arg = arg};
    for (size_t i = 0; i < WATCHED; i++)
        signals->arrivals[i] = (struct arrival){signals, watched[i]};
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
