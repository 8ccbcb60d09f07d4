/* One request in the access log: what is known of it, as it crosses from a worker to the control thread, and its line
 * (docs/proxy.md). */
#pragma once

#include "base/addr.h"
#include "base/buf.h"

enum access_format { ACCESS_JSON, ACCESS_COMBINED };
enum access_privacy { ACCESS_FULL, ACCESS_NO_QUERY, ACCESS_HOST_ONLY, ACCESS_ANONYMOUS };
const char *access_format_text(enum access_format format);    /* "json", "combined" */
const char *access_privacy_text(enum access_privacy privacy); /* "full", "no-query", ... */

enum access_verdict { ACCESS_PASSED, ACCESS_LOGGED, ACCESS_BLOCKED, ACCESS_REFUSED };
const char *access_verdict_text(enum access_verdict verdict); /* "allow", "log", "block", "refuse" */

enum access_text { ACCESS_METHOD, ACCESS_TARGET, ACCESS_HOST, ACCESS_USER, ACCESS_REFERER, ACCESS_AGENT, ACCESS_TEXTS };

enum {
    ACCESS_LINE_MAX_BYTES = 4096,
    ACCESS_TEXT_MAX_BYTES = 1024,   /* of the target */
    ACCESS_RECORD_MAX_BYTES = 3072, /* of access_record_build() */
};

struct access_entry {
    int64_t time_ms; /* wall, when the request came */
    int64_t duration_ms;
    struct addr client;
    enum access_verdict verdict;
    unsigned status; /* 0: none was sent */
    unsigned version_minor;
    bool is_connect;
    bool has_ech;                        /* its TLS hello names another host, with the true one encrypted */
    uint64_t sent_bytes, received_bytes; /* to the client and from it; of bodies, and of what a tunnel passed */
    struct str texts[ACCESS_TEXTS];      /* empty: none */
};

/* Packs ENTRY, its texts cut; at most ACCESS_RECORD_MAX_BYTES. */
void access_record_build(struct buf *out, const struct access_entry *entry);
/* ENTRY gets views of RECORD. ST_INVALID: it is none. */
enum status access_record_parse(struct str record, struct access_entry *entry) MUST_CHECK;

/* Appends the line, without its end: printable, at most ACCESS_LINE_MAX_BYTES, whatever the texts have. ST_NOMEM. */
enum status access_line_build(struct buf *out, enum access_format format, enum access_privacy privacy,
                              const struct access_entry *entry) MUST_CHECK;
