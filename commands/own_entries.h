/* The user's own entries on the command line: what `ccward allow`, `deny` and `lists` have in common. */
#pragma once

#include "base/clock.h"
#include "commands/command.h"
#include "reputation/user_lists_file.h"

/* What the options say of the entries that are meant. */
struct own_options {
    const char *config_path, *group, *note; /* group: empty for all; note: empty for none */
    enum user_verb verb;
    bool has_verb, exact, log_only, force, json;
    enum category category;
    int64_t for_s; /* 0: for good */
};

/* The verbs of a command that takes options of entries, and which options go with which, as struct command_option has
 * it. */
struct own_verbs {
    const void *rows; /* as for command_verb(); the first is meant where no verb is given */
    size_t row_size;
    const char *choices;
    const char *making; /* the one that may make entries */
    const char *makers; /* "--allow or --deny": with which it does */
    const char *naming; /* those that look at --group and --exact */
    const char *json;
    bool *all; /* what --all of the first verb sets; NULL: there is no such option */
};

/* command_options() with the options of entries, and command_verb() where there are VERBS: *VERB is the row. VERBS and
 * VERB are NULL for a command that has none. */
int own_options_parse(const struct command *command, int argc, char **argv, struct own_options *options,
                      const struct own_verbs *verbs, const void **verb);

/* TEXT with what --exact means. */
enum status own_subject_parse(const char *text, bool exact, struct user_subject *subject,
                              struct fault *fault) MUST_CHECK;
/* Whether an entry for SUBJECT is safe: user_subject_check(), and it is none of our own listeners. */
enum status own_subject_check(const struct config *config, const struct user_subject *subject, enum user_verb verb,
                              struct fault *why) MUST_CHECK;
bool own_group_known(const struct config *config, const char *group);
/* "the configuration has no group 'x'; there are: ..." */
enum status own_group_check(const struct config *config, const char *group, struct fault *why) MUST_CHECK;

struct user_entry own_entry(const struct own_options *options, const struct user_subject *subject, int64_t now_s);

/* "deny evil.example and all below it for 15 min, for group kids" */
void own_entry_text(const struct user_entry *entry, int64_t now_s, struct buf *out);
/* "for good", "15 min". */
void own_left_text(int64_t expires_s, int64_t now_s, char out[CLOCK_SPAN_SIZE]);
/* NULL when out of memory, or for NULL. */
json_t *own_entry_json(const struct user_entry *entry, int64_t now_s);

/* Adds what is in FILE to the entries, all or nothing: an exported document, or a plain list of subjects where OPTIONS
 * have a verb. Returns an exit code. */
int own_import(const struct command *command, const struct config *config, const struct own_options *options,
               const char *file);
