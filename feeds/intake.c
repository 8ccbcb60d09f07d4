#include "feeds/intake.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "feeds/banner.h"
#include "feeds/guard.h"
#include "feeds/normal.h"

_Static_assert((int)FEED_REASONS >= (int)SKIP_COUNT, "a report has room for every reason");

/* The last part of a path or URL, up to its first dot. */
static struct str title_of(struct str text)
{
    struct str rest;
    str_cut(text, '?', &text, &rest);
    const char *slash = text.length ? memrchr(text.data, '/', text.length) : NULL;
    if (slash)
        text = str_from(text, (size_t)(slash - text.data) + 1);
    str_cut(text, '.', &text, &rest);
    return text;
}

void intake_init(struct intake *intake, const struct feed *feed, const char *file, const struct feed_sink *sink,
                 struct feed_report *report)
{
    memset(intake, 0, offsetof(struct intake, url));
    intake->sink = sink;
    intake->report = report;
    const char *slash = strrchr(file, '/');
    intake->file = slash ? slash + 1 : file;
    text_copy(intake->title, sizeof intake->title, title_of(str_of(feed && feed->url ? feed->url : file)));
    if (feed)
        intake->defaults = (struct record){.category = feed->category, .risk = feed->risk};
}

void intake_line(struct intake *intake, struct str line)
{
    intake->line = line;
    intake->line_faulty = intake->line_known = false;
    intake->held = SKIP_NOT;
    intake->record = intake->defaults;
    intake->report->lines++;
}

void intake_declared(struct intake *intake, uint64_t count)
{
    if (count > intake->report->declared)
        intake->report->declared = count;
}

void intake_comment(struct intake *intake)
{
    struct feed_report *report = intake->report;
    uint64_t count;
    report->comments++;
    if (!intake->line.length)
        return;
    if (banner_count(intake->line, &count))
        intake_declared(intake, count);
    /* Later comments are on entries. */
    if (report->comments == report->lines && !report->notice[0] && banner_says_end(intake->line))
        text_printable(report->notice, sizeof report->notice, str_trim(intake->line));
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

void intake_know(struct intake *intake)
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
        intake_know(intake);
    else
        add_example(intake, skip, text);
}

/* The indicator is filled but for its record. GUARD: why it must not get into a store, or SKIP_NOT. */
static void hand_on(struct intake *intake, enum indicator_kind kind, enum skip guard, struct str text)
{
    intake_know(intake);
    intake->indicator.kind = kind;
    intake->indicator.record = intake->record;
    if (intake->record.flags & RECORD_ALLOW) /* an exemption blocks nothing */
        guard = SKIP_NOT;
    if (intake->held != SKIP_NOT)
        guard = intake->held;
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

void intake_bare_url(struct intake *intake, struct str text)
{
    struct buf url = {.max_bytes = CANONICAL_URL_MAX};
    buf_add_text(&url, "http://");
    buf_add(&url, text.data, text.length);
    if (url.failed)
        intake_skip(intake, SKIP_LONG_URL, text);
    else
        intake_url(intake, (struct str){url.data, url.length});
    buf_free(&url);
}

void intake_name_port(struct intake *intake, struct str text)
{
    struct str host = text, port = {0};
    struct dname name;
    char shown[DNAME_TEXT_SIZE + 8];
    uint64_t number = 0;
    str_cut(text, ':', &host, &port);
    enum skip skip = normal_name(host, &name);
    if (skip == SKIP_NOT && (text_u64(port, 65535, &number) != ST_OK || !number))
        skip = SKIP_NOT_NAME;
    if (skip != SKIP_NOT) {
        intake_skip(intake, skip, text);
        return;
    }
    dname_to_text(&name, shown);
    size_t n = strlen(shown);
    snprintf(shown + n, sizeof shown - n, ":%u", (unsigned)number);
    intake_aside(intake, FEED_DUMP_HOST_PORTS, str_of(shown));
    intake_bare_url(intake, str_of(shown));
}

void intake_aside(struct intake *intake, enum feed_dump kind, struct str text)
{
    if (intake->sink && intake->sink->aside && intake->status == ST_OK)
        intake->status = intake->sink->aside(intake->sink->user, kind, text);
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
