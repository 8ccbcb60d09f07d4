/* Discovery of designated resolvers (RFC 9462): tells who asks us in the clear where we are to be had encrypted. */
#pragma once

#include "dnsfilter/dns_query.h"

/* Whether QUERY is for _dns.resolver.arpa SVCB, and we listen over TLS under a name. */
bool dns_ddr_is_asked(const struct dns_query *query);
/* The answer to it, in core->out; its length. A listener of loopback alone is told to this machine alone. */
size_t dns_ddr_answer(const struct dns_query *query);
