#include "reputation/source_format.h"

#include <string.h>

#include "base/check.h"
#include "base/cursor.h"

const char *const source_tables[TABLE_COUNT] = {
    [TABLE_NAMES] = "names",
    [TABLE_URLS] = "urls",
    [TABLE_NETS] = "nets",
    [TABLE_META] = "meta",
};

void source_header_encode(const struct source_header *header, uint8_t out[SOURCE_HEADER_BYTES])
{
    struct wire wire = wire_into(out, SOURCE_HEADER_BYTES);
    wire_u32(&wire, SOURCE_SCHEMA);
    for (unsigned i = 0; i < INDICATOR_KINDS; i++) {
        wire_u32(&wire, (uint32_t)(header->counts[i] >> 32));
        wire_u32(&wire, (uint32_t)header->counts[i]);
    }
    wire_u8(&wire, header->single_labels);
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
    header->single_labels = cursor_u8(&cursor);
    const uint8_t *prefixes = cursor_bytes(&cursor, sizeof header->prefixes);
    if (!prefixes || cursor_left(&cursor))
        return ST_CORRUPT;
    memcpy(header->prefixes, prefixes, sizeof header->prefixes);
    return ST_OK;
}
