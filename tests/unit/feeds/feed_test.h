/* What the tests of feeds share: scratch directories, files, a sink that counts. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feeds/feeds.h"

static char scratch[64];
static const struct feed_site site = {.state_dir = scratch};

static inline int make_scratch(void **state)
{
    (void)state;
    strcpy(scratch, "/tmp/ccward-feeds-XXXXXX");
    return mkdtemp(scratch) ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *about, int type, struct FTW *place)
{
    (void)about;
    (void)type;
    (void)place;
    return remove(path);
}

static inline int remove_scratch(void **state)
{
    (void)state;
    return nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* SCRATCH/NAME, in one of a few static buffers. */
static inline const char *in_scratch(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
    return path;
}

static inline const char *write_file(const char *name, const void *data, size_t n)
{
    const char *path = in_scratch(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
    return path;
}

static inline const char *write_text(const char *name, const char *text)
{
    return write_file(name, text, strlen(text));
}

static inline uint64_t skipped_for(const struct feed_report *report, const char *reason)
{
    for (size_t i = 0; i < report->skipped_count; i++)
        if (!strcmp(report->skipped[i].reason, reason))
            return report->skipped[i].count;
    return 0;
}

/* What a dry run dumps of one kind, NUL-terminated; freed by the caller. */
static inline char *dump_of(const char *path, const char *format, enum feed_dump dump, enum status *st,
                            struct feed_report *report, struct fault *fault)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    struct feed feed = {.name = "mine", .format = format, .category = CATEGORY_C2, .risk = RISK_HIGH};
    assert_non_null(out);
    *st = feed_try(NULL, path, &feed, false, dump, out, report, fault);
    fclose(out);
    return text;
}

/* Reads TEXT and expects these entries, sorted, one a line. */
static inline struct feed_report expect(const char *format, const char *text, enum feed_dump dump, const char *entries)
{
    struct feed_report report;
    struct fault fault = {0};
    enum status st;
    char *got = dump_of(write_text("feed", text), format, dump, &st, &report, &fault);
    assert_string_equal(fault.text, "");
    assert_int_equal(st, ST_OK);
    assert_string_equal(got, entries);
    free(got);
    return report;
}

/* The record of the last entry of a feed, with copies of its texts. */
struct kept {
    enum indicator_kind kind;
    enum category category;
    enum risk risk;
    unsigned confidence, flags, port, count;
    uint32_t first_seen, last_seen, expires;
    char family[256], reference[256], tags[256];
    enum record_trigger trigger;
    enum record_answer answer;
    size_t data_length;
    uint8_t data[1024];
};

static inline enum status keep_record(void *user, const struct indicator *indicator, bool guarded)
{
    struct kept *kept = user;
    const struct record *record = &indicator->record;
    if (guarded)
        return ST_OK;
    *kept = (struct kept){indicator->kind,
                          record->category,
                          record->risk,
                          record->confidence,
                          record->flags,
                          record->port,
                          kept->count + 1,
                          record->first_seen,
                          record->last_seen,
                          record->expires,
                          "",
                          "",
                          ""};
    text_copy(kept->family, sizeof kept->family, record->family);
    text_copy(kept->reference, sizeof kept->reference, record->reference);
    text_copy(kept->tags, sizeof kept->tags, record->tags);
    kept->trigger = record->trigger;
    kept->answer = record->answer;
    kept->data_length = record->data.length;
    if (record->data.length)
        memcpy(kept->data, record->data.data, record->data.length);
    return ST_OK;
}

static inline struct kept record_of(const char *format, const char *text)
{
    struct feed feed = {.name = "mine", .format = format, .category = CATEGORY_SCAM, .risk = RISK_MEDIUM};
    struct kept kept = {0};
    struct feed_report report;
    struct fault fault = {0};
    struct feed_sink sink = {.take = keep_record, .user = &kept};
    enum status st = feed_parse(write_text("feed", text), &feed, false, &sink, &report, &fault);
    assert_string_equal(fault.text, "");
    assert_int_equal(st, ST_OK);
    return kept;
}
