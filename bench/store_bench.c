/* Look-up and import figures of the reputation store: bench_store NAMES.txt [NAMES [SOURCES]].
 *
 * NAMES.txt has a name per line; beyond its length names are made by lengthening their first label. Builds the sources
 * in a directory under $TMPDIR, prints CPU seconds, bytes a name, and nanoseconds a look-up, and removes it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "reputation/source_writer.h"

enum { LOOKUPS = 2000000 };

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

static void import(const struct names *names, const char *dir, unsigned source, size_t from, size_t count)
{
    char name[32], text[512];
    struct fault fault = {0};
    struct source_writer *writer;
    struct source_info info;
    snprintf(name, sizeof name, "source-%u", source);
    struct source_writer_settings settings = {.name = name, .format = "bench", .category = CATEGORY_MALWARE};
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
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
    double added = seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (source_writer_publish(writer, dir, NULL, &info, &fault) != ST_OK)
        fail(name, fault.text);
    source_writer_free(writer);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    if (!source)
        printf("import: %" PRIu64 " names, %.2f s CPU (%.2f s adding), %.1f bytes a name, peak %ld MiB\n",
               info.counts[INDICATOR_NAME], seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, added - cpu,
               (double)info.size_bytes / (double)info.counts[INDICATOR_NAME], usage.ru_maxrss / 1024);
}

/* Nanoseconds a look-up of subjects in a shuffled order. */
static void measure(struct store_reader *reader, const struct names *names, size_t total, const char *what, bool hit)
{
    enum { SUBJECTS = 1 << 17 };
    struct dname *subjects = calloc(SUBJECTS, sizeof *subjects);
    struct store_hit hits[STORE_MAX_HITS];
    char name[512], text[600];
    size_t found = 0, n = 0;
    uint64_t random = 88172645463325252u;
    if (!subjects)
        fail(what, "out of memory");
    while (n < SUBJECTS) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        name_at(names, random % total, name);
        unsigned dots = 0;
        for (const char *c = name; *c; c++)
            dots += *c == '.';
        const char *front = dots == 1 ? "a.b." : dots == 2 ? "a." : "";
        if (hit)
            snprintf(text, sizeof text, "%s%s", front, name);
        else
            snprintf(text, sizeof text, "www.cdn.x%" PRIx64 ".com", random >> 20);
        n += canonical_host_name(str_of(text), &subjects[n]) == ST_OK;
    }
    for (unsigned round = 0; round < 2; round++) { /* the first one warms */
        found = 0;
        double start = seconds(CLOCK_THREAD_CPUTIME_ID);
        for (unsigned i = 0; i < LOOKUPS; i++)
            found += store_find_name(reader, &subjects[i % SUBJECTS], 0, hits, STORE_MAX_HITS) > 0;
        double took = seconds(CLOCK_THREAD_CPUTIME_ID) - start;
        if (round)
            printf("look-up, %s: %.0f ns, %.1f %% found\n", what, took / LOOKUPS * 1e9,
                   100.0 * (double)found / LOOKUPS);
    }
    free(subjects);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        fail("usage", "bench_store NAMES.txt [NAMES [SOURCES]]");
    struct names names = read_names(argv[1]);
    size_t total = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    unsigned sources = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 10;
    char dir[] = "/tmp/ccward-bench-XXXXXX", command[64];
    struct fault fault = {0};
    struct store *store = store_new();
    struct store_reader *reader;
    unsigned damaged;
    if (!mkdtemp(dir) || !sources || !store)
        fail(dir, "cannot be made");
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned i = 0; i < sources; i++)
        import(&names, dir, i, total / sources * i, total / sources);
    double start = seconds(CLOCK_MONOTONIC);
    if (store_add_directory(store, dir, &damaged, &fault) != ST_OK || damaged ||
        store_reader_new(store, &reader) != ST_OK)
        fail(dir, fault.text);
    printf("open: %zu sources, %.1f ms\n", store_source_count(store), (seconds(CLOCK_MONOTONIC) - start) * 1e3);
    measure(reader, &names, total, "four labels, hit", true);
    measure(reader, &names, total, "four labels, miss", false);
    store_reader_free(reader);
    store_free(store);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}
