#include "tests/replay/replay_zone.h"

#include "feeds/format.h"
#include "tests/replay/script.h"

static enum status take(void *writer, const struct indicator *indicator, bool guarded)
{
    return guarded ? ST_OK : source_writer_add(writer, indicator);
}

void replay_zone_fill(void *zone, struct source_writer *writer)
{
    static struct intake intake;
    struct buf *text = zone;
    struct str rest = {text->data, text->length}, line;
    struct feed_report report = {0};
    struct feed_sink sink = {.take = take, .user = writer};
    struct feed feed = {.name = "zone", .category = CATEGORY_C2, .risk = RISK_HIGH};
    intake_init(&intake, &feed, "zone", &sink, &report);
    while (str_cut(rest, '\n', &line, &rest))
        format_take_line(format_find(STR("rpz")), &intake, line);
    intake_finish(&intake);
    if (report.example_count)
        script_fail("a line of the zone is not taken", report.examples[0]);
    script_need(intake.status == ST_OK, "a record of the zone can't be stored");
}
