/* The store's look-ups by themselves, for bench/store:
 *
 *   bench_store build DIR NAMES.txt NAMES SOURCES  makes so many sources in DIR
 *   bench_store find DIR NAMES.txt NAMES ROUNDS    prints, each round, nanoseconds a hit and a miss
 *
 * NAMES.txt has a name per line; beyond its length names are made by lengthening their first label. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reputation/source_writer.h"

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

struct names {
    char *text;
    const char **lines;
    size_t count;
};

static struct names read_names(const char *path)
{
    struct names names = {0};
    FILE *file = fopen(path, "r");
    if (!file || fseek(file, 0, SEEK_END))
        fail(path, "cannot be read");
    long size = ftell(file);
    rewind(file);
    names.text = size > 0 ? malloc((size_t)size + 1) : NULL;
    if (!names.text || fread(names.text, 1, (size_t)size, file) != (size_t)size)
        fail(path, "cannot be read");
    fclose(file);
    names.text[size] = '\0';
    names.lines = malloc(((size_t)size / 2 + 1) * sizeof *names.lines);
    if (!names.lines)
        fail(path, "out of memory");
    char *rest = names.text;
    for (char *line; (line = strsep(&rest, "\n"));)
        if (*line)
            names.lines[names.count++] = line;
    return names;
}

/* The Ith name: a line, and lengthened after the first round. */
static void name_at(const struct names *names, size_t i, char out[512])
{
    if (i < names->count)
        snprintf(out, 512, "%s", names->lines[i]);
    else
        snprintf(out, 512, "h%zu-%s", i / names->count, names->lines[i % names->count]);
}

static void build(const struct names *names, const char *dir, unsigned source, size_t from, size_t count)
{
    char name[32], text[512];
    struct fault fault = {0};
    struct source_writer *writer;
    snprintf(name, sizeof name, "source-%u", source);
    struct source_writer_settings settings = {.name = name, .format = "bench", .category = CATEGORY_MALWARE};
    if (source_writer_new(&settings, &writer) != ST_OK)
        fail(name, "out of memory");
    for (size_t i = from; i < from + count; i++) {
        struct indicator indicator = {.kind = INDICATOR_NAME,
                                      .record = {.category = CATEGORY_MALWARE, .risk = RISK_HIGH}};
        name_at(names, i, text);
        if (canonical_host_name(str_of(text), &indicator.name) == ST_OK &&
            source_writer_add(writer, &indicator) == ST_NOMEM)
            fail(name, "out of memory");
    }
    if (source_writer_publish(writer, dir, NULL, NULL, &fault) != ST_OK)
        fail(name, fault.text);
    source_writer_free(writer);
}

enum { SUBJECTS = 1 << 17, LOOKUPS = 1 << 17 };

/* Names of four labels in a shuffled order, of those that are listed or of others. */
static struct dname *make_subjects(const struct names *names, size_t total, bool listed)
{
    struct dname *subjects = calloc(SUBJECTS, sizeof *subjects);
    char name[512], text[600];
    uint64_t random = 88172645463325252u;
    if (!subjects)
        fail("subjects", "out of memory");
    for (size_t n = 0; n < SUBJECTS;) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        name_at(names, random % total, name);
        unsigned dots = 0;
        for (const char *c = name; *c; c++)
            dots += *c == '.';
        if (listed)
            snprintf(text, sizeof text, "%s%s", dots == 1 ? "a.b." : dots == 2 ? "a." : "", name);
        else
            snprintf(text, sizeof text, "www.cdn.x%" PRIx64 ".com", random >> 20);
        n += canonical_host_name(str_of(text), &subjects[n]) == ST_OK;
    }
    return subjects;
}

/* Nanoseconds a look-up; *FOUND counts. */
static double measure(struct store_reader *reader, const struct dname *subjects, size_t *found)
{
    struct store_hit hits[STORE_MAX_HITS];
    double start = seconds(CLOCK_THREAD_CPUTIME_ID);
    *found = 0;
    for (unsigned i = 0; i < LOOKUPS; i++)
        *found += store_find_name(reader, &subjects[i % SUBJECTS], 0, hits, STORE_MAX_HITS) > 0;
    return (seconds(CLOCK_THREAD_CPUTIME_ID) - start) / LOOKUPS * 1e9;
}

static void find(const struct names *names, const char *dir, size_t total, unsigned rounds)
{
    struct fault fault = {0};
    struct store *store = store_new();
    struct store_reader *reader;
    unsigned damaged;
    double start = seconds(CLOCK_MONOTONIC);
    if (!store || store_add_directory(store, dir, &damaged, &fault) != ST_OK || damaged)
        fail(dir, fault.text);
    double opened = seconds(CLOCK_MONOTONIC);
    if (store_prepare(store) != ST_OK || store_reader_new(store, &reader) != ST_OK)
        fail(dir, "out of memory");
    printf("sources %zu\nopen_ms %.1f\nprepare_ms %.1f\n", store_source_count(store), (opened - start) * 1e3,
           (seconds(CLOCK_MONOTONIC) - opened) * 1e3);
    struct dname *listed = make_subjects(names, total, true), *others = make_subjects(names, total, false);
    for (unsigned round = 0; round <= rounds; round++) { /* the first one warms */
        size_t found, wrong;
        double hit = measure(reader, listed, &found), miss = measure(reader, others, &wrong);
        if (found != LOOKUPS || wrong)
            fail(dir, "look-ups are wrong");
        if (round)
            printf("hit_ns %.0f\nmiss_ns %.0f\n", hit, miss);
    }
    free(listed);
    free(others);
    store_reader_free(reader);
    store_free(store);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        fail("usage", "bench_store build|find DIR NAMES.txt NAMES SOURCES|ROUNDS");
    struct names names = read_names(argv[3]);
    size_t total = strtoull(argv[4], NULL, 10);
    unsigned number = (unsigned)strtoul(argv[5], NULL, 10);
    if (!total || !number)
        fail(argv[3], "there are no names");
    if (!strcmp(argv[1], "find"))
        find(&names, argv[2], total, number);
    for (unsigned i = 0; !strcmp(argv[1], "build") && i < number; i++)
        build(&names, argv[2], i, total / number * i, total / number);
    free(names.lines);
    free(names.text);
    return 0;
}
