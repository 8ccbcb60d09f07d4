#include "commands/cmd_feeds_choice.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/feed_catalogue_print.h"
#include "commands/would_block.h"
#include "config/chosen_feeds.h"
#include "config/config_schema.h"
#include "feeds/feed_state.h"

struct choice_call {
    const struct command *command;
    const char *config_path, *catalogue_path, *name, *key;
    bool json, monitor, dry_run;
    struct config config;
    struct feed_catalogue catalogue; /* of the verbs that look into it */
};

/* The feed of that name that is in force, or NULL; *OWN: the configuration has it. */
static const struct config_feed *find_feed(const struct config *config, const char *name, bool *own)
{
    for (size_t i = 0; i < config->feed_count; i++)
        if (!strcmp(config->feeds[i].name, name)) {
            *own = i < config->own_feed_count;
            return &config->feeds[i];
        }
    *own = false;
    return NULL;
}

static bool load_catalogue(struct choice_call *call)
{
    struct config_faults faults = {0};
    enum status status = feed_catalogue_load(call->catalogue_path, &call->catalogue, &faults);
    fputs(buf_text(&faults.text), stderr);
    if (status != ST_OK && !faults.errors)
        fprintf(stderr, "ccward: the catalogue cannot be read: %s\n", status_text(status));
    config_faults_free(&faults);
    return status == ST_OK;
}

static int not_in_catalogue(const struct choice_call *call)
{
    return command_misused(call->command, "the catalogue has no '%s'; `ccward feeds catalogue` shows what it has",
                           call->name);
}

static int show(struct choice_call *call)
{
    enum status status = ST_OK;
    if (!load_catalogue(call))
        return EXIT_FAILED;
    const struct feed_catalogue_entry *entry = call->name ? feed_catalogue_find(&call->catalogue, call->name) : NULL;
    if (call->name && !entry)
        return not_in_catalogue(call);
    if (call->json)
        status = feed_catalogue_print_json(&call->catalogue, entry, &call->config, stdout);
    else if (entry)
        feed_catalogue_entry_print(entry, &call->config, stdout);
    else
        feed_catalogue_print(&call->catalogue, &call->config, stdout);
    return status == ST_OK ? EXIT_OK : command_failed(status, NULL);
}

/* --- Changing what is chosen: read, change, write, under a lock. --- */

struct change {
    struct chosen_feeds chosen;
    int lock;
};

static enum status change_begin(const struct choice_call *call, struct change *change, struct fault *fault)
{
    struct config_faults faults = {0};
    const char *dir = call->config.state_dir;
    *change = (struct change){.lock = -1};
    enum status status = command_become_owner(&call->config, fault);
    if (status != ST_OK)
        return status;
    if (mkdir(dir, 0750) && errno != EEXIST)
        return fault_errno(fault, ST_IO, "the state directory %s cannot be made", dir);
    change->lock = chosen_feeds_lock(dir, fault);
    if (change->lock < 0)
        return ST_IO;
    status = chosen_feeds_load(dir, &change->chosen, &faults);
    fputs(buf_text(&faults.text), stderr);
    config_faults_free(&faults);
    return status == ST_OK ? ST_OK
                           : fault_set(fault, status, "%s/feeds.yaml has faults: mend it, or take it away", dir);
}

/* Writes it where STATUS is ST_OK; frees. */
static int change_end(const struct choice_call *call, struct change *change, enum status status, struct fault *fault)
{
    if (status == ST_OK)
        status = chosen_feeds_save(call->config.state_dir, &change->chosen, fault);
    chosen_feeds_free(&change->chosen);
    if (change->lock >= 0)
        close(change->lock);
    return status == ST_OK ? EXIT_OK : command_failed(status, fault);
}

/* What of the catalogue's entry is taken: its settings, the user's key, and the action that was chosen before. */
static enum status make_feed(const struct choice_call *call, const struct feed_catalogue_entry *entry,
                             const struct config_feed *before, struct config_feed *feed, struct fault *fault)
{
    const struct section options = {.options = config_feed_options, .option_count = config_feed_option_count};
    const char *key = call->key ? call->key : before ? before->key : "";
    enum status status = config_feed_copy(&entry->feed, feed);
    if (status == ST_OK &&
        (status = option_set(section_option(&options, STR("key")), feed, str_of(key), fault)) != ST_OK)
        config_feed_clear(feed);
    if (status != ST_OK)
        return status;
    if (call->monitor)
        feed->action = FEED_MONITORS;
    else if (before)
        feed->action = before->action;
    return ST_OK;
}

