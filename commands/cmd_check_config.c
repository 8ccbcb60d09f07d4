#include <getopt.h>
#include <stdio.h>

#include "commands/command.h"
#include "commands/config_files.h"

int cmd_check_config(const struct command *command, int argc, char **argv)
{
    const char *path = config_default_path();
    struct command_option options[] = {{"config", 'c', .text = &path}, {0}};
    int code = command_options(command, options, argc, argv);
    if (code != COMMAND_GO_ON)
        return code;
    if (optind < argc)
        return command_misused(command, "'%s' is one word too many; a file is given with -c", argv[optind]);
    struct config config;
    struct config_faults faults = {0};
    enum status status = config_load(path, &config, &faults);
    if (status == ST_OK)
        config_files_check(&config, path ? path : "the built-in configuration", &faults);
    fputs(buf_text(&faults.text), stderr);
    unsigned found = faults.errors + faults.warnings; /* what a start forgives is a fault here */
    if (status == ST_OK && !found)
        printf("%s is right\n", path ? path : "the built-in configuration");
    else if (!found)
        fprintf(stderr, "ccward: %s: %s\n", path, status_text(status));
    else if (!faults.errors)
        fprintf(stderr, "%u warning%s: ccward would start all the same\n", found, text_plural(found));
    else
        fprintf(stderr, "%u fault%s%s\n", faults.errors, text_plural(faults.errors),
                faults.warnings ? ", besides the warnings" : "");
    if (status == ST_OK)
        config_free(&config);
    config_faults_free(&faults);
    return status == ST_OK && !found ? EXIT_OK : EXIT_FAILED;
}
