/* One feed format over arbitrary bytes, as the lines or documents of a file. What comes out must be in normal form. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "feeds/format.h"
#include "feeds/normal.h"
#include "reputation/record_codec.h"

/* Local data of a policy zone is one whole record. */
static inline void check_data(const struct record *record)
{
    struct cursor data = cursor_over(record->data.data, record->data.length);
    CHECK(record->answer < RECORD_ANSWER_COUNT && record->trigger < TRIGGER_COUNT);
    CHECK(!record->data.length || record->answer == RECORD_ANSWER_DATA);
    if (!record->data.length)
        return;
    CHECK(record->data.length <= RECORD_DATA_MAX && cursor_u16(&data));
    CHECK(cursor_u32(&data) <= INT32_MAX);
    cursor_bytes(&data, cursor_u16(&data));
    CHECK(!data.failed && !cursor_left(&data));
}

/* Every entry must be taken again as it is, unchanged. */
static enum status check_entry(void *user, const struct indicator *indicator, bool guarded)
{
    static char out[CANONICAL_URL_MAX];
    struct str url;
    (void)user;
    (void)guarded;
    check_data(&indicator->record);
    if (indicator->kind == INDICATOR_NAME) {
        char text[DNAME_TEXT_SIZE];
        struct dname again;
        dname_to_text(&indicator->name, text);
        CHECK(normal_name(str_of(text), &again) == SKIP_NOT);
        CHECK(again.length == indicator->name.length && !memcmp(again.wire, indicator->name.wire, again.length));
    } else if (indicator->kind == INDICATOR_URL) {
        enum skip skip = normal_url(indicator->url, out, sizeof out, &url);
        CHECK(!skip_is_fault(skip) && str_eq(url, indicator->url));
    } else {
        CHECK(indicator->network.prefix > 0 && indicator->network.prefix <= 128);
    }
    return ST_OK;
}

static enum status check_aside(void *user, enum feed_dump kind, struct str text)
{
    (void)user;
    CHECK(kind > FEED_DUMP_IP_PORTS && kind < FEED_DUMP_KINDS);
    CHECK(text.length && !memchr(text.data, '\0', text.length));
    return ST_OK;
}

static inline void fuzz_lines(const struct format *format, struct intake *intake, struct str rest)
{
    struct str line, again = rest;
    while (format->survey && str_cut(again, '\n', &line, &again))
        format_survey_line(format, intake, line);
    (void)format_score(format, rest, '\n');
    while (str_cut(rest, '\n', &line, &rest))
        format_take_line(format, intake, line);
    format_take_line(format, intake, rest);
}

static inline void fuzz_documents(const struct format *format, struct intake *intake, struct str rest)
{
    json_error_t error;
    json_t *root;
    struct str again = rest;
    while (format->survey_document && (root = json_loadb(again.data, again.length, JSON_DISABLE_EOF_CHECK, &error))) {
        format->survey_document(intake, root);
        json_decref(root);
        again = str_from(again, (size_t)error.position);
    }
    while ((root = json_loadb(rest.data, rest.length, JSON_DISABLE_EOF_CHECK, &error))) {
        (void)format_detect_document(root);
        if (format->knows(root))
            format->document(intake, root);
        json_decref(root);
        rest = str_from(rest, (size_t)error.position);
    }
}

static inline void fuzz_format(const char *name, const uint8_t *data, size_t size)
{
    struct feed_sink sink = {.take = check_entry, .aside = check_aside};
    struct feed_report report = {0};
    struct intake intake;
    struct str rest = {(const char *)data, size};
    const struct format *format = format_find(str_of(name));
    CHECK(format);
    intake_init(&intake, NULL, "fuzz", &sink, &report);
    if (format->document)
        fuzz_documents(format, &intake, rest);
    else
        fuzz_lines(format, &intake, rest);
    format_finish(format, &intake);
    CHECK(report.faulty_lines + report.comments <= report.lines);
}
