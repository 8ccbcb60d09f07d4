/* libcurl's transfers in a loop: its sockets and its timer become the loop's, and nothing waits. */
#pragma once

#include "base/status.h"
#include "net/loop.h"

struct curl_loop;

/* CONNECTIONS: at most so many to one host. NULL when out of memory. */
struct curl_loop *curl_loop_new(struct loop *loop, long connections);
void curl_loop_free(struct curl_loop *curl); /* no transfer may be in it; NULL is allowed */

/* A transfer; embedded in who wants it. */
struct curl_transfer {
    void *easy; /* a handle of libcurl with all options set */
    /* It is over, with the result of libcurl (a CURLcode), and out of the loop. Never called from within a call of a
     * function here. It may call anything here, curl_loop_free() too. */
    void (*on_done)(void *arg, int result);
    void *arg;
    bool running;
};
enum status curl_loop_start(struct curl_loop *curl, struct curl_transfer *transfer) MUST_CHECK;
void curl_loop_cancel(struct curl_loop *curl, struct curl_transfer *transfer); /* also one that does not run */
