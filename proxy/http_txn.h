/* One request and its response. http_txn.c has the way of a request, step by step. */
#pragma once

#include "base/arena.h"
#include "net/leaf_source.h"
#include "net/stream.h"
#include "proxy/access_note.h"
#include "proxy/http_answer.h"
#include "proxy/http_relay.h"
#include "proxy/origin_connect.h"
#include "proxy/proxy_auth.h"
#include "proxy/proxy_context.h"

struct http_finding;
struct http_speech;

enum http_step {
    STEP_SOCKS_GREET, /* these three, from a SOCKS client, instead of the two of HTTP */
    STEP_SOCKS_LOGIN,
    STEP_SOCKS_REQUEST,
    STEP_TELL_APART, /* of a redirected connection: HTTP, or TLS, which has one step instead of the two */
    STEP_HELLO,
    STEP_RECEIVE,
    STEP_PARSE,
    STEP_AUTHORIZE,
    STEP_DECIDE,
    STEP_RESOLVE,
    STEP_INSPECT,
    STEP_PAGE,   /* CONNECT to what is blocked alone, from STEP_DECIDE or STEP_INSPECT on */
    STEP_REPORT, /* the form of the block page, likewise */
    STEP_CONNECT,
    STEP_SEND,
    STEP_AWAIT,
    STEP_RELAY,
    STEP_DONE,
};

/* What becomes of the client's connection. */
enum http_end {
    HTTP_END_WAIT,   /* not yet known: the transaction goes on */
    HTTP_END_KEEP,   /* the next request may come */
    HTTP_END_CLOSE,  /* once all is sent, and what the client still sends is thrown away for a while */
    HTTP_END_SENT,   /* once all is sent: the client has said that nothing more comes (RFC 9112 section 9.6) */
    HTTP_END_ABORT,  /* at once */
    HTTP_END_TUNNEL, /* bytes both ways from now on */
    HTTP_END_PAGE,   /* TLS from now on, with the block page in it */
};

enum wait { NOT_STARTED, RUNNING, FINISHED };

struct http_txn {
    struct arena *arena; /* this and the timer stay for the next request */
    struct timer *timer; /* of receiving the head, then of the body's pace */
    SLIST_ENTRY(http_txn) spare;

    struct proxy_context *proxy;
    struct http_client *client;
    const struct http_speech *speech; /* how the client is told what becomes of the request */
    enum channel channel;             /* for callbacks */
    enum http_step step;
    enum http_end end; /* set with STEP_DONE */
    bool timer_running, timed_out;
    int64_t client_idle_ms, origin_idle_ms; /* as set on the streams */

    struct access_note access;

    uint8_t socks_version;
    size_t hello_bytes; /* that have to be there before a TLS hello is read again */
    struct str raw;     /* the request's head, in the arena: the views of `head` point into it */
    bool keep_alive;    /* as far as the client and we want it */
    bool is_connect;
    bool upgrade; /* to a WebSocket */
    char via_token[HTTP_VIA_TOKEN_SIZE];

    enum wait auth_state;
    enum auth_verdict auth_verdict;
    struct auth_ask auth_ask;
    struct str login; /* as whom the client was let in, in login_text; empty: nobody was asked */

    /* Where to: a name, or an address; then what the name is an alias of, and the addresses that may be dialled. */
    uint16_t port;
    bool misnamed; /* a redirected client was going to an address that the name does not have */
    bool exempt;   /* the user allows the target: what it is an alias of is not judged */
    size_t alias_count, addr_count;
    struct dname *aliases;            /* in the arena, as the next */
    struct resolver_servers *servers; /* the name's servers; NULL: no rule asks for them */
    struct passed passed;             /* the sources that let the target pass */
    enum wait lookup;
    enum status lookup_status;
    bool address_recorded; /* a callback for the address was recorded with the target's verdict */

    const struct http_finding *finding; /* in the arena; why the host is blocked, in STEP_PAGE and STEP_REPORT */
    struct http_report *report;         /* in the arena; its body as far as it has come */
    enum wait leaf_state;
    struct leaf_ask leaf_ask;
    struct tls_leaf *leaf; /* NULL: there is none */

    enum origin_route route;
    enum wait connect_state;
    enum origin_result connect_result;
    struct origin_connect connect;

    struct stream *origin;
    struct addr origin_addr; /* the port alone where a parent proxy is told the name */
    bool origin_reused, retried;
    enum status origin_status; /* why its stream failed; ST_OK: it has not */

    struct http_relay upload, download;
    uint64_t window_from;   /* of `upload.taken`, where the timer started */
    bool awaits_continue;   /* before it sends its body */
    bool upload_failed;     /* the origin takes no more of the request; its response may still come */
    unsigned interim_count; /* 1xx responses so far */
    bool origin_keep_alive; /* its connection may be used again after this response */
    bool cut_is_hidden;     /* the client was told that the response ends with the connection */

    /* What is large comes last and is not cleared for a new request. */
    struct http_head head;
    struct dname name; /* length 0: the host is an address */
    struct addr addrs[RESOLVER_MAX_ADDRS];
    char login_text[USER_MAX_BYTES + 1]; /* while it is checked as well */
};

struct http_txn *http_txn_new(struct http_client *client); /* NULL when out of memory */
void http_txn_free(struct http_txn *txn);                  /* NULL is allowed */
/* Goes as far as is possible now. */
enum http_end http_txn_step(struct http_txn *txn) MUST_CHECK;
void http_txn_free_spare(struct proxy_context *proxy); /* at the end */
/* After HTTP_END_TUNNEL: the connection that the client's becomes one with. */
struct stream *http_txn_take_origin(struct http_txn *txn) MUST_CHECK;
/* After HTTP_END_PAGE: what it is shown with; to be unreferenced. */
struct tls_leaf *http_txn_take_leaf(struct http_txn *txn) MUST_CHECK;
