/* Name resolution for the proxy through the DNS side's own names, cache and upstreams (net/resolver.h). */
#pragma once

#include "dnsfilter/dns_query.h"
#include "net/resolver.h"

struct dns_resolver;

struct dns_resolver *dns_resolver_new(struct dns_core *core); /* NULL when out of memory */
/* To be freed after what it waits for: dns_forwards_free(). NULL is allowed. */
void dns_resolver_free(struct dns_resolver *resolver);
struct resolver *dns_resolver_interface(struct dns_resolver *resolver);
