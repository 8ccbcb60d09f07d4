#include "net/upstream_loops.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/cursor.h"
#include "base/siphash.h"

enum {
    LABEL_BYTES = LOOP_LABEL_CHARS / 2, /* slot, second, and a hash of both */
    SIGNED_BYTES = 6,
    GOOD_FOR_S = 60, /* whoever sees a name later can do nothing with it */
    LOOK_EACH_MS = 10000,
    UNHEARD_FIRST_MS = 1000,
    UNHEARD_LAST_MS = 600000,
};

struct slot {
    atomic_int_fast64_t seen_ms;  /* when a query that was asked of it came in last; 0: it does not lead back */
    atomic_int_fast64_t asked_ms; /* when it was looked at last */
    atomic_int unheard_ms;        /* it is looked at again after this; 0: it has answered, or was not asked yet */
};

struct upstream_loops {
    uint8_t key[SIPHASH_KEY_BYTES];
    size_t slot_count;
    struct slot slots[];
};

struct upstream_loops *upstream_loops_new(size_t slots)
{
    struct upstream_loops *loops = calloc(1, sizeof *loops + slots * sizeof loops->slots[0]);
    if (!loops)
        return NULL;
    loops->slot_count = slots;
    if (getrandom(loops->key, sizeof loops->key, 0) != sizeof loops->key) {
        free(loops);
        return NULL;
    }
    return loops;
}

void upstream_loops_free(struct upstream_loops *loops)
{
    free(loops);
}

static const uint8_t internal[] = "\010internal"; /* with the root's zero byte */

static void make_label(const struct upstream_loops *loops, size_t slot, uint32_t second, uint8_t label[LABEL_BYTES])
{
    struct wire wire = wire_into(label, LABEL_BYTES);
    wire_u16(&wire, (uint16_t)slot);
    wire_u32(&wire, second);
    uint64_t hash = siphash(loops->key, label, SIGNED_BYTES);
    wire_u32(&wire, (uint32_t)(hash >> 32));
    wire_u32(&wire, (uint32_t)hash);
    CHECK(!wire.failed && wire_length(&wire) == LABEL_BYTES);
}

enum status upstream_loops_name(const struct upstream_loops *loops, size_t slot, const struct dname *domain,
                                int64_t now_ms, struct dname *name)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t label[LABEL_BYTES], bytes[DNAME_MAX_BYTES];
    make_label(loops, slot, (uint32_t)(now_ms / 1000), label);
    struct wire wire = wire_into(bytes, sizeof bytes);
    wire_u8(&wire, LOOP_LABEL_CHARS);
    for (size_t i = 0; i < LABEL_BYTES; i++) {
        wire_u8(&wire, (uint8_t)digits[label[i] >> 4]);
        wire_u8(&wire, (uint8_t)digits[label[i] & 15]);
    }
    wire_bytes(&wire, LOOP_WORD, sizeof LOOP_WORD - 1);
    if (domain->labels)
        wire_bytes(&wire, domain->wire, domain->length);
    else
        wire_bytes(&wire, internal, sizeof internal);
    return wire.failed ? ST_TOO_LARGE : dname_from_wire(bytes, wire_length(&wire), name);
}

bool upstream_loops_has_form(const struct dname *name)
{
    struct str word = {(const char *)name->wire + LOOP_WORD_AT, sizeof LOOP_WORD - 1};
    size_t i = 0;
    while (i < LOOP_LABEL_CHARS && hex_value((char)name->wire[1 + i]) >= 0)
        i++;
    return i == LOOP_LABEL_CHARS && str_eq_nocase(word, STR(LOOP_WORD)); /* forwarders vary the case of letters */
}

bool upstream_loops_is_for_all(const struct dname *name)
{
    size_t at = LOOP_WORD_AT + sizeof LOOP_WORD - 1;
    struct str rest = {(const char *)name->wire + at, name->length - at};
    return str_eq_nocase(rest, (struct str){(const char *)internal, sizeof internal});
}

/* Forgers should not learn byte by byte how near they are. */
static bool same_bytes(const uint8_t *a, const uint8_t *b, size_t n)
{
    uint8_t differences = 0;
    for (size_t i = 0; i < n; i++)
        differences |= a[i] ^ b[i];
    return !differences;
}

