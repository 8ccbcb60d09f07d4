/* Why the verdict is what it is, in words. */
#include <stdio.h>
#include <string.h>

#include "commands/why.h"

/* The hit behind the verdict. */
static const struct store_hit *deciding(const struct answer *answer, enum hit_effect *effect)
{
    struct str first = str_of(answer->verdict.sources), rest;
    (void)str_cut(first, ',', &first, &rest);
    for (size_t i = 0; i < answer->hit_count; i++)
        if (answer->effects[i] < HIT_OF_GUARD_LIST && str_eq(first, str_of(why_source(answer, i))) &&
            !strncmp(answer->indicators[i], answer->verdict.indicator, VERDICT_INDICATOR_SIZE - 1)) {
            *effect = answer->effects[i];
            return &answer->hits[i];
        }
    return NULL;
}

static unsigned sources_listing(const struct answer *answer)
{
    bool listing[STORE_MAX_SOURCES] = {false};
    unsigned count = 0;
    for (size_t i = 0; i < answer->hit_count; i++) {
        uint16_t source = answer->hits[i].source;
        bool lists = answer->effects[i] < HIT_OF_GUARD_LIST && answer->effects[i] != HIT_PASSES &&
                     answer->effects[i] != HIT_PASSES_RECORDED;
        count += lists && !listing[source];
        listing[source] |= lists;
    }
    return count;
}

/* An entry that would block, but does not: too few have it, or another source exempts from it. */
static void explain_overruled(const struct store_hit *hit, struct answer *answer)
{
    const struct policy_source *source = policy_source(answer->policy, hit->source);
    unsigned wanted = hit->kind == INDICATOR_NETWORK ? source->min_addresses : source->min_names;
    if (answer->verdict.action == ACTION_LOG)
        snprintf(answer->because, sizeof answer->because,
                 "recorded only: %s blocks what %u sources list (min-feeds), and %u of them do", source->name, wanted,
                 sources_listing(answer));
    for (size_t i = 0; answer->verdict.action == ACTION_ALLOW && i < answer->hit_count; i++)
        if (answer->effects[i] == HIT_PASSES)
            snprintf(answer->because, sizeof answer->because, "%s exempts it from other feeds by its entry %.500s",
                     why_source(answer, i), answer->indicators[i]);
}

static void explain_entry(const struct store_hit *hit, enum hit_effect effect, struct answer *answer)
{
    const char *source = store_source_info(policy_store(answer->policy), hit->source)->name;
    bool users = !strcmp(source, SOURCE_USER);
    if (users && effect == HIT_RECORDED_BY_ENTRY)
        text_copy(answer->because, sizeof answer->because, STR("your own entry wants it recorded only"));
    else if (effect == HIT_PASSES || effect == HIT_PASSES_RECORDED || effect == HIT_PASSES_BY_TCP)
        snprintf(answer->because, sizeof answer->because, "%s %s", users ? "your own entry" : source,
                 why_effect_text(effect));
    else
        text_copy(answer->because, sizeof answer->because, str_of(why_effect_text(effect)));
}

void answer_explain(struct answer *answer)
{
    const struct verdict *verdict = &answer->verdict;
    enum hit_effect effect = HIT_BLOCKS;
    const struct store_hit *hit = verdict->matched ? deciding(answer, &effect) : NULL;
    if (!verdict->matched && answer->hit_count)
        text_copy(answer->because, sizeof answer->because,
                  STR("none of the entries below counts for this client and question"));
    if (!hit || verdict->action == ACTION_BLOCK)
        return;
    if (effect == HIT_BLOCKS)
        explain_overruled(hit, answer);
    else if (effect == HIT_RECORDED_BY_CATEGORY || effect == HIT_ALLOWED_BY_CATEGORY)
        snprintf(answer->because, sizeof answer->because, "the configuration has `%s: %s` in categories",
                 category_text(hit->record.category), action_text(verdict->action));
    else if (effect == HIT_RECORDED_BY_GROUP)
        snprintf(answer->because, sizeof answer->because,
                 "recorded only: for clients of group %s, the configuration has `%s: log`", verdict->group,
                 hit->kind == INDICATOR_URL                                             ? "urls"
                 : hit->kind == INDICATOR_NAME || hit->record.trigger == TRIGGER_CLIENT ? "names"
                                                                                        : "addresses");
    else
        explain_entry(hit, effect, answer);
}

const char *why_effect_text(enum hit_effect effect)
{
    static const char *const texts[HIT_EFFECTS] = {
        [HIT_BLOCKS] = "blocks",
        [HIT_PASSES] = "lets it pass",
        [HIT_PASSES_RECORDED] = "lets it pass, recorded",
        [HIT_PASSES_BY_TCP] = "lets it pass by TCP alone, recorded",
        [HIT_RECORDED_BY_ENTRY] = "recorded only: the entry says so, or its source is not sure enough of it",
        [HIT_RECORDED_BY_GUARD] = "recorded only: a guard held it back, since blocking it would hurt more than malware",
        [HIT_RECORDED_BY_MONITOR] = "recorded only: the feed has `action: monitor`; `ccward feeds promote` ends that",
        [HIT_RECORDED_BY_CATEGORY] = "recorded only: its category is only logged",
        [HIT_RECORDED_BY_GROUP] = "recorded only: the client's group asks for no more",
        [HIT_ALLOWED_BY_CATEGORY] = "nothing: its category is allowed",
        [HIT_OF_GUARD_LIST] = "nothing: the feed is a guard list, which other feeds are compared with",
        [HIT_OF_OTHER_GROUP] = "nothing: it is for another group",
        [HIT_OF_OTHER_TYPE] = "nothing: it is for other query types",
        [HIT_EXPIRED] = "nothing: it has expired",
    };
    return texts[effect];
}

const char *why_answer_text(enum record_answer answer)
{
    static const char *const texts[RECORD_ANSWER_COUNT] = {
        [RECORD_ANSWER_NXDOMAIN] = "NXDOMAIN",    [RECORD_ANSWER_NODATA] = "NODATA",   [RECORD_ANSWER_DROP] = "dropped",
        [RECORD_ANSWER_TCP_ONLY] = "by TCP only", [RECORD_ANSWER_DATA] = "local data",
    };
    return texts[answer];
}
