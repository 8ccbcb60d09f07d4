/* Feeds: from a file or a download to a source in the store. Runs in a process of its own (`ccward feeds ...`), never
 * in the daemon. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "reputation/source_writer.h"

struct feed {
    const char *name, *url, *format; /* format: "hosts", "domains", "urls", "ips", or "auto" */
    enum category category;
    enum risk risk;
    int64_t interval_s;
};

enum { FEED_EXAMPLES = 5, FEED_REASONS = 16 };

/* What an import found. */
struct feed_report {
    char format[32];
    uint64_t lines, entries[INDICATOR_KINDS], duplicates, comments;
    struct {
        const char *reason; /* "not a host name", static */
        uint64_t count;
    } skipped[FEED_REASONS];
    size_t skipped_count;
    char examples[FEED_EXAMPLES][160]; /* "FILE:LINE: text: reason", printable */
    size_t example_count;
    bool unchanged;
    struct source_info source;
};

/* Reads PATH and publishes it as source FEED->name in STORE_DIR. The old source stays when it fails or when what was
 * read does not look like a feed (FAULT says why). PROGRESS: a bar on standard error if that is a terminal. */
enum status feed_import(const char *store_dir, const char *path, const struct feed *feed, bool progress,
                        struct feed_report *report, struct fault *fault) MUST_CHECK;

/* Fetches FEED->url (http, https, file) within the bounds of docs/feeds.md and imports it. Keeps
 * STATE_DIR/feeds/NAME.json: last try, last success, validators, the reason of the last failure. *NOT_MODIFIED when the
 * server says so. */
enum status feed_refresh(const char *state_dir, const struct feed *feed, bool progress, struct feed_report *report,
                         struct fault *fault) MUST_CHECK;

/* `feeds list`: every configured feed and every source in the store, with its state. */
enum status feeds_list(const char *state_dir, const struct feed *feeds, size_t count, bool json, FILE *out,
                       struct fault *fault) MUST_CHECK;

/* Seconds until FEED is due, by its state file; 0: now. */
int64_t feed_due_in_s(const char *state_dir, const struct feed *feed);

/* Whether FORMAT is one of the table. */
bool feed_format_known(struct str format);
/* The names of all formats, comma-separated, for help texts. */
const char *feed_format_names(void);

/* The built-in source `test-hosts`: the vendors' published test hosts, in the category that each vendor gives them. */
enum status test_hosts_source(struct source **source, struct fault *fault) MUST_CHECK;
