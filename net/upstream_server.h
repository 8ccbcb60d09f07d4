/* One upstream server as a worker knows it: how it does, how fast it is, and what it can. No I/O. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/query_mask.h"
#include "net/upstream_address.h"
#include "net/upstream_host.h"

enum { SERVER_DOWN_AFTER_FAILURES = 2 /* one lost datagram says nothing */ };

/* DNS cookies with one server (RFC 7873), for the address of ours that it sees. */
struct server_cookie {
    struct addr local; /* all zeros: none was made */
    struct query_cookie value;
    unsigned missing;
    int64_t off_until_ms;
};

struct upstream_server {
    struct upstream_address address;
    struct upstream_host host;  /* where only its name is known */
    unsigned users;             /* who must not lose it: tries, and the upstream while the set names it */
    struct upstream_pool *pool; /* made when it is first asked by TCP or TLS */

    bool distrust_told;  /* by HTTPS: it was said why it cannot be asked */
    unsigned failures;   /* in a row, since its last answer */
    int64_t down_ms;     /* how long it is left alone the next time */
    int64_t retry_at_ms; /* while it is down */

    double rtt_ms, rtt_deviation_ms; /* as in RFC 6298 section 2 */
    bool measured;
    int64_t asked_ms; /* when it was asked last; 0: never */

    bool loses_case;
    unsigned case_mismatches;
    int64_t mix_again_at_ms;

    bool tcp_works;       /* it was asked by TCP with success since it was found to lose case */
    unsigned edns_faults; /* queries that it only took without EDNS */
    int64_t edns_again_at_ms;
    struct server_cookie cookie;
    int64_t no_way_until_ms; /* this machine had no address to send to it from */
};

/* HOSTS may be NULL for a server that is not known by name alone. */
void upstream_server_init(struct upstream_server *server, const struct upstream_address *address,
                          struct upstream_hosts *hosts);

const struct addr *upstream_server_addr(const struct upstream_server *server); /* NULL: only its name is known */

/* Health: two failures in a row put it down; it is tried again after 1 s, then after twice as long each time, at most
 * 60 s. */
bool upstream_server_is_up(const struct upstream_server *server);
void upstream_server_answered(struct upstream_server *server, int64_t rtt_ms);
void upstream_server_failed(struct upstream_server *server, int64_t now_ms);
/* Whether it is down and it is time to look again. The caller then asks it, and the others wait for what comes of it.
 */
bool upstream_server_take_retry(struct upstream_server *server, int64_t now_ms);
/* How long to wait for its answer before another server is asked as well; at most MOST_MS. CONNECTING: it has to be
 * greeted first. */
int64_t upstream_server_patience_ms(const struct upstream_server *server, bool connecting, int64_t most_ms);

/* Takes AD from REPLY where anybody on the way to the server could have set it: by UDP or TCP to another machine (RFC
 * 4035 section 4.9.3). */
void upstream_server_limit_trust(const struct upstream_server *server, uint8_t *reply);

/* Letter case (0x20). */
bool upstream_server_mixes_case(struct upstream_server *server, int64_t now_ms);
/* An answer came with other letter case than was asked, and no right one followed. */
void upstream_server_lost_case(struct upstream_server *server, int64_t now_ms);

/* EDNS: a server that took a query only without it is asked without cookies from then on, and when that does not help
 * without EDNS (RFC 6891 section 7); after an hour with both again. */
bool upstream_server_takes_edns(struct upstream_server *server, int64_t now_ms);
void upstream_server_refused_edns(struct upstream_server *server, int64_t now_ms);

bool upstream_server_takes_cookies(const struct upstream_server *server, int64_t now_ms);
/* The cookie to send from LOCAL to a server that takes them. NULL: none could be made. */
const struct query_cookie *upstream_server_cookie(struct upstream_server *server, const struct addr *local);
/* What an answer to that query had (length 0: no cookie). */
void upstream_server_take_cookie(struct upstream_server *server, const struct query_cookie *cookie);
/* Whoever sent one may not be the one who answers later. */
void upstream_server_forget_cookie(struct upstream_server *server);
/* Answers lacked the cookie that was to be expected, and TCP does not show that it still sends them. */
void upstream_server_lost_cookie(struct upstream_server *server, int64_t now_ms);
/* Whether the client's part COOKIE is the one that goes from here to this server: a query with it is our own. */
bool upstream_server_knows_cookie(const struct upstream_server *server, const uint8_t cookie[CLIENT_COOKIE_BYTES]);
