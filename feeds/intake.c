#include "feeds/intake.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "feeds/banner.h"
#include "feeds/expiry.h"
#include "feeds/guard_set.h"
#include "feeds/normal.h"

_Static_assert((int)FEED_REASONS >= (int)SKIP_COUNT, "a report has room for every reason");
_Static_assert((int)FEED_GUARDS_MAX >= (int)GUARD_COUNT, "a report has room for every guard");

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
    intake->feed = feed;
    intake->listed_s = expiry_listed_s(feed);
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

void intake_late(struct intake *intake)
{
    intake->held = SKIP_NOT;
    intake->record = intake->defaults;
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
    if (intake->line_faulty) /* for what was before it */
        return;
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

void intake_tag(struct intake *intake, struct str tag)
{
    clean_add_tag(&intake->record, &intake->texts, tag);
}

void intake_tags(struct intake *intake, struct str tags)
{
    for (bool more = tags.length > 0; more;) {
        struct str tag, rest = {0};
        more = str_cut(tags, ',', &tag, &rest);
        intake_tag(intake, more ? tag : tags);
        tags = rest;
    }
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
    else if (skip != SKIP_BEYOND_TOP)
        add_example(intake, skip, text);
}

void intake_skip_unfinished(struct intake *intake, struct str text)
{
    bool comment = intake->report->comments > 0;
    intake->report->comments -= comment;
    intake->line_faulty = !comment;
    intake_skip(intake, SKIP_NOT_RULE, text);
}

static enum guard guard_of(const struct intake *intake)
{
    const struct indicator *indicator = &intake->indicator;
    struct guard_set *guards = intake->sink->guards;
    switch (indicator->kind) {
    case INDICATOR_NAME:
        return guard_set_name(guards, &indicator->name, indicator->record.flags);
    case INDICATOR_URL:
        return guard_set_url(guards, indicator->url);
    case INDICATOR_NETWORK:
        return guard_set_network(guards, &indicator->network);
    }
    return GUARD_NOT;
}

/* What the feed's settings and the guards make of an entry. */
static void settle(struct intake *intake)
{
    const struct feed *feed = intake->feed;
    struct record *record = &intake->indicator.record;
    if (intake->exact_names && intake->indicator.kind == INDICATOR_NAME)
        record->flags |= RECORD_EXACT;
    if (feed && !record->expires)
        record->expires = expiry_of(feed, intake->indicator.kind, record->category, intake->listed_s);
    if (record->flags & RECORD_ALLOW)
        return;
    if (feed && record->confidence && record->confidence < feed->min_confidence) {
        record->flags |= RECORD_LOG;
        intake->report->unsure++;
    }
    enum guard guard = GUARD_NOT;
    if (intake->sink && intake->sink->guards && record->trigger != TRIGGER_CLIENT)
        guard = guard_of(intake);
    if (guard != GUARD_NOT) {
        record->flags |= RECORD_LOG | RECORD_GUARDED;
        intake->guarded[guard]++;
    }
}

/* Why an entry that is well-formed does not get into a store. SKIP: what the guards say of it. */
static enum skip skip_of(const struct intake *intake, enum skip skip)
{
    const struct indicator *indicator = &intake->indicator;
    const struct guard_set *guards = intake->sink ? intake->sink->guards : NULL;
    /* An exemption blocks nothing, and a policy zone's rules for clients are about the machine and its neighbours. */
    if (intake->record.flags & RECORD_ALLOW || intake->record.trigger == TRIGGER_CLIENT)
        skip = SKIP_NOT;
    else if (skip == SKIP_NOT && guards && indicator->kind == INDICATOR_NETWORK &&
             guard_set_is_own(guards, &indicator->network))
        skip = SKIP_OWN_ADDRESS;
    if (intake->held != SKIP_NOT)
        skip = intake->held;
    if (skip == SKIP_NOT && intake->feed && intake->feed->top && intake->taken >= intake->feed->top)
        skip = SKIP_BEYOND_TOP;
    return skip;
}

/* The indicator is filled but for its record. SKIP: why it must not get into a store, or SKIP_NOT. */
static void hand_on(struct intake *intake, enum indicator_kind kind, enum skip skip, struct str text)
{
    intake_know(intake);
    intake->indicator.kind = kind;
    clean_record(&intake->record, &intake->texts);
    intake->indicator.record = intake->record;
    skip = skip_of(intake, skip);
    if (skip == SKIP_NOT)
        settle(intake);
    enum status st = ST_OK;
    if (intake->sink && intake->status == ST_OK)
        st = intake->sink->take(intake->sink->user, &intake->indicator, skip != SKIP_NOT);
    if (st == ST_INVALID)
        skip = SKIP_NO_KEY;
    else if (st != ST_OK)
        intake->status = st;
    if (skip != SKIP_NOT) {
        intake_skip(intake, skip, text);
    } else {
        intake->taken++;
        intake->report->entries[kind]++;
    }
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

/* The index of the largest count after the first; 0: all are zero. */
static size_t largest(const uint64_t *counts, size_t count)
{
    size_t most = 0;
    for (size_t i = 1; i < count; i++)
        if (counts[i] > (most ? counts[most] : 0))
            most = i;
    return most;
}

void intake_finish(struct intake *intake)
{
    struct feed_report *report = intake->report;
    for (size_t most; (most = largest(intake->skipped, SKIP_COUNT)) != SKIP_NOT;) {
        report->skipped[report->skipped_count].reason = skip_text((enum skip)most);
        report->skipped[report->skipped_count++].count = intake->skipped[most];
        intake->skipped[most] = 0;
    }
    for (size_t most; (most = largest(intake->guarded, GUARD_COUNT)) != GUARD_NOT;) {
        report->guarded[report->guarded_count].reason = guard_text((enum guard)most);
        report->guarded[report->guarded_count++].count = intake->guarded[most];
        intake->guarded[most] = 0;
    }
}
