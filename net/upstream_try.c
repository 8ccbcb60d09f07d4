#include "net/upstream_try.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "net/socket.h"
#include "net/upstream_https.h"
#include "net/upstream_pool.h"

enum {
    UNWANTED_MAX = 16,   /* for one query: someone guesses, so the answer is fetched by TCP (RFC 5452 section 9.1) */
    GRACE_MS = 300,      /* how long the right answer may follow one that is right but for its case or its cookie */
    TCP_IDLE_MS = 10000, /* RFC 7766 section 6.2.3: some seconds */
    TLS_IDLE_MS = 60000, /* a greeting costs more than a connection kept */
    PAD_TO_BYTES = 128,  /* RFC 8467 section 4.1 */
    RCODE_BADCOOKIE = 23,
};

enum leg { LEG_NONE, LEG_LOOKUP, LEG_UDP, LEG_STREAM, LEG_HTTPS }; /* STREAM: TCP or TLS */

struct upstream_try {
    struct upstream_shared *shared;
    struct upstream_server *server;
    upstream_try_fn *on_result;
    void *arg;
    struct query_original original;
    struct query_mask mask;
    struct timer *timer;
    enum leg leg;

    bool late;
    bool without_edns, bad_cookie; /* it was asked again for that reason */
    bool in_grace, lost_case, lost_cookie;
    bool cookie_in_doubt; /* what came by UDP lacked it: TCP shows whether the server has given up cookies */

    int64_t sent_ms;

    struct channel_query datagram; /* LEG_UDP */
    unsigned unwanted;
    bool moved;              /* it was sent again, for our address had changed */
    enum query_match match;  /* of what came last, */
    struct query_reply info; /* and how it is */
    size_t reply_length;

    struct pool_query pooled;  /* LEG_STREAM */
    struct https_query posted; /* LEG_HTTPS */
    struct host_waiter waiter; /* LEG_LOOKUP */

    struct loop_task task; /* tells what failed at once */
    enum status failure;
};

static void ask_by_udp(struct upstream_try *try);
static void ask_by_stream(struct upstream_try *try);
static void ask_by_https(struct upstream_try *try);

static bool is_named(const struct upstream_try *try)
{
    return upstream_address_is_named(&try->server->address);
}

/* The end */

static int64_t now_ms(const struct upstream_try *try)
{
    return loop_now_ms(try->shared->loop);
}

static void leave_leg(struct upstream_try *try)
{
    if (try->leg == LEG_UDP) {
        upstream_channels_cancel(&try->datagram);
    } else if (try->leg == LEG_STREAM) {
        upstream_pool_cancel(try->server->pool, &try->pooled);
    } else if (try->leg == LEG_LOOKUP) {
        upstream_host_leave(&try->waiter);
    } else if (try->leg == LEG_HTTPS) {
        upstream_https_cancel(try->shared->https, &try->posted);
    }
    try->leg = LEG_NONE;
}

static void tell(struct upstream_try *try, const struct upstream_result *result)
{
    try->on_result(try->arg, try, result);
}

static void note_cookie_lost(struct upstream_try *try)
{
    if (try->cookie_in_doubt)
        upstream_server_lost_cookie(try->server, now_ms(try));
    try->cookie_in_doubt = false;
}

/* A server that is asked by UDP may be well though TCP does not reach it. */
static void note_failure(struct upstream_try *try)
{
    if (try->leg == LEG_STREAM)
        note_cookie_lost(try); /* who has no TCP could not be asked again else, were its cookies really gone */
    if (try->leg == LEG_STREAM && try->server->address.transport == UPSTREAM_UDP)
        try->server->tcp_works = false;
    else
        upstream_server_failed(try->server, now_ms(try));
}

static void fail(struct upstream_try *try, enum status status)
{
    if (!try->late && status != ST_NOMEM) /* what this machine lacks is not the server's fault */
        note_failure(try);
    leave_leg(try);
    timer_stop(try->timer);
    tell(try, &(struct upstream_result){.status = status});
}

static void on_task(void *arg)
{
    struct upstream_try *try = arg;
    fail(try, try->failure);
}

static void fail_from_loop(struct upstream_try *try, enum status status)
{
    try->failure = status;
    loop_defer(try->shared->loop, &try->task);
}

static void on_timer(void *arg)
{
    struct upstream_try *try = arg;
    if (try->in_grace) { /* nothing better has come: by TCP nobody else can answer */
        if (try->lost_case)
            upstream_server_lost_case(try->server, now_ms(try));
        try->cookie_in_doubt = try->lost_cookie;
        ask_by_stream(try);
        return;
    }
    try->late = true;
    if (try->leg == LEG_STREAM)
        upstream_pool_note_late(&try->pooled);
    note_failure(try);
    tell(try, &(struct upstream_result){.status = ST_TIMEOUT, .invalid = try->leg == LEG_UDP && try->unwanted});
}

