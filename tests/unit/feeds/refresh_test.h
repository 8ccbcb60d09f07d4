/* What tests of refreshes share: a server, one feed "mine", and looks at what became of it. */
#pragma once

#include "feed_test.h"

#include <fcntl.h>

#include "bad_server.h"
#include "feeds/feed_state.h"

static struct feed_report report;
static struct fault fault;
static char url[256];

static inline struct feed feed_at(const char *path)
{
    snprintf(url, sizeof url, "%s", server_url(path));
    return (struct feed){
        .name = "mine", .url = url, .format = "auto", .category = CATEGORY_C2, .risk = RISK_HIGH, .interval_s = 3600};
}

static inline enum status refresh_as(const struct feed *feed, unsigned options)
{
    fault = (struct fault){0};
    enum status st = feed_refresh(&site, feed, options, false, &report, &fault);
    assert_int_equal(st == ST_OK, fault.text[0] == '\0');
    return st;
}

static inline enum status refresh(const char *path)
{
    struct feed feed = feed_at(path);
    return refresh_as(&feed, 0);
}

static inline struct feed_state state_now(void)
{
    struct feed_state now;
    feed_state_load(scratch, "mine", &now);
    return now;
}

static inline uint64_t entries_in_force(void)
{
    struct store *store = store_new();
    struct fault why = {0};
    unsigned damaged = 0;
    uint64_t entries = 0;
    assert_int_equal(store_add_directory(store, in_scratch("reputation"), &damaged, &why), ST_OK);
    if (store_source_count(store))
        entries = store_source_info(store, 0)->counts[INDICATOR_NAME];
    assert_int_equal(damaged, 0);
    store_free(store);
    return entries;
}

static inline bool file_holds(const char *name, const char *text)
{
    char got[256] = {0};
    int fd = open(in_scratch(name), O_RDONLY);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, got, sizeof got - 1);
    close(fd);
    return n >= 0 && !strcmp(got, text);
}

/* The generation in force of "mine"; 0: none. */
static inline uint64_t generation_in_force(void)
{
    struct store *store = store_new();
    struct fault why = {0};
    unsigned damaged = 0;
    uint64_t generation = 0;
    assert_int_equal(store_add_directory(store, in_scratch("reputation"), &damaged, &why), ST_OK);
    if (store_source_count(store))
        generation = store_source_info(store, 0)->generation;
    store_free(store);
    return generation;
}

/* What the server gives for /body: N names that start with PREFIX. */
static inline const char *serve_names(const char *prefix, unsigned n)
{
    static char text[1 << 20];
    size_t length = 0;
    server_hold();
    for (unsigned i = 0; i < n; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%u.example\n", prefix, i);
    server_let_go();
    server_serve(text, length);
    return text;
}

static inline void serve_text(const char *text)
{
    server_serve(text, strlen(text));
}

/* Whether anything below FOLDER has TEXT. */
static inline bool folder_mentions(const char *folder, const char *text)
{
    char command[512];
    snprintf(command, sizeof command, "grep -rqaF -- '%s' %s", text, in_scratch(folder));
    return system(command) == 0;
}
