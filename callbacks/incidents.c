#include "callbacks/incidents.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/log.h"
#include "callbacks/incident_state.h"

enum { SETS = 2048, WAYS = 8, SLOTS = SETS * WAYS, GONE_MAX = 65536 };

/* What workers look at. The control thread writes; a slot that is used for another incident has key 0 meanwhile, so
 * that who finds the same key before and after has read that incident's figures. */
struct shown {
    _Atomic uint64_t key; /* 0: free */
    _Atomic uint32_t callbacks;
    _Atomic int64_t first_ms, last_ms, contact_ms;
};

struct incidents {
    uint64_t seed;
    struct shown shown[SLOTS];
    struct incident_state *state; /* NULL: nothing is kept on disk */
    bool failing;                 /* the last write failed; told once */
    uint16_t changed[SLOTS];      /* slots to write */
    size_t changed_count;
    bool is_changed[SLOTS];
    uint64_t *gone; /* keys to take off the disk */
    size_t gone_count, gone_room;
    struct incident_record records[SLOTS];
};

static uint64_t incident_key(uint64_t seed, const struct addr *client, const struct verdict *verdict)
{
    struct {
        uint8_t ip[sizeof client->ip];
        char by_family;
        char text[VERDICT_INDICATOR_SIZE];
    } what = {.by_family = verdict->family[0] != '\0'};
    memcpy(what.ip, client->ip, sizeof what.ip);
    text_copy(what.text, sizeof what.text, str_of(what.by_family ? verdict->family : verdict->indicator));
    uint64_t key = XXH3_64bits_withSeed(&what, offsetof(__typeof__(what), text) + strlen(what.text), seed);
    return key ? key : 1;
}

static void set_id(uint64_t key, struct incident_view *view)
{
    snprintf(view->id, sizeof view->id, "CC-%08X", (unsigned)(key >> 32));
}

static void publish(struct incidents *incidents, size_t slot)
{
    const struct incident_record *record = &incidents->records[slot];
    struct shown *shown = &incidents->shown[slot];
    if (atomic_load_explicit(&shown->key, memory_order_relaxed) != record->key)
        atomic_store_explicit(&shown->key, 0, memory_order_release);
    /* Each store releases the ones before it: who sees one of these does not find the old key any more. */
    atomic_store_explicit(&shown->callbacks, record->callbacks, memory_order_release);
    atomic_store_explicit(&shown->first_ms, record->first_ms, memory_order_release);
    atomic_store_explicit(&shown->last_ms, record->last_ms, memory_order_release);
    /* After the count and read before it: who sees that a contact has begun sees it counted as well. */
    atomic_store_explicit(&shown->contact_ms, record->contact_ms, memory_order_release);
    atomic_store_explicit(&shown->key, record->key, memory_order_release);
}

/* The slot of KEY, or else the one to take for it: a free one, or that of the oldest in its set. */
static size_t slot_for(const struct incidents *incidents, uint64_t key)
{
    size_t first = (size_t)(key % SETS) * WAYS, best = first;
    for (size_t slot = first; slot < first + WAYS; slot++) {
        const struct incident_record *record = &incidents->records[slot], *old = &incidents->records[best];
        if (record->key == key)
            return slot;
        if (old->key && (!record->key || record->last_ms < old->last_ms))
            best = slot;
    }
    return best;
}

static void forget_on_disk(struct incidents *incidents, uint64_t key)
{
    if (incidents->gone_count == GONE_MAX)
        return; /* goes when the file is loaded again */
    if (incidents->gone_count == incidents->gone_room) {
        size_t room = incidents->gone_room ? incidents->gone_room * 2 : 64;
        uint64_t *gone = realloc(incidents->gone, room * sizeof *gone);
        if (!gone)
            return;
        incidents->gone = gone;
        incidents->gone_room = room;
    }
    incidents->gone[incidents->gone_count++] = key;
}

static void mark_changed(struct incidents *incidents, size_t slot)
{
    if (!incidents->state || incidents->is_changed[slot])
        return;
    incidents->is_changed[slot] = true;
    incidents->changed[incidents->changed_count++] = (uint16_t)slot;
}

/* What is on disk and finds no place goes from there too, so that the file stays as small as the table. */
static enum status load(struct incidents *incidents)
{
    struct incident_record *records;
    size_t count;
    enum status status = incident_state_load(incidents->state, &records, &count);
    if (status != ST_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        size_t slot = slot_for(incidents, records[i].key);
        if (incidents->records[slot].key) {
            forget_on_disk(incidents, records[i].key);
        } else {
            incidents->records[slot] = records[i];
            publish(incidents, slot);
        }
    }
    free(records);
    return ST_OK;
}