/* What an answer leads to */

static bool rejects_edns(const struct upstream_try *try, unsigned rcode)
{
    return try->mask.edns && !try->without_edns &&
           (rcode == DNS_RCODE_FORMERR || rcode == DNS_RCODE_NOTIMP || rcode == DNS_RCODE_BADVERS);
}

/* RFC 6891 section 7. A rejection by UDP may be forged and is not believed: TCP is asked the same. */
static void ask_after_rejection(struct upstream_try *try)
{
    try->without_edns = try->leg != LEG_UDP;
    if (try->leg == LEG_HTTPS)
        ask_by_https(try);
    else
        ask_by_stream(try);
}

/* RFC 7873 section 5.3: once more with the cookie that has just come, and then by TCP. */
static void ask_with_new_cookie(struct upstream_try *try)
{
    if (try->bad_cookie)
        ask_by_stream(try);
    else
        ask_by_udp(try);
    try->bad_cookie = true;
}

static void take_answer(struct upstream_try *try, size_t n, const struct query_reply *info)
{
    struct upstream_server *server = try->server;
    int64_t sent_ms = try->leg == LEG_STREAM ? try->pooled.sent_ms : try->sent_ms;
    upstream_server_answered(server, now_ms(try) - sent_ms);
    server->distrust_told = false;
    if (server->address.transport == UPSTREAM_UDP)
        upstream_server_take_cookie(server, &info->cookie);
    if (try->leg == LEG_UDP && try->mask.mixed)
        server->case_mismatches = 0;
    if (try->leg == LEG_UDP && try->mask.has_cookie && info->rcode == RCODE_BADCOOKIE) {
        ask_with_new_cookie(try);
        return;
    }
    if (rejects_edns(try, info->rcode)) {
        ask_after_rejection(try);
        return;
    }
    if (try->leg == LEG_STREAM && try->mask.has_cookie && !info->cookie.length)
        note_cookie_lost(try);
    if (try->without_edns && info->rcode != DNS_RCODE_FORMERR && info->rcode != DNS_RCODE_NOTIMP)
        upstream_server_refused_edns(server, now_ms(try));
    leave_leg(try);
    timer_stop(try->timer);
    tell(try, &(struct upstream_result){.status = ST_OK, .reply_length = n, .rcode = info->rcode});
}

static void begin_grace(struct upstream_try *try)
{
    if (!try->in_grace)
        timer_start(try->timer, GRACE_MS);
    try->in_grace = true;
}

/* UDP */

/* Called under c-ares, so it takes note, and on_datagrams_done() does what follows from it. */
static bool on_datagram(void *arg, size_t n)
{
    struct upstream_try *try = arg;
    try->reply_length = n;
    try->match = query_mask_match(&try->mask, try->shared->reply, n, &try->info);
    switch (try->match) {
    case MATCH_ANSWER:
    case MATCH_TRUNCATED:
    case MATCH_REJECTED:
        return true;
    case MATCH_CASE_ONLY:
        try->lost_case = true;
        begin_grace(try);
        break;
    case MATCH_NO_COOKIE:
        try->lost_cookie = true;
        begin_grace(try);
        break;
    case MATCH_NONE:
        break;
    }
    try->shared->counters.unwanted++;
    return ++try->unwanted == UNWANTED_MAX;
}

static void on_datagrams_done(void *arg, enum status status)
{
    struct upstream_try *try = arg;
    if (status != ST_OK) {
        if (try->datagram.moved && !try->moved) {
            try->moved = true;
            ask_by_udp(try);
        } else {
            fail(try, status);
        }
    } else if (try->match == MATCH_ANSWER) {
        take_answer(try, try->reply_length, &try->info);
    } else if (try->match == MATCH_REJECTED) {
        ask_after_rejection(try);
    } else {
        if (try->match == MATCH_TRUNCATED)
            upstream_server_answered(try->server, now_ms(try) - try->sent_ms);
        ask_by_stream(try);
    }
}

/* Our address as the server sees it; the channel tells when it is another meanwhile. */
static const struct query_cookie *choose_cookie(struct upstream_try *try)
{
    struct upstream_server *server = try->server;
    int64_t now = now_ms(try);
    try->datagram.from = (struct addr){0};
    if (!upstream_server_takes_cookies(server, now))
        return NULL;
    struct addr local = server->cookie.local;
    if (try->moved || addr_is_unspecified(&local))
        local = socket_local_towards(&server->address.addr);
    try->datagram.from = local;
    return addr_is_unspecified(&local) ? NULL : upstream_server_cookie(server, &local);
}

