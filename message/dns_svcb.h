/* Service bindings (RFC 9460): the data of SVCB and HTTPS records, walked. */
#pragma once

#include "base/cursor.h"
#include "message/dns_message.h"

enum dns_svc_key { /* RFC 9460 section 14.3.2, RFC 9848 */
                   DNS_SVC_MANDATORY = 0,
                   DNS_SVC_ALPN = 1,
                   DNS_SVC_NO_DEFAULT_ALPN = 2,
                   DNS_SVC_PORT = 3,
                   DNS_SVC_IPV4_HINT = 4,
                   DNS_SVC_ECH = 5,
                   DNS_SVC_IPV6_HINT = 6,
};

struct dns_svcb {
    uint16_t priority;    /* 0: an alias; parameters mean nothing then */
    struct dname target;  /* the root: the owner itself; of an alias: there is no such service */
    struct cursor params; /* for dns_svcb_next() */
};

struct dns_svc_param {
    uint16_t key;
    struct cursor value; /* in an array of its own: starts at 0 */
};

/* RDATA starts at the packet, stands at the record data and ends with it. ST_INVALID for what RFC 9460 section 2.2
 * calls malformed: a compressed target, keys that do not strictly ascend, values that their key does not allow,
 * mandatory keys that are absent. */
enum status dns_svcb_parse(struct cursor rdata, struct dns_svcb *svcb) MUST_CHECK;
bool dns_svcb_next(struct dns_svcb *svcb, struct dns_svc_param *param); /* false at the end */
