/* One feed in hand: its files, locked, and what is remembered of it. What refreshing, importing, rebuilding and going
 * back have in common. */
#pragma once

#include "feeds/feed_state.h"
#include "feeds/import.h"

enum { WORK_PATH_SIZE = 4096 };

struct feed_work {
    const struct feed_site *site;
    const char *name;
    bool progress;
    char store_dir[WORK_PATH_SIZE], part[WORK_PATH_SIZE], raw[WORK_PATH_SIZE];
    int fd; /* of PART, empty and locked: whoever holds it works on the feed; -1: it was kept */
    struct feed_state state;
    struct source_info in_force; /* what work_is_current() has found */
};

/* Makes the folders, locks the feed and loads its state. ST_BUSY: someone else works on it; ST_INVALID: no name of a
 * feed; ST_IO, ST_DENIED, ST_FULL. To be ended by work_end() only after ST_OK. */
enum status work_begin(struct feed_work *work, const struct feed_site *site, const char *name, bool progress,
                       struct fault *fault) MUST_CHECK;
/* Unlocks; takes PART away unless it was kept. */
void work_end(struct feed_work *work);

/* Whether the source that the state speaks of is what is in force, undamaged, and reading the same body as FEED would
 * make the same now: by its settings, by what is guarded, by when its entries expire. */
bool work_is_current(struct feed_work *work, const struct feed *feed);
/* The report of what is current, for a body that is the same. */
struct feed_report work_unchanged(const struct feed_work *work);

struct work_body {
    int fd;                   /* not owned; read from its start */
    const char *digest;       /* its SHA-256, by work_digest() */
    const char *name;         /* in messages; some formats take a family from it */
    const char *origin;       /* for the source's manifest */
    const struct feed *feed;  /* how it is to be read */
    struct import_gate *gate; /* may be NULL */
};

/* Reads BODY and publishes it. What is remembered becomes that of this body; it is not saved. Only one process at a
 * time does this, so that many feeds that are due at once take the memory and the processor of one: waits for its
 * turn. */
enum status work_publish(struct feed_work *work, const struct work_body *body, struct feed_report *report,
                         struct fault *fault) MUST_CHECK;
/* PART becomes NAME.raw. */
enum status work_keep(struct feed_work *work, struct fault *fault) MUST_CHECK;
enum status work_save(struct feed_work *work, struct fault *fault) MUST_CHECK;

/* SHA-256 of all of FD as text. */
enum status work_digest(int fd, char out[DIGEST_TEXT_SIZE], struct fault *fault) MUST_CHECK;
