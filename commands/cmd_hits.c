#include <getopt.h>
#include <signal.h>

#include "base/clock.h"
#include "callbacks/hits.h"
#include "commands/command.h"

static volatile int stop;

static void on_interrupt(int number)
{
    (void)number;
    stop = 1;
}

int cmd_hits(const struct command *command, int argc, char **argv)
{
    enum { SINCE = 256, JSON, CSV };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"since", required_argument, NULL, SINCE},
                                            {"json", no_argument, NULL, JSON},
                                            {"csv", no_argument, NULL, CSV},
                                            {"follow", no_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct hits_settings settings = {.form = HITS_TABLE, .stop = &stop};
    const char *path = NULL;
    for (int c; (c = getopt_long(argc, argv, ":c:fh", options, NULL)) != -1;) {
        uint64_t since_ms;
        switch (c) {
        case 'c':
            path = optarg;
            break;
        case SINCE:
            if (duration_parse(str_of(optarg), &since_ms) != ST_OK)
                return command_misused(command, "'%s' is no time: write it like 30m, 1h or 7d", optarg);
            settings.since_ms = clock_wall_ms() - (int64_t)since_ms;
            break;
        case JSON:
        case CSV:
            if (settings.form != HITS_TABLE)
                return command_misused(command, "--json or --csv, not both");
            settings.form = c == JSON ? HITS_JSON : HITS_CSV;
            break;
        case 'f':
            settings.follow = true;
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
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    settings.state_dir = config.state_dir;
    struct fault fault = {0};
    enum status status = hits_print(&settings, &fault);
    config_free(&config);
    return status == ST_OK ? EXIT_OK : command_failed(status, &fault);
}
