/* What a SOCKS client sends, parsed strictly, and what it is answered: SOCKS 5 (RFC 1928) with a login by name and
 * password (RFC 1929), SOCKS 4 and 4a. Nothing is kept between calls: each is asked with all that has come, and says
 * ST_TRUNCATED as long as nothing is wrong with it and more is needed. Views point into the input. */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "base/status.h"
#include "base/text.h"

enum { SOCKS_4 = 4, SOCKS_5 = 5 };
enum { SOCKS_TEXT_MAX = 255 }; /* of a name, a user, a password; in SOCKS 4, which sets no bound, too */

enum socks_method { SOCKS_METHOD_NONE = 0, SOCKS_METHOD_PASSWORD = 2, SOCKS_METHOD_UNACCEPTABLE = 0xff };

struct socks_greeting {
    bool takes_none, takes_password; /* of the methods that the client offers */
    size_t length;
};
/* ST_INVALID: it is not SOCKS 5, or offers no method. */
enum status socks_greeting_parse(struct str input, struct socks_greeting *greeting) MUST_CHECK;

struct socks_login {
    struct str user, password; /* any bytes; the password may be empty */
    size_t length;
};
enum status socks_login_parse(struct str input, struct socks_login *login) MUST_CHECK;

enum socks_command { SOCKS_CONNECT = 1, SOCKS_BIND = 2, SOCKS_UDP_ASSOCIATE = 3 };

struct socks_request {
    uint8_t command; /* any */
    struct str name; /* any bytes; empty: `addr` is given */
    struct addr addr;
    uint16_t port;
    size_t length;
};
/* ST_UNSUPPORTED: an address of another kind, so that the rest is not understood. */
enum status socks_request_parse(struct str input, unsigned version, struct socks_request *request) MUST_CHECK;

enum socks_reply { /* RFC 1928 section 6; SOCKS 4 knows success and failure alone */
                   SOCKS_REPLY_SUCCEEDED = 0,
                   SOCKS_REPLY_FAILURE = 1,
                   SOCKS_REPLY_NOT_ALLOWED = 2,
                   SOCKS_REPLY_HOST_UNREACHABLE = 4,
                   SOCKS_REPLY_REFUSED = 5,
                   SOCKS_REPLY_TIMEOUT = 6, /* "TTL expired" */
                   SOCKS_REPLY_COMMAND = 7,
                   SOCKS_REPLY_ADDRESS_TYPE = 8,
};
/* Each appends to OUT. */
void socks_method_build(struct buf *out, enum socks_method method);
void socks_login_reply_build(struct buf *out, bool taken);
/* The address that the server sees is told as 0.0.0.0: no client needs it for CONNECT. */
void socks_reply_build(struct buf *out, unsigned version, enum socks_reply reply);
