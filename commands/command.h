/* The sub-commands of `ccward`. */
#pragma once

#include <jansson.h>

#include "config/config.h"
#include "config/exit_code.h"
#include "config/site.h"

struct command {
    const char *name, *summary, *usage; /* usage: what `--help` prints */
    /* ARGV[0] is the sub-command's name. Returns an exit code. */
    int (*run)(const struct command *command, int argc, char **argv);
};

int cmd_run(const struct command *command, int argc, char **argv);
int cmd_check_config(const struct command *command, int argc, char **argv);
int cmd_feeds(const struct command *command, int argc, char **argv);
int cmd_why(const struct command *command, int argc, char **argv);
int cmd_hits(const struct command *command, int argc, char **argv);
int cmd_entry(const struct command *command, int argc, char **argv); /* allow, deny */
int cmd_lists(const struct command *command, int argc, char **argv);
int cmd_cache(const struct command *command, int argc, char **argv);
int cmd_query(const struct command *command, int argc, char **argv);
int cmd_system_proxy(const struct command *command, int argc, char **argv);
int cmd_system_dns(const struct command *command, int argc, char **argv);
int cmd_signer(const struct command *command, int argc, char **argv);
int cmd_ca(const struct command *command, int argc, char **argv);
int cmd_reports(const struct command *command, int argc, char **argv);
int cmd_status(const struct command *command, int argc, char **argv);

/* Prints the usage to standard output; returns EXIT_OK. */
int command_help(const struct command *command);
/* Says what is wrong with the call and where the usage is, on standard error; returns EXIT_USAGE. */
int command_misused(const struct command *command, const char *format, ...) PRINTF_LIKE(2, 3);
/* JSON to standard output. Returns an exit code. */
int command_print_json(const json_t *json);
/* Prints a failure on standard error; returns the code that fits STATUS. */
int command_failed(enum status status, const struct fault *fault);

/* --- The command line --- */

/* FLAG, TEXT or TAKE says what becomes of an option. A table ends with a row that has no name; --help is in none. */
struct command_option {
    const char *name;  /* --NAME */
    char letter;       /* -L; 0: none */
    bool *flag;        /* becomes true: an option without a value */
    const char **text; /* points at the value */
    /* Looks at the value of an option that may be repeated; COMMAND_GO_ON, or the exit code of what it told. */
    int (*take)(const struct command *command, const char *value, void *user);
    void *user;
    const char *verbs; /* "enable|disable": the verbs that it goes with; NULL: all */
    bool given;        /* set by command_options() */
};

/* Rows of a table of verbs begin with it. A table ends with a row that has no name. */
struct command_verb {
    const char *name;
    int operands; /* at most, after the verb; -1: any number */
};

enum { COMMAND_GO_ON = -1, COMMAND_MAX_OPTIONS = 20 };

/* Takes options off ARGV, which is permuted: operands begin at `optind`. COMMAND_GO_ON, or the exit code of what was
 * told. */
int command_options(const struct command *command, struct command_option *options, int argc, char **argv);
/* Refuses options that were given and do not go with VERB: what another verb would look at is a slip, and without a
 * word something else would be done than was meant. COMMAND_GO_ON, or the exit code of what was told. command_verb()
 * does it too. */
int command_check_options(const struct command *command, const struct command_option *options, const char *verb);
/* The row, of those of ROW_SIZE bytes at VERBS, that the operand at `optind` names; moves `optind` on. CHOICES are told
 * where there is none. NULL: the call is wrong, which is told. */
const void *command_verb(const struct command *command, const struct command_option *options, const void *verbs,
                         size_t row_size, const char *choices, int argc, char **argv);

/* --- The configuration --- */

/* Loads PATH, or the default place when NULL, with the feeds that were chosen since, printing faults; false: do not go
 * on. */
bool command_config(const char *path, struct config *config);
/* For commands that show feeds: says so where this user cannot see those that were chosen. */
void command_tell_hidden_feeds(const struct config *config);

/* For commands that write: what root writes into the state directory of the service's user has to belong to that user,
 * or the daemon cannot read it. Root therefore becomes the directory's owner for the rest of the process. */
enum status command_become_owner(const struct config *config, struct fault *fault) MUST_CHECK;
