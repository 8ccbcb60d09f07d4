/* The sub-commands of `ccward`. */
#pragma once

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
/* The answer to what getopt_long() gave for an option that it does not know or that lacks its value. Option strings
 * start with ':', so that getopt_long() says nothing itself. */
int command_bad_option(const struct command *command, int getopt_result, char **argv);
/* Prints a failure on standard error; returns the code that fits STATUS. */
int command_failed(enum status status, const struct fault *fault);

/* Loads PATH, or the default place when NULL, with the feeds that were chosen since, printing faults; false: do not go
 * on. */
bool command_config(const char *path, struct config *config);
/* For commands that show feeds: says so where this user cannot see those that were chosen. */
void command_tell_hidden_feeds(const struct config *config);

/* For commands that write: what root writes into the state directory of the service's user has to belong to that user,
 * or the daemon cannot read it. Root therefore becomes the directory's owner for the rest of the process. */
enum status command_become_owner(const struct config *config, struct fault *fault) MUST_CHECK;
