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
    *st = feed_try(path, &feed, false, dump, out, report, fault);
    fclose(out);
    return text;
}
