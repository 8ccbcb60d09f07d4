/* Feeds: from a file or a download to a source in the store. Runs in a process of its own (`ccward feeds ...`), never
 * in the daemon. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "reputation/source_writer.h"

/* What a feed's entries do; the words of the configuration: block, monitor, allow, guard. */
enum feed_use { FEED_BLOCKS, FEED_MONITORS, FEED_EXEMPTS, FEED_GUARDS };
enum feed_match { FEED_MATCH_SUBTREE, FEED_MATCH_EXACT };
enum feed_retain { FEED_RETAIN_SNAPSHOT, FEED_RETAIN_WINDOW };
const char *feed_use_text(enum feed_use use);
const char *feed_match_text(enum feed_match match);
const char *feed_retain_text(enum feed_retain retain);

/* Zero is a default for all but the name and the format. */
struct feed {
    const char *name, *url, *format; /* format: of feed_format_names(), or "auto" */
    const char *const *mirrors;      /* other addresses of the same list */
    size_t mirror_count;
    enum category category;
    enum risk risk;
    int64_t interval_s;
    enum feed_use use;
    enum feed_match match;
    enum feed_retain retain;
    int64_t expire_s;        /* after the feed listed an entry last; 0: the default */
    uint64_t top;            /* entries that are taken; 0: all */
    unsigned min_confidence; /* entries below are only recorded */
    bool can_be_empty;
    const char *must_contain; /* NULL or empty: nothing */
    const char *key;          /* "env:NAME" or "file:/PATH"; NULL or empty: none */
    const char *key_as;       /* feed_key_as_valid(); NULL: "header Auth-Key" */
    int64_t listed_ms;        /* wall, when the list was known to be what the feed says; 0: now */
};

/* "header NAME", "query NAME", "bearer" or "basic". */
bool feed_key_as_valid(struct str text);

/* What all feeds of an installation have in common. */
struct feed_site {
    const char *state_dir;
    const struct feed *feeds; /* all that are configured */
    size_t feed_count;
    const struct addr *upstreams; /* DNS servers that feed hosts are asked of; none: the system's resolver */
    size_t upstream_count;
    const struct addr *listeners; /* of ccward's own DNS side: never asked, never blocked */
    size_t listener_count;
};
/* The configured feed of that name; NULL: there is none. */
const struct feed *feed_find(const struct feed_site *site, const char *name);

enum { FEED_EXAMPLES = 5, FEED_REASONS = 40, FEED_GUARDS_MAX = 16 };
/* A feed with more faulty lines than this is refused as a whole, once it has so many lines with content. */
enum { FEED_MAX_INVALID_PERCENT = 5, FEED_MIN_JUDGED_LINES = 20 };

/* What an import found. */
struct feed_report {
    char format[32]; /* the one that was detected, for "auto" */
    uint64_t lines, comments /* and blank lines */, faulty_lines;
    uint64_t declared;                             /* entries that it says it has; 0: it does not say */
    char notice[160];                              /* what it says of its own end, printable; empty: nothing */
    uint64_t entries[INDICATOR_KINDS], duplicates; /* distinct ones after an import or a dry run */
    struct {
        const char *reason; /* "not a host name", static */
        uint64_t count;
    } skipped[FEED_REASONS]; /* most frequent first */
    size_t skipped_count;
    struct {
        const char *reason; /* "shared host", static */
        uint64_t count;
    } guarded[FEED_GUARDS_MAX]; /* of the entries, those that are only recorded; most frequent first */
    size_t guarded_count;
    uint64_t unsure;                   /* of the entries, those that are only recorded for min_confidence */
    uint64_t carried[INDICATOR_KINDS]; /* a window's entries that the list no longer has */
    char examples[FEED_EXAMPLES][160]; /* "FILE:LINE: text: reason", printable */
    size_t example_count;
    uint64_t guards; /* fingerprint of what was guarded (guard_set.h); 0: nothing was */
    bool unchanged;
    bool expired;              /* of a refresh that failed: nothing is in force any more, as a zone's SOA demands */
    struct source_info source; /* after an import */
};

/* What a dry run prints: all that the feed has of one kind, guarded or not. */
enum feed_dump {
    FEED_DUMP_NONE,
    FEED_DUMP_NAMES,       /* with all below them */
    FEED_DUMP_EXACT_NAMES, /* those alone */
    FEED_DUMP_BELOW_NAMES, /* what is below them alone */
    FEED_DUMP_TYPED_NAMES, /* for some query types alone */
    FEED_DUMP_ALLOW_NAMES, /* that the feed exempts */
    FEED_DUMP_URLS,
    FEED_DUMP_IPS,
    FEED_DUMP_CIDRS,
    FEED_DUMP_IP_PORTS,
    FEED_DUMP_ALLOW_IPS,
    FEED_DUMP_ALLOW_CIDRS,
    /* Of a policy zone: what is compared with who asks, and with the name servers behind an answer. */
    FEED_DUMP_CLIENT_CIDRS,
    FEED_DUMP_NS_NAMES, /* "*.NAME" is what is below it alone */
    FEED_DUMP_NS_CIDRS,
    /* What the store can't hold as the feed has it. */
    FEED_DUMP_HOST_PORTS, /* names that are meant for one port, stored as URLs; ports that there are not */
    FEED_DUMP_PATHS,      /* of URLs on any host; not stored */
    FEED_DUMP_RULES,      /* of a policy zone: "TRIGGER OWNER ACTION" */
    FEED_DUMP_KINDS
};