bool upstream_loops_came_in(struct upstream_loops *loops, const struct dname *name, int64_t now_ms, size_t *slot)
{
    uint8_t label[LABEL_BYTES], ours[LABEL_BYTES];
    for (size_t i = 0; i < LABEL_BYTES; i++) {
        int high = hex_value((char)name->wire[1 + 2 * i]), low = hex_value((char)name->wire[2 + 2 * i]);
        label[i] = (uint8_t)(high << 4 | low);
    }
    struct cursor cursor = cursor_over(label, LABEL_BYTES);
    *slot = cursor_u16(&cursor);
    uint32_t second = cursor_u32(&cursor), age_s = (uint32_t)(now_ms / 1000) - second;
    if (*slot >= loops->slot_count || (age_s > GOOD_FOR_S && age_s != UINT32_MAX)) /* workers' clocks differ a bit */
        return false;
    make_label(loops, *slot, second, ours);
    return same_bytes(label, ours, LABEL_BYTES);
}

bool upstream_loops_note(struct upstream_loops *loops, size_t slot, int64_t now_ms)
{
    CHECK(slot < loops->slot_count);
    atomic_store(&loops->slots[slot].unheard_ms, 0);
    return !atomic_exchange(&loops->slots[slot].seen_ms, now_ms);
}

bool upstream_loops_note_answer(struct upstream_loops *loops, size_t slot, int64_t asked_ms)
{
    CHECK(slot < loops->slot_count);
    int_fast64_t seen_ms = atomic_load(&loops->slots[slot].seen_ms);
    atomic_store(&loops->slots[slot].unheard_ms, 0);
    return seen_ms && seen_ms < asked_ms && atomic_compare_exchange_strong(&loops->slots[slot].seen_ms, &seen_ms, 0);
}

bool upstream_loops_leads_back(const struct upstream_loops *loops, size_t slot)
{
    return atomic_load_explicit(&loops->slots[slot].seen_ms, memory_order_relaxed);
}

size_t upstream_loops_count(const struct upstream_loops *loops)
{
    size_t count = 0;
    for (size_t i = 0; i < loops->slot_count; i++)
        count += upstream_loops_leads_back(loops, i);
    return count;
}

/* When to look again */

void upstream_loops_note_asked(struct upstream_loops *loops, size_t slot, int64_t now_ms)
{
    struct slot *at = &loops->slots[slot];
    int unheard_ms = atomic_load(&at->unheard_ms);
    bool first = !atomic_exchange(&at->asked_ms, now_ms);
    if (first)
        atomic_store(&at->unheard_ms, UNHEARD_FIRST_MS);
    else if (unheard_ms)
        atomic_store(&at->unheard_ms, unheard_ms * 2 < UNHEARD_LAST_MS ? unheard_ms * 2 : UNHEARD_LAST_MS);
}

void upstream_loops_note_unsent(struct upstream_loops *loops, size_t slot, int64_t now_ms)
{
    atomic_store(&loops->slots[slot].asked_ms, now_ms);
    atomic_store(&loops->slots[slot].unheard_ms, UNHEARD_FIRST_MS);
}

bool upstream_loops_is_due(const struct upstream_loops *loops, size_t slot, int64_t now_ms)
{
    const struct slot *at = &loops->slots[slot];
    int64_t wait_ms = upstream_loops_leads_back(loops, slot) ? LOOK_EACH_MS : atomic_load(&at->unheard_ms);
    return wait_ms && now_ms - atomic_load(&at->asked_ms) >= wait_ms;
}

bool upstream_loops_any_due(const struct upstream_loops *loops, int64_t now_ms)
{
    size_t i = 0;
    while (i < loops->slot_count && !upstream_loops_is_due(loops, i, now_ms))
        i++;
    return i < loops->slot_count;
}

bool upstream_loops_take_look(struct upstream_loops *loops, size_t slot, int64_t now_ms)
{
    int_fast64_t asked_ms = atomic_load(&loops->slots[slot].asked_ms);
    return upstream_loops_is_due(loops, slot, now_ms) &&
           atomic_compare_exchange_strong(&loops->slots[slot].asked_ms, &asked_ms, now_ms);
}