static int enable(struct choice_call *call)
{
    struct fault fault = {0};
    struct config_feed feed;
    struct change change;
    bool own;
    if (!load_catalogue(call))
        return EXIT_FAILED;
    const struct feed_catalogue_entry *entry = feed_catalogue_find(&call->catalogue, call->name);
    const struct config_feed *before = find_feed(&call->config, call->name, &own);
    if (!entry)
        return not_in_catalogue(call);
    if (own)
        return command_misused(call->command, "the configuration has a feed '%s' already (%s)", call->name,
                               call->config.path ? call->config.path : "built-in");
    if (entry->dead)
        return command_misused(call->command, "%s ended (%s); `ccward feeds catalogue %s` says more", call->name,
                               entry->since, call->name);
    if (entry->key_from[0] && !call->key && !(before && before->key[0]))
        return command_misused(call->command,
                               "%s wants a key, to be had at %s: put it into a file that only ccward can read (mode "
                               "0600), then `ccward feeds enable %s --key file:/PATH`",
                               call->name, entry->key_from, call->name);
    enum status status = change_begin(call, &change, &fault);
    if (status == ST_OK)
        status = make_feed(call, entry, before, &feed, &fault);
    if (status == ST_OK)
        status = chosen_feed_put_own(&change.chosen, &feed);
    int code = change_end(call, &change, status, &fault);
    if (code == EXIT_OK)
        printf("%s is enabled%s. A running daemon fetches it within seconds; `ccward feeds refresh %s` does at once.\n"
               "Licence: %s\n",
               call->name, call->monitor ? ", to be watched" : "", call->name, entry->licence);
    return code;
}

static int disable(struct choice_call *call)
{
    struct fault fault = {0};
    struct change change;
    bool own, was_there = false;
    if (find_feed(&call->config, call->name, &own) && own)
        return command_misused(call->command, "'%s' stands in the configuration (%s): take it out there", call->name,
                               call->config.path ? call->config.path : "built-in");
    enum status status = change_begin(call, &change, &fault);
    if (status == ST_OK && !chosen_feed_remove(&change.chosen, call->name))
        status = fault_set(&fault, ST_NOT_FOUND, "'%s' is not enabled; `ccward feeds list` shows what is", call->name);
    int code = change_end(call, &change, status, &fault);
    if (code != EXIT_OK)
        return code;
    const struct feed_site site = {.state_dir = call->config.state_dir};
    status = feed_forget(&site, call->name, &was_there, &fault);
    if (status != ST_OK)
        return command_failed(status, &fault);
    printf("%s is disabled%s.\n", call->name, was_there ? ", and its entries are gone" : "");
    return EXIT_OK;
}

/* --- From watching to blocking and back. --- */

static int set_action(struct choice_call *call, const struct config_feed *feed, bool own, enum feed_use action)
{
    struct fault fault = {0};
    struct change change;
    enum status status = change_begin(call, &change, &fault);
    struct config_feed *chosen = status == ST_OK ? chosen_feed_find(&change.chosen, call->name) : NULL;
    if (status == ST_OK && own)
        status = chosen_action_put(&change.chosen, call->name, (int)action, feed->own_action);
    else if (chosen)
        chosen->action = (int)action;
    return change_end(call, &change, status, &fault);
}

static int print_preview(const struct choice_call *call, const struct would_block *found, enum feed_use action)
{
    if (!call->json) {
        would_block_print(found, call->name, stdout);
        return EXIT_OK;
    }
    json_t *json = json_pack("{s:s, s:s, s:{s:I, s:O}}", "feed", call->name, "action", feed_use_text(action),
                             "would_have_blocked", "contacts", found->contacts, "indicators", found->indicators);
    int code = command_print_json(json);
    json_decref(json);
    return code;
}

static int print_action(const struct choice_call *call, enum feed_use action, const char *when)
{
    if (!call->json) {
        printf("%s %s %s.\n", call->name, action == FEED_BLOCKS ? "blocks" : "monitors", when);
        return EXIT_OK;
    }
    json_t *json = json_pack("{s:s, s:s}", "feed", call->name, "action", feed_use_text(action));
    int code = command_print_json(json);
    json_decref(json);
    return code;
}

