#include <getopt.h>

#include "commands/command.h"
#include "commands/config_files.h"
#include "daemon/control.h"

/* Before ports and the state directory are taken. */
static bool files_are_right(const struct config *config)
{
    struct config_faults faults = {0};
    config_files_check(config, config->path ? config->path : "the built-in configuration", &faults);
    fputs(buf_text(&faults.text), stderr);
    bool right = !faults.errors;
    config_faults_free(&faults);
    return right;
}

int cmd_run(const struct command *command, int argc, char **argv)
{
    const char *path = NULL;
    bool print = false, annotated = false, quiet = false;
    struct command_option options[] = {{"config", 'c', .text = &path},
                                       {"print-config", .flag = &print},
                                       {"annotated", .flag = &annotated},
                                       {"quiet", 'q', .flag = &quiet},
                                       {0}};
    int code = command_options(command, options, argc, argv);
    if (code != COMMAND_GO_ON)
        return code;
    if (optind < argc)
        return command_misused(command, "'%s' is one word too many", argv[optind]);
    struct config config;
    if (!command_config(path, &config))
        return EXIT_CONFIG;
    if (print || annotated) {
        config_print(&config, annotated, stdout);
        config_free(&config);
        return EXIT_OK;
    }
    if (!files_are_right(&config)) {
        config_free(&config);
        return EXIT_CONFIG;
    }
    struct fault fault = {0};
    enum status status = control_run_own(&config, !quiet, &fault);
    return status == ST_OK ? EXIT_OK : command_failed(status, &fault);
}
