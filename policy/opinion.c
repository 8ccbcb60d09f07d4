/* What one source says of a subject, and which of two opinions counts. */
#include "policy/policy_parts.h"

bool record_applies(const struct record *record, const struct policy_group *group, uint16_t qtype)
{
    if (record->group.length && !str_eq(record->group, str_of(group->name)))
        return false;
    if (!record->types.length || !qtype)
        return true;
    bool listed = false;
    for (size_t i = 0; i + 1 < record->types.length; i += 2)
        listed = listed || ((uint8_t)record->types.data[i] << 8 | (uint8_t)record->types.data[i + 1]) == qtype;
    return listed != !!(record->flags & RECORD_TYPES_EXCEPT);
}

static bool hit_exempts(const struct policy *policy, const struct store_hit *hit)
{
    return hit->record.flags & RECORD_ALLOW || policy_use_of(policy, hit) == SOURCE_EXEMPTS;
}

/* What a hit asks for. The user's own address entries act as they say, and so do those of a zone whose word the user
 * takes: the mode for addresses, `log` by default, is there because feeds list shared addresses. */
static enum action action_of(const struct policy *policy, const struct policy_group *group, enum look look,
                             const struct store_hit *hit)
{
    bool users = hit->source == policy->user_source;
    enum action action = users ? ACTION_BLOCK : policy->settings.categories[hit->record.category];
    bool trusted = look == LOOK_ADDRESS && (users || policy->sources[hit->source].given);
    bool capped = policy_mode_of(group, look) == PART_LOG && !trusted;
    if (hit_exempts(policy, hit))
        return users && hit->record.flags & RECORD_LOG ? ACTION_LOG : ACTION_ALLOW;
    if (action == ACTION_BLOCK &&
        (capped || hit->record.flags & RECORD_LOG || policy_use_of(policy, hit) == SOURCE_MONITORS))
        return ACTION_LOG;
    return action;
}

/* How a block is answered: dropping and TCP are more than an answer, so that they hold in any case. */
static enum record_answer answer_of(const struct policy *policy, const struct store_hit *hit)
{
    enum record_answer answer = hit->record.answer;
    bool always = answer == RECORD_ANSWER_DROP || answer == RECORD_ANSWER_TCP_ONLY;
    return always || policy->sources[hit->source].given ? answer : RECORD_ANSWER_CONFIGURED;
}

struct opinion opinion_of(const struct policy *policy, const struct policy_group *group, enum look look,
                          const struct store_hit *hit)
{
    struct opinion opinion = {
        .hit = hit, .look = look, .action = action_of(policy, group, look, hit), .exempts = hit_exempts(policy, hit)};
    if (opinion.action == ACTION_BLOCK)
        opinion.answer = answer_of(policy, hit);
    if (opinion.answer == RECORD_ANSWER_TCP_ONLY)
        opinion.action = ACTION_LOG;
    return opinion;
}

static unsigned strength(const struct opinion *opinion)
{
    return 2u * opinion->action + (opinion->answer == RECORD_ANSWER_TCP_ONLY);
}

/* Adblock's order within one list: an important exemption, an important rule, all others. */
static unsigned importance(const struct record *record)
{
    return !(record->flags & RECORD_IMPORTANT) ? 0 : record->flags & RECORD_ALLOW ? 2 : 1;
}

/* How close an entry of the user's is among those of one name or network: for a group before for all, for a port or
 * the name alone before all of it. Feeds are not written that way. */
static unsigned closeness(const struct policy *policy, const struct store_hit *hit)
{
    const struct record *record = &hit->record;
    if (hit->source != policy->user_source)
        return 0;
    return (record->group.length ? 2u : 0) + (record->port || record->flags & RECORD_EXACT ? 1u : 0);
}

/* Whether OTHER stands before what its source has said so far. */
static bool outweighs(const struct policy *policy, const struct opinion *other, const struct opinion *opinion)
{
    const struct store_hit *hit = other->hit;
    unsigned before = importance(&opinion->hit->record), now = importance(&hit->record);
    if (now != before)
        return now > before;
    if (opinion->hit->specificity != hit->specificity)
        return false;
    before = closeness(policy, opinion->hit);
    now = closeness(policy, hit);
    if (now != before)
        return now > before;
    return !opinion->exempts && (other->exempts || strength(other) > strength(opinion));
}

void opinion_weigh(const struct policy *policy, const struct policy_group *group, enum look look,
                   const struct store_hit *hit, struct opinion *opinion)
{
    struct opinion other = opinion_of(policy, group, look, hit);
    if (!opinion->hit || outweighs(policy, &other, opinion))
        *opinion = other;
}

void opinion_merge(const struct opinion *host, struct opinion *opinion)
{
    if (!opinion->hit || (host->hit && !opinion->exempts && strength(host) > strength(opinion)))
        *opinion = *host;
}

bool opinion_is_closer(const struct opinion *a, const struct opinion *b)
{
    return a->look != b->look ? a->look < b->look : a->hit->specificity > b->hit->specificity;
}

bool opinion_is_stronger(const struct policy *policy, const struct opinion *a, const struct opinion *b)
{
    if (a->hit->source == policy->user_source || b->hit->source == policy->user_source)
        return a->hit->source == policy->user_source;
    if (a->exempts != b->exempts)
        return b->exempts;
    if (strength(a) != strength(b))
        return strength(a) > strength(b);
    if (opinion_is_closer(a, b) || opinion_is_closer(b, a))
        return opinion_is_closer(a, b);
    if (!a->answer != !b->answer)
        return a->answer;
    return policy->marks[a->hit->source].rank < policy->marks[b->hit->source].rank;
}
