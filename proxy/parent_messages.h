/* What is said to a parent proxy and what it answers: CONNECT (RFC 9110 section 9.3.6), SOCKS5 (RFC 1928) and its
 * login (RFC 1929). */
#pragma once

#include "base/buf.h"
#include "message/http_head.h"
#include "proxy/origin_parent.h"

/* Where the parent is to connect to: NAME where it has a length, else ADDR; the port is ADDR's. */
struct parent_target {
    struct str name;
    struct addr addr;
};

/* Appends a whole request. */
void parent_connect_build(struct buf *out, const struct origin_parent *parent, const struct parent_target *target);
/* Appends "Proxy-Authorization: Basic ..." with its line end, or nothing where there is no login. */
void parent_authorization_build(struct buf *out, const struct origin_parent *parent);

/* The status of a response to CONNECT at the start of INPUT, and the bytes that it takes up; what follows a 2xx is the
 * tunnel's. Interim responses (1xx) are skipped. ST_TRUNCATED; ST_INVALID. HEAD is room to work in. */
enum status parent_connect_parse(struct str input, struct http_head *head, unsigned *status, size_t *length) MUST_CHECK;

enum { SOCKS_VERSION = 5, SOCKS_NO_LOGIN = 0, SOCKS_LOGIN = 2, SOCKS_NO_METHOD = 255 };

void parent_socks_greeting_build(struct buf *out, const struct origin_parent *parent);
void parent_socks_login_build(struct buf *out, const struct origin_parent *parent);
void parent_socks_request_build(struct buf *out, const struct parent_target *target);

/* The method that the parent chose, of those offered: SOCKS_NO_LOGIN, SOCKS_LOGIN, or SOCKS_NO_METHOD. ST_TRUNCATED;
 * ST_INVALID, also for a method that was not offered. */
enum status parent_socks_method_parse(struct str input, bool login_offered, uint8_t *method, size_t *length) MUST_CHECK;
/* Whether the login was taken: ST_OK, ST_DENIED; ST_TRUNCATED, ST_INVALID. */
enum status parent_socks_login_parse(struct str input, size_t *length) MUST_CHECK;
/* The reply code (0: connected). What the parent says of its own address is read past. */
enum status parent_socks_reply_parse(struct str input, uint8_t *reply, size_t *length) MUST_CHECK;
