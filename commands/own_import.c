/* `ccward lists import`. */
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "commands/own_entries.h"

enum { MAX_BYTES = 64 << 20, SHOWN_FAULTS = 5 };

struct import {
    const struct config *config;
    const struct own_options *options;
    const char *file;
    struct user_lists *wanted;
    int64_t now_s;
    unsigned faults;
};

static void tell(struct import *import, unsigned line, const char *what)
{
    if (import->faults++ >= SHOWN_FAULTS)
        return;
    if (line)
        fprintf(stderr, "%s:%u: %s\n", import->file, line, what);
    else
        fprintf(stderr, "%s: %s\n", import->file, what);
}

/* Without the comment and what is around. */
static struct str content_of(struct str line)
{
    if (line.length && line.data[line.length - 1] == '\r')
        line.length--;
    line = str_trim(line);
    for (size_t i = 0; i < line.length; i++)
        if (line.data[i] == '#' && (!i || line.data[i - 1] == ' ' || line.data[i - 1] == '\t'))
            line.length = i;
    return str_trim(line);
}

static enum status take_line(struct import *import, struct str text, unsigned number)
{
    struct user_subject subject;
    struct fault why = {0};
    char whole[USER_SUBJECT_SIZE + 1];
    if (text.length >= sizeof whole || memchr(text.data, '\0', text.length)) {
        tell(import, number, "the line is too long, or no text");
        return ST_OK;
    }
    text_copy(whole, sizeof whole, text);
    enum status status = own_subject_parse(whole, import->options->exact, &subject, &why);
    if (status == ST_OK && !import->options->force)
        status = own_subject_check(import->config, &subject, import->options->verb, &why);
    if (status != ST_OK) {
        tell(import, number, why.text);
        return ST_OK;
    }
    struct user_entry entry = own_entry(import->options, &subject, import->now_s);
    const struct user_entry *replaced;
    status = user_lists_put(import->wanted, &entry, &replaced, &why);
    if (status != ST_OK)
        tell(import, number, why.text);
    return status;
}

static void take_plain(struct import *import, struct str text)
{
    static const struct str mark = {"\xef\xbb\xbf", 3};
    struct str line, rest = str_starts(text, mark) ? str_from(text, mark.length) : text;
    unsigned number = 1;
    for (bool more = true; more; number++) {
        more = str_cut(rest, '\n', &line, &rest);
        line = content_of(more ? line : rest);
        if (line.length && take_line(import, line, number) != ST_OK)
            return; /* what is wrong is so for every line */
    }
}

/* The entries of a document may be of another installation. */
static void check_document(struct import *import)
{
    for (size_t i = 0; i < user_lists_count(import->wanted); i++) {
        const struct user_entry *entry = user_lists_at(import->wanted, i);
        struct user_subject subject;
        struct fault why = {0};
        enum status status = user_subject_parse(str_of(entry->subject), &subject, &why);
        if (status == ST_OK)
            status = own_group_check(import->config, entry->group, &why);
        if (status == ST_OK)
            status = own_subject_check(import->config, &subject, entry->verb, &why);
        if (status != ST_OK)
            tell(import, 0, why.text);
    }
}

static enum status read_wanted(struct import *import, struct fault *fault)
{
    struct buf text = {0};
    enum status status = file_read(import->file, MAX_BYTES, &text, fault);
    if (status == ST_OK && import->options->has_verb) {
        take_plain(import, (struct str){text.data, text.length});
    } else if (status == ST_OK) {
        struct str document = {text.data, text.length};
        if (!str_starts(document, STR("{")))
            fault_set(fault, ST_INVALID, "%s is nothing that was exported; a plain list needs --allow or --deny",
                      import->file);
        status = user_lists_parse(import->wanted, document, import->file, fault);
        if (status == ST_OK && !import->options->force)
            check_document(import);
    }
    buf_free(&text);
    return status;
}

static enum status add_wanted(const struct import *import, struct fault *fault)
{
    struct user_lists *lists;
    const struct user_entry *replaced;
    size_t count = user_lists_count(import->wanted), old = 0;
    int lock;
    enum status status = command_become_owner(import->config, fault);
    if (status == ST_OK)
        status = user_lists_open(import->config->state_dir, &lists, &lock, fault);
    if (status != ST_OK)
        return status;
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        status = user_lists_put(lists, user_lists_at(import->wanted, i), &replaced, fault);
        old += replaced != NULL;
    }
    if (status == ST_OK)
        status = user_lists_save(import->config->state_dir, lists, fault);
    if (status == ST_OK)
        printf("%zu entr%s imported, %zu of them in place of others\n", count, count == 1 ? "y" : "ies", old);
    user_lists_close(lists, lock);
    return status;
}

int own_import(const struct command *command, const struct config *config, const struct own_options *options,
               const char *file)
{
    struct import import = {
        .config = config, .options = options, .file = file, .now_s = (clock_wall_ms() + 999) / 1000};
    struct fault fault = {0};
    if (!(import.wanted = user_lists_new()))
        return command_failed(ST_NOMEM, NULL);
    if (own_group_check(config, options->group, &fault) != ST_OK) {
        user_lists_free(import.wanted);
        return command_misused(command, "%s", fault.text);
    }
    enum status status = read_wanted(&import, &fault);
    if (status == ST_OK && import.faults) {
        status = ST_INVALID;
        fault_set(&fault, status, "%u fault%s in %s; nothing was imported%s", import.faults,
                  import.faults == 1 ? "" : "s", file, options->force ? "" : " (--force takes what is only unusual)");
    }
    if (status == ST_OK)
        status = add_wanted(&import, &fault);
    user_lists_free(import.wanted);
    return status == ST_OK ? EXIT_OK : command_failed(status, &fault);
}
