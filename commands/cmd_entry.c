/* `ccward allow` and `ccward deny`. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "commands/own_entries.h"

struct call {
    const struct command *command;
    struct own_options options;
    struct config config;
    struct user_subject *subjects;
    const struct user_entry **replaced; /* NULL: none */
    size_t count;
    int64_t now_s;
};

static int parse_subjects(struct call *call, char **texts)
{
    for (size_t i = 0; i < call->count; i++) {
        struct fault fault = {0};
        struct user_subject *subject = &call->subjects[i];
        if (own_subject_parse(texts[i], call->options.exact, subject, &fault) != ST_OK)
            return command_misused(call->command, "%s", fault.text);
        if (!call->options.force && own_subject_check(&call->config, subject, call->options.verb, &fault) != ST_OK)
            return command_misused(call->command, "%s. Where that is meant, --force does it", fault.text);
    }
    return EXIT_OK;
}

static enum status put_all(struct call *call, struct user_lists *lists, struct fault *fault)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < call->count; i++) {
        struct user_entry entry = own_entry(&call->options, &call->subjects[i], call->now_s);
        status = user_lists_put(lists, &entry, &call->replaced[i], fault);
    }
    return status;
}

static void print_people(const struct call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        struct user_entry entry = own_entry(&call->options, &call->subjects[i], call->now_s);
        struct buf text = {0};
        own_entry_text(&entry, call->now_s, &text);
        if (call->replaced[i]) {
            buf_add_text(&text, "\n  in place of: ");
            own_entry_text(call->replaced[i], call->now_s, &text);
        }
        if (call->subjects[i].kind == INDICATOR_URL)
            buf_add_text(&text, "\n  a URL is seen by the proxy alone; for DNS name the host without a path");
        puts(buf_text(&text));
        buf_free(&text);
    }
}

static int print_json(const struct call *call)
{
    json_t *entries = json_array();
    for (size_t i = 0; i < call->count; i++) {
        struct user_entry entry = own_entry(&call->options, &call->subjects[i], call->now_s);
        json_t *json = own_entry_json(&entry, call->now_s), *before = own_entry_json(call->replaced[i], call->now_s);
        json_object_set_new(json, "replaced", before ? before : json_null());
        json_array_append_new(entries, json);
    }
    json_t *all = json_pack("{s:o}", "entries", entries);
    int code = command_print_json(all);
    json_decref(all);
    return code;
}

static int change(struct call *call)
{
    struct fault fault = {0};
    struct user_lists *lists;
    int lock, code = EXIT_OK;
    enum status status = command_become_owner(&call->config, &fault);
    if (status == ST_OK)
        status = user_lists_open(call->config.state_dir, &lists, &lock, &fault);
    if (status != ST_OK)
        return command_failed(status, &fault);
    status = put_all(call, lists, &fault);
    if (status == ST_INVALID)
        code = command_misused(call->command, "%s", fault.text);
    else if (status == ST_OK)
        status = user_lists_save(call->config.state_dir, lists, &fault);
    if (status != ST_OK && code == EXIT_OK)
        code = command_failed(status, &fault);
    else if (status == ST_OK && call->options.json)
        code = print_json(call);
    else if (status == ST_OK)
        print_people(call);
    user_lists_close(lists, lock);
    return code;
}

static int run(struct call *call, char **texts)
{
    struct fault fault = {0};
    call->subjects = calloc(call->count, sizeof *call->subjects);
    call->replaced = calloc(call->count, sizeof *call->replaced);
    if (!call->subjects || !call->replaced)
        return command_failed(ST_NOMEM, NULL);
    if (own_group_check(&call->config, call->options.group, &fault) != ST_OK)
        return command_misused(call->command, "%s", fault.text);
    int code = parse_subjects(call, texts);
    return code == EXIT_OK ? change(call) : code;
}

int cmd_entry(const struct command *command, int argc, char **argv)
{
    struct call call = {.command = command,
                        .options = {.group = "",
                                    .note = "",
                                    .category = CATEGORY_OTHER,
                                    .has_verb = true,
                                    .verb = strcmp(command->name, "allow") ? USER_DENY : USER_ALLOW},
                        .now_s = (clock_wall_ms() + 999) / 1000};
    int code = own_options_parse(command, argc, argv, &call.options, NULL, NULL);
    if (code != COMMAND_GO_ON)
        return code;
    if (optind >= argc)
        return command_misused(command, "which name, URL, address or network?");
    call.count = (size_t)(argc - optind);
    if (!command_config(call.options.config_path, &call.config))
        return EXIT_CONFIG;
    code = run(&call, argv + optind);
    free(call.subjects);
    free(call.replaced);
    config_free(&call.config);
    return code;
}
