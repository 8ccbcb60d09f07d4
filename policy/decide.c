/* The verdict on a subject: what all sources say of it, weighed. */
#include <string.h>
#include <xxhash.h>

#include "base/clock.h"
#include "policy/policy_parts.h"

static bool has_passed(const struct policy *policy, const struct subject *subject, size_t source)
{
    return subject->passed && passed_has(subject->passed, policy->marks[source].id);
}

static void add_source(const struct policy *policy, const struct store_hit *hit, size_t *used,
                       char out[VERDICT_SOURCES_SIZE])
{
    struct str name = str_of(store_source_info(policy->store, hit->source)->name);
    if (*used + name.length + 2 > VERDICT_SOURCES_SIZE)
        return;
    if (*used)
        out[(*used)++] = ',';
    text_copy(out + *used, VERDICT_SOURCES_SIZE - *used, name);
    *used += name.length;
}

static void fill(struct policy_reader *reader, const struct policy_group *group, const struct opinion *best,
                 struct verdict *verdict)
{
    const struct record *record = &best->hit->record;
    verdict->matched = true;
    verdict->action = best->action;
    verdict->answer = best->answer;
    verdict->group_answer = group->answer;
    verdict->kind = best->hit->kind;
    verdict->category = record->category;
    verdict->risk = record->risk;
    verdict->confidence = record->confidence;
    verdict->first_seen = record->first_seen;
    verdict->last_seen = record->last_seen;
    verdict->expires = record->expires;
    text_copy(verdict->group, sizeof verdict->group, str_of(group->name));
    text_copy(verdict->family, sizeof verdict->family, record->family);
    store_hit_text(best->hit, &reader->name, &reader->url, &reader->addr, verdict->indicator,
                   sizeof verdict->indicator);
    verdict_identify(verdict);
}

/* The records of a rule are entries of their own, all alike but for their data. */
static void gather_data(struct policy_reader *reader, const struct policy_group *group, const struct opinion *best,
                        uint16_t qtype)
{
    const struct found *found = &reader->found[best->look];
    reader->data_length = 0;
    for (size_t i = 0; i < found->count; i++) {
        const struct store_hit *hit = &found->hits[i];
        struct str data = hit->record.data;
        if (hit->source != best->hit->source || hit->specificity != best->hit->specificity ||
            hit->record.answer != RECORD_ANSWER_DATA || !record_applies(&hit->record, group, qtype) ||
            data.length > sizeof reader->data - reader->data_length)
            continue;
        memcpy(reader->data + reader->data_length, data.data, data.length);
        reader->data_length += data.length;
    }
}

/* What each source says of the subject. */
static void ask_sources(const struct policy_reader *reader, const struct policy_group *group,
                        const struct subject *subject, uint16_t qtype, size_t sources,
                        struct opinion opinions[STORE_MAX_SOURCES])
{
    const struct policy *policy = reader->policy;
    memset(opinions, 0, sources * sizeof *opinions);
    for (enum look look = 0; look < LOOK_COUNT; look++) {
        const struct found *found = &reader->found[look];
        struct opinion said[STORE_MAX_SOURCES];
        if (!found->count)
            continue;
        memset(said, 0, sources * sizeof *said);
        for (size_t i = 0; i < found->count; i++) {
            const struct store_hit *hit = &found->hits[i];
            if (policy_use_of(policy, hit) != SOURCE_GUARDS && record_applies(&hit->record, group, qtype) &&
                !has_passed(policy, subject, hit->source))
                opinion_weigh(policy, group, look, hit, &said[hit->source]);
        }
        for (size_t i = 0; i < sources; i++)
            opinion_merge(&said[i], &opinions[i]);
    }
}

/* Keeps in mind which feeds take the subject out of their own listing, for what it leads to. What is for TCP alone
 * passes by TCP, and goes no further by UDP. */
static void note_passed(const struct policy *policy, const struct subject *subject, const struct opinion *opinions,
                        size_t sources)
{
    for (size_t i = 0; subject->passed && i < sources; i++) {
        bool stands_above = policy->sources[i].use == SOURCE_EXEMPTS || (int)i == policy->user_source;
        if (opinions[i].hit && !stands_above && (opinions[i].exempts || opinions[i].answer == RECORD_ANSWER_TCP_ONLY))
            passed_add(subject->passed, policy->marks[i].id);
    }
}

/* Whether one that stands above all feeds has exempted the subject. */
static bool is_approved(const struct policy *policy, const struct opinion *opinions, const struct opinion *best,
                        size_t sources)
{
    bool approved = best->hit->source == policy->user_source;
    for (size_t i = 0; i < sources; i++)
        approved = approved || (opinions[i].hit && policy->sources[i].use == SOURCE_EXEMPTS);
    return best->exempts && approved;
}

/* A feed that exempts takes the subject out of all feeds but those that have a more specific entry. */
static void exempt(const struct policy *policy, struct opinion *opinions, size_t sources)
{
    const struct opinion *closest = NULL;
    for (size_t i = 0; i < sources; i++)
        if (opinions[i].hit && policy->sources[i].use == SOURCE_EXEMPTS &&
            (!closest || opinion_is_closer(&opinions[i], closest)))
            closest = &opinions[i];
    for (size_t i = 0; closest && i < sources; i++) {
        enum source_use use = policy->sources[i].use;
        bool feeds = (use == SOURCE_BLOCKS || use == SOURCE_MONITORS) && (int)i != policy->user_source;
        if (opinions[i].hit && feeds && !opinion_is_closer(&opinions[i], closest)) {
            opinions[i].action = ACTION_ALLOW;
            opinions[i].answer = RECORD_ANSWER_CONFIGURED;
            opinions[i].exempts = true;
        }
    }
}

