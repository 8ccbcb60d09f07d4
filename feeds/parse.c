#include "feeds/parse.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feeds/format.h"
#include "feeds/interrupt.h"
#include "feeds/lines.h"
#include "feeds/progress.h"
#include "feeds/sniff.h"

static enum status choose_format(const struct lines *lines, const char *name, const struct feed *feed,
                                 const struct format **format, struct fault *fault)
{
    struct str sample = lines_sample(lines);
    bool is_auto = str_eq(str_of(feed->format), STR("auto")), empty = false;
    *format = is_auto ? NULL : format_find(str_of(feed->format));
    if (!*format && !is_auto)
        return fault_set(fault, ST_UNSUPPORTED, "unknown feed format '%s'; there are: %s", feed->format,
                         feed_format_names());
    if (is_auto)
        *format = format_detect(sample, lines->separator, &empty);
    const char *refusal = sniff_refusal(sample, *format ? (*format)->starts : NULL);
    if (refusal)
        return fault_set(fault, ST_INVALID, "%s: %s", name, refusal);
    if (empty)
        return fault_set(fault, ST_INVALID, "%s: no entries", name);
    return *format ? ST_OK
                   : fault_set(fault, ST_UNSUPPORTED, "%s: can't tell its format; name one of: %s", name,
                               feed_format_names());
}

static uint64_t total_entries(const struct feed_report *report)
{
    uint64_t sum = 0;
    for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
        sum += report->entries[kind];
    return sum;
}

static enum status take_lines(struct lines *lines, const char *name, const struct format *format, struct intake *intake,
                              struct progress *progress, struct fault *fault)
{
    for (;;) {
        struct str line;
        switch (lines_next(lines, &line)) {
        case LINE_TEXT:
            format_take_line(format, intake, line);
            break;
        case LINE_TOO_LONG:
            intake_line(intake, line);
            intake_skip(intake, SKIP_LONG_LINE, line);
            break;
        case LINE_END:
            return ST_OK;
        case LINE_FAILED:
            return interrupted() ? fault_set(fault, ST_CLOSED, "interrupted")
                                 : fault_errno(fault, ST_IO, "can't read %s", name);
        }
        if (intake->status != ST_OK)
            return fault_set(fault, intake->status, "%s:%llu: can't take the entry: %s", name,
                             (unsigned long long)lines->number, status_text(intake->status));
        if (lines->number % 1024)
            continue;
        if (interrupted())
            return fault_set(fault, ST_CLOSED, "interrupted");
        progress_show(progress, lines->bytes, total_entries(intake->report));
    }
}

/* Whether what was read looks like a feed. */
static enum status judge(const char *name, const struct feed_report *report, struct fault *fault)
{
    uint64_t content = report->lines - report->comments;
    if (content >= FEED_MIN_JUDGED_LINES && report->faulty_lines * 100 > content * FEED_MAX_INVALID_PERCENT)
        return fault_set(fault, ST_INVALID, "%s: %llu of %llu lines are not as format '%s' wants them, such as %s",
                         name, (unsigned long long)report->faulty_lines, (unsigned long long)content, report->format,
                         report->examples[0]);
    if (total_entries(report))
        return ST_OK;
    return report->example_count ? fault_set(fault, ST_INVALID, "%s: no entries: %s", name, report->examples[0])
                                 : fault_set(fault, ST_INVALID, "%s: no entries", name);
}

enum status parse_fd(int fd, const char *name, const struct feed *feed, bool progress, const struct feed_sink *sink,
                     struct feed_report *report, struct fault *fault)
{
    struct lines lines;
    struct progress bar;
    const struct format *format;
    struct stat about = {0};
    *report = (struct feed_report){0};
    enum status st = lines_init(&lines, fd);
    if (st != ST_OK)
        return st == ST_IO ? fault_errno(fault, st, "can't read %s", name)
                           : fault_set(fault, st, "%s", status_text(st));
    progress_init(&bar, progress, feed->name, fstat(fd, &about) ? 0 : (uint64_t)about.st_size);
    st = choose_format(&lines, name, feed, &format, fault);
    if (st != ST_OK)
        goto out;
    text_copy(report->format, sizeof report->format, str_of(format->name));

    struct intake intake;
    intake_init(&intake, feed, name, sink, report);
    st = take_lines(&lines, name, format, &intake, &bar, fault);
    intake_finish(&intake);
    if (st == ST_OK)
        st = judge(name, report, fault);
out:
    progress_fini(&bar);
    lines_fini(&lines);
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
