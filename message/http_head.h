/* HTTP/1 message heads (RFC 9112), parsed strictly: what is ambiguous is refused, never repaired. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

enum {
    HTTP_MAX_FIELDS = 100,
    HTTP_MAX_REQUEST_LINE = 8192,
    HTTP_MAX_FIELD_LINE = 8192, /* of a request; of a response its head alone is bounded, as some policies are long */
    HTTP_MAX_HEAD = 32768,
};

struct http_field {
    struct str name, value; /* value without blanks around it */
};

enum http_target_form { HTTP_TARGET_ORIGIN, HTTP_TARGET_ABSOLUTE, HTTP_TARGET_AUTHORITY, HTTP_TARGET_ASTERISK };

enum http_framing {
    HTTP_BODY_NONE,
    HTTP_BODY_LENGTH,      /* content_length bytes */
    HTTP_BODY_CHUNKED,     /* RFC 9112 section 7.1 */
    HTTP_BODY_UNTIL_CLOSE, /* responses only */
};

/* All views point into the bytes that were parsed. */
struct http_head {
    bool is_request;
    unsigned version_minor; /* 0 or 1; a higher minor of HTTP/1 counts as 1 */

    struct str method; /* request */
    struct str target; /* request: as received */
    enum http_target_form form;
    struct str scheme;    /* absolute form only */
    struct str authority; /* of the target, or where it has none, the Host field */
    struct str path;      /* with the query; may be empty in absolute form */
    struct str host;      /* authority without the port, brackets kept; empty: HTTP/1.0 without a Host field */
    uint16_t port;        /* 0: none given */

    unsigned status; /* response */
    struct str reason;

    enum http_framing framing;
    uint64_t content_length;
    bool keep_alive; /* RFC 9112 section 9.3 as a proxy reads it: HTTP/1.0 clients have no persistent connections */
    bool upgrade;    /* has Upgrade, named in Connection, in HTTP/1.1 */
    bool expect_continue;

    size_t length; /* bytes of the head with the empty line */

    size_t field_count;
    struct http_field fields[HTTP_MAX_FIELDS]; /* those past field_count are not set */
};

/* Why a head was refused; http_reject_status() gives 400, 414, 417, 431 or 505 for requests. */
enum http_reject {
    HTTP_REJECT_NONE,
    HTTP_REJECT_SYNTAX,
    HTTP_REJECT_BARE_LINE_END, /* bare CR or LF, NUL, control bytes */
    HTTP_REJECT_FIELD,         /* obs-fold, blank before the colon, a name that is no token, empty name */
    HTTP_REJECT_TARGET,        /* userinfo, bad authority, bad port, form that does not fit the method */
    HTTP_REJECT_HOST,          /* none in HTTP/1.1, several, invalid; one that differs from the target's is ignored */
    HTTP_REJECT_LENGTH,   /* Content-Length repeated, not a plain number (010), with Transfer-Encoding, on CONNECT */
    HTTP_REJECT_ENCODING, /* Transfer-Encoding other than exactly `chunked`, repeated, in HTTP/1.0, on CONNECT */
    HTTP_REJECT_VERSION,
    HTTP_REJECT_LINE_TOO_LONG,
    HTTP_REJECT_HEAD_TOO_LARGE, /* or too many fields, or over 32 options or 1024 bytes in Connection */
    HTTP_REJECT_FIELD_TOO_LARGE,
    HTTP_REJECT_EXPECTATION,
};

/* Parses a request head at the start of DATA. ST_TRUNCATED: no fault so far, more bytes are needed (the limits are
 * enforced on what is there, so a buffer of HTTP_MAX_HEAD bytes is enough). ST_INVALID or ST_TOO_LARGE: *REJECT says
 * why, and the connection has to be closed. One CRLF before the request line is skipped (RFC 9112 section 2.2) and
 * counted in length. Hosts are letters, digits and -._~ or an address: no percent-encoding, no other sub-delims. */
enum status http_request_parse(struct str data, struct http_head *head, enum http_reject *reject) MUST_CHECK;

/* A response head; METHOD is that of its request (HEAD and CONNECT change the framing, RFC 9112 section 6.3). */
enum status http_response_parse(struct str data, struct str method, struct http_head *head,
                                enum http_reject *reject) MUST_CHECK;

/* Whether to parse INPUT again, of which the first TRIED bytes (0: none yet) were ST_TRUNCATED: only a line end or the
 * limit can end a head, so that one that comes byte by byte does not cost a parse each. */
bool http_head_is_worth_parsing(struct str input, size_t tried);

unsigned http_reject_status(enum http_reject reject);
const char *http_reject_text(enum http_reject reject);

/* The first field of this name (no regard to case), or NULL. */
const struct http_field *http_field_find(const struct http_head *head, struct str name);
/* Whether a comma-separated list field of this name (all its lines) has the token, without regard to case. */
bool http_field_has_token(const struct http_head *head, struct str name, struct str token);
bool http_is_token(struct str text); /* RFC 9110 section 5.6.2 */
const char *http_status_reason(unsigned status);
