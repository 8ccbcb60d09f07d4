/* DNS cookies as a server (RFC 7873): proof that a client is where its datagrams say that it is. Interoperable server
 * cookies of RFC 9018, made from a secret alone: nothing is kept of clients, and all who know the secret agree. */
#pragma once

#include "base/addr.h"
#include "base/siphash.h"
#include "base/status.h"
#include "base/text.h"

enum { DNS_COOKIE_SECRET_BYTES = SIPHASH_KEY_BYTES, DNS_COOKIE_CLIENT_BYTES = 8, DNS_COOKIE_BYTES = 24 };

enum dns_cookie_state {
    DNS_COOKIE_NONE,
    DNS_COOKIE_CLIENT_ONLY,
    DNS_COOKIE_BAD,  /* with a server cookie that is none of ours, or an old one */
    DNS_COOKIE_GOOD, /* the client has had an answer from us at this address */
};

struct dns_cookie {
    enum dns_cookie_state state;
    uint8_t bytes[DNS_COOKIE_BYTES]; /* to be answered with, unless there is none */
};

/* Reads a COOKIE option. ST_INVALID: its length is none of RFC 7873 section 4's, which is a FORMERR (section 5.2.2). */
enum status dns_cookie_read(const uint8_t secret[DNS_COOKIE_SECRET_BYTES], struct str option, const struct addr *client,
                            uint32_t now_s, struct dns_cookie *cookie) MUST_CHECK;

/* The cookie of RFC 9018 section 4 by KEY as it is: COOKIE's first 16 bytes (the client's own, version, reserved, time)
 * are set. */
void dns_cookie_hash(const uint8_t key[DNS_COOKIE_SECRET_BYTES], const struct addr *client,
                     uint8_t cookie[DNS_COOKIE_BYTES]);
