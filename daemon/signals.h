/* Signals as calls in a loop: a thread of its own waits for them, so that no handler ever runs. */
#pragma once

#include "net/loop.h"

struct signals;

/* Blocks the signals in this thread and all that it starts later: call before any other thread is made. */
void signals_block(void);
/* Lets a child process have the default behaviour again; for use between fork and exec. */
void signals_unblock(void);

/* From now on ON_SIGNAL(ARG, NUMBER) is called in LOOP's thread for SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGCHLD. */
enum status signals_new(struct loop *loop, void (*on_signal)(void *arg, int number), void *arg,
                        struct signals **signals) MUST_CHECK;
void signals_free(struct signals *signals);
