#include "reputation/source_format.h"

#include <assert.h>
#include <string.h>

#include "base/check.h"
#include "base/cursor.h"

const char *const source_tables[TABLE_COUNT] = {
    [TABLE_NAMES] = "names",
    [TABLE_URLS] = "urls",
    [TABLE_NETS] = "nets",
    [TABLE_META] = "meta",
};

const enum source_table source_table_of[INDICATOR_KINDS] = {
    [INDICATOR_NAME] = TABLE_NAMES,
    [INDICATOR_URL] = TABLE_URLS,
    [INDICATOR_NETWORK] = TABLE_NETS,
};

/* One byte says both; the bit of TRIGGER_SUBJECT, which every source may have, is free for the names. */
enum { HAS_SINGLE_LABELS = 1, TRIGGERS_MASK = (1 << TRIGGER_COUNT) - 2 };
static_assert(TRIGGER_SUBJECT == 0 && TRIGGER_COUNT <= 8, "triggers fit into seven bits of a byte");

void source_header_encode(const struct source_header *header, uint8_t out[SOURCE_HEADER_BYTES])
{
    struct wire wire = wire_into(out, SOURCE_HEADER_BYTES);
    wire_u32(&wire, SOURCE_SCHEMA);
    for (unsigned i = 0; i < INDICATOR_KINDS; i++) {
        wire_u32(&wire, (uint32_t)(header->counts[i] >> 32));
        wire_u32(&wire, (uint32_t)header->counts[i]);
    }
    wire_u8(&wire, (uint8_t)((header->single_labels ? HAS_SINGLE_LABELS : 0) | header->triggers));
    wire_bytes(&wire, header->prefixes, sizeof header->prefixes);
    CHECK(!wire.failed && wire_length(&wire) == SOURCE_HEADER_BYTES);
}

enum status source_header_decode(struct str bytes, struct source_header *header)
{
    struct cursor cursor = cursor_over(bytes.data, bytes.length);
    if (cursor_u32(&cursor) != SOURCE_SCHEMA)
        return cursor.failed ? ST_CORRUPT : ST_UNSUPPORTED;
    for (unsigned i = 0; i < INDICATOR_KINDS; i++) {
        uint64_t high = cursor_u32(&cursor);
        header->counts[i] = high << 32 | cursor_u32(&cursor);
    }
    uint8_t facts = cursor_u8(&cursor);
    header->single_labels = facts & HAS_SINGLE_LABELS;
    header->triggers = facts & TRIGGERS_MASK;
    const uint8_t *prefixes = cursor_bytes(&cursor, sizeof header->prefixes);
    if (!prefixes || cursor_left(&cursor))
        return ST_CORRUPT;
    memcpy(header->prefixes, prefixes, sizeof header->prefixes);
    return ST_OK;
}
