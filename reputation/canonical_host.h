/* What host names and URLs share in canonical form. Inside this folder only. */
#pragma once

#include "base/addr.h"
#include "base/status.h"
#include "base/text.h"

enum { HOST_TEXT_SIZE = 256 };

bool host_is_ascii(struct str text);
/* UTF-8 to A-labels (UTS #46, non-transitional); NUL-terminates. */
enum status host_to_ascii(struct str text, char out[HOST_TEXT_SIZE]) MUST_CHECK;
/* An IPv4 address as inet_aton(3) and old browsers take it: one to four parts, decimal, octal or hexadecimal, too large
 * parts wrapped. A blank ends it. The URL is only looked up by it, so that lenient is safe. */
enum status host_parse_ipv4(struct str text, struct addr *addr) MUST_CHECK;
/* IPv6 text without brackets; IPv4-mapped and NAT64 (RFC 6052, 64:ff9b::/96) addresses become the IPv4 address. */
enum status host_parse_ipv6(struct str text, struct addr *addr) MUST_CHECK;
