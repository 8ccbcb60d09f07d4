#include "reputation/record_codec.h"

#include <assert.h>
#include <string.h>

#include "base/check.h"

/* First byte: category in the low five bits, risk in the next two, and whether a byte of enum part follows. */
enum { CATEGORY_MASK = 31, RISK_SHIFT = 5, RISK_MASK = 3, HAS_PARTS = 128 };
static_assert(CATEGORY_COUNT <= CATEGORY_MASK + 1, "a category fits into five bits");

/* In the order in which the parts follow. */
enum part {
    PART_FLAGS = 1,
    PART_CONFIDENCE = 2,
    PART_PORT = 4,
    PART_FIRST_SEEN = 8,
    PART_LAST_SEEN = 16,
    PART_EXPIRES = 32,
    PART_FAMILY = 64,
    PART_REFERENCE = 128,
};

/* In the flags: a byte of enum more follows the parts. What it announces is rare. */
enum { FLAG_MORE = 128 };
enum more {
    MORE_GROUP = 1,
    MORE_TYPES = 2,
    MORE_TRIGGER = 4,
    MORE_ANSWER = 8,
    MORE_TAGS = 16,
    MORE_ALL = 31,
};

static uint8_t more_of(const struct record *record)
{
    unsigned more = 0;
    more |= record->group.length ? MORE_GROUP : 0;
    more |= record->types.length ? MORE_TYPES : 0;
    more |= record->trigger ? MORE_TRIGGER : 0;
    more |= record->answer ? MORE_ANSWER : 0;
    more |= record->tags.length ? MORE_TAGS : 0;
    return (uint8_t)more;
}

static uint8_t parts_of(const struct record *record, uint8_t flags)
{
    unsigned parts = 0;
    parts |= flags ? PART_FLAGS : 0;
    parts |= record->confidence ? PART_CONFIDENCE : 0;
    parts |= record->port ? PART_PORT : 0;
    parts |= record->first_seen ? PART_FIRST_SEEN : 0;
    parts |= record->last_seen ? PART_LAST_SEEN : 0;
    parts |= record->expires ? PART_EXPIRES : 0;
    parts |= record->family.length ? PART_FAMILY : 0;
    parts |= record->reference.length && record->reference.length <= RECORD_REFERENCE_MAX ? PART_REFERENCE : 0;
    return (uint8_t)parts;
}

/* The first MAX bytes at most, without half a UTF-8 character at the end. */
static struct str cut(struct str text, size_t max)
{
    if (text.length <= max)
        return text;
    size_t n = max;
    while (n && ((uint8_t)text.data[n] & 0xc0) == 0x80)
        n--;
    return (struct str){text.data, n};
}

static struct str whole_tags(struct str tags)
{
    if (tags.length <= RECORD_TAGS_MAX)
        return tags;
    const char *comma = memrchr(tags.data, ',', RECORD_TAGS_MAX + 1);
    return comma ? (struct str){tags.data, (size_t)(comma - tags.data)} : cut(tags, RECORD_TAGS_MAX);
}

static void put_more(struct wire *wire, const struct record *record, uint8_t more)
{
    CHECK(record->group.length <= RECORD_GROUP_MAX && record->types.length <= RECORD_TYPES_MAX &&
          record->types.length % 2 == 0 && record->data.length <= RECORD_DATA_MAX);
    wire_u8(wire, more);
    if (more & MORE_GROUP) {
        wire_u8(wire, (uint8_t)record->group.length);
        wire_bytes(wire, record->group.data, record->group.length);
    }
    if (more & MORE_TYPES) {
        wire_u8(wire, (uint8_t)record->types.length);
        wire_bytes(wire, record->types.data, record->types.length);
    }
    if (more & MORE_TRIGGER)
        wire_u8(wire, (uint8_t)record->trigger);
    if (more & MORE_ANSWER) {
        wire_u8(wire, (uint8_t)record->answer);
        wire_u16(wire, (uint16_t)record->data.length);
        wire_bytes(wire, record->data.data, record->data.length);
    }
    if (more & MORE_TAGS) {
        struct str tags = whole_tags(record->tags);
        wire_u8(wire, (uint8_t)tags.length);
        wire_bytes(wire, tags.data, tags.length);
    }
}

