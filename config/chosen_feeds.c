#include "config/chosen_feeds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "config/config_loading.h"

enum { MAX_BYTES = 4 << 20, SECTIONS = 2 };

static const char head[] =
    "# Feeds that were chosen with `ccward feeds enable`, `disable`, `promote` and `monitor`. Those commands write "
    "this file\n"
    "# anew, without comments. It is read together with the configuration; of a feed that both have, that holds.\n";

static void chosen_sections(struct section sections[SECTIONS], struct config_option actions[2])
{
    actions[0] = *section_option(&(struct section){.options = config_feed_options, .option_count = 1}, STR("name"));
    actions[0].offset = offsetof(struct chosen_action, name);
    const struct section feed = {.options = config_feed_options, .option_count = config_feed_option_count};
    actions[1] = *section_option(&feed, STR("action"));
    actions[1].offset = offsetof(struct chosen_action, action);
    actions[1].default_text = NULL; /* it must be given */
    sections[0] = (struct section){.name = "feeds",
                                   .options = config_feed_options,
                                   .option_count = config_feed_option_count,
                                   .item_size = sizeof(struct config_feed),
                                   .items_offset = offsetof(struct chosen_feeds, feeds),
                                   .count_offset = offsetof(struct chosen_feeds, feed_count)};
    sections[1] = (struct section){.name = "actions",
                                   .options = actions,
                                   .option_count = 2,
                                   .item_size = sizeof(struct chosen_action),
                                   .items_offset = offsetof(struct chosen_feeds, actions),
                                   .count_offset = offsetof(struct chosen_feeds, action_count)};
}

static enum status path_of(const char *state_dir, const char *suffix, char out[PATH_MAX], struct fault *fault)
{
    int n = snprintf(out, PATH_MAX, "%s/feeds.yaml%s", state_dir, suffix);
    return n > 0 && n < PATH_MAX ? ST_OK : fault_set(fault, ST_TOO_LARGE, "the state directory's path is too long");
}

static void report(struct config_faults *faults, const char *text)
{
    buf_printf(&faults->text, "%s\n", text);
    faults->errors++;
}