/* What the list shows beside feeds has no settings. */
static int no_such_feed(const struct choice_call *call)
{
    struct feed_state state = {0};
    if (source_name_valid(str_of(call->name)))
        feed_state_load(call->config.state_dir, call->name, &state);
    if (state.from[0])
        return command_misused(call->command,
                               "'%s' was imported from %s and has no configuration to change: a list that is to be "
                               "watched is written into the configuration as a feed, with `action: monitor`",
                               call->name, state.from);
    if (!strcmp(call->name, "test-hosts"))
        return command_misused(call->command, "test-hosts is built in and has no configuration to change");
    return command_misused(call->command, "there is no feed '%s'; `ccward feeds list` shows what there is", call->name);
}

/* Changes a feed that monitors or blocks to ACTION. */
static int choose_action(struct choice_call *call, enum feed_use action)
{
    bool own;
    const struct config_feed *feed = find_feed(&call->config, call->name, &own);
    if (!feed)
        return no_such_feed(call);
    if (feed->action != FEED_MONITORS && feed->action != FEED_BLOCKS)
        return command_misused(call->command, "'%s' has action: %s, which neither blocks nor monitors", call->name,
                               feed_use_text((enum feed_use)feed->action));
    if (feed->action == (int)action)
        return print_action(call, action, "already");
    struct would_block found;
    struct fault fault = {0};
    int code = EXIT_OK;
    if (action == FEED_BLOCKS) {
        enum status status = would_block_count(call->config.state_dir, call->name, &found, &fault);
        code = status == ST_OK ? print_preview(call, &found, call->dry_run ? FEED_MONITORS : action)
                               : command_failed(status, &fault);
        would_block_fini(&found);
    }
    if (code != EXIT_OK || call->dry_run)
        return code;
    code = set_action(call, feed, own, action);
    if (code != EXIT_OK || (call->json && action == FEED_BLOCKS)) /* what it would have blocked tells it as JSON */
        return code;
    return print_action(call, action, "from now on");
}

static int promote(struct choice_call *call)
{
    return choose_action(call, FEED_BLOCKS);
}

static int monitor(struct choice_call *call)
{
    return choose_action(call, FEED_MONITORS);
}

/* --- The call. --- */

static const struct verb {
    struct command_verb verb;
    int (*run)(struct choice_call *call);
    const char *names; /* where the names are shown of which it needs one; NULL: it needs none */
} verbs[] = {{{"catalogue", 1}, show, NULL},    {{"enable", 1}, enable, "catalogue"}, {{"disable", 1}, disable, "list"},
             {{"promote", 1}, promote, "list"}, {{"monitor", 1}, monitor, "list"},    {{0}}};

bool feeds_choice_knows(const char *word)
{
    for (const struct verb *verb = verbs; verb->verb.name; verb++)
        if (!strcmp(verb->verb.name, word))
            return true;
    return false;
}

int feeds_choice(const struct command *command, int argc, char **argv)
{
    struct choice_call call = {.command = command};
    struct command_option options[] = {{"config", 'c', .text = &call.config_path},
                                       {"catalogue", .text = &call.catalogue_path, .verbs = "catalogue|enable"},
                                       {"key", .text = &call.key, .verbs = "enable"},
                                       {"json", .flag = &call.json, .verbs = "catalogue|promote|monitor"},
                                       {"monitor", .flag = &call.monitor, .verbs = "enable"},
                                       {"dry-run", .flag = &call.dry_run, .verbs = "promote"},
                                       {0}};
    int code = command_options(command, options, argc, argv);
    if (code != COMMAND_GO_ON)
        return code;
    const struct verb *verb = command_verb(command, options, verbs, sizeof *verb, argv[0], argc, argv);
    if (!verb)
        return EXIT_USAGE;
    call.name = argv[optind];
    if (verb->names && !call.name)
        return command_misused(command, "which feed is meant? `ccward feeds %s` shows them", verb->names);
    if (!command_config(call.config_path, &call.config))
        return EXIT_CONFIG;
    if (verb->run == show)
        command_tell_hidden_feeds(&call.config);
    code = verb->run(&call);
    feed_catalogue_free(&call.catalogue);
    config_free(&call.config);
    return code;
}