size_t record_encode(const struct record *record, uint8_t out[RECORD_MAX_BYTES])
{
    CHECK((unsigned)record->category < CATEGORY_COUNT && (unsigned)record->risk <= RISK_HIGH &&
          !(record->flags & FLAG_MORE));
    struct wire wire = wire_into(out, RECORD_MAX_BYTES);
    uint8_t more = more_of(record), flags = (uint8_t)(record->flags | (more ? FLAG_MORE : 0));
    uint8_t parts = parts_of(record, flags);
    wire_u8(&wire, (uint8_t)(record->category | record->risk << RISK_SHIFT | (parts ? HAS_PARTS : 0)));
    if (parts)
        wire_u8(&wire, parts);
    if (parts & PART_FLAGS)
        wire_u8(&wire, flags);
    if (parts & PART_CONFIDENCE)
        wire_u8(&wire, record->confidence);
    if (parts & PART_PORT)
        wire_u16(&wire, record->port);
    if (parts & PART_FIRST_SEEN)
        wire_u32(&wire, record->first_seen);
    if (parts & PART_LAST_SEEN)
        wire_u32(&wire, record->last_seen);
    if (parts & PART_EXPIRES)
        wire_u32(&wire, record->expires);
    if (parts & PART_FAMILY) {
        struct str family = cut(record->family, RECORD_FAMILY_MAX);
        wire_u8(&wire, (uint8_t)family.length);
        wire_bytes(&wire, family.data, family.length);
    }
    if (parts & PART_REFERENCE) {
        wire_u16(&wire, (uint16_t)record->reference.length);
        wire_bytes(&wire, record->reference.data, record->reference.length);
    }
    if (more)
        put_more(&wire, record, more);
    CHECK(!wire.failed);
    return wire_length(&wire);
}

static struct str take_text(struct cursor *cursor, size_t n)
{
    const uint8_t *bytes = cursor_bytes(cursor, n);
    return (struct str){(const char *)bytes, bytes ? n : 0};
}

static bool take_more(struct cursor *cursor, struct record *record)
{
    uint8_t more = cursor_u8(cursor), trigger = 0, answer = 0;
    if (more & MORE_GROUP)
        record->group = take_text(cursor, cursor_u8(cursor));
    if (more & MORE_TYPES)
        record->types = take_text(cursor, cursor_u8(cursor));
    if (more & MORE_TRIGGER)
        trigger = cursor_u8(cursor);
    if (more & MORE_ANSWER) {
        answer = cursor_u8(cursor);
        record->data = take_text(cursor, cursor_u16(cursor));
    }
    if (more & MORE_TAGS)
        record->tags = take_text(cursor, cursor_u8(cursor));
    if (cursor->failed || !more || more & ~MORE_ALL || record->group.length > RECORD_GROUP_MAX ||
        record->types.length > RECORD_TYPES_MAX || record->types.length % 2 || record->data.length > RECORD_DATA_MAX ||
        trigger >= TRIGGER_COUNT || answer >= RECORD_ANSWER_COUNT)
        return false;
    record->trigger = (enum record_trigger)trigger;
    record->answer = (enum record_answer)answer;
    return true;
}

bool record_decode(struct cursor *cursor, struct record *record)
{
    *record = (struct record){0};
    uint8_t first = cursor_u8(cursor);
    uint8_t parts = first & HAS_PARTS ? cursor_u8(cursor) : 0;
    unsigned category = first & CATEGORY_MASK, risk = first >> RISK_SHIFT & RISK_MASK;
    record->flags = parts & PART_FLAGS ? cursor_u8(cursor) : 0;
    record->confidence = parts & PART_CONFIDENCE ? cursor_u8(cursor) : 0;
    record->port = parts & PART_PORT ? cursor_u16(cursor) : 0;
    record->first_seen = parts & PART_FIRST_SEEN ? cursor_u32(cursor) : 0;
    record->last_seen = parts & PART_LAST_SEEN ? cursor_u32(cursor) : 0;
    record->expires = parts & PART_EXPIRES ? cursor_u32(cursor) : 0;
    if (parts & PART_FAMILY)
        record->family = take_text(cursor, cursor_u8(cursor));
    if (parts & PART_REFERENCE)
        record->reference = take_text(cursor, cursor_u16(cursor));
    if (record->flags & FLAG_MORE) {
        record->flags &= (uint8_t)~FLAG_MORE;
        if (!take_more(cursor, record))
            return false;
    }
    if (cursor->failed || category >= CATEGORY_COUNT || risk > RISK_HIGH)
        return false;
    record->category = (enum category)category;
    record->risk = (enum risk)risk;
    return true;
}
