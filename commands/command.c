#include "commands/command.h"

#include <getopt.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/chosen_feeds.h"

int command_help(const struct command *command)
{
    fputs(command->usage, stdout);
    return EXIT_OK;
}

int command_misused(const struct command *command, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "ccward %s: ", command->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n`ccward %s --help` shows how it is called.\n", command->name);
    return EXIT_USAGE;
}

int command_bad_option(const struct command *command, int getopt_result, char **argv)
{
    const char *option = argv[optind - 1];
    return command_misused(command, getopt_result == ':' ? "option %s needs a value" : "option %s is not known",
                           option);
}

int command_failed(enum status status, const struct fault *fault)
{
    fprintf(stderr, "ccward: %s\n", fault && fault->text[0] ? fault->text : status_text(status));
    return status == ST_BUSY ? EXIT_BUSY : status == ST_CLOSED ? EXIT_INTERRUPTED : EXIT_FAILED;
}

bool command_config(const char *path, struct config *config)
{
    struct config_faults faults = {0};
    enum status status = config_load(path ? path : config_default_path(), config, &faults);
    if (status == ST_OK && !config_chosen_hidden(config))
        config_take_chosen(config, &faults);
    fputs(buf_text(&faults.text), stderr);
    if (status != ST_OK && !faults.errors)
        fprintf(stderr, "ccward: the configuration cannot be read: %s\n", status_text(status));
    config_faults_free(&faults);
    return status == ST_OK;
}

void command_tell_hidden_feeds(const struct config *config)
{
    if (config_chosen_hidden(config))
        fprintf(stderr, "ccward: this user may not look into %s: feeds that were chosen by command are not shown\n",
                config->state_dir);
}

enum status command_become_owner(const struct config *config, struct fault *fault)
{
    struct stat st;
    if (geteuid() != 0 || stat(config->state_dir, &st) || !st.st_uid)
        return ST_OK;
    if (setgroups(0, NULL) || setgid(st.st_gid) || setuid(st.st_uid))
        return fault_errno(fault, ST_DENIED, "%s belongs to user %u, whom root cannot become here", config->state_dir,
                           (unsigned)st.st_uid);
    return ST_OK;
}
