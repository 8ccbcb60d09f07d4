/* A proxy on loopback, with a scripted client and a scripted server, all in one thread: every wait turns the loop.
 * Recorder and incidents are doubles that the test reads; policy is one (policy_double.c) where a test links it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "proxy/client_counts.h"
#include "proxy/login_strikes.h"
#include "proxy/proxy_server.h"

enum { WAIT_MS = 30000, MAX_RECORDED = 16 };

/* What policy says, and what it was asked. */
struct rule {
    char host[64], path[64], addr[64], alias[64];
    enum action action;
    bool exempt;         /* a list allows every URL */
    unsigned asked;      /* about URLs */
    unsigned asked_addr; /* about addresses */
    unsigned asked_name; /* about aliases */
    struct subject last;
    char last_host[256];
};
extern struct rule rule;

/* Where the firewall says that connections to the transparent listener were going; port 0: it redirected none. */
extern struct addr redirected_from;

/* What was recorded. */
extern struct callback recorded[MAX_RECORDED];
extern unsigned recorded_count;

struct peer {
    int fd;
    struct buf got;
    bool eof, reset;
};

struct fixture {
    struct loop *loop;
    struct proxy_server *proxy;
    struct addr proxy_addr; /* whom new clients connect to: the HTTP proxy, unless a test says otherwise */
    struct addr socks_addr, transparent_addr;
    struct judge judge;
    struct resolver resolver;
    struct proxy_settings settings;
    size_t max_clients, max_clients_per_address;
    int origin_fd;
    uint16_t origin_port;
    struct peer peers[64];
    size_t peer_count;

    /* What the resolver answers. */
    enum status lookup_status;
    struct addr lookup_addrs[RESOLVER_MAX_ADDRS];
    size_t lookup_count;
    struct dname lookup_aliases[RESOLVER_MAX_ALIASES]; /* see fixture_add_alias() */
    size_t lookup_alias_count;
    struct resolver_servers lookup_servers; /* lent where there is one */
    bool lookup_late;                       /* not from within the call: fixture_answer_lookup() */
    unsigned lookups, cancels;
    resolver_done_fn *done;
    void *done_arg;
    struct dname looked_up;
};

int make_listener(struct addr *addr);
void fixture_open(struct fixture *f);
/* The same where users have to log in: "me" with "open sesame". The second ends it. */
struct proxy_users *open_with_users(struct fixture *f, struct password_checker **checker);
void close_with_users(struct fixture *f, struct proxy_users *users, struct password_checker *checker);
void fixture_answer_lookup(struct fixture *f);
void fixture_add_alias(struct fixture *f, const char *name);
int set_up_closed(void **state);
int set_up(void **state);
int tear_down(void **state);
struct peer *add_peer(struct fixture *f, int fd);
int64_t real_ms(void);
void turn(struct fixture *f);
void settle(struct fixture *f);
bool has(const struct peer *peer, const char *text);
unsigned count_of(const struct peer *peer, const char *text);
void wait_for(struct fixture *f, struct peer *peer, const char *text);
void wait_count(struct fixture *f, struct peer *peer, const char *text, unsigned count);
void wait_closed(struct fixture *f, struct peer *peer);
void assert_open(struct fixture *f, struct peer *peer);
void say_bytes(struct fixture *f, struct peer *peer, const void *data, size_t n);
void say(struct fixture *f, struct peer *peer, const char *text);
void hang_up(struct peer *peer);
void hang_up_hard(struct peer *peer);
struct peer *new_client_from(struct fixture *f, uint32_t address);
struct peer *new_client(struct fixture *f);
struct peer *try_accept(struct fixture *f);
struct peer *accept_origin(struct fixture *f);
const char *with_port(struct fixture *f, const char *format);
struct peer *ask(struct fixture *f, const char *format);
void assert_no_origin(struct fixture *f);
