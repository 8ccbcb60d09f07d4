/* One download, bounded in time, bytes and redirects. */
#pragma once

#include "base/status.h"
#include "feeds/feeds.h"
#include "feeds/progress.h"
#include "feeds/secret.h"

struct fetch_limits {
    long connect_ms, total_ms;
    long low_speed_bytes_s, low_speed_s; /* slower than this for so long is given up */
    uint64_t max_bytes;
};
extern const struct fetch_limits fetch_default_limits;

enum { FETCH_REDIRECTS = 3, FETCH_ETAG_SIZE = 256, FETCH_DATE_SIZE = 64 };
enum { FETCH_MAX_RETRY_AFTER_S = 86400, FETCH_TYPE_SIZE = 128, FETCH_HEADER_SIZE = 128 };

/* What a server calls a body; empty where it does not say. */
struct fetch_validators {
    char etag[FETCH_ETAG_SIZE], last_modified[FETCH_DATE_SIZE];
};

/* What many requests to one server share: the connection and the address of its host. */
struct fetch_session;
struct fetch_session *fetch_session_new(void); /* NULL: out of memory */
void fetch_session_free(struct fetch_session *session);

struct fetch_request {
    const char *url;              /* http, https, file */
    const struct feed_site *site; /* whose upstreams are asked for hosts */
    const struct secret *key;     /* NULL or empty: none. Only the origin of URL gets it */
    const char *key_as;           /* as in struct feed */
    const struct fetch_limits *limits;
    const char *accept;            /* the media type that is wanted; NULL: any */
    const char *header;            /* the name of one to be told; NULL: none */
    struct fetch_session *session; /* NULL: none */
};

/* What came of it, also of a failure. */
struct fetch_result {
    bool not_modified;     /* there is no new body */
    bool answered;         /* by a server, whatever it said */
    int64_t retry_after_s; /* a server that is overloaded wants to be left alone so long; 0: it does not say */
    long status;           /* of the last answer; 0: none, or a file */
    char content_type[FETCH_TYPE_SIZE], header[FETCH_HEADER_SIZE];
};

/* Writes the body to FD. VALIDATORS: those of the body that we have, or empty; become those of the new one. A
 * failure's FAULT names no URL and no key; what was written then is nothing. Redirects go to http and https only, not
 * from https to http, and not from a public to a private address. A web page (text/html) is a failure. */
enum status fetch(const struct fetch_request *request, int fd, struct progress *progress,
                  struct fetch_validators *validators, struct fetch_result *result, struct fault *fault) MUST_CHECK;
