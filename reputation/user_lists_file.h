/* The user's own entries on disk: STATE_DIR/lists.json is the truth, the source `user` in STATE_DIR/reputation is what
 * look-ups see of it. Any process may change them, one at a time. */
#pragma once

#include "reputation/user_lists.h"

#define USER_LISTS_FILE "lists.json"

/* Takes the lock, waiting up to half a minute for another process, and reads. A missing file is an empty list; of one
 * that cannot be read FAULT tells the place, and nothing may be written. ST_BUSY, ST_INVALID, ST_UNSUPPORTED,
 * ST_DENIED, ST_IO, ST_NOMEM. */
enum status user_lists_open(const char *state_dir, struct user_lists **lists, int *lock,
                            struct fault *fault) MUST_CHECK;
/* Writes LISTS without what has expired, durably, and publishes it. The entries are kept as soon as the file is
 * written, even if it then fails; FAULT tells. */
enum status user_lists_save(const char *state_dir, struct user_lists *lists, struct fault *fault) MUST_CHECK;
/* Frees, and gives the lock back. */
void user_lists_close(struct user_lists *lists, int lock);

/* Reads without a lock; writers replace the file as a whole. */
enum status user_lists_read(const char *state_dir, struct user_lists **lists, struct fault *fault) MUST_CHECK;

/* Publishes what the file has, if that is not in force: a command may have been killed before it did. ST_BUSY when a
 * command is at work just now; it publishes itself. */
enum status user_lists_publish(const char *state_dir, struct fault *fault) MUST_CHECK;
