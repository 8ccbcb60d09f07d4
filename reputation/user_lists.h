/* The user's own entries in memory, and as the document that is kept of them (docs/lists.md). */
#pragma once

#include "base/buf.h"
#include "reputation/source_writer.h"
#include "reputation/user_subject.h"

enum user_verb { USER_ALLOW, USER_DENY };
const char *user_verb_text(enum user_verb verb); /* "allow", "deny" */

enum {
    USER_LISTS_MAX = 65536,
    USER_NOTE_MAX = 256, /* bytes */
    USER_GROUP_MAX = 63,
};

struct user_entry {
    const char *subject; /* user_subject.text */
    enum user_verb verb;
    bool log_only;     /* a contact passes and is recorded */
    const char *group; /* empty: for all clients */
    const char *note;  /* empty: none */
    enum category category;
    int64_t created_s, expires_s; /* since 1970; expires_s 0: never */
};

/* By subject, then group; one entry for each pair. */
struct user_lists;

struct user_lists *user_lists_new(void); /* NULL when out of memory */
void user_lists_free(struct user_lists *lists);
size_t user_lists_count(const struct user_lists *lists);
const struct user_entry *user_lists_at(const struct user_lists *lists, size_t index);
/* NULL: there is none. */
const struct user_entry *user_lists_find(const struct user_lists *lists, const char *subject, const char *group);

/* Copies ENTRY in place of the one of the same subject and group, which *REPLACED is then (else NULL; it stays valid as
 * long as LISTS). ST_INVALID: a text is too long or no plain UTF-8; ST_TOO_LARGE: there are USER_LISTS_MAX; ST_NOMEM.
 */
enum status user_lists_put(struct user_lists *lists, const struct user_entry *entry, const struct user_entry **replaced,
                           struct fault *fault) MUST_CHECK;
bool user_lists_remove(struct user_lists *lists, const char *subject, const char *group); /* false: there is none */
void user_lists_prune(struct user_lists *lists, int64_t now_s);                           /* takes expired ones out */

/* Adds what TEXT, the document NAME, has. ST_INVALID or ST_UNSUPPORTED with NAME:LINE: what; LISTS is worthless then.
 */
enum status user_lists_parse(struct user_lists *lists, struct str text, const char *name,
                             struct fault *fault) MUST_CHECK;
/* Appends the document, an entry a line. ST_NOMEM. */
enum status user_lists_build(const struct user_lists *lists, struct buf *out) MUST_CHECK;

/* Adds all to a source. */
enum status user_lists_add_to(const struct user_lists *lists, struct source_writer *writer,
                              struct fault *fault) MUST_CHECK;
