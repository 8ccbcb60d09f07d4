/* A table of names, each with a few numbers, that is filled once and then only read: by any thread, without a lock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/dname.h"

enum { NAME_TABLE_PARTS = 4 };

struct name_table_entry {
    uint64_t hash;
    uint32_t name;                    /* where it stands in `names`: its length, then its bytes in lower case */
    uint32_t parts[NAME_TABLE_PARTS]; /* the owner's; 0 at first */
};

/* `{0}` is an empty one. */
struct name_table {
    struct buf names, entries;
    uint32_t *slots; /* of entries + 1; 0: free */
    size_t slot_count, count;
};
void name_table_free(struct name_table *table);

/* The place of NAME, made where there is none; valid until the next one is made. NULL when out of memory. */
struct name_table_entry *name_table_add(struct name_table *table, const struct dname *name);
/* LOWER: N bytes of a name, or of its end, in lower case. NULL: it is not there. */
const struct name_table_entry *name_table_find(const struct name_table *table, const uint8_t *lower, size_t n);
/* The name at entry->name, or one put there by name_table_keep(). */
void name_table_name(const struct name_table *table, uint32_t at, struct dname *name);
/* Puts NAME beside those of the entries. Returns where; 0 when out of memory. */
uint32_t name_table_keep(struct name_table *table, const struct dname *name);
