/* `ccward lists`: the user's own entries. */
#include <getopt.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "commands/own_entries.h"

struct call {
    const struct command *command;
    struct own_options options;
    struct config config;
    char **operands;
    int operand_count;
    int64_t now_s;
};

static int show_json(const struct call *call, const struct user_lists *lists)
{
    json_t *entries = json_array();
    for (size_t i = 0; i < user_lists_count(lists); i++) {
        const struct user_entry *entry = user_lists_at(lists, i);
        json_t *json = own_entry_json(entry, call->now_s);
        json_object_set_new(json, "group_known", json_boolean(own_group_known(&call->config, entry->group)));
        json_array_append_new(entries, json);
    }
    json_t *all = json_pack("{s:o}", "entries", entries);
    int code = command_print_json(all);
    json_decref(all);
    return code;
}

static void show_table(const struct call *call, const struct user_lists *lists)
{
    int width = 7;
    for (size_t i = 0; i < user_lists_count(lists); i++) {
        int length = (int)strlen(user_lists_at(lists, i)->subject);
        width = length > width && length <= 60 ? length : width;
    }
    if (user_lists_count(lists))
        printf("%-9s %-*s %-12s %-9s %s\n", "VERB", width, "SUBJECT", "GROUP", "LEFT", "NOTE");
    else
        puts("Nothing was allowed or denied; `ccward allow --help` tells how.");
    for (size_t i = 0; i < user_lists_count(lists); i++) {
        const struct user_entry *entry = user_lists_at(lists, i);
        bool known = own_group_known(&call->config, entry->group);
        char left[CLOCK_SPAN_SIZE], verb[16];
        own_left_text(entry->expires_s, call->now_s, left);
        snprintf(verb, sizeof verb, "%s%s", user_verb_text(entry->verb), entry->log_only ? ",log" : "");
        printf("%-9s %-*s %-12s %-9s %s%s\n", verb, width, entry->subject, entry->group[0] ? entry->group : "all", left,
               entry->note, known ? "" : " (the configuration has no such group)");
    }
}

static int show(struct call *call)
{
    struct user_lists *lists;
    struct fault fault = {0};
    enum status status = user_lists_read(call->config.state_dir, &lists, &fault);
    if (status != ST_OK)
        return command_failed(status, &fault);
    user_lists_prune(lists, clock_wall_ms() / 1000);
    int code = EXIT_OK;
    if (call->options.json)
        code = show_json(call, lists);
    else
        show_table(call, lists);
    user_lists_free(lists);
    return code;
}

static int export(struct call *call)
{
    struct user_lists *lists;
    struct fault fault = {0};
    struct buf text = {0};
    enum status status = user_lists_read(call->config.state_dir, &lists, &fault);
    if (status != ST_OK)
        return command_failed(status, &fault);
    user_lists_prune(lists, clock_wall_ms() / 1000);
    status = user_lists_build(lists, &text);
    if (status == ST_OK && call->operand_count)
        status = file_replace(call->operands[0], (struct str){text.data, text.length}, &fault);
    else if (status == ST_OK)
        fwrite(text.data, 1, text.length, stdout);
    user_lists_free(lists);
    buf_free(&text);
    return status == ST_OK ? EXIT_OK : command_failed(status, &fault);
}

static int not_there(const struct call *call, const struct user_lists *lists, const char *subject)
{
    const char *group = call->options.group;
    fprintf(stderr, "ccward: there is no entry for %s %s%s; nothing was removed\n", subject,
            group[0] ? "and group " : "that is for all clients", group);
    for (size_t i = 0; i < user_lists_count(lists); i++) {
        const struct user_entry *entry = user_lists_at(lists, i);
        if (!strcmp(entry->subject, subject))
            fprintf(stderr, "  there is one %s%s\n",
                    entry->group[0] ? "for --group " : "for all clients, without --group", entry->group);
    }
    fprintf(stderr, "`ccward lists` shows all.\n");
    return EXIT_FAILED;
}

/* Takes the operands out of LISTS, as far as they are there; TOLD and REMOVED get what was removed. */
static int remove_operands(struct call *call, struct user_lists *lists, struct buf *told, json_t *removed)
{
    for (int i = 0; i < call->operand_count; i++) {
        struct user_subject subject;
        struct fault fault = {0};
        if (own_subject_parse(call->operands[i], call->options.exact, &subject, &fault) != ST_OK)
            return command_misused(call->command, "%s", fault.text);
        const struct user_entry *entry = user_lists_find(lists, subject.text, call->options.group);
        if (!entry)
            return not_there(call, lists, subject.text);
        json_array_append_new(removed, own_entry_json(entry, call->now_s));
        buf_add_text(told, "removed: ");
        own_entry_text(entry, call->now_s, told);
        buf_add_char(told, '\n');
        (void)user_lists_remove(lists, subject.text, call->options.group);
    }
    return EXIT_OK;
}

static int remove_entries(struct call *call)
{
    struct user_lists *lists;
    struct fault fault = {0};
    struct buf told = {0};
    int lock;
    if (!call->operand_count)
        return command_misused(call->command, "which subject is to be removed?");
    enum status status = command_become_owner(&call->config, &fault);
    if (status == ST_OK)
        status = user_lists_open(call->config.state_dir, &lists, &lock, &fault);
    if (status != ST_OK)
        return command_failed(status, &fault);
    json_t *removed = json_pack("{s:[]}", "removed");
    int code = remove_operands(call, lists, &told, json_object_get(removed, "removed"));
    if (code == EXIT_OK) {
        status = user_lists_save(call->config.state_dir, lists, &fault);
        code = status == ST_OK ? EXIT_OK : command_failed(status, &fault);
    }
    if (code == EXIT_OK && call->options.json)
        code = command_print_json(removed);
    else if (code == EXIT_OK)
        fputs(buf_text(&told), stdout);
    json_decref(removed);
    user_lists_close(lists, lock);
    buf_free(&told);
    return code;
}

static int import(struct call *call)
{
    if (call->operand_count != 1)
        return command_misused(call->command, "one file is to be imported");
    return own_import(call->command, &call->config, &call->options, call->operands[0]);
}

int cmd_lists(const struct command *command, int argc, char **argv)
{
    struct call call = {.command = command,
                        .options = {.group = "", .note = "", .category = CATEGORY_OTHER},
                        .now_s = clock_wall_ms() / 1000};
    static const struct verb {
        struct command_verb verb;
        int (*run)(struct call *call);
    } verbs[] = {{{"show", 0}, show},
                 {{"remove", -1}, remove_entries},
                 {{"export", 1}, export},
                 {{"import", -1}, import},
                 {{0}}};
    static const struct own_verbs own_verbs = {.rows = verbs,
                                               .row_size = sizeof verbs[0],
                                               .choices = "show, remove, export or import",
                                               .making = "import",
                                               .makers = "--allow or --deny",
                                               .naming = "import|remove",
                                               .json = "show|remove"};
    const void *row = NULL;
    int code = own_options_parse(command, argc, argv, &call.options, &own_verbs, &row);
    if (code != COMMAND_GO_ON)
        return code;
    const struct verb *verb = row;
    call.operands = argv + optind;
    call.operand_count = argc - optind;
    if (!command_config(call.options.config_path, &call.config))
        return EXIT_CONFIG;
    code = verb->run(&call);
    config_free(&call.config);
    return code;
}
