#include "net/curl_loop.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"

struct curl_loop {
    struct loop *loop;
    CURLM *multi;
    struct timer *timer;
    struct loop_task task; /* looks for what is over */
    bool *gone;            /* set when it is freed within a callback */
};

/* Tells what is over. libcurl is not told of anything from within its callbacks, so this runs by itself. */
static void tell_done(void *arg)
{
    struct curl_loop *curl = arg;
    bool gone = false;
    int left;
    curl->gone = &gone;
    for (CURLMsg *message; !gone && (message = curl_multi_info_read(curl->multi, &left));) {
        struct curl_transfer *transfer;
        CURLcode result = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        CHECK(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer) == CURLE_OK);
        curl_loop_cancel(curl, transfer);
        transfer->on_done(transfer->arg, (int)result);
    }
    if (!gone)
        curl->gone = NULL;
}

static void act(struct curl_loop *curl, curl_socket_t fd, int what)
{
    int running;
    (void)!curl_multi_socket_action(curl->multi, fd, what, &running); /* out of memory: who waits gives up in time */
    loop_defer(curl->loop, &curl->task);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    act(arg, fd, (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(void *arg)
{
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* libcurl tells what it waits for; its pointer for each socket is the event. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket)
{
    (void)easy;
    struct curl_loop *curl = arg;
    struct event *event = of_socket;
    if (event) {
        event_free(event);
        curl_multi_assign(curl->multi, fd, NULL);
    }
    if (what == CURL_POLL_REMOVE || what == CURL_POLL_NONE)
        return 0;
    short events = (short)((what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);
    event = event_new(loop_event_base(curl->loop), fd, events, on_socket, curl);
    if (!event || event_add(event, NULL) != 0) {
        if (event)
            event_free(event);
        return -1; /* the transfer fails */
    }
    curl_multi_assign(curl->multi, fd, event);
    return 0;
}

static int watch_timer(CURLM *multi, long after_ms, void *arg)
{
    (void)multi;
    struct curl_loop *curl = arg;
    if (after_ms < 0)
        timer_stop(curl->timer);
    else
        timer_start(curl->timer, after_ms);
    return 0;
}

static void init_library(void)
{
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

struct curl_loop *curl_loop_new(struct loop *loop, long connections)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_library);
    struct curl_loop *curl = calloc(1, sizeof *curl);
    if (!curl)
        return NULL;
    curl->loop = loop;
    curl->task = (struct loop_task){.run = tell_done, .arg = curl};
    curl->timer = timer_new(loop, on_timer, curl);
    curl->multi = curl_multi_init();
    if (!curl->timer || !curl->multi) {
        curl_loop_free(curl);
        return NULL;
    }
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, watch_timer);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
    curl_multi_setopt(curl->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(curl->multi, CURLMOPT_MAX_HOST_CONNECTIONS, connections);
    return curl;
}

void curl_loop_free(struct curl_loop *curl)
{
    if (!curl)
        return;
    if (curl->gone)
        *curl->gone = true;
    curl_multi_cleanup(curl->multi); /* closes connections, which frees their events */
    loop_task_cancel(curl->loop, &curl->task);
    timer_free(curl->timer);
    free(curl);
}

enum status curl_loop_start(struct curl_loop *curl, struct curl_transfer *transfer)
{
    CHECK(!transfer->running);
    curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
    if (curl_multi_add_handle(curl->multi, transfer->easy) != CURLM_OK)
        return ST_NOMEM;
    transfer->running = true;
    return ST_OK;
}

void curl_loop_cancel(struct curl_loop *curl, struct curl_transfer *transfer)
{
    if (!transfer->running)
        return;
    curl_multi_remove_handle(curl->multi, transfer->easy);
    transfer->running = false;
}
