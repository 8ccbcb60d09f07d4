#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands/cmd_feeds.h"
#include "commands/cmd_feeds_choice.h"

/* The report tells people why lines were skipped also when the file is refused. */
static int import_failed(const struct feeds_call *call, enum status status, const struct feed_report *report,
                         const struct fault *fault)
{
    if (call->json && call->dump == FEED_DUMP_NONE)
        (void)!feed_report_print_refused(report, fault, stdout);
    else if (report->skipped_count)
        (void)!feed_report_print(report, false, stderr);
    return command_failed(status, fault);
}

static int import(struct feeds_call *call)
{
    struct feed_report report = {0};
    struct fault fault = {0};
    enum status status;
    if (!call->operand)
        return command_misused(call->command, "which file is to be imported?");
    if (!strcmp(call->operand, "-"))
        call->operand = "/dev/stdin";
    if (!call->dry_run && !call->feed.name)
        return command_misused(call->command, "--feed NAME is missing: what shall the source be called?");
    if (!call->dry_run && !source_name_valid(str_of(call->feed.name)))
        return command_misused(call->command,
                               "'%s' is no name for a feed: use lower-case letters, digits, '.', '_', '-'",
                               call->feed.name);
    if (call->dump != FEED_DUMP_NONE && !call->dry_run)
        return command_misused(call->command, "--dump goes with --dry-run");
    if (call->dry_run)
        status = feed_try(&call->site.site, call->operand, &call->feed, true, call->dump, stdout, &report, &fault);
    else
        status = feed_import(&call->site.site, call->operand, &call->feed, true, &report, &fault);
    if (status == ST_OK && call->dump == FEED_DUMP_NONE)
        status = feed_report_print(&report, call->json, stdout);
    return status == ST_OK ? EXIT_OK : import_failed(call, status, &report, &fault);
}

int feeds_told(const struct feeds_call *call, const char *name, enum status status, const struct feed_report *report,
               const struct fault *fault)
{
    if (status != ST_OK) {
        fprintf(stderr, "ccward: %s%s\n", fault->text[0] ? fault->text : status_text(status),
                report->expired ? "" : "; what was in force stays in force");
        return status == ST_BUSY ? EXIT_BUSY : status == ST_CLOSED ? EXIT_INTERRUPTED : EXIT_FAILED;
    }
    if (call->json)
        return feed_report_print(report, true, stdout) == ST_OK ? EXIT_OK : EXIT_FAILED;
    if (report->unchanged)
        printf("%s: unchanged\n", name);
    else
        printf("%s: ", name);
    return report->unchanged || feed_report_print(report, false, stdout) == ST_OK ? EXIT_OK : EXIT_FAILED;
}

static int refresh_one(const struct feeds_call *call, const struct config_feed *configured)
{
    struct feed feed = feed_of_config(configured);
    struct feed_report report = {0};
    struct fault fault = {0};
    enum status status = feed_refresh(&call->site.site, &feed, call->refresh, true, &report, &fault);
    return feeds_told(call, feed.name, status, &report, &fault);
}

static int refresh(struct feeds_call *call)
{
    int worst = EXIT_OK;
    bool found = false;
    if (call->refresh & FEED_ACCEPT && !call->operand)
        return command_misused(call->command, "--accept goes with the name of a feed");
    for (size_t i = 0; i < call->config.feed_count; i++) {
        const struct config_feed *feed = &call->config.feeds[i];
        if (call->operand && strcmp(feed->name, call->operand))
            continue;
        int code = refresh_one(call, feed);
        worst = code > worst ? code : worst;
        found = true;
        if (code == EXIT_INTERRUPTED)
            break;
    }
    if (!found && call->operand)
        return command_misused(call->command, "the configuration has no feed '%s'", call->operand);
    if (!found)
        printf("The configuration names no feeds; docs/feeds.md tells how to add one.\n");
    return worst;
}

static int list(struct feeds_call *call)
{
    struct fault fault = {0};
    enum status status = feeds_list(&call->site.site, call->operand, call->json, stdout, &fault);
    return status == ST_OK ? EXIT_OK : command_failed(status, &fault);
}

