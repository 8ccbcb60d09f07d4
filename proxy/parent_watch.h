/* Whether the parent proxy does its work, as all workers see it: for the status, as a client is only told of its own
 * request. */
#pragma once

#include "base/text.h"
#include "proxy/origin_connect.h"

enum { PARENT_WATCH_HOSTS = 3 };

/* How far the parent came with a request. */
enum parent_progress {
    PARENT_SILENT,   /* it took no connection */
    PARENT_REACHED,  /* it took one */
    PARENT_ANSWERED, /* it took the login, where it wants one, and what it was asked for */
    PARENT_SERVED,   /* there is a connection to the server */
};

struct parent_watch;

struct parent_watch *parent_watch_new(void);        /* NULL when out of memory */
void parent_watch_free(struct parent_watch *watch); /* NULL is allowed */

/* From any thread; WATCH may be NULL. The parent came as far as PROGRESS, and RESULT is the end of it. Trouble of
 * before ends where it came further than that. What can only be the parent's own doing is trouble at once; a refusal,
 * silence or nonsense may be for that HOST alone, and is trouble after PARENT_WATCH_HOSTS different ones in a row,
 * until it connects to one again: PARENT_ANSWERED, as far as requests come that it reads itself, tells nothing of that.
 */
void parent_watch_note(struct parent_watch *watch, enum parent_progress progress, enum origin_result result,
                       struct str host);
/* ORIGIN_CONNECTED: there is none. */
enum origin_result parent_watch_trouble(struct parent_watch *watch);
