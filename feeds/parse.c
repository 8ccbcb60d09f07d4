#include "feeds/parse.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feeds/document.h"
#include "feeds/format.h"
#include "feeds/interrupt.h"
#include "feeds/json.h"
#include "feeds/lines.h"
#include "feeds/not_list.h"
#include "feeds/progress.h"
#include "feeds/sniff.h"
#include "feeds/spool.h"

/* One file on its way through a format. */
struct parse {
    const char *name;
    const struct feed *feed;
    const struct format *format;
    struct lines lines;
    struct document document; /* of a format of JSON */
    struct intake intake;
    struct progress progress;
    int fd;
    off_t start;
};

static bool looks_like_json(struct str sample)
{
    size_t at = 0;
    while (at < sample.length &&
           (sample.data[at] == ' ' || sample.data[at] == '\t' || sample.data[at] == '\r' || sample.data[at] == '\n'))
        at++;
    return at < sample.length && (sample.data[at] == '{' || sample.data[at] == '[');
}

static enum status open_document(struct parse *parse, struct fault *fault)
{
    const struct format *wanted = parse->format;
    char why[256];
    enum status st = document_open(&parse->document, &parse->lines, parse->name, fault);
    if (st != ST_OK)
        return st;
    json_t *root = parse->document.root;
    bool may_be_empty = wanted && parse->feed->can_be_empty;
    if (!root || (!wanted && json_is_empty(root)))
        return may_be_empty ? ST_OK : fault_set(fault, ST_INVALID, "%s: no entries", parse->name);
    if (!wanted)
        parse->format = format_detect_document(root);
    /* [] and {} look alike in all formats. */
    if (parse->format && (parse->format->knows(root) || json_is_empty(root)))
        return ST_OK;
    if (not_list_explain(root, why, sizeof why))
        return fault_set(fault, ST_INVALID, "%s: %s", parse->name, why);
    return wanted ? fault_set(fault, ST_INVALID, "%s: it is JSON, but not as format '%s' has it", parse->name,
                              wanted->name)
                  : fault_set(fault, ST_INVALID, "%s: it is JSON of no known format; there are: %s", parse->name,
                              feed_format_names());
}

static enum status choose_format(struct parse *parse, struct fault *fault)
{
    struct str sample = lines_sample(&parse->lines), wanted = str_of(parse->feed->format);
    bool is_auto = str_eq(wanted, STR("auto")), empty = false;
    parse->format = is_auto ? format_detect(sample, parse->lines.separator, &empty) : format_find(wanted);
    if (!parse->format && !is_auto)
        return fault_set(fault, ST_UNSUPPORTED, "unknown feed format '%s'; there are: %s", parse->feed->format,
                         feed_format_names());
    bool json = parse->format ? parse->format->document != NULL : looks_like_json(sample);
    const char *refusal = sniff_refusal(sample, json ? "{[" : parse->format ? parse->format->starts : NULL);
    if (refusal)
        return fault_set(fault, ST_INVALID, "%s: %s", parse->name, refusal);
    if (json)
        return open_document(parse, fault);
    if (empty && parse->feed->can_be_empty) /* comments are the same to most */
        parse->format = format_find(STR("domains"));
    else if (empty)
        return fault_set(fault, ST_INVALID, "%s: no entries", parse->name);
    return parse->format ? ST_OK
                         : fault_set(fault, ST_UNSUPPORTED, "%s: can't tell its format; name one of: %s", parse->name,
                                     feed_format_names());
}

static uint64_t total_entries(const struct feed_report *report)
{
    uint64_t sum = 0;
    for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
        sum += report->entries[kind];
    return sum;
}

static enum status intake_failure(const struct parse *parse, struct fault *fault)
{
    const struct intake *intake = &parse->intake;
    return fault_set(fault, intake->status, "%s:%llu: can't take the entry: %s", parse->name,
                     (unsigned long long)intake->report->lines, status_text(intake->status));
}

static void take_one(struct parse *parse, enum line kind, struct str line, bool survey)
{
    if (survey && kind == LINE_TEXT) {
        format_survey_line(parse->format, &parse->intake, line);
    } else if (kind == LINE_TEXT) {
        format_take_line(parse->format, &parse->intake, line);
    } else if (!survey) {
        intake_line(&parse->intake, line);
        intake_skip(&parse->intake, SKIP_LONG_LINE, line);
    }
}

static enum status take_lines(struct parse *parse, bool survey, struct fault *fault)
{
    struct lines *lines = &parse->lines;
    for (;;) {
        struct str line;
        enum line kind = lines_next(lines, &line);
        switch (kind) {
        case LINE_TEXT:
        case LINE_TOO_LONG:
            take_one(parse, kind, line, survey);
            break;
        case LINE_END:
            return ST_OK;
        case LINE_FAILED:
            return lines_failure(lines, parse->name, fault);
        }
        if (parse->intake.status != ST_OK)
            return intake_failure(parse, fault);
        if (lines->number % 1024)
            continue;
        if (interrupted())
            return fault_set(fault, ST_CLOSED, "interrupted");
        progress_show(&parse->progress, lines->body.packed, total_entries(parse->intake.report));
    }
}

static enum status take_documents(struct parse *parse, bool survey, struct fault *fault)
{
    enum status st = ST_OK;
    while (st == ST_OK && parse->document.root) {
        if (survey)
            parse->format->survey_document(&parse->intake, parse->document.root);
        else
            format_take_document(parse->format, &parse->intake, parse->document.root);
        if (parse->intake.status != ST_OK)
            return intake_failure(parse, fault);
        if (interrupted())
            return fault_set(fault, ST_CLOSED, "interrupted");
        progress_show(&parse->progress, parse->lines.body.packed, total_entries(parse->intake.report));
        st = document_next(&parse->document, fault);
    }
    return st;
}

