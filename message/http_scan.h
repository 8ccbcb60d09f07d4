/* The lines of a message head, for http_request_parse() and http_response_parse(). Every byte is looked at once, in
 * order, so that a head that comes in pieces meets the same fault as a whole one. */
#pragma once

#include "message/http_head.h"

enum http_class {
    HTTP_TCHAR = 1,  /* RFC 9110 section 5.6.2 */
    HTTP_TEXT = 2,   /* blank, visible ASCII, obs-text: what may stand in a field's value (RFC 9110 section 5.5) */
    HTTP_TARGET = 4, /* visible ASCII without '#' */
    HTTP_HOST = 8,   /* RFC 3986 unreserved */
};
extern const uint8_t http_classes[256];

static inline bool http_is(char c, enum http_class class)
{
    return http_classes[(unsigned char)c] & class;
}

bool http_is_all(struct str text, enum http_class class); /* and not empty */

struct http_scan {
    struct str data;
    size_t at; /* the first byte not taken */
    enum http_reject reject;
};

/* DATA cut at what a head may have at most; http_scan_end() makes its end a fault instead of a wish for more. */
struct http_scan http_scan_start(struct str data);
enum status http_scan_end(struct http_scan *scan, enum status status, enum http_reject *reject) MUST_CHECK;

/* Sets the reason; returns the status that goes with it. */
enum status http_scan_refuse(struct http_scan *scan, enum http_reject reject);

/* Takes a line of at most LIMIT bytes and its CRLF. */
enum status http_scan_line(struct http_scan *scan, size_t limit, struct str *line) MUST_CHECK;

/* "HTTP/1.x" as start lines have it. */
enum status http_scan_version(struct http_scan *scan, struct str text, unsigned *minor) MUST_CHECK;

/* What the fields said that is not kept in struct http_head. */
struct http_facts {
    struct str authority; /* of the Host field; data NULL: none */
    struct str host;
    uint16_t port;
    bool has_length, has_encoding;
    bool names_close, names_keep_alive, names_upgrade, has_upgrade;
    size_t connection_options, connection_bytes; /* in Connection, over all its lines */
};

/* Takes all fields and the empty line; fills fields, content_length, upgrade and expect_continue. Needs is_request and
 * version_minor. */
enum status http_scan_fields(struct http_scan *scan, struct http_head *head, struct http_facts *facts) MUST_CHECK;

/* HOST[:[PORT]] with nothing else; *PORT is 0 where there is none. An empty one is as good as none (RFC 9110 section
 * 4.2.1), and not part of *AUTHORITY. */
bool http_scan_authority(struct str text, struct str *authority, struct str *host, uint16_t *port);