enum status chosen_feeds_load(const char *state_dir, struct chosen_feeds *chosen, struct config_faults *faults)
{
    struct section sections[SECTIONS];
    struct config_option actions[2];
    char path[PATH_MAX];
    struct buf text = {0};
    struct fault why = {0};
    *chosen = (struct chosen_feeds){0};
    enum status status = path_of(state_dir, "", path, &why);
    if (status == ST_OK)
        status = file_read(path, MAX_BYTES, &text, &why);
    if (status == ST_OK) {
        chosen_sections(sections, actions);
        struct loading loading = {
            .name = path, .sections = sections, .section_count = SECTIONS, .base = chosen, .faults = faults};
        status = config_load_sections(&loading, text.data, text.length);
        if (status != ST_OK)
            chosen_feeds_free(chosen);
    } else if (status != ST_NOT_FOUND) {
        report(faults, why.text);
    }
    buf_free(&text);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

/* What is written as the default is not written. */
static void add_item(const struct section *section, const void *item, const void *defaults, struct buf *out)
{
    struct buf value = {0}, plain = {0};
    for (size_t k = 0; k < section->option_count; k++) {
        const struct config_option *option = &section->options[k];
        size_t elements = option_elements(option, item);
        buf_clear(&value);
        buf_clear(&plain);
        for (size_t i = 0; i < elements; i++) {
            buf_add_text(&value, i ? ", " : "");
            option_format(option, item, i, &value);
        }
        if (option->default_text)
            for (size_t i = 0; i < option_elements(option, defaults); i++)
                option_format(option, defaults, i, &plain);
        if (k && option->default_text && !strcmp(buf_text(&value), buf_text(&plain)))
            continue;
        buf_printf(out, "  %s %s: %s%s%s\n", k ? " " : "-", option->key, option_is_list(option) ? "[" : "",
                   buf_text(&value), option_is_list(option) ? "]" : "");
    }
    buf_free(&value);
    buf_free(&plain);
}

static void add_items(const struct section *section, const void *base, struct buf *out)
{
    const char *items;
    size_t count;
    struct config scratch = {0}; /* larger than an item */
    memcpy(&items, (const char *)base + section->items_offset, sizeof items);
    memcpy(&count, (const char *)base + section->count_offset, sizeof count);
    buf_printf(out, "%s:%s\n", section->name, count ? "" : " []");
    for (size_t k = 0; k < section->option_count; k++)
        if (section->options[k].default_text)
            CHECK(option_set_default(&section->options[k], &scratch) == ST_OK);
    for (size_t i = 0; i < count; i++)
        add_item(section, items + i * section->item_size, &scratch, out);
    for (size_t k = 0; k < section->option_count; k++)
        option_clear(&section->options[k], &scratch);
}

enum status chosen_feeds_save(const char *state_dir, const struct chosen_feeds *chosen, struct fault *fault)
{
    struct section sections[SECTIONS];
    struct config_option actions[2];
    char path[PATH_MAX];
    struct buf text = {0};
    enum status status = path_of(state_dir, "", path, fault);
    if (status != ST_OK)
        return status;
    chosen_sections(sections, actions);
    buf_add_text(&text, head);
    for (size_t i = 0; i < SECTIONS; i++)
        add_items(&sections[i], chosen, &text);
    status = text.failed ? fault_set(fault, ST_NOMEM, "out of memory")
                         : file_replace(path, (struct str){text.data, text.length}, fault);
    buf_free(&text);
    return status;
}

void config_feed_clear(struct config_feed *feed)
{
    for (size_t k = 0; k < config_feed_option_count; k++)
        option_clear(&config_feed_options[k], feed);
}

void chosen_feeds_free(struct chosen_feeds *chosen)
{
    struct section sections[SECTIONS];
    struct config_option actions[2];
    chosen_sections(sections, actions);
    config_free_sections(sections, SECTIONS, chosen);
    *chosen = (struct chosen_feeds){0};
}

int chosen_feeds_lock(const char *state_dir, struct fault *fault)
{
    char path[PATH_MAX];
    if (path_of(state_dir, ".lock", path, fault) != ST_OK)
        return -1;
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0 || flock(fd, LOCK_EX)) {
        fault_errno(fault, file_status(errno), "%s", path);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

struct config_feed *chosen_feed_find(const struct chosen_feeds *chosen, const char *name)
{
    for (size_t i = 0; i < chosen->feed_count; i++)
        if (!strcmp(chosen->feeds[i].name, name))
            return &chosen->feeds[i];
    return NULL;
}

enum status chosen_feed_put_own(struct chosen_feeds *chosen, struct config_feed *feed)
{
    struct config_feed *at = chosen_feed_find(chosen, feed->name);
    if (!at) {
        struct config_feed *feeds = reallocarray(chosen->feeds, chosen->feed_count + 1, sizeof *feeds);
        if (!feeds) {
            config_feed_clear(feed);
            return ST_NOMEM;
        }
        chosen->feeds = feeds;
        at = &feeds[chosen->feed_count++];
    } else {
        config_feed_clear(at);
    }
    *at = *feed;
    return ST_OK;
}

bool chosen_feed_remove(struct chosen_feeds *chosen, const char *name)
{
    struct config_feed *at = chosen_feed_find(chosen, name);
    if (!at)
        return false;
    config_feed_clear(at);
    memmove(at, at + 1, (size_t)(chosen->feeds + --chosen->feed_count - at) * sizeof *at);
    return true;
}

enum status chosen_action_put(struct chosen_feeds *chosen, const char *name, int action, int own)
{
    size_t i = 0;
    while (i < chosen->action_count && strcmp(chosen->actions[i].name, name))
        i++;
    if (i == chosen->action_count) {
        struct chosen_action *actions = reallocarray(chosen->actions, i + 1, sizeof *actions);
        char *copy = strdup(name);
        if (actions)
            chosen->actions = actions;
        if (!actions || !copy) {
            free(copy);
            return ST_NOMEM;
        }
        actions[chosen->action_count++] = (struct chosen_action){.name = copy};
    }
    chosen->actions[i].action = action;
    if (action == own) { /* nothing is chosen otherwise any more */
        free(chosen->actions[i].name);
        chosen->actions[i] = chosen->actions[--chosen->action_count];
    }
    return ST_OK;
}

enum status config_feed_copy(const struct config_feed *from, struct config_feed *to)
{
    *to = *from;
    for (size_t k = 0; k < config_feed_option_count; k++) {
        const struct config_option *option = &config_feed_options[k];
        if (option->type == OPTION_TEXT || option_is_list(option)) /* what owns memory */
            memset((char *)to + option->offset, 0, option_is_list(option) ? sizeof(struct text_list) : sizeof(char *));
    }
    enum status status = ST_OK;
    for (size_t k = 0; status == ST_OK && k < config_feed_option_count; k++) {
        const struct config_option *option = &config_feed_options[k];
        const char *const *text = (const void *)((const char *)from + option->offset);
        const struct text_list *texts = (const void *)((const char *)from + option->offset);
        if (option->type == OPTION_TEXT)
            status = option_set(option, to, str_of(*text), NULL);
        for (size_t i = 0; status == ST_OK && option->type == OPTION_TEXTS && i < texts->count; i++)
            status = option_set(option, to, str_of(texts->items[i]), NULL);
    }
    if (status != ST_OK)
        config_feed_clear(to);
    return status;
}

/* --- Into the configuration. --- */

static bool has_own(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->own_feed_count; i++)
        if (!strcmp(config->feeds[i].name, name))
            return true;
    return false;
}

static void forget_chosen(struct config *config)
{
    for (size_t i = config->own_feed_count; i < config->feed_count; i++)
        config_feed_clear(&config->feeds[i]);
    config->feed_count = config->own_feed_count;
    for (size_t i = 0; i < config->feed_count; i++)
        config->feeds[i].action = config->feeds[i].own_action;
}

/* Takes what may be taken of CHOSEN's feeds. */
static void add_feeds(struct config *config, struct chosen_feeds *chosen, struct config_faults *faults)
{
    struct config_feed *feeds =
        reallocarray(config->feeds, config->own_feed_count + chosen->feed_count + 1, sizeof *feeds);
    if (!feeds) {
        buf_printf(&faults->text, "warning: the feeds that were chosen are left out: %s\n", status_text(ST_NOMEM));
        faults->warnings++;
        return;
    }
    config->feeds = feeds;
    for (size_t i = 0; i < chosen->feed_count; i++) {
        struct config_feed *feed = &chosen->feeds[i];
        if (has_own(config, feed->name)) {
            buf_printf(&faults->text,
                       "warning: feed %s was enabled, but the configuration has it as well, which holds\n", feed->name);
            faults->warnings++;
            continue;
        }
        feeds[config->feed_count++] = *feed;
        *feed = (struct config_feed){0};
    }
}

static struct chosen_stamp stamp_of(const char *state_dir)
{
    char path[PATH_MAX];
    struct stat st;
    if (path_of(state_dir, "", path, NULL) != ST_OK || stat(path, &st))
        return (struct chosen_stamp){0};
    return (struct chosen_stamp){st.st_mtim, st.st_ino};
}

void config_take_chosen(struct config *config, struct config_faults *faults)
{
    struct chosen_feeds chosen;
    struct config_faults mine = {0};
    config->chosen_seen = stamp_of(config->state_dir); /* before it is read: a change while it is shows */
    enum status status = chosen_feeds_load(config->state_dir, &chosen, &mine);
    if (mine.text.length) {
        buf_add(&faults->text, mine.text.data, mine.text.length);
        faults->warnings += mine.warnings + mine.errors;
    }
    config_faults_free(&mine);
    if (status != ST_OK) {
        buf_printf(&faults->text, "warning: %s/feeds.yaml: what is chosen there does not act\n", config->state_dir);
        faults->warnings++;
        return;
    }
    forget_chosen(config);
    add_feeds(config, &chosen, faults);
    for (size_t i = 0; i < chosen.action_count; i++)
        for (size_t k = 0; k < config->own_feed_count; k++)
            if (!strcmp(config->feeds[k].name, chosen.actions[i].name))
                config->feeds[k].action = chosen.actions[i].action;
    chosen_feeds_free(&chosen);
}

bool config_chosen_changed(const struct config *config)
{
    struct chosen_stamp now = stamp_of(config->state_dir);
    const struct chosen_stamp *seen = &config->chosen_seen;
    return now.inode != seen->inode || now.changed.tv_sec != seen->changed.tv_sec ||
           now.changed.tv_nsec != seen->changed.tv_nsec;
}

bool config_chosen_hidden(const struct config *config)
{
    char path[PATH_MAX];
    struct stat st;
    return path_of(config->state_dir, "", path, NULL) == ST_OK && stat(path, &st) && errno == EACCES;
}