/* An entry that too few sources have is recorded rather than blocked. */
static void corroborate(const struct policy *policy, struct opinion *opinions, size_t sources)
{
    unsigned listing = 0;
    for (size_t i = 0; i < sources; i++)
        listing += opinions[i].hit && !opinions[i].exempts;
    for (size_t i = 0; i < sources; i++) {
        const struct policy_source *source = &policy->sources[i];
        unsigned wanted = opinions[i].look == LOOK_ADDRESS ? source->min_addresses : source->min_names;
        if (opinions[i].hit && opinions[i].action != ACTION_ALLOW && listing < wanted) {
            opinions[i].action = ACTION_LOG;
            opinions[i].answer = RECORD_ANSWER_CONFIGURED;
        }
    }
}

/* What the name is looked up for; a URL's host is for its address. */
static uint16_t type_of(const struct subject *subject)
{
    enum { TYPE_A = 1 };
    return subject->kind == SUBJECT_URL ? TYPE_A : subject->kind == SUBJECT_NAME ? subject->qtype : 0;
}

static void judge_found(struct policy_reader *reader, const struct policy_group *group, const struct subject *subject,
                        struct verdict *verdict)
{
    const struct policy *policy = reader->policy;
    uint16_t qtype = type_of(subject);
    struct opinion opinions[STORE_MAX_SOURCES];
    const struct opinion *best = NULL;
    size_t sources = store_source_count(policy->store), used = 0;
    ask_sources(reader, group, subject, qtype, sources, opinions);
    note_passed(policy, subject, opinions, sources);
    exempt(policy, opinions, sources);
    corroborate(policy, opinions, sources);
    for (size_t i = 0; i < sources; i++)
        if (opinions[i].hit && (!best || opinion_is_stronger(policy, &opinions[i], best)))
            best = &opinions[i];
    if (!best)
        return;
    verdict->exempts = is_approved(policy, opinions, best, sources);
    fill(reader, group, best, verdict);
    if (best->answer == RECORD_ANSWER_DATA)
        gather_data(reader, group, best, qtype);
    verdict->sources[0] = '\0';
    add_source(policy, best->hit, &used, verdict->sources);
    for (size_t i = 0; i < sources; i++)
        if (opinions[i].hit && &opinions[i] != best)
            add_source(policy, opinions[i].hit, &used, verdict->sources);
}

void policy_decide(struct policy_reader *reader, const struct subject *subject, struct verdict *verdict)
{
    const struct policy_group *group = policy_group_of(reader->policy, &subject->client);
    verdict->action = ACTION_ALLOW;
    verdict->exempts = verdict->matched = false;
    policy_look_up(reader, subject, group);
    for (enum look look = 0; look < LOOK_COUNT; look++)
        if (reader->found[look].count) {
            judge_found(reader, group, subject, verdict);
            return;
        }
}

static enum hit_effect recorded_by(const struct policy *policy, const struct store_hit *hit)
{
    if (hit->source != policy->user_source && policy->settings.categories[hit->record.category] == ACTION_LOG)
        return HIT_RECORDED_BY_CATEGORY;
    if (hit->record.flags & RECORD_LOG)
        return hit->record.flags & RECORD_GUARDED ? HIT_RECORDED_BY_GUARD : HIT_RECORDED_BY_ENTRY;
    return policy_use_of(policy, hit) == SOURCE_MONITORS ? HIT_RECORDED_BY_MONITOR : HIT_RECORDED_BY_GROUP;
}

enum hit_effect policy_hit_effect(const struct policy *policy, const struct subject *subject,
                                  const struct store_hit *hit)
{
    static const enum look looks[] = {
        [INDICATOR_NAME] = LOOK_NAME, [INDICATOR_URL] = LOOK_URL, [INDICATOR_NETWORK] = LOOK_ADDRESS};
    bool of_client = hit->record.trigger == TRIGGER_CLIENT;
    const struct policy_group *group = policy_group_of(policy, &subject->client);
    if (hit->record.expires && hit->record.expires <= clock_wall_ms() / 1000)
        return HIT_EXPIRED;
    if (policy_use_of(policy, hit) == SOURCE_GUARDS)
        return HIT_OF_GUARD_LIST;
    if (!record_applies(&hit->record, group, 0))
        return HIT_OF_OTHER_GROUP;
    if (!record_applies(&hit->record, group, of_client ? 0 : type_of(subject)))
        return HIT_OF_OTHER_TYPE;
    struct opinion opinion = opinion_of(policy, group, of_client ? LOOK_CLIENT : looks[hit->kind], hit);
    if (opinion.exempts)
        return opinion.action == ACTION_LOG ? HIT_PASSES_RECORDED : HIT_PASSES;
    if (opinion.answer == RECORD_ANSWER_TCP_ONLY)
        return HIT_PASSES_BY_TCP;
    return opinion.action == ACTION_BLOCK ? HIT_BLOCKS
           : opinion.action == ACTION_LOG ? recorded_by(policy, hit)
                                          : HIT_ALLOWED_BY_CATEGORY;
}
