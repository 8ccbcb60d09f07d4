#include "tests/durability/feed.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reputation/source_writer.h"
#include "reputation/store.h"

static uint64_t random_state;

void seed_random(void)
{
    const char *seed = getenv("CCWARD_SEED");
    random_state = seed ? strtoull(seed, NULL, 10) : 20240229;
    printf("seed %llu\n", (unsigned long long)random_state);
    random_state = (random_state + 1) * 0x9e3779b97f4a7c15;
}

unsigned pick(unsigned n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)((random_state >> 16) % n);
}

unsigned rounds(unsigned usual, unsigned when_long)
{
    return getenv("CCWARD_LONG") ? when_long : usual;
}

static enum status add(struct source_writer *writer, const char *tag, unsigned i)
{
    char text[128];
    struct indicator name = {.kind = INDICATOR_NAME, .record = {.category = CATEGORY_MALWARE, .risk = RISK_HIGH}};
    snprintf(text, sizeof text, "n%u.%s.example", i, tag);
    enum status status = canonical_host_name(str_of(text), &name.name);
    if (status == ST_OK)
        status = source_writer_add(writer, &name);
    if (status != ST_OK)
        return status;
    snprintf(text, sizeof text, "http://host.%s.example/%u", tag, i);
    struct indicator url = {.kind = INDICATOR_URL, .url = str_of(text), .record = name.record};
    return source_writer_add(writer, &url);
}

enum status feed_publish(const char *dir, const char *tag, unsigned count, struct fault *fault)
{
    struct source_writer_settings settings = {.name = "feed", .format = "test", .category = CATEGORY_MALWARE};
    struct source_writer *writer = NULL;
    int lock;
    enum status status = store_lock(dir, &lock, fault);
    if (status != ST_OK)
        return status;
    status = source_writer_new(&settings, &writer);
    for (unsigned i = 0; status == ST_OK && i < count; i++)
        status = add(writer, tag, i);
    if (status == ST_OK)
        status = source_writer_publish(writer, dir, NULL, NULL, fault);
    source_writer_free(writer);
    store_unlock(lock);
    return status;
}

static unsigned find_name(struct store_reader *reader, const char *text)
{
    struct store_hit hits[STORE_MAX_HITS];
    struct dname name;
    if (canonical_host_name(str_of(text), &name) != ST_OK)
        return 0;
    return store_find_name(reader, &name, 1000, hits, STORE_MAX_HITS) == 1 &&
           hits[0].record.category == CATEGORY_MALWARE && hits[0].record.risk == RISK_HIGH;
}

static unsigned find_url(struct store_reader *reader, const char *text)
{
    static struct canonical_url url;
    struct store_hit hits[STORE_MAX_HITS];
    return canonical_url(str_of(text), &url) == ST_OK && store_find_url(reader, &url, 1000, hits, STORE_MAX_HITS) == 1;
}

static unsigned found_of(struct store_reader *reader, const char *tag)
{
    unsigned found = 0;
    for (unsigned i = 0; i < FEED_NAMES; i++) {
        char text[128];
        snprintf(text, sizeof text, "n%u.%s.example", i, tag);
        found += find_name(reader, text);
        snprintf(text, sizeof text, "http://host.%s.example/%u", tag, i);
        found += find_url(reader, text);
    }
    return found;
}

static enum verdict judge(struct store_reader *reader, const char *const *tags, unsigned n)
{
    enum verdict verdict = VERDICT_NOTHING;
    for (unsigned i = 0; i < n; i++) {
        unsigned found = found_of(reader, tags[i]);
        if (!found)
            continue;
        if (found != 2 * FEED_NAMES || verdict != VERDICT_NOTHING)
            return VERDICT_WRONG;
        verdict = VERDICT_FIRST + i;
    }
    return found_of(reader, "absent") ? VERDICT_WRONG : verdict;
}

static enum verdict open_and_judge(const char *dir, const char *const *tags, unsigned n)
{
    struct store *store = store_new();
    struct store_reader *reader;
    unsigned damaged;
    if (!store || store_add_directory(store, dir, &damaged, NULL) != ST_OK || store_reader_new(store, &reader) != ST_OK)
        return VERDICT_UNREADABLE;
    enum verdict verdict = judge(reader, tags, n);
    store_reader_free(reader);
    store_free(store);
    return verdict;
}

enum verdict feed_judge(const char *dir, const char *const *tags, unsigned n)
{
    int result;
    fflush(NULL);
    pid_t child = fork();
    if (!child)
        _exit(open_and_judge(dir, tags, n));
    if (child < 0 || waitpid(child, &result, 0) != child || !WIFEXITED(result) || WEXITSTATUS(result) < VERDICT_NOTHING)
        return VERDICT_CRASHED;
    return (enum verdict)WEXITSTATUS(result);
}

bool feed_directory_is_clean(const char *dir)
{
    unsigned manifests = 0, files = 0, others = 0;
    DIR *open = opendir(dir);
    if (!open)
        return false;
    for (struct dirent *entry; (entry = readdir(open));) {
        char partner[512], *dot = strrchr(entry->d_name, '.');
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || !strcmp(entry->d_name, ".lock"))
            continue;
        files++;
        bool manifest = !strcmp(dot, ".json");
        manifests += manifest;
        snprintf(partner, sizeof partner, "%s/%.*s%s", dir, (int)(dot - entry->d_name), entry->d_name,
                 manifest ? ".mdb" : ".json");
        if (strncmp(entry->d_name, "feed.", 5) || access(partner, F_OK)) {
            fprintf(stderr, "left over: %s\n", entry->d_name);
            others++;
        }
    }
    closedir(open);
    return !others && manifests <= 2 && files == 2 * manifests;
}
