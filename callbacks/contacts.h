/* The callbacks that are open: contacts of the last 10 s and what they fold into, in fixed memory. Control thread. */
#pragma once

#include "callbacks/fold.h"
#include "callbacks/incidents.h"
#include "callbacks/process.h"

enum {
    CONTACTS_MAX = 4096,
    CONTACT_SUBJECTS_MAX = 16, /* open subjects of one client, channel, action and indicator before they fold */
    CONTACT_ID_SIZE = 24,
};

struct contact {
    uint64_t key;
    enum fold level;
    bool muted;               /* has no line of its own and gets none: later hits count one level further down */
    struct callback callback; /* the first hit; count: hits that are in no line yet */
    int64_t last_ms;          /* wall, of the last hit */
    int64_t opened_ms;        /* mono */
    bool has_line;
    int64_t line_ms; /* mono, of the last line */
    char id[CONTACT_ID_SIZE];
    char incident[INCIDENT_ID_SIZE]; /* empty: none */
    struct process process;
    uint64_t subjects[16]; /* one bit for each hash of a subject: how many were different, at least */
    int next;              /* in its chain; -1: last */
};

struct contacts;
struct contacts *contacts_new(uint64_t seed); /* NULL when out of memory */
void contacts_free(struct contacts *contacts);

/* The open one that CALLBACK is to be counted in at LEVEL or, where that is full, further down; *OPENED: a new one,
 * with count 0, key, level, callback and opened_ms set. */
struct contact *contacts_take(struct contacts *contacts, enum fold level, const struct callback *callback,
                              bool *opened);

void contact_add(struct contact *contact, uint64_t count, int64_t last_ms);
void contact_add_subject(struct contact *contact, uint64_t subject_hash);
unsigned contact_subjects(const struct contact *contact);

/* The open ones, in no order. Closing one moves the last to its place. */
size_t contacts_count(const struct contacts *contacts);
struct contact *contacts_at(struct contacts *contacts, size_t at);
void contacts_close(struct contacts *contacts, size_t at);
