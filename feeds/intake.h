/* Where a format hands in what it found in a line. Normalises, guards, counts, and passes it on to the sink.
 *
 * A format calls intake_name() and the like for each entry, intake_skip() for what it does not take, or
 * intake_comment() for a line without content. Before it does, it may fill intake->record, which starts every line with
 * the feed's defaults. */
#pragma once

#include "feeds/feeds.h"
#include "feeds/skip.h"

struct intake {
    struct record record;
    struct feed_report *report;

    const struct feed_sink *sink;
    const char *file; /* for places */
    struct record defaults;
    struct indicator indicator;
    struct str line;
    bool line_faulty, line_known;
    uint64_t known_lines; /* that had an entry or what only this format has */
    uint64_t skipped[SKIP_COUNT];
    enum status status; /* of the sink; sticky */
    char url[CANONICAL_URL_MAX];
};

/* SINK may be NULL: only counts. FEED may be NULL: defaults of no meaning. */
void intake_init(struct intake *intake, const struct feed *feed, const char *file, const struct feed_sink *sink,
                 struct feed_report *report);
/* Before a line goes to the format. */
void intake_line(struct intake *intake, struct str line);
/* Puts the counts of what was skipped into the report, most frequent first. */
void intake_finish(struct intake *intake);

void intake_comment(struct intake *intake);
void intake_skip(struct intake *intake, enum skip skip, struct str text);
void intake_name(struct intake *intake, struct str text);
void intake_network(struct intake *intake, struct str text); /* an address, a network */
void intake_address_port(struct intake *intake, struct str text);
void intake_url(struct intake *intake, struct str text);
/* What stands in a list of names: a name, or an address or network. */
void intake_name_or_network(struct intake *intake, struct str text);
