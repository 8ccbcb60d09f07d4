/* What the tests of this folder share: directories, records, sources. */
#pragma once

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "reputation/source_writer.h"
#include "reputation/store.h"

static inline int fixture_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

/* A new directory, which the state is then the name of. */
static inline int make_directory(void **state)
{
    char *dir = strdup("/tmp/ccward-reputation-XXXXXX");
    *state = dir;
    return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_directory(void **state)
{
    nftw(*state, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return 0;
}

static const struct record plain_record = {.category = CATEGORY_MALWARE, .risk = RISK_HIGH};

static inline struct source_writer *new_writer(const char *name)
{
    struct source_writer *writer = NULL;
    struct source_writer_settings settings = {
        .name = name, .format = "test", .category = CATEGORY_MALWARE, .origin = "test"};
    assert_int_equal(source_writer_new(&settings, &writer), ST_OK);
    return writer;
}

static inline struct dname name_of(const char *text)
{
    struct dname name;
    assert_int_equal(canonical_host_name(str_of(text), &name), ST_OK);
    return name;
}

static inline void add_name(struct source_writer *writer, const char *text, struct record record)
{
    struct indicator indicator = {.kind = INDICATOR_NAME, .name = name_of(text), .record = record};
    assert_int_equal(source_writer_add(writer, &indicator), ST_OK);
}

static inline void add_url(struct source_writer *writer, const char *text, struct record record)
{
    struct indicator indicator = {.kind = INDICATOR_URL, .url = str_of(text), .record = record};
    assert_int_equal(source_writer_add(writer, &indicator), ST_OK);
}

static inline void add_network(struct source_writer *writer, const char *text, struct record record)
{
    struct indicator indicator = {.kind = INDICATOR_NETWORK, .record = record};
    assert_int_equal(network_parse(str_of(text), &indicator.network), ST_OK);
    assert_int_equal(source_writer_add(writer, &indicator), ST_OK);
}

/* Finishes WRITER in memory, frees it and puts the source into STORE. */
static inline void add_source_own(struct store *store, struct source_writer *writer)
{
    struct source *source = NULL;
    struct fault fault = {0};
    enum status status = source_writer_finish_memory(writer, &source, &fault);
    assert_string_equal(fault.text, "");
    assert_int_equal(status, ST_OK);
    source_writer_free(writer);
    assert_int_equal(store_add_own(store, source), ST_OK);
}

static inline struct store_reader *new_reader(const struct store *store)
{
    struct store_reader *reader = NULL;
    assert_int_equal(store_reader_new(store, &reader), ST_OK);
    return reader;
}

static inline size_t find_name(struct store_reader *reader, const char *text, struct store_hit *hits)
{
    struct dname name = name_of(text);
    return store_find_name(reader, &name, 1000, hits, STORE_MAX_HITS);
}

static inline size_t find_url(struct store_reader *reader, const char *text, struct store_hit *hits)
{
    static struct canonical_url url;
    assert_int_equal(canonical_url(str_of(text), &url), ST_OK);
    return store_find_url(reader, &url, 1000, hits, STORE_MAX_HITS);
}

static inline size_t find_addr(struct store_reader *reader, const char *text, uint16_t port, struct store_hit *hits)
{
    struct addr addr;
    assert_int_equal(addr_parse_ip(str_of(text), &addr), ST_OK);
    addr.port = port;
    return store_find_addr(reader, &addr, 1000, hits, STORE_MAX_HITS);
}
