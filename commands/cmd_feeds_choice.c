/* The verbs of `ccward feeds` that choose feeds: catalogue, enable, disable, promote, monitor. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/cmd_feeds.h"
#include "commands/feed_catalogue_print.h"
#include "commands/would_block.h"
#include "config/chosen_feeds.h"
#include "config/config_schema.h"
#include "feeds/feed_state.h"

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

static bool load_catalogue(struct feeds_call *call)
{
    struct config_faults faults = {0};
    enum status status = feed_catalogue_load(call->catalogue_path, &call->catalogue, &faults);
    fputs(buf_text(&faults.text), stderr);
    if (status != ST_OK && !faults.errors)
        fprintf(stderr, "ccward: the catalogue cannot be read: %s\n", status_text(status));
    config_faults_free(&faults);
    return status == ST_OK;
}

static int not_in_catalogue(const struct feeds_call *call)
{
    return command_misused(call->command, "the catalogue has no '%s'; `ccward feeds catalogue` shows what it has",
                           call->operand);
}

int feeds_catalogue(struct feeds_call *call)
{
    enum status status = ST_OK;
    if (!load_catalogue(call))
        return EXIT_FAILED;
    const struct feed_catalogue_entry *entry =
        call->operand ? feed_catalogue_find(&call->catalogue, call->operand) : NULL;
    if (call->operand && !entry)
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

static enum status change_begin(const struct feeds_call *call, struct change *change, struct fault *fault)
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
static int change_end(const struct feeds_call *call, struct change *change, enum status status, struct fault *fault)
{
    if (status == ST_OK)
        status = chosen_feeds_save(call->config.state_dir, &change->chosen, fault);
    chosen_feeds_free(&change->chosen);
    if (change->lock >= 0)
        close(change->lock);
    return status == ST_OK ? EXIT_OK : command_failed(status, fault);
}

/* What of the catalogue's entry is taken: its settings, the user's key, and the action that was chosen before. */
static enum status make_feed(const struct feeds_call *call, const struct feed_catalogue_entry *entry,
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

int feeds_enable(struct feeds_call *call)
{
    struct fault fault = {0};
    struct config_feed feed;
    struct change change;
    bool own;
    if (!load_catalogue(call))
        return EXIT_FAILED;
    const struct feed_catalogue_entry *entry = feed_catalogue_find(&call->catalogue, call->operand);
    const struct config_feed *before = find_feed(&call->config, call->operand, &own);
    if (!entry)
        return not_in_catalogue(call);
    if (own)
        return command_misused(call->command, "the configuration has a feed '%s' already (%s)", call->operand,
                               call->config.path ? call->config.path : "built-in");
    if (entry->dead)
        return command_misused(call->command, "%s ended (%s); `ccward feeds catalogue %s` says more", call->operand,
                               entry->since, call->operand);
    if (entry->key_from[0] && !call->key && !(before && before->key[0]))
        return command_misused(call->command,
                               "%s wants a key, to be had at %s: put it into a file that only ccward can read (mode "
                               "0600), then `ccward feeds enable %s --key file:/PATH`",
                               call->operand, entry->key_from, call->operand);
    enum status status = change_begin(call, &change, &fault);
    if (status == ST_OK)
        status = make_feed(call, entry, before, &feed, &fault);
    if (status == ST_OK)
        status = chosen_feed_put_own(&change.chosen, &feed);
    int code = change_end(call, &change, status, &fault);
    if (code == EXIT_OK)
        printf("%s is enabled%s. A running daemon fetches it within seconds; `ccward feeds refresh %s` does at once.\n"
               "Licence: %s\n",
               call->operand, call->monitor ? ", to be watched" : "", call->operand, entry->licence);
    return code;
}

int feeds_disable(struct feeds_call *call)
{
    struct fault fault = {0};
    struct change change;
    bool own, was_there = false;
    if (find_feed(&call->config, call->operand, &own) && own)
        return command_misused(call->command, "'%s' stands in the configuration (%s): take it out there", call->operand,
                               call->config.path ? call->config.path : "built-in");
    enum status status = change_begin(call, &change, &fault);
    if (status == ST_OK && !chosen_feed_remove(&change.chosen, call->operand))
        status =
            fault_set(&fault, ST_NOT_FOUND, "'%s' is not enabled; `ccward feeds list` shows what is", call->operand);
    int code = change_end(call, &change, status, &fault);
    if (code != EXIT_OK)
        return code;
    const struct feed_site site = {.state_dir = call->config.state_dir};
    status = feed_forget(&site, call->operand, &was_there, &fault);
    if (status != ST_OK)
        return command_failed(status, &fault);
    printf("%s is disabled%s.\n", call->operand, was_there ? ", and its entries are gone" : "");
    return EXIT_OK;
}

/* --- From watching to blocking and back. --- */

static int set_action(struct feeds_call *call, const struct config_feed *feed, bool own, enum feed_use action)
{
    struct fault fault = {0};
    struct change change;
    enum status status = change_begin(call, &change, &fault);
    struct config_feed *chosen = status == ST_OK ? chosen_feed_find(&change.chosen, call->operand) : NULL;
    if (status == ST_OK && own)
        status = chosen_action_put(&change.chosen, call->operand, (int)action, feed->own_action);
    else if (chosen)
        chosen->action = (int)action;
    return change_end(call, &change, status, &fault);
}

static int print_preview(const struct feeds_call *call, const struct would_block *found, enum feed_use action)
{
    if (!call->json) {
        would_block_print(found, call->operand, stdout);
        return EXIT_OK;
    }
    json_t *json = json_pack("{s:s, s:s, s:{s:I, s:O}}", "feed", call->operand, "action", feed_use_text(action),
                             "would_have_blocked", "contacts", found->contacts, "indicators", found->indicators);
    int code = command_print_json(json);
    json_decref(json);
    return code;
}

static int print_action(const struct feeds_call *call, enum feed_use action, const char *when)
{
    if (!call->json) {
        printf("%s %s %s.\n", call->operand, action == FEED_BLOCKS ? "blocks" : "monitors", when);
        return EXIT_OK;
    }
    json_t *json = json_pack("{s:s, s:s}", "feed", call->operand, "action", feed_use_text(action));
    int code = command_print_json(json);
    json_decref(json);
    return code;
}

/* What the list shows beside feeds has no settings. */
static int no_such_feed(const struct feeds_call *call)
{
    struct feed_state state = {0};
    if (source_name_valid(str_of(call->operand)))
        feed_state_load(call->config.state_dir, call->operand, &state);
    if (state.from[0])
        return command_misused(call->command,
                               "'%s' was imported from %s and has no configuration to change: a list that is to be "
                               "watched is written into the configuration as a feed, with `action: monitor`",
                               call->operand, state.from);
    if (!strcmp(call->operand, "test-hosts"))
        return command_misused(call->command, "test-hosts is built in and has no configuration to change");
    return command_misused(call->command, "there is no feed '%s'; `ccward feeds list` shows what there is",
                           call->operand);
}

/* Changes a feed that monitors or blocks to ACTION. */
static int choose_action(struct feeds_call *call, enum feed_use action)
{
    bool own;
    const struct config_feed *feed = find_feed(&call->config, call->operand, &own);
    if (!feed)
        return no_such_feed(call);
    if (feed->action != FEED_MONITORS && feed->action != FEED_BLOCKS)
        return command_misused(call->command, "'%s' has action: %s, which neither blocks nor monitors", call->operand,
                               feed_use_text((enum feed_use)feed->action));
    if (feed->action == (int)action)
        return print_action(call, action, "already");
    struct would_block found;
    struct fault fault = {0};
    int code = EXIT_OK;
    if (action == FEED_BLOCKS) {
        enum status status = would_block_count(call->config.state_dir, call->operand, &found, &fault);
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

int feeds_promote(struct feeds_call *call)
{
    return choose_action(call, FEED_BLOCKS);
}

int feeds_monitor(struct feeds_call *call)
{
    return choose_action(call, FEED_MONITORS);
}
