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
    enum { PRINT_CONFIG = 256, ANNOTATED };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"print-config", no_argument, NULL, PRINT_CONFIG},
                                            {"annotated", no_argument, NULL, ANNOTATED},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *path = NULL;
    bool print = false, annotated = false, quiet = false;
    for (int c; (c = getopt_long(argc, argv, ":c:qh", options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            path = optarg;
            break;
        case PRINT_CONFIG:
            print = true;
            break;
        case ANNOTATED:
            print = annotated = true;
            break;
        case 'q':
            quiet = true;
            break;
        case 'h':
            return command_help(command);
        default:
            return command_bad_option(command, c, argv);
        }
    }
    if (optind < argc)
        return command_misused(command, "'%s' is one word too many", argv[optind]);
    struct config config;
    if (!command_config(path, &config))
        return EXIT_CONFIG;
    if (print) {
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
