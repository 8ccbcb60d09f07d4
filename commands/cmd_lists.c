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
    int failed = all ? json_dumpf(all, stdout, JSON_INDENT(2)) : -1;
    json_decref(all);
    putchar('\n');
    return failed ? EXIT_FAILED : EXIT_OK;
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
    if (call->operand_count)
        return command_misused(call->command, "'%s' is one word too many", call->operands[0]);
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
    if (call->operand_count > 1)
        return command_misused(call->command, "'%s' is one word too many", call->operands[1]);
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

/* Takes the operands out of LISTS, as far as they are there; TOLD gets what was removed. */
static int remove_operands(struct call *call, struct user_lists *lists, struct buf *told)
{
    for (int i = 0; i < call->operand_count; i++) {
        struct user_subject subject;
        struct fault fault = {0};
        if (own_subject_parse(call->operands[i], call->options.exact, &subject, &fault) != ST_OK)
            return command_misused(call->command, "%s", fault.text);
        const struct user_entry *entry = user_lists_find(lists, subject.text, call->options.group);
        if (!entry)
            return not_there(call, lists, subject.text);
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
    int code = remove_operands(call, lists, &told);
    if (code == EXIT_OK) {
        status = user_lists_save(call->config.state_dir, lists, &fault);
        code = status == ST_OK ? EXIT_OK : command_failed(status, &fault);
    }
    if (code == EXIT_OK)
        fputs(buf_text(&told), stdout);
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

static const struct {
    const char *name;
    int (*run)(struct call *call);
} verbs[] = {{"show", show}, {"remove", remove_entries}, {"export", export}, {"import", import}};

int cmd_lists(const struct command *command, int argc, char **argv)
{
    struct call call = {.command = command,
                        .options = {.group = "", .note = "", .category = CATEGORY_OTHER},
                        .now_s = clock_wall_ms() / 1000};
    int (*run)(struct call * call) = show;
    bool done, named = false;
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof verbs[0]; i++)
        if (!strcmp(verbs[i].name, argv[1])) {
            run = verbs[i].run;
            named = true;
        }
    if (named)
        argv++, argc--;
    int code = own_options_parse(command, argc, argv, &call.options, &done);
    if (code != EXIT_OK || done)
        return code;
    if (!named && optind < argc)
        return command_misused(command, "'%s' is nothing that it does: remove, export or import is expected",
                               argv[optind]);
    call.operands = argv + optind;
    call.operand_count = argc - optind;
    if (!command_config(call.options.config_path, &call.config))
        return EXIT_CONFIG;
    code = run(&call);
    config_free(&call.config);
    return code;
}
