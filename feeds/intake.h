/* Where a format hands in what it found in a line. Normalises, guards, counts, and passes it on to the sink.
 *
 * A format calls intake_name() and the like for each entry, intake_skip() for what it does not take, or
 * intake_comment() for a line without content. Before it does, it may fill intake->record, which starts every line with
 * the feed's defaults. */
#pragma once

#include "feeds/clean.h"
#include "feeds/feeds.h"
#include "feeds/guard.h"
#include "feeds/skip.h"
#include "feeds/table.h"
#include "feeds/zone.h"

enum { INTAKE_TITLE_SIZE = 64, INTAKE_REFERENCE_SIZE = 256 };

struct adblock_list;
struct stix_index;

/* A statement of BIND's options, so far. */
struct bind_options {
    enum { BIND_NOTHING, BIND_ZONE, BIND_HINT, BIND_STATEMENT, BIND_OTHER } kind;
    unsigned depth; /* of braces */
    bool braced, comment, after_type, forwards, counted;
    char name[DNAME_MAX_BYTES + 1];
};

/* What a format keeps from line to line; zero at the start of a file. What it points to the format's finish() frees. */
union format_state {
    struct adblock_list *adblock;
    struct stix_index *stix;
    struct bind_options bind;
    struct {
        size_t rank, site; /* columns from 1, where the list names them */
    } ranking;
    struct {
        char zone[DNAME_MAX_BYTES + 1]; /* the last local-zone */
    } unbound;
    struct zone zone;   /* rpz */
    struct table table; /* all of CSV */
    struct {
        bool banner; /* it says whose it is */
        char reference[INTAKE_REFERENCE_SIZE];
    } maltrail;
};

struct intake {
    struct record record;
    struct feed_report *report;

    const struct feed_sink *sink;
    const char *file;              /* for places */
    char title[INTAKE_TITLE_SIZE]; /* the file's name, or that in the feed's URL, without what follows its dot */
    struct record defaults;
    struct indicator indicator;
    struct str line;
    bool line_faulty, line_known;
    enum skip held;       /* a format's reason why an entry of the line must not get into a store; SKIP_NOT: none */
    uint64_t known_lines; /* that had an entry or what only this format has */
    uint64_t skipped[SKIP_COUNT];
    const struct feed *feed; /* NULL: none */
    bool exact_names;        /* names stand for themselves alone: the feed's setting, where the format has no say */
    int64_t listed_s;        /* when the list had what is read */
    uint64_t taken;
    uint64_t guarded[GUARD_COUNT]; /* entries that are only recorded, by reason */
    enum status status;            /* of the sink; sticky */
    union format_state state;
    struct clean_texts texts;
    char url[CANONICAL_URL_MAX];
};

/* SINK may be NULL: only counts. FEED may be NULL: defaults of no meaning. */
void intake_init(struct intake *intake, const struct feed *feed, const char *file, const struct feed_sink *sink,
                 struct feed_report *report);
/* Before a line goes to the format. In a document every entry is a line of its own. */
void intake_line(struct intake *intake, struct str line);
/* Before an entry that comes of earlier lines. */
void intake_late(struct intake *intake);
/* Puts the counts of what was skipped into the report, most frequent first. */
void intake_finish(struct intake *intake);

/* The line is one that only this format has: an entry, or as good as one when a format is looked for. */
void intake_know(struct intake *intake);
/* The line is blank or a comment; what the list says of itself in it is noted. */
void intake_comment(struct intake *intake);
/* The feed says that it has so many entries. */
void intake_declared(struct intake *intake, uint64_t count);
/* One more tag for the line's record. */
void intake_tag(struct intake *intake, struct str tag);
void intake_tags(struct intake *intake, struct str tags); /* comma-separated */
void intake_skip(struct intake *intake, enum skip skip, struct str text);
/* For what lines have begun, which counted as comments, and the end of the file has broken off. */
void intake_skip_unfinished(struct intake *intake, struct str text);
void intake_name(struct intake *intake, struct str text);
void intake_network(struct intake *intake, struct str text); /* an address, a network */
void intake_address_port(struct intake *intake, struct str text);
void intake_url(struct intake *intake, struct str text);
/* HOST/PATH, without a scheme. */
void intake_bare_url(struct intake *intake, struct str text);
/* NAME:PORT. The name is the malware's at that port alone: it is kept as a URL, which only a proxy looks up. */
void intake_name_port(struct intake *intake, struct str text);
/* What stands in a list of names: a name, or an address or network. */
void intake_name_or_network(struct intake *intake, struct str text);
/* Hands on what the store can't hold as the feed has it, for dry runs; it counts as nothing. */
void intake_aside(struct intake *intake, enum feed_dump kind, struct str text);