static const struct {
    const char *name;
    int (*run)(struct feeds_call *call);
} verbs[] = {{"import", import},        {"refresh", refresh},         {"list", list},
             {"remove", feeds_remove},  {"rollback", feeds_rollback}, {"verify", feeds_check},
             {"rebuild", feeds_rebuild}};

/* EXIT_OK: go on. */
static int parse_options(struct feeds_call *call, int argc, char **argv)
{
    enum { FEED = 256, FORMAT, CATEGORY, RISK, DRY_RUN, DUMP, JSON, ACCEPT, FORCE };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"feed", required_argument, NULL, FEED},
                                            {"format", required_argument, NULL, FORMAT},
                                            {"category", required_argument, NULL, CATEGORY},
                                            {"risk", required_argument, NULL, RISK},
                                            {"dry-run", no_argument, NULL, DRY_RUN},
                                            {"dump", required_argument, NULL, DUMP},
                                            {"json", no_argument, NULL, JSON},
                                            {"accept", no_argument, NULL, ACCEPT},
                                            {"force", no_argument, NULL, FORCE},
                                            {0}};
    for (int c; (c = getopt_long(argc, argv, ":c:", options, NULL)) != -1;) {
        enum status status = ST_OK;
        switch (c) {
        case 'c':
            call->config_path = optarg;
            break;
        case FEED:
            call->feed.name = optarg;
            break;
        case FORMAT:
            call->feed.format = optarg;
            if (strcmp(optarg, "auto") && !feed_format_known(str_of(optarg)))
                return command_misused(call->command, "'%s' is no format; there are: auto, %s", optarg,
                                       feed_format_names());
            break;
        case CATEGORY:
            status = category_parse(str_of(optarg), &call->feed.category);
            break;
        case RISK:
            status = risk_parse(str_of(optarg), &call->feed.risk);
            break;
        case DRY_RUN:
            call->dry_run = true;
            break;
        case DUMP:
            status = feed_dump_kind(str_of(optarg), &call->dump);
            break;
        case JSON:
            call->json = true;
            break;
        case ACCEPT:
            call->refresh |= FEED_ACCEPT;
            break;
        case FORCE:
            call->refresh |= FEED_FORCE;
            break;
        default:
            return command_bad_option(call->command, c, argv);
        }
        if (status != ST_OK)
            return command_misused(call->command, "'%s' is none that --%s takes", optarg,
                                   c == CATEGORY ? "category"
                                   : c == RISK   ? "risk"
                                                 : "dump");
    }
    return EXIT_OK;
}

int cmd_feeds(const struct command *command, int argc, char **argv)
{
    struct feeds_call call = {.command = command,
                              .feed = {.format = "auto", .category = CATEGORY_C2, .risk = RISK_HIGH}};
    struct fault fault = {0};
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return command_help(command);
    if (argc > 1 && feeds_choice_knows(argv[1]))
        return feeds_choice(command, argc - 1, argv + 1);
    int (*run)(struct feeds_call *) = NULL;
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof verbs[0]; i++)
        if (!strcmp(verbs[i].name, argv[1]))
            run = verbs[i].run;
    if (!run)
        return command_misused(command, "import, refresh, list, rollback, verify, rebuild, remove, catalogue, enable, "
                                        "disable, promote or monitor is expected");
    int code = parse_options(&call, argc - 1, argv + 1);
    if (code != EXIT_OK)
        return code;
    argv++, argc--;
    call.operand = optind < argc ? argv[optind++] : NULL;
    if (optind < argc)
        return command_misused(command, "'%s' is one word too many", argv[optind]);
    if (!command_config(call.config_path, &call.config))
        return EXIT_CONFIG;
    if (run == list || run == feeds_check)
        command_tell_hidden_feeds(&call.config);
    bool changes = run != list && run != feeds_check && !call.dry_run;
    enum status status = changes ? command_become_owner(&call.config, &fault) : ST_OK;
    if (status == ST_OK)
        status = config_site(&call.config, &call.site);
    code = status == ST_OK ? run(&call) : command_failed(status, &fault);
    config_site_fini(&call.site);
    config_free(&call.config);
    return code;
}
