/* What may be on the disk after the power fails in the middle of a recorded run. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tests/durability/record_writes.h"

struct crash_run; /* a directory as it was, and all that was done to it since */

/* Takes what is in DIR now as being on the disk. */
struct crash_run *crash_run_new(const char *dir);
/* Adds what a program did to DIR after that. False: the log cannot be read. */
bool crash_run_read_log(struct crash_run *run, const char *log);
void crash_run_free(struct crash_run *run);
size_t crash_run_events(const struct crash_run *run);

struct crash_choice {
    size_t events;      /* that happened before the power failed */
    bool forget_syncs;  /* as if no file was ever synced, and all names got there: to see that images do harm */
    bool all_survived;  /* and nothing is lost after all */
    bool keep_identity; /* manifests name the inode and times of the image's files, as the real disk would have kept
                           them */
};

/* Writes one image into the existing, empty directory OUT. What was synced is there. Of the other writes a random part
 * is, in any order, torn at 512 bytes, the file being as long as it was or as what is there; of what was done to the
 * directory, a part from the start. */
void crash_run_image(const struct crash_run *run, const struct crash_choice *choice, const char *out);