/* Who gets the indicators of a feed, in the feed's order. GUARDED: it must not get into a store. ST_INVALID: that one
 * can't be used; any other failure ends the parse. ASIDE, which may be NULL, gets the text of what the store can't hold
 * as the feed has it. GUARDS, which may be NULL, say what is only to be recorded (guard_set.h). */
struct guard_set;
struct feed_sink {
    enum status (*take)(void *user, const struct indicator *indicator, bool guarded);
    void *user;
    enum status (*aside)(void *user, enum feed_dump kind, struct str text);
    struct guard_set *guards;
};

/* Reads PATH as FEED->format. ST_INVALID, after all has been handed to SINK, when it does not look like a feed: no
 * entries, fewer than it says it has, or too many faulty lines; before that when it is a web page, can't be unpacked,
 * or UTF-16. */
enum status feed_parse(const char *path, const struct feed *feed, bool progress, const struct feed_sink *sink,
                       struct feed_report *report, struct fault *fault) MUST_CHECK;

/* The words of the command line: "names", "exact-names", "ip-ports" and so on, as the kinds above. */
enum status feed_dump_kind(struct str word, enum feed_dump *dump) MUST_CHECK;

/* A dry run: as feed_import(), but nothing is published. DUMP goes to OUT: normalised, distinct, sorted by bytes, one a
 * line, also where the feed is refused. SITE may be NULL: then nothing is guarded. */
enum status feed_try(const struct feed_site *site, const char *path, const struct feed *feed, bool progress,
                     enum feed_dump dump, FILE *out, struct feed_report *report, struct fault *fault) MUST_CHECK;

/* The report for people, or as one JSON object. */
enum status feed_report_print(const struct feed_report *report, bool json, FILE *out) MUST_CHECK;
/* The JSON object of a feed that was refused, with FAULT's text as "refused". */
enum status feed_report_print_refused(const struct feed_report *report, const struct fault *fault,
                                      FILE *out) MUST_CHECK;

/* Reads PATH and publishes it as source FEED->name in SITE's store; keeps a copy of it. The old source stays when it
 * fails or when what was read does not look like a feed (FAULT says why). PROGRESS: a bar on standard error if that is
 * a terminal. While it runs SIGINT and SIGTERM are caught: it cleans up and returns ST_CLOSED, "interrupted". So do all
 * below that change the store. ST_BUSY: another process is at work on the same feed. */
enum status feed_import(const struct feed_site *site, const char *path, const struct feed *feed, bool progress,
                        struct feed_report *report, struct fault *fault) MUST_CHECK;

enum feed_refresh_option {
    FEED_ACCEPT = 1, /* also a list that has shrunk or grown too much, or was rolled back */
    FEED_FORCE = 2,  /* also sooner than the server wants */
};
/* Fetches FEED->url (http, https, file, or a zone by axfr, ixfr), or one of its mirrors, within the bounds of
 * docs/feeds.md, and imports what it got unless that is what is in force, or not to be believed. Keeps
 * STATE_DIR/feeds/NAME.json: how it went, and what the next one must know. REPORT->unchanged: there is nothing new. */
enum status feed_refresh(const struct feed_site *site, const struct feed *feed, unsigned options, bool progress,
                         struct feed_report *report, struct fault *fault) MUST_CHECK;

/* Takes away the source of NAME and what is kept of its downloads, after a refresh of it that is under way. *WAS_THERE:
 * there was a source. */
enum status feed_forget(const struct feed_site *site, const char *name, bool *was_there,
                        struct fault *fault) MUST_CHECK;

/* Takes what is in force of NAME away, so that the generation before it is in force again (INFO), and remembers the
 * list that was: refreshes do not take it again without FEED_ACCEPT. ST_NOT_FOUND: there is none before it. */
enum status feed_rollback(const struct feed_site *site, const char *name, struct source_info *info,
                          struct fault *fault) MUST_CHECK;

/* Builds NAME's source again from the copy that was kept of its list, without the network, as the configuration has it
 * or, of one that was imported, as it was imported. ST_NOT_FOUND: there is no copy; ST_CORRUPT: it is another than the
 * one that was taken. */
enum status feed_rebuild(const struct feed_site *site, const char *name, bool progress, struct feed_report *report,
                         struct fault *fault) MUST_CHECK;
/* Tells the names of those of whose lists there are copies, sorted. */
typedef void feed_named_fn(void *user, const char *name);
enum status feeds_kept(const struct feed_site *site, feed_named_fn *tell, void *user, struct fault *fault) MUST_CHECK;

/* `feeds verify`: reads every byte of NAME's source, or of all (NULL), and prints how each is. */
enum status feeds_verify(const struct feed_site *site, const char *name, bool json, FILE *out, unsigned *damaged,
                         struct fault *fault) MUST_CHECK;

/* `feeds list`: every configured feed and every source in the store, with its state; or NAME alone (may be NULL) in
 * full. ST_NOT_FOUND: there is none of that name. */
enum status feeds_list(const struct feed_site *site, const char *name, bool json, FILE *out,
                       struct fault *fault) MUST_CHECK;

/* Seconds until FEED is due, by its state file and what its server wants; 0: now. */
int64_t feed_due_in_s(const char *state_dir, const struct feed *feed);

/* Whether FORMAT is one of the table. */
bool feed_format_known(struct str format);
/* The names of all formats, comma-separated, for help texts. Not thread-safe. */
const char *feed_format_names(void);

/* The built-in source `test-hosts`: the vendors' published test hosts, in the category that each vendor gives them. */
enum status test_hosts_source(struct source **source, struct fault *fault) MUST_CHECK;
