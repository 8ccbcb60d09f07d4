/* The verbs of `ccward feeds` that look after sources: remove, rollback, verify, rebuild. */
#include <string.h>

#include "base/clock.h"
#include "commands/cmd_feeds.h"

/* EXIT_OK: the operand is a source that may be changed. */
static int check_operand(const struct feeds_call *call, const char *done)
{
    if (!call->operand || !source_name_valid(str_of(call->operand)))
        return command_misused(call->command, "which source is to be %s?", done);
    if (!strcmp(call->operand, "test-hosts"))
        return command_misused(call->command, "test-hosts is built in and cannot be %s", done);
    if (!strcmp(call->operand, SOURCE_USER))
        return command_misused(call->command, "user is the source of your own entries: `ccward lists remove` takes one "
                                              "back");
    return EXIT_OK;
}

int feeds_remove(struct feeds_call *call)
{
    struct fault fault = {0};
    bool was_there = false;
    int code = check_operand(call, "removed");
    if (code != EXIT_OK)
        return code;
    enum status status = feed_forget(&call->site.site, call->operand, &was_there, &fault);
    if (status == ST_OK && !was_there)
        status =
            fault_set(&fault, ST_NOT_FOUND, "there is no source '%s'; `ccward feeds list` shows them", call->operand);
    if (status != ST_OK)
        return command_failed(status, &fault);
    if (feed_find(&call->site.site, call->operand))
        printf("%s: removed; as the feed is still configured, it will be fetched again\n", call->operand);
    return EXIT_OK;
}

int feeds_rollback(struct feeds_call *call)
{
    struct source_info info;
    struct fault fault = {0};
    char when[CLOCK_TEXT_SIZE];
    uint64_t entries = 0;
    int code = check_operand(call, "rolled back");
    if (code != EXIT_OK)
        return code;
    enum status status = feed_rollback(&call->site.site, call->operand, &info, &fault);
    if (status != ST_OK)
        return command_failed(status, &fault);
    for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
        entries += info.counts[kind];
    clock_format(info.created_ms, when);
    printf("%s: generation %llu of %s is in force again, with %llu entries; the list that was rolled back is not taken "
           "again by itself\n",
           call->operand, (unsigned long long)info.generation, when, (unsigned long long)entries);
    return EXIT_OK;
}

int feeds_check(struct feeds_call *call)
{
    unsigned damaged = 0;
    struct fault fault = {0};
    enum status status = feeds_verify(&call->site.site, call->operand, call->json, stdout, &damaged, &fault);
    if (status != ST_OK)
        return command_failed(status, &fault);
    return damaged ? EXIT_FAILED : EXIT_OK;
}

struct rebuilding {
    struct feeds_call *call;
    int worst;
    unsigned count;
};

static void rebuild_one(void *user, const char *name)
{
    struct rebuilding *rebuilding = user;
    struct feeds_call *call = rebuilding->call;
    struct feed_report report;
    struct fault fault = {0};
    if (rebuilding->worst == EXIT_INTERRUPTED)
        return;
    enum status status = feed_rebuild(&call->site.site, name, true, &report, &fault);
    int code = feeds_told(call, name, status, &report, &fault);
    rebuilding->worst = code > rebuilding->worst ? code : rebuilding->worst;
    rebuilding->count++;
}

int feeds_rebuild(struct feeds_call *call)
{
    struct rebuilding rebuilding = {.call = call};
    struct fault fault = {0};
    if (call->operand) {
        int code = check_operand(call, "rebuilt");
        if (code != EXIT_OK)
            return code;
        rebuild_one(&rebuilding, call->operand);
        return rebuilding.worst;
    }
    enum status status = feeds_kept(&call->site.site, rebuild_one, &rebuilding, &fault);
    if (status != ST_OK)
        return command_failed(status, &fault);
    if (!rebuilding.count && !call->json)
        printf("There are no copies of lists to build from.\n");
    return rebuilding.worst;
}
