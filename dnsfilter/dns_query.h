/* One query of a client on its way to its answer. dns_query.c is the file to read first. */
#pragma once

#include "dnsfilter/dns_access.h"
#include "dnsfilter/dns_extras.h"
#include "dnsfilter/dns_forward.h"
#include "dnsfilter/dns_local.h"
#include "dnsfilter/dns_names.h"
#include "dnsfilter/dns_notify.h"
#include "dnsfilter/dns_rate.h"
#include "dnsfilter/dns_seats.h"
#include "dnsfilter/dns_server.h"
#include "dnsfilter/dns_share.h"
#include "dnsfilter/dns_trace.h"
#include "message/dns_message.h"
#include "net/tls_server.h"
#include "net/udp.h"

struct dns_query;

/* What a query came by when that is no UDP socket: a connection, a request on it. */
struct dns_carrier {
    /* QUERY waits for an upstream from now on; its of_client is the carrier's to use. */
    void (*wait)(struct dns_carrier *carrier, struct dns_query *query);
    /* Its reply of N bytes (0: none), after which it is no more. May be called on the way of another query. */
    void (*answer)(struct dns_carrier *carrier, struct dns_query *query, const uint8_t *reply, size_t n);
};

/* What all queries of one worker share. */
struct dns_core {
    struct loop *loop;
    struct judge *judge;
    struct dns_cache *cache;
    struct dns_forwards *forwards;
    struct dns_share share; /* of UDP clients; a TCP client has limits of its own */
    struct dns_rate rate;
    struct dns_seats seats;
    struct tls_server *tls; /* a reference; NULL where nothing listens over TLS */
    const struct dns_settings *settings;
    struct dns_notify *notify; /* a reference; NULL: no zone may be notified of */
    struct dns_names *names;   /* a reference */
    struct dns_counters counters;
    uint8_t out[DNS_MESSAGE_MAX];  /* the one answer under construction */
    uint8_t part[DNS_MESSAGE_MAX]; /* what it is made of */
};

/* Who asked. */
struct dns_client {
    struct udp_peer peer;
    enum dns_standing standing;
    bool encrypted;
    struct udp *udp;             /* NULL: by a carrier */
    struct dns_carrier *carrier; /* NULL: by UDP */
    int32_t request;             /* the carrier's own word for what it carries */
    struct dns_trace *trace;     /* what it does is written down there; else NULL */
};

struct dns_query {
    struct dns_core *core;
    struct dns_client client;
    const uint8_t *packet; /* as received; NULL once the query waits */
    size_t packet_length;
    struct dns_message message;
    struct dns_extras extras;
    bool exempt;          /* the user allows this name: what it leads to is not judged */
    bool aliased;         /* a policy zone or safe search makes an alias of it, whose target is looked for */
    struct passed passed; /* the sources that let it pass */
    bool expired;         /* there is an answer whose time is up */
    size_t reply_length;  /* of the response or reply in core->out; 0: none */
    struct dns_note note; /* what to tell beside a response, once there is one */

    struct dns_alias alias; /* where it is aliased */

    /* What follows is set only while the query waits for an upstream. */
    struct dns_waiter waiter;
    TAILQ_ENTRY(dns_query) of_client; /* of a carrier: all that wait for it */
};

/* Inline, because every query comes through here. */
static inline enum dns_standing dns_core_standing(const struct dns_core *core, const struct addr *client)
{
    return dns_access_standing(core->settings->allow, core->settings->allow_count, client);
}

/* Whether who connects is let in: also a primary that may notify us, who gets no other answer. */
bool dns_core_admits(const struct dns_core *core, const struct addr *client);

/* Takes one query message. Returns the length of the reply in core->out, to be sent before anything else is done here;
 * 0: there is none, or the query waits and its answer goes out by udp_send() or its carrier. */
size_t dns_query_receive(struct dns_core *core, const struct dns_client *client, const uint8_t *packet, size_t n);

/* Forgets a query that waits: its client is gone. */
void dns_query_cancel(struct dns_query *query);
