#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands/cmd_feeds.h"

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
    if (!found && !call->json)
        printf("The configuration names no feeds; docs/feeds.md tells how to add one.\n");
    return worst;
}

static int list(struct feeds_call *call)
{
    struct fault fault = {0};
    enum status status = feeds_list(&call->site.site, call->operand, call->json, stdout, &fault);
    return status == ST_OK ? EXIT_OK : command_failed(status, &fault);
}

#define CHOICES                                                                                                        \
    "import, refresh, list, rollback, verify, rebuild, remove, catalogue, enable, disable, promote or monitor"

static const struct verb {
    struct command_verb verb;
    int (*run)(struct feeds_call *call);
    bool writes;       /* sources: as the owner of the state directory */
    bool shows;        /* the feeds that are chosen */
    const char *names; /* where the names are shown of which it needs one; NULL: it tells that itself, or needs none */
} verbs[] = {{{"import", 1}, import, .writes = true},
             {{"refresh", 1}, refresh, .writes = true},
             {{"list", 1}, list, .shows = true},
             {{"remove", 1}, feeds_remove, .writes = true},
             {{"rollback", 1}, feeds_rollback, .writes = true},
             {{"verify", 1}, feeds_check, .shows = true},
             {{"rebuild", 1}, feeds_rebuild, .writes = true},
             {{"catalogue", 1}, feeds_catalogue, .shows = true},
             {{"enable", 1}, feeds_enable, .names = "catalogue"},
             {{"disable", 1}, feeds_disable, .names = "list"},
             {{"promote", 1}, feeds_promote, .names = "list"},
             {{"monitor", 1}, feeds_monitor, .names = "list"},
             {{0}}};

/* COMMAND_GO_ON, or an exit code. */
static int parse(struct feeds_call *call, const struct verb **verb, int argc, char **argv)
{
    const char *category = NULL, *risk = NULL, *dump = NULL;
    bool accept = false, force = false;
    struct command_option options[] = {
        {"config", 'c', .text = &call->config_path},
        {"feed", .text = &call->feed.name, .verbs = "import"},
        {"format", .text = &call->feed.format, .verbs = "import"},
        {"category", .text = &category, .verbs = "import"},
        {"risk", .text = &risk, .verbs = "import"},
        {"dry-run", .flag = &call->dry_run, .verbs = "import|promote"},
        {"dump", .text = &dump, .verbs = "import"},
        {"json", .flag = &call->json, .verbs = "import|refresh|list|verify|rebuild|catalogue|promote|monitor"},
        {"accept", .flag = &accept, .verbs = "refresh"},
        {"force", .flag = &force, .verbs = "refresh"},
        {"catalogue", .text = &call->catalogue_path, .verbs = "catalogue|enable"},
        {"key", .text = &call->key, .verbs = "enable"},
        {"monitor", .flag = &call->monitor, .verbs = "enable"},
        {0}};
    int code = command_options(call->command, options, argc, argv);
    if (code != COMMAND_GO_ON)
        return code;
    *verb = command_verb(call->command, options, verbs, sizeof **verb, CHOICES, argc, argv);
    if (!*verb)
        return EXIT_USAGE;
    call->operand = argv[optind];
    if ((*verb)->names && !call->operand)
        return command_misused(call->command, "which feed is meant? `ccward feeds %s` shows them", (*verb)->names);
    call->refresh = (accept ? FEED_ACCEPT : 0u) | (force ? FEED_FORCE : 0u);
    if (strcmp(call->feed.format, "auto") && !feed_format_known(str_of(call->feed.format)))
        return command_misused(call->command, "'%s' is no format; there are: auto, %s", call->feed.format,
                               feed_format_names());
    if (category && category_parse(str_of(category), &call->feed.category) != ST_OK)
        return command_misused(call->command, "'%s' is none that --category takes", category);
    if (risk && risk_parse(str_of(risk), &call->feed.risk) != ST_OK)
        return command_misused(call->command, "'%s' is none that --risk takes", risk);
    if (dump && feed_dump_kind(str_of(dump), &call->dump) != ST_OK)
        return command_misused(call->command, "'%s' is none that --dump takes", dump);
    return COMMAND_GO_ON;
}

int cmd_feeds(const struct command *command, int argc, char **argv)
{
    struct feeds_call call = {.command = command,
                              .feed = {.format = "auto", .category = CATEGORY_C2, .risk = RISK_HIGH}};
    struct fault fault = {0};
    const struct verb *verb;
    int code = parse(&call, &verb, argc, argv);
    if (code != COMMAND_GO_ON)
        return code;
    if (!command_config(call.config_path, &call.config))
        return EXIT_CONFIG;
    if (verb->shows)
        command_tell_hidden_feeds(&call.config);
    enum status status = verb->writes && !call.dry_run ? command_become_owner(&call.config, &fault) : ST_OK;
    if (status == ST_OK)
        status = config_site(&call.config, &call.site);
    code = status == ST_OK ? verb->run(&call) : command_failed(status, &fault);
    feed_catalogue_free(&call.catalogue);
    config_site_fini(&call.site);
    config_free(&call.config);
    return code;
}