static void start_timer(struct upstream_try *try)
{
    try->in_grace = try->lost_case = try->lost_cookie = false;
    if (!try->late)
        timer_start(try->timer, try->shared->try_timeout_ms);
}

static void ask_by_udp(struct upstream_try *try)
{
    struct upstream_server *server = try->server;
    int64_t now = now_ms(try);
    leave_leg(try);
    start_timer(try);
    struct query_style style = {
        .mix_case = upstream_server_mixes_case(server, now),
        .without_edns = try->without_edns || !upstream_server_takes_edns(server, now),
        .cookie = choose_cookie(try),
    };
    query_mask_draw(&try->mask, &try->original, &try->shared->random, &style);
    try->sent_ms = now;
    try->unwanted = 0;
    try->leg = LEG_UDP;
    enum status status = upstream_channels_send(try->shared->channels, &server->address.addr, &try->datagram);
    if (status != ST_OK)
        fail_from_loop(try, status);
}

/* Connections */

/* The client's part alone: that is enough to know a query of ours by that comes back, and to see whether the server
 * has cookies. False: none. */
static bool make_cookie(struct upstream_try *try, struct query_cookie *cookie)
{
    struct upstream_server *server = try->server;
    if (try->without_edns || !try->original.edns || !upstream_server_takes_cookies(server, now_ms(try)))
        return false;
    struct addr local = socket_local_towards(upstream_server_addr(server));
    const struct query_cookie *whole = addr_is_unspecified(&local) ? NULL : upstream_server_cookie(server, &local);
    if (!whole)
        return false;
    memcpy(cookie->bytes, whole->bytes, CLIENT_COOKIE_BYTES);
    cookie->length = CLIENT_COOKIE_BYTES;
    return true;
}

/* TCP */

static void on_message(void *arg, size_t n)
{
    struct upstream_try *try = arg;
    struct query_reply info;
    enum query_match match = query_mask_match(&try->mask, try->shared->reply, n, &info);
    if (match == MATCH_ANSWER) {
        take_answer(try, n, &info);
    } else if (match == MATCH_REJECTED && !try->without_edns) {
        ask_after_rejection(try);
    } else {
        try->shared->counters.unwanted++;
        fail(try, ST_INVALID); /* truncated by TCP, say */
    }
}

static void on_failed(void *arg, enum status status)
{
    fail(arg, status);
}

static bool is_encrypted(const struct upstream_try *try)
{
    return try->server->address.transport >= UPSTREAM_TLS;
}

static bool have_pool(struct upstream_try *try)
{
    struct upstream_shared *shared = try->shared;
    struct upstream_pool_settings settings = {.loop = shared->loop,
                                              .address = &try->server->address,
                                              .host = is_named(try) ? &try->server->host : NULL,
                                              .random = &shared->random,
                                              .connect_timeout_ms = shared->try_timeout_ms,
                                              .trust = &shared->trust,
                                              .idle_ms = is_encrypted(try) ? TLS_IDLE_MS : TCP_IDLE_MS,
                                              .unwanted = &shared->counters.unwanted,
                                              .reply = shared->reply};
    if (!try->server->pool)
        try->server->pool = upstream_pool_new(&settings);
    return try->server->pool;
}

static void ask_by_stream(struct upstream_try *try)
{
    leave_leg(try);
    start_timer(try); /* a try of its own */
    if (!have_pool(try)) {
        fail_from_loop(try, ST_NOMEM);
        return;
    }
    struct query_cookie cookie;
    struct query_style style = {
        .without_edns = try->without_edns || !upstream_server_takes_edns(try->server, now_ms(try)),
        .cookie = make_cookie(try, &cookie) ? &cookie : NULL,
        .pad_to = is_encrypted(try) ? PAD_TO_BYTES : 0,
    };
    query_mask_draw(&try->mask, &try->original, &try->shared->random, &style);
    try->leg = LEG_STREAM;
    try->pooled.mask = &try->mask;
    upstream_pool_send(try->server->pool, &try->pooled);
}

/* HTTPS */

static void on_https_failed(void *arg, enum status status, const char *why)
{
    struct upstream_try *try = arg;
    char text[UPSTREAM_TEXT_SIZE];
    if (!try->server->distrust_told) { /* said once, until it answers again */
        upstream_address_format(&try->server->address, text);
        log_warning("the DNS server %s cannot be asked: %s", text, why);
    }
    try->server->distrust_told = true;
    fail(try, status);
}

