/* Which program of this machine is behind a client's socket. Control thread only; best effort, since a short-lived
 * socket may be gone before anyone looks. */
#pragma once

#include "callbacks/callback.h"

enum { PROCESS_NAME_SIZE = 64 };

struct process {
    int pid;                      /* 0: unknown */
    char name[PROCESS_NAME_SIZE]; /* of the program's file; empty: unknown */
    char user[PROCESS_NAME_SIZE]; /* or the user id where it has no name; empty: unknown */
};

struct process_finder;
struct process_finder *process_finder_new(void); /* NULL when out of memory */
void process_finder_free(struct process_finder *finder);

/* False, and all unknown, for a client on another machine, for one not found, and when look-ups are due to rest: at
 * most 20 a second, and at most a tenth of the thread's time. */
bool process_find(struct process_finder *finder, const struct callback *callback, struct process *process);