/* How much there was, taken or not: lines, or entries where lines have several. */
static uint64_t total_found(const struct feed_report *report)
{
    uint64_t lines = report->lines - report->comments, entries = total_entries(report);
    for (size_t i = 0; i < report->skipped_count; i++)
        entries += report->skipped[i].count;
    return lines > entries ? lines : entries;
}

static enum status no_entries(const char *name, const struct feed_report *report, struct fault *fault)
{
    if (report->notice[0])
        return fault_set(fault, ST_INVALID, "%s: no entries; it says: %s", name, report->notice);
    return report->example_count ? fault_set(fault, ST_INVALID, "%s: no entries: %s", name, report->examples[0])
                                 : fault_set(fault, ST_INVALID, "%s: no entries", name);
}

/* Whether what was read looks like a feed. */
static enum status judge(const char *name, const struct feed *feed, const struct feed_report *report,
                         struct fault *fault)
{
    uint64_t content = report->lines - report->comments;
    if (content >= FEED_MIN_JUDGED_LINES && report->faulty_lines * 100 > content * FEED_MAX_INVALID_PERCENT)
        return fault_set(fault, ST_INVALID, "%s: %llu of %llu lines are not as format '%s' wants them, such as %s",
                         name, (unsigned long long)report->faulty_lines, (unsigned long long)content, report->format,
                         report->examples[0]);
    if (!total_entries(report) && !feed->can_be_empty)
        return no_entries(name, report, fault);
    if (total_found(report) < report->declared)
        return fault_set(fault, ST_INVALID, "%s: it says that it has %llu entries, but has %llu: it is not whole", name,
                         (unsigned long long)report->declared, (unsigned long long)total_found(report));
    return ST_OK;
}

static enum status open_lines(struct parse *parse, struct fault *fault)
{
    enum status st = lines_init(&parse->lines, parse->fd);
    if (st == ST_OK)
        return ST_OK;
    return st == ST_IO ? lines_failure(&parse->lines, parse->name, fault) : fault_set(fault, st, "%s", status_text(st));
}

static enum status take_all(struct parse *parse, bool survey, struct fault *fault)
{
    return parse->format->document ? take_documents(parse, survey, fault) : take_lines(parse, survey, fault);
}

static enum status rewind_all(struct parse *parse, struct fault *fault)
{
    bool documents = parse->format->document;
    document_close(&parse->document);
    parse->document = (struct document){0};
    lines_fini(&parse->lines);
    if (lseek(parse->fd, parse->start, SEEK_SET) < 0)
        return fault_errno(fault, ST_IO, "can't rewind %s", parse->name);
    enum status st = open_lines(parse, fault);
    return st == ST_OK && documents ? document_open(&parse->document, &parse->lines, parse->name, fault) : st;
}

/* In two readings where its lines or documents speak of each other. */
static enum status take_feed(struct parse *parse, struct fault *fault)
{
    enum status st = ST_OK;
    if (parse->format->survey || parse->format->survey_document) {
        st = take_all(parse, true, fault);
        if (st == ST_OK)
            st = rewind_all(parse, fault);
    }
    if (st == ST_OK)
        st = take_all(parse, false, fault);
    format_finish(parse->format, &parse->intake);
    return st == ST_OK && parse->intake.status != ST_OK ? intake_failure(parse, fault) : st;
}

enum status parse_fd(int fd, const char *name, const struct feed *feed, bool progress, const struct feed_sink *sink,
                     struct feed_report *report, struct fault *fault)
{
    struct stat about = {0};
    *report = (struct feed_report){0};
    struct parse *parse = calloc(1, sizeof *parse);
    if (!parse)
        return fault_set(fault, ST_NOMEM, "%s", status_text(ST_NOMEM));
    bool own = false;
    parse->name = name;
    parse->feed = feed;
    enum status st = spool(fd, name, &parse->fd, &own, fault);
    if (st != ST_OK) {
        free(parse);
        return st;
    }
    parse->start = lseek(parse->fd, 0, SEEK_CUR);
    st = open_lines(parse, fault);
    if (st != ST_OK)
        goto out;
    progress_init(&parse->progress, progress, feed->name, fstat(fd, &about) ? 0 : (uint64_t)about.st_size);
    st = choose_format(parse, fault);
    if (st != ST_OK)
        goto out;
    text_copy(report->format, sizeof report->format, str_of(parse->format->name));
    intake_init(&parse->intake, feed, name, sink, report);
    parse->intake.exact_names = feed->match == FEED_MATCH_EXACT && !parse->format->own_match;
    st = take_feed(parse, fault);
    if (st == ST_OK)
        st = judge(name, feed, report, fault);
out:
    progress_fini(&parse->progress);
    document_close(&parse->document);
    lines_fini(&parse->lines);
    if (own)
        close(parse->fd);
    free(parse);
    return st;
}

enum status feed_parse(const char *path, const struct feed *feed, bool progress, const struct feed_sink *sink,
                       struct feed_report *report, struct fault *fault)
{
    *report = (struct feed_report){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fault_errno(fault, ST_IO, "can't open %s", path);
    enum status st = parse_fd(fd, path, feed, progress, sink, report, fault);
    close(fd);
    return st;
}