static bool have_https(struct upstream_shared *shared)
{
    struct upstream_https_settings settings = {
        .loop = shared->loop, .trust = &shared->trust, .reply = shared->reply, .timeout_ms = shared->try_timeout_ms};
    if (!shared->https)
        shared->https = upstream_https_new(&settings);
    return shared->https;
}

static void ask_by_https(struct upstream_try *try)
{
    struct upstream_server *server = try->server;
    leave_leg(try);
    start_timer(try);
    struct query_cookie cookie;
    struct query_style style = {.zero_id = true,
                                .without_edns = try->without_edns || !upstream_server_takes_edns(server, now_ms(try)),
                                .cookie = make_cookie(try, &cookie) ? &cookie : NULL,
                                .pad_to = PAD_TO_BYTES};
    query_mask_draw(&try->mask, &try->original, &try->shared->random, &style);
    try->sent_ms = now_ms(try);
    const struct upstream_host *host = is_named(try) ? &server->host : NULL;
    enum status status = have_https(try->shared)
                             ? upstream_https_send(try->shared->https, &server->address, host, &try->mask, &try->posted)
                             : ST_NOMEM;
    if (status == ST_OK)
        try->leg = LEG_HTTPS;
    else
        fail_from_loop(try, status);
}

/* Where only the name is known, the address comes first. */

static void ask_connected(struct upstream_try *try)
{
    if (try->server->address.transport == UPSTREAM_HTTPS)
        ask_by_https(try);
    else
        ask_by_stream(try);
}

static void on_known(void *arg, bool known)
{
    struct upstream_try *try = arg;
    if (known)
        ask_connected(try);
    else
        fail(try, ST_UNAVAILABLE);
}

static void ask_named(struct upstream_try *try)
{
    start_timer(try);
    try->leg = LEG_LOOKUP;
    if (upstream_host_ready(&try->server->host, &try->waiter))
        ask_connected(try);
}

/* Making and freeing */

static void start(struct upstream_try *try)
{
    struct upstream_server *server = try->server;
    bool hides_in_case = upstream_server_mixes_case(server, now_ms(try));
    if (is_named(try))
        ask_named(try);
    else if (server->address.transport != UPSTREAM_UDP)
        ask_connected(try);
    else if (!hides_in_case && server->tcp_works)
        ask_by_stream(try);
    else
        ask_by_udp(try);
}

struct upstream_try *upstream_try_new(struct upstream_shared *shared, struct upstream_server *server,
                                      const struct query_original *original, upstream_try_fn *on_result, void *arg)
{
    struct upstream_try *try = malloc(sizeof *try);
    struct timer *timer = timer_new(shared->loop, on_timer, try);
    if (!try || !timer) {
        timer_free(timer);
        free(try);
        return NULL;
    }
    *try = (struct upstream_try){.shared = shared, .server = server, .original = *original, .timer = timer};
    upstream_try_set_owner(try, on_result, arg);
    try->datagram = (struct channel_query){
        .mask = &try->mask, .on_datagram = on_datagram, .on_done = on_datagrams_done, .arg = try};
    try->pooled = (struct pool_query){.on_message = on_message, .on_failed = on_failed, .arg = try};
    try->posted = (struct https_query){.on_message = on_message, .on_failed = on_https_failed, .arg = try};
    try->waiter = (struct host_waiter){.on_known = on_known, .arg = try};
    try->task = (struct loop_task){.run = on_task, .arg = try};
    server->users++;
    server->asked_ms = loop_now_ms(shared->loop);
    start(try);
    return try;
}

void upstream_try_free(struct upstream_try *try)
{
    if (!try)
        return;
    leave_leg(try);
    loop_task_cancel(try->shared->loop, &try->task);
    timer_free(try->timer);
    upstream_server_release(try->server);
    free(try);
}

void upstream_try_set_owner(struct upstream_try *try, upstream_try_fn *on_result, void *arg)
{
    try->on_result = on_result;
    try->arg = arg;
}

struct upstream_server *upstream_try_server(const struct upstream_try *try)
{
    return try->server;
}

bool upstream_try_is_connecting(const struct upstream_try *try)
{
    return try->leg == LEG_LOOKUP || (try->leg == LEG_STREAM && try->pooled.place == POOL_WAITING);
}

bool upstream_try_is_late(const struct upstream_try *try)
{
    return try->late;
}

void upstream_server_release(struct upstream_server *server)
{
    if (--server->users)
        return;
    upstream_pool_free(server->pool);
    if (upstream_address_is_named(&server->address))
        upstream_host_fini(&server->host);
    free(server);
}
