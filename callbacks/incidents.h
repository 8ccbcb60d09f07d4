/* Incidents: all callbacks of one client with one family (or indicator, where the family is unknown).
 *
 * The control thread counts; workers look, without a lock, to tell on the block page whether a contact is the first. */
#pragma once

#include "callbacks/callback.h"

enum {
    INCIDENT_ID_SIZE = 16,
    INCIDENT_CONTACT_MS = 10000, /* what a browser does for one visit (a name, a tunnel, a page) is one contact */
};

struct incident_view {
    char id[INCIDENT_ID_SIZE]; /* "CC-7F3A91B2"; the same for the same client and family (or indicator), always */
    uint32_t callbacks;        /* contacts counted so far; of the one that is going on its first callback may be */
    int64_t first_ms, last_ms; /* wall; 0: none */
    int64_t contact_ms;        /* wall; when the latest contact began; 0: none, or before the program's start */
};

/* Whether what happens at TIME_MS is still the contact that began at CONTACT_MS. Both ways, since workers are not in
 * step, and a clock that was set back must not join what comes for days. */
static inline bool incident_is_one_contact(int64_t contact_ms, int64_t time_ms)
{
    int64_t past_ms = time_ms - contact_ms;
    return past_ms > -INCIDENT_CONTACT_MS && past_ms < INCIDENT_CONTACT_MS;
}

struct incidents;

/* STATE_DIR holds state.mdb (docs/state.md); NULL keeps nothing on disk (tests). */
enum status incidents_open(const char *state_dir, struct incidents **incidents, struct fault *fault) MUST_CHECK;
void incidents_close(struct incidents *incidents);

/* Control thread: counts one callback (a new contact, not a repeat) and gives the incident after it. */
void incidents_count(struct incidents *incidents, const struct callback *callback, struct incident_view *view);
/* Writes what changed; the control thread calls it about once a second. */
void incidents_flush(struct incidents *incidents);
size_t incidents_number(const struct incidents *incidents); /* control thread; of those that are remembered */
/* Control thread: from the first write that failed until one succeeds. */
bool incidents_is_failing(const struct incidents *incidents);

/* Any thread, lock-free: what is known of CLIENT with the verdict's family or indicator. */
void incidents_look(const struct incidents *incidents, const struct addr *client, const struct verdict *verdict,
                    struct incident_view *view);
