/* Incidents on disk: state.mdb in the state directory (docs/state.md). Control thread. */
#pragma once

#include "callbacks/callback.h"

enum { INCIDENT_TEXT_SIZE = 128, INCIDENT_STATE_SIZE = 16 };

struct incident_record {
    uint64_t key;                    /* of client and family or indicator; its first half is what people see */
    struct addr client;              /* without port */
    bool by_family;                  /* what `text` is: the family, or the indicator where the family is unknown */
    char text[INCIDENT_TEXT_SIZE];   /* cut */
    char state[INCIDENT_STATE_SIZE]; /* "seen-once", "repeated" */
    int64_t first_ms, last_ms;       /* wall */
    int64_t contact_ms;              /* wall; when the contact that is going on began; not kept on disk */
    uint32_t callbacks, blocked, logged;
};

struct incident_state;

/* Makes DIR (mode 0750) and a new file with a random SEED if they are missing. A damaged file is moved aside with a
 * warning and a new one made. */
enum status incident_state_open(const char *dir, struct incident_state **state, uint64_t *seed,
                                struct fault *fault) MUST_CHECK;
void incident_state_close(struct incident_state *state); /* NULL is allowed */

/* All records, newest first; the caller frees them. A record that can't be read is left out. */
enum status incident_state_load(struct incident_state *state, struct incident_record **records,
                                size_t *count) MUST_CHECK;

/* One transaction: takes GONE away, then writes the records, each by its number in INDICES. All or nothing. */
struct incident_changes {
    const uint64_t *gone;
    size_t gone_count;
    const struct incident_record *records;
    const uint16_t *indices;
    size_t count;
};
enum status incident_state_write(struct incident_state *state, const struct incident_changes *changes) MUST_CHECK;
