/* Where a feed's host is, asked of ccward's own upstreams: the system's resolver may be ccward itself, and may block
 * that very host. */
#pragma once

#include "base/addr.h"
#include "feeds/feeds.h"
#include "message/dns_message.h"

enum { FEED_RESOLVE_MAX = 16 };

/* The IPv4 and IPv6 addresses of HOST, without ports: at most FEED_RESOLVE_MAX, at least one. HOST may be an address
 * itself (in brackets or not) or localhost, which nobody is asked for. Blocks until UNTIL_MS (monotonic) at the latest;
 * an interrupt ends it. ST_NOT_FOUND: there is no such name, or it has no address; ST_UNAVAILABLE: no server, or none
 * that answers; ST_TIMEOUT, ST_INVALID, ST_CLOSED. */
enum status feed_resolve(const struct feed_site *site, struct str host, int64_t until_ms,
                         struct addr addrs[FEED_RESOLVE_MAX], size_t *count, struct fault *fault) MUST_CHECK;

/* Adds the addresses that a reply to a question for A or AAAA has for the name, aliases followed; what else stands in
 * it is nobody's business. MESSAGE: of dns_response_parse(). */
void feed_reply_addresses(const uint8_t *reply, size_t n, const struct dns_message *message,
                          struct addr addrs[FEED_RESOLVE_MAX], size_t *count);
