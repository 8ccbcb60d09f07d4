#include "feeds/intake.h"

#include <stdio.h>
#include <string.h>

#include "feeds/guard.h"
#include "feeds/normal.h"

_Static_assert((int)FEED_REASONS >= (int)SKIP_COUNT, "a report has room for every reason");

void intake_init(struct intake *intake, const struct feed *feed, const char *file, const struct feed_sink *sink,
                 struct feed_report *report)
{
    memset(intake, 0, offsetof(struct intake, url));
    intake->sink = sink;
    intake->report = report;
    const char *slash = strrchr(file, '/');
    intake->file = slash ? slash + 1 : file;
    if (feed)
        intake->defaults = (struct record){.category = feed->category, .risk = feed->risk};
}

void intake_line(struct intake *intake, struct str line)
{
    intake->line = line;
    intake->line_faulty = intake->line_known = false;
    intake->record = intake->defaults;
    intake->report->lines++;
}

void intake_comment(struct intake *intake)
{
    intake->report->comments++;
}

static void add_example(struct intake *intake, enum skip skip, struct str text)
{
    struct feed_report *report = intake->report;
    if (report->example_count == FEED_EXAMPLES)
        return;
    char shown[72];
    text_printable(shown, sizeof shown, text);
    snprintf(report->examples[report->example_count++], sizeof report->examples[0], "%.32s:%llu: %s: %s", intake->file,
             (unsigned long long)report->lines, shown, skip_text(skip));
}

static void know_line(struct intake *intake)
{
    intake->known_lines += !intake->line_known;
    intake->line_known = true;
}

void intake_skip(struct intake *intake, enum skip skip, struct str text)
{
    intake->skipped[skip]++;
    if (skip_is_fault(skip) && !intake->line_faulty) {
        intake->line_faulty = true;
        intake->report->faulty_lines++;
    }
    if (skip == SKIP_BOILERPLATE)
        know_line(intake);
    else
        add_example(intake, skip, text);
}

/* The indicator is filled but for its record. GUARD: why it must not get into a store, or SKIP_NOT. */
static void hand_on(struct intake *intake, enum indicator_kind kind, enum skip guard, struct str text)
{
    know_line(intake);
    intake->indicator.kind = kind;
    intake->indicator.record = intake->record;
    enum status st = ST_OK;
    if (intake->sink && intake->status == ST_OK)
        st = intake->sink->take(intake->sink->user, &intake->indicator, guard != SKIP_NOT);
    if (st == ST_INVALID)
        guard = SKIP_NO_KEY;
    else if (st != ST_OK)
        intake->status = st;
    if (guard != SKIP_NOT)
        intake_skip(intake, guard, text);
    else
        intake->report->entries[kind]++;
}

void intake_name(struct intake *intake, struct str text)
{
    enum skip skip = normal_name(text, &intake->indicator.name);
    if (skip != SKIP_NOT) {
        intake_skip(intake, skip, text);
        return;
    }
    hand_on(intake, INDICATOR_NAME, guard_name(&intake->indicator.name), text);
}

void intake_network(struct intake *intake, struct str text)
{
    enum skip skip = normal_network(text, &intake->indicator.network);
    if (skip != SKIP_NOT) {
        intake_skip(intake, skip, text);
        return;
    }
    hand_on(intake, INDICATOR_NETWORK, guard_network(&intake->indicator.network), text);
}

void intake_address_port(struct intake *intake, struct str text)
{
    enum skip skip = normal_address_port(text, &intake->indicator.network, &intake->record.port);
    if (skip != SKIP_NOT) {
        intake_skip(intake, skip, text);
        return;
    }
    hand_on(intake, INDICATOR_NETWORK, guard_network(&intake->indicator.network), text);
}

void intake_url(struct intake *intake, struct str text)
{
    enum skip skip = normal_url(text, intake->url, sizeof intake->url, &intake->indicator.url);
    if (skip != SKIP_NOT && skip_is_fault(skip)) {
        intake_skip(intake, skip, text);
        return;
    }
    hand_on(intake, INDICATOR_URL, skip, text);
}

void intake_name_or_network(struct intake *intake, struct str text)
{
    if (looks_like_network(text) && normal_network(text, &intake->indicator.network) == SKIP_NOT)
        hand_on(intake, INDICATOR_NETWORK, guard_network(&intake->indicator.network), text);
    else
        intake_name(intake, text);
}

void intake_finish(struct intake *intake)
{
    struct feed_report *report = intake->report;
    for (;;) {
        enum skip most = SKIP_NOT;
        for (enum skip skip = SKIP_NOT + 1; skip < SKIP_COUNT; skip++)
            if (intake->skipped[skip] > intake->skipped[most])
                most = skip;
        if (most == SKIP_NOT)
            return;
        report->skipped[report->skipped_count].reason = skip_text(most);
        report->skipped[report->skipped_count++].count = intake->skipped[most];
        intake->skipped[most] = 0;
    }
}