enum status incidents_open(const char *state_dir, struct incidents **out, struct fault *fault)
{
    struct incidents *incidents = calloc(1, sizeof *incidents);
    if (!incidents)
        return ST_NOMEM;
    enum status status = ST_OK;
    if (state_dir) {
        status = incident_state_open(state_dir, &incidents->state, &incidents->seed, fault);
        if (status == ST_OK)
            status = load(incidents);
    } else if (getrandom(&incidents->seed, sizeof incidents->seed, 0) != sizeof incidents->seed) {
        status = ST_IO;
    }
    if (status != ST_OK) {
        incident_state_close(incidents->state);
        free(incidents);
        return fault_set(fault, status, "incidents: %s", status_text(status));
    }
    *out = incidents;
    return ST_OK;
}

void incidents_close(struct incidents *incidents)
{
    if (!incidents)
        return;
    incidents_flush(incidents);
    incident_state_close(incidents->state);
    free(incidents->gone);
    free(incidents);
}

static void start_record(struct incident_record *record, uint64_t key, const struct callback *callback)
{
    const struct verdict *verdict = &callback->verdict;
    *record = (struct incident_record){
        .key = key, .first_ms = callback->time_ms, .by_family = verdict->family[0] != '\0', .client = callback->client};
    record->client.port = 0;
    text_copy(record->text, sizeof record->text, str_of(record->by_family ? verdict->family : verdict->indicator));
}

void incidents_count(struct incidents *incidents, const struct callback *callback, struct incident_view *view)
{
    uint64_t key = incident_key(incidents->seed, &callback->client, &callback->verdict);
    size_t slot = slot_for(incidents, key);
    struct incident_record *record = &incidents->records[slot];
    if (record->key != key) {
        if (record->key && incidents->state)
            forget_on_disk(incidents, record->key);
        start_record(record, key, callback);
    }
    if (!record->callbacks || !incident_is_one_contact(record->contact_ms, callback->time_ms)) {
        record->contact_ms = callback->time_ms;
        record->callbacks++;
    }
    if (callback->verdict.action == ACTION_BLOCK)
        record->blocked++;
    else
        record->logged++;
    if (callback->time_ms > record->last_ms)
        record->last_ms = callback->time_ms;
    text_copy(record->state, sizeof record->state, record->callbacks == 1 ? STR("seen-once") : STR("repeated"));
    publish(incidents, slot);
    mark_changed(incidents, slot);
    *view = (struct incident_view){.callbacks = record->callbacks,
                                   .first_ms = record->first_ms,
                                   .last_ms = record->last_ms,
                                   .contact_ms = record->contact_ms};
    set_id(key, view);
}

void incidents_flush(struct incidents *incidents)
{
    if (!incidents->state || (!incidents->changed_count && !incidents->gone_count))
        return;
    struct incident_changes changes = {.gone = incidents->gone,
                                       .gone_count = incidents->gone_count,
                                       .records = incidents->records,
                                       .indices = incidents->changed,
                                       .count = incidents->changed_count};
    enum status status = incident_state_write(incidents->state, &changes);
    if (status != ST_OK) {
        if (!incidents->failing)
            log_error("state.mdb: incidents can't be written, they wait in memory: %s", status_text(status));
        incidents->failing = true;
        return;
    }
    incidents->failing = false;
    for (size_t i = 0; i < incidents->changed_count; i++)
        incidents->is_changed[incidents->changed[i]] = false;
    incidents->changed_count = incidents->gone_count = 0;
}

size_t incidents_number(const struct incidents *incidents)
{
    size_t number = 0;
    for (size_t i = 0; i < SLOTS; i++)
        number += incidents->records[i].key != 0;
    return number;
}

bool incidents_is_failing(const struct incidents *incidents)
{
    return incidents->failing;
}

void incidents_look(const struct incidents *incidents, const struct addr *client, const struct verdict *verdict,
                    struct incident_view *view)
{
    uint64_t key = incident_key(incidents->seed, client, verdict);
    *view = (struct incident_view){0};
    set_id(key, view);
    const struct shown *set = &incidents->shown[(size_t)(key % SETS) * WAYS];
    for (size_t way = 0; way < WAYS; way++) {
        const struct shown *shown = &set[way];
        if (atomic_load_explicit(&shown->key, memory_order_acquire) != key)
            continue;
        struct incident_view seen = *view;
        seen.contact_ms = atomic_load_explicit(&shown->contact_ms, memory_order_acquire);
        seen.callbacks = atomic_load_explicit(&shown->callbacks, memory_order_acquire);
        seen.first_ms = atomic_load_explicit(&shown->first_ms, memory_order_acquire);
        seen.last_ms = atomic_load_explicit(&shown->last_ms, memory_order_acquire);
        if (atomic_load_explicit(&shown->key, memory_order_relaxed) == key)
            *view = seen;
        return;
    }
}
