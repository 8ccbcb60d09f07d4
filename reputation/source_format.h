/* What a source file consists of; shared by its writer and its reader. Inside this folder only.
 *
 *   names  name key                        -> records (record_codec.h), one after the other
 *   urls   host's name key, 0, path, query -> records
 *   nets   address, prefix length          -> records
 *   meta   "header" -> struct source_header; "filter", "index", "roots" -> source_aids.h */
#pragma once

#include "base/text.h"
#include "reputation/record.h"

enum { SOURCE_SCHEMA = 2 };

enum source_table { TABLE_NAMES, TABLE_URLS, TABLE_NETS, TABLE_META, TABLE_COUNT };
extern const char *const source_tables[TABLE_COUNT];

extern const enum source_table source_table_of[INDICATOR_KINDS];

#define SOURCE_HEADER_KEY STR("header")

struct source_header {
    uint64_t counts[INDICATOR_KINDS]; /* keys */
    bool single_labels;               /* some name has one label alone */
    uint8_t triggers;                 /* bit N: some record has trigger N; TRIGGER_SUBJECT's is never set */
    uint8_t prefixes[17];             /* bit N: there are networks of prefix length N */
};

enum { SOURCE_HEADER_BYTES = 4 + INDICATOR_KINDS * 8 + 1 + 17 };
void source_header_encode(const struct source_header *header, uint8_t out[SOURCE_HEADER_BYTES]);
/* ST_UNSUPPORTED: another schema. */
enum status source_header_decode(struct str bytes, struct source_header *header) MUST_CHECK;

static inline bool source_has_prefix(const uint8_t prefixes[17], unsigned prefix)
{
    return prefixes[prefix >> 3] >> (prefix & 7) & 1;
}
