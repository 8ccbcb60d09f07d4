/* Addresses on the web, taken apart once, so that what is asked for, resolved and compared is the same. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { WEB_URL_SIZE = 4096, WEB_HOST_SIZE = 256 };

struct web_url {
    char text[WEB_URL_SIZE];  /* in normal form, without fragment; with user and password where it has some */
    char scheme[8];           /* "http", "https", "file" */
    char host[WEB_HOST_SIZE]; /* lower case, A-labels, no dot at the end; an IPv6 address in brackets; empty for file */
    uint16_t port;            /* 0 for file */
};

/* ST_UNSUPPORTED: another scheme; ST_INVALID. The fault does not repeat TEXT. */
enum status web_url_parse(const char *text, struct web_url *url, struct fault *fault) MUST_CHECK;
/* Adds NAME=VALUE, escaped, to its query. ST_INVALID, ST_TOO_LARGE, ST_NOMEM. */
enum status web_url_add_query(struct web_url *url, const char *name, const char *value, struct fault *fault) MUST_CHECK;
/* Scheme, host and port are the same (RFC 6454 section 4). */
bool web_url_same_origin(const struct web_url *a, const struct web_url *b);

/* TEXT for people, files and lists: without user and password. Also of what is no web address. */
void web_url_shown(const char *text, char *out, size_t size);
/* The host of TEXT as above; empty where it has none. */
void web_url_host(const char *text, char out[WEB_HOST_SIZE]);
