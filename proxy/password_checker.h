/* A thread that checks passwords, which takes so long that no worker may: one for all workers, who hand jobs in at a
 * desk of their own and are called back in their loops. */
#pragma once

#include <sys/queue.h>

#include "net/loop.h"
#include "proxy/proxy_users.h"

struct password_checker;
struct password_desk;

/* The caller's memory; the checker's from password_desk_submit() until it is given back. */
struct password_job {
    struct proxy_users *users;
    char user[USER_MAX_BYTES + 1], password[PASSWORD_MAX_BYTES + 1];
    bool right; /* the answer */
    struct password_desk *desk;
    STAILQ_ENTRY(password_job) entry;
};

/* MAX_WAITING: jobs of all desks that have not been begun. Starts the thread. */
enum status password_checker_new(size_t max_waiting, struct password_checker **checker, struct fault *fault) MUST_CHECK;
void password_checker_free(struct password_checker *checker); /* no desk is open; NULL is allowed */

/* Loop thread, as all below. ON_CHECKED gives a job back, from the loop. */
enum status password_desk_open(struct password_checker *checker, struct loop *loop,
                               void (*on_checked)(void *arg, struct password_job *job), void *arg,
                               struct password_desk **desk) MUST_CHECK;
/* ST_BUSY: too many wait. */
enum status password_desk_submit(struct password_desk *desk, struct password_job *job) MUST_CHECK;
/* All jobs are the caller's again; waits for one that is being worked on. NULL is allowed. */
void password_desk_close(struct password_desk *desk);
