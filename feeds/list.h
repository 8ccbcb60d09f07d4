/* The rows of `feeds list`. */
#pragma once

#include "feeds/feed_state.h"

struct list_row {
    const struct feed *feed;        /* NULL: none is configured of that name */
    const struct source_info *info; /* NULL: not in the store */
    const char *damage;             /* why its newest generation can't be read; NULL: it can */
    bool built_in;
    struct feed_state state;
};

struct list {
    const char *state_dir;
    struct store *store;
    struct source *built_in;
    struct list_row rows[STORE_MAX_SOURCES * 2];
    size_t count;
    unsigned damaged;
};

const char *list_row_name(const struct list_row *row);
/* "built-in", "configured", "user" or "imported". */
const char *list_row_kind(const struct list_row *row);
uint64_t list_row_entries(const struct list_row *row);

enum { LIST_WARNINGS = 4, LIST_WARNING_SIZE = 256 };
/* What a person should look at, beside failures: a feed that is dead or says so. Returns how many. */
size_t list_row_warnings(const struct list_row *row, char out[LIST_WARNINGS][LIST_WARNING_SIZE]);

/* Rows FIRST to END. */
enum status list_print_json(const struct list *list, size_t first, size_t end, FILE *out) MUST_CHECK;
void list_print_table(const struct list *list, FILE *out);
void list_print_details(const struct list *list, const struct list_row *row, FILE *out);
