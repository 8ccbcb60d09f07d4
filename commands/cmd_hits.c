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
    const char *path = NULL, *since = NULL;
    bool json = false, csv = false, follow = false;
    struct command_option options[] = {{"config", 'c', .text = &path},   {"since", .text = &since},
                                       {"json", .flag = &json},          {"csv", .flag = &csv},
                                       {"follow", 'f', .flag = &follow}, {0}};
    int code = command_options(command, options, argc, argv);
    if (code != COMMAND_GO_ON)
        return code;
    struct hits_settings settings = {.form = json  ? HITS_JSON
                                             : csv ? HITS_CSV
                                                   : HITS_TABLE,
                                     .follow = follow,
                                     .stop = &stop};
    uint64_t since_ms;
    if (json && csv)
        return command_misused(command, "--json or --csv, not both");
    if (since && duration_parse(str_of(since), &since_ms) != ST_OK)
        return command_misused(command, "'%s' is no time: write it like 30m, 1h or 7d", since);
    if (since)
        settings.since_ms = clock_wall_ms() - (int64_t)since_ms;
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
