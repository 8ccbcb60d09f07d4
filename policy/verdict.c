#include "policy/verdict.h"

#include <string.h>
#include <xxhash.h>

const char *action_text(enum action action)
{
    switch (action) {
    case ACTION_ALLOW:
        return "allow";
    case ACTION_LOG:
        return "log";
    case ACTION_BLOCK:
        return "block";
    }
    return "?";
}

void verdict_identify(struct verdict *verdict)
{
    verdict->indicator_id = XXH3_64bits_withSeed(verdict->indicator, strlen(verdict->indicator), verdict->kind);
}

unsigned verdict_strength(const struct verdict *verdict)
{
    bool tcp_only = verdict->action == ACTION_LOG && verdict->answer == RECORD_ANSWER_TCP_ONLY;
    return 2u * verdict->action + tcp_only;
}

bool passed_has(const struct passed *passed, uint64_t source)
{
    for (unsigned i = 0; i < passed->count; i++)
        if (passed->sources[i] == source)
            return true;
    return false;
}

void passed_add(struct passed *passed, uint64_t source)
{
    if (passed->count < PASSED_MAX && !passed_has(passed, source))
        passed->sources[passed->count++] = source;
}

void passed_merge(struct passed *passed, const struct passed *more)
{
    for (unsigned i = 0; i < more->count; i++)
        passed_add(passed, more->sources[i]);
}
