#include "policy/policy.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/clock.h"

struct mark {
    uint64_t id;   /* for struct passed */
    unsigned rank; /* the place in the settings */
};

struct policy {
    atomic_uint references;
    struct store *store;
    struct policy_settings settings; /* points into the two below */
    struct policy_group *groups;
    struct network *networks;
    struct policy_source *sources; /* by index in the store */
    struct mark *marks;            /* likewise */
    int user_source;               /* index in the store; -1: none */
};

/* Look-ups of one subject, in the order of how much they say of it; a URL goes through the first three. */
enum look { LOOK_URL, LOOK_NAME, LOOK_ADDRESS, LOOK_CLIENT, LOOK_COUNT };

struct found {
    struct store_hit hits[STORE_MAX_HITS];
    size_t count;
};

struct policy_reader {
    struct policy *policy;
    struct store_reader *store;
    struct found found[LOOK_COUNT];
    struct dname name; /* lower case */
    struct addr addr;
    struct canonical_url url;
    size_t data_length;
    char data[POLICY_DATA_MAX];
};

/* What one source says: its most specific entry. */
struct opinion {
    const struct store_hit *hit; /* NULL: none yet */
    enum action action;
    enum record_answer answer; /* of a block; or RECORD_ANSWER_TCP_ONLY, which makes more of ACTION_LOG */
    bool exempts;              /* the source takes the subject out of its own listing */
    enum look look;
};

static int find_source(const struct store *store, const char *name)
{
    for (size_t i = 0; i < store_source_count(store); i++)
        if (!strcmp(store_source_info(store, i)->name, name))
            return (int)i;
    return -1;
}

/* In the order of the store, also those that SETTINGS say nothing of. */
static enum status copy_sources(const struct policy_settings *settings, struct policy *policy)
{
    size_t count = store_source_count(policy->store);
    policy->sources = calloc(count + 1, sizeof *policy->sources);
    policy->marks = calloc(count + 1, sizeof *policy->marks);
    if (!policy->sources || !policy->marks)
        return ST_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const char *name = store_source_info(policy->store, i)->name;
        policy->marks[i] = (struct mark){XXH3_64bits(name, strlen(name)), UINT_MAX};
    }
    for (size_t i = 0; i < settings->source_count; i++) {
        int index = find_source(policy->store, settings->sources[i].name);
        if (index < 0)
            continue;
        policy->sources[index] = settings->sources[i];
        policy->marks[index].rank = (unsigned)i;
    }
    policy->settings.sources = policy->sources;
    policy->settings.source_count = count;
    return ST_OK;
}

static enum status copy_groups(const struct policy_settings *from, struct policy *policy)
{
    size_t networks = 0, used = 0;
    for (size_t i = 0; i < from->group_count; i++)
        networks += from->groups[i].client_count;
    policy->groups = calloc(from->group_count + 1, sizeof *policy->groups);
    policy->networks = calloc(networks + 1, sizeof *policy->networks);
    if (!policy->groups || !policy->networks)
        return ST_NOMEM;
    for (size_t i = 0; i < from->group_count; i++) {
        policy->groups[i] = from->groups[i];
        policy->groups[i].clients = policy->networks + used;
        for (size_t k = 0; k < from->groups[i].client_count; k++)
            policy->networks[used++] = from->groups[i].clients[k];
    }
    policy->settings = *from;
    policy->settings.groups = policy->groups;
    return ST_OK;
}

enum status policy_new_own(const struct policy_settings *settings, struct store *store, struct policy **out)
{
    struct policy *policy = calloc(1, sizeof *policy);
    if (!policy) {
        store_free(store);
        return ST_NOMEM;
    }
    atomic_init(&policy->references, 1);
    policy->store = store;
    policy->user_source = find_source(store, SOURCE_USER);
    enum status status = copy_groups(settings, policy);
    if (status == ST_OK)
        status = copy_sources(settings, policy);
    if (status != ST_OK) {
        policy_unref(policy);
        return status;
    }
    *out = policy;
    return ST_OK;
}

struct policy *policy_ref(struct policy *policy)
{
    atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
    return policy;
}

void policy_unref(struct policy *policy)
{
    if (!policy || atomic_fetch_sub_explicit(&policy->references, 1, memory_order_acq_rel) != 1)
        return;
    store_free(policy->store);
    free(policy->groups);
    free(policy->networks);
    free(policy->sources);
    free(policy->marks);
    free(policy);
}

const struct store *policy_store(const struct policy *policy)
{
    return policy->store;
}

enum status policy_reader_new(struct policy *policy, struct policy_reader **out)
{
    struct policy_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return ST_NOMEM;
    enum status status = store_reader_new(policy->store, &reader->store);
    if (status != ST_OK) {
        free(reader);
        return status;
    }
    reader->policy = policy_ref(policy);
    *out = reader;
    return ST_OK;
}

void policy_reader_free(struct policy_reader *reader)
{
    if (!reader)
        return;
    store_reader_free(reader->store);
    policy_unref(reader->policy);
    free(reader);
}

static const struct policy_group *group_of(const struct policy *policy, const struct addr *client)
{
    for (size_t i = 0; i < policy->settings.group_count; i++)
        for (size_t k = 0; k < policy->groups[i].client_count; k++)
            if (network_contains(&policy->groups[i].clients[k], client))
                return &policy->groups[i];
    return &policy->settings.default_group;
}

/* A rule for clients is one for all that they ask: the group's mode for names holds. */
static enum part_mode mode_of(const struct policy_group *group, enum look look)
{
    switch (look) {
    case LOOK_URL:
        return group->urls;
    case LOOK_NAME:
    case LOOK_CLIENT:
        return group->names;
    default:
        return group->addresses;
    }
}

static void look_up_name(struct policy_reader *reader, enum record_trigger trigger, const struct dname *name,
                         uint32_t now_s)
{
    struct found *found = &reader->found[LOOK_NAME];
    reader->name = *name;
    dname_lower(&reader->name);
    found->count = store_find_trigger_name(reader->store, trigger, &reader->name, now_s, found->hits, STORE_MAX_HITS);
}

static void look_up_address(struct policy_reader *reader, enum record_trigger trigger, const struct addr *addr,
                            uint32_t now_s)
{
    struct found *found = &reader->found[trigger == TRIGGER_CLIENT ? LOOK_CLIENT : LOOK_ADDRESS];
    reader->addr = *addr;
    found->count = store_find_trigger_addr(reader->store, trigger, &reader->addr, now_s, found->hits, STORE_MAX_HITS);
}

static void look_up_url(struct policy_reader *reader, const struct subject *subject, const struct policy_group *group,
                        uint32_t now_s)
{
    struct canonical_url *url = &reader->url;
    struct found *found = &reader->found[LOOK_URL];
    struct str path = subject->path.length ? subject->path : STR("/");
    /* A path that has no canonical form, such as one that is too long, does not hide its host. */
    if (canonical_url_parts(subject->host, subject->port, path, url) != ST_OK &&
        canonical_url_parts(subject->host, subject->port, STR("/"), url) != ST_OK)
        return;
    if (group->urls != PART_OFF)
        found->count = store_find_url(reader->store, url, now_s, found->hits, STORE_MAX_HITS);
    if (url->host_is_address && group->addresses != PART_OFF) {
        struct addr addr = url->addr;
        addr.port = subject->port;
        look_up_address(reader, TRIGGER_SUBJECT, &addr, now_s);
    } else if (!url->host_is_address && group->names != PART_OFF) {
        look_up_name(reader, TRIGGER_SUBJECT, &url->name, now_s);
    }
}

static enum record_trigger trigger_of(enum subject_kind kind)
{
    switch (kind) {
    case SUBJECT_CLIENT:
        return TRIGGER_CLIENT;
    case SUBJECT_NS_NAME:
        return TRIGGER_NS_NAME;
    case SUBJECT_NS_ADDRESS:
        return TRIGGER_NS_ADDRESS;
    default:
        return TRIGGER_SUBJECT;
    }
}

static void look_up(struct policy_reader *reader, const struct subject *subject, const struct policy_group *group)
{
    uint32_t now_s = (uint32_t)(clock_wall_ms() / 1000);
    for (enum look look = 0; look < LOOK_COUNT; look++)
        reader->found[look].count = 0;
    switch (subject->kind) {
    case SUBJECT_NAME:
    case SUBJECT_NS_NAME:
        if (group->names != PART_OFF)
            look_up_name(reader, trigger_of(subject->kind), subject->name, now_s);
        break;
    case SUBJECT_URL:
        look_up_url(reader, subject, group, now_s);
        break;
    case SUBJECT_ADDRESS:
    case SUBJECT_NS_ADDRESS:
        if (group->addresses != PART_OFF)
            look_up_address(reader, trigger_of(subject->kind), &subject->addr, now_s);
        break;
    case SUBJECT_CLIENT:
        if (group->names != PART_OFF)
            look_up_address(reader, TRIGGER_CLIENT, &subject->client, now_s);
        break;
    }
}

/* Whether the entry is there for this group and this query. */
static bool applies(const struct record *record, const struct policy_group *group, uint16_t qtype)
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

static enum source_use use_of(const struct policy *policy, const struct store_hit *hit)
{
    return policy->sources[hit->source].use;
}

static bool has_passed(const struct policy *policy, const struct subject *subject, size_t source)
{
    return subject->passed && passed_has(subject->passed, policy->marks[source].id);
}

static bool hit_exempts(const struct policy *policy, const struct store_hit *hit)
{
    return hit->record.flags & RECORD_ALLOW || use_of(policy, hit) == SOURCE_EXEMPTS;
}

/* What a hit asks for. The user's own address entries act as they say, and so do those of a zone whose word the user
 * takes: the mode for addresses, `log` by default, is there because feeds list shared addresses. */
static enum action action_of(const struct policy *policy, const struct policy_group *group, enum look look,
                             const struct store_hit *hit)
{
    bool users = hit->source == policy->user_source;
    enum action action = users ? ACTION_BLOCK : policy->settings.categories[hit->record.category];
    bool trusted = look == LOOK_ADDRESS && (users || policy->sources[hit->source].given);
    bool capped = mode_of(group, look) == PART_LOG && !trusted;
    if (hit_exempts(policy, hit))
        return users && hit->record.flags & RECORD_LOG ? ACTION_LOG : ACTION_ALLOW;
    if (action == ACTION_BLOCK && (capped || hit->record.flags & RECORD_LOG || use_of(policy, hit) == SOURCE_MONITORS))
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

/* HIT as its source's opinion. What may pass by TCP is not blocked. */
static struct opinion opinion_of(const struct policy *policy, const struct policy_group *group, enum look look,
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

/* Takes HIT into its source's opinion of one look-up. Hits come from the most to the least specific; equally specific
 * ones weigh together, an exemption first, then the highest action; less specific ones count only where they are more
 * important. */
static void weigh(const struct policy *policy, const struct policy_group *group, enum look look,
                  const struct store_hit *hit, struct opinion *opinion)
{
    struct opinion other = opinion_of(policy, group, look, hit);
    if (!opinion->hit || outweighs(policy, &other, opinion))
        *opinion = other;
}

/* Takes what a source says of the host into what it says of the URL on it: an exempt URL is exempt on a listed host, a
 * listed URL is listed on an exempt host, and else the stronger of the two acts. */
static void merge(const struct opinion *host, struct opinion *opinion)
{
    if (!opinion->hit || (host->hit && !opinion->exempts && strength(host) > strength(opinion)))
        *opinion = *host;
}

/* A look-up that says more of the subject, or as much by a more specific entry. */
static bool is_closer(const struct opinion *a, const struct opinion *b)
{
    return a->look != b->look ? a->look < b->look : a->hit->specificity > b->hit->specificity;
}

/* The user's entry before all; else the highest action, the more telling look-up, the more specific entry, the one that
 * says how it is to be answered, and the source that is configured first. */
static bool is_stronger(const struct policy *policy, const struct opinion *a, const struct opinion *b)
{
    if (a->hit->source == policy->user_source || b->hit->source == policy->user_source)
        return a->hit->source == policy->user_source;
    if (a->exempts != b->exempts)
        return b->exempts;
    if (strength(a) != strength(b))
        return strength(a) > strength(b);
    if (is_closer(a, b) || is_closer(b, a))
        return is_closer(a, b);
    if (!a->answer != !b->answer)
        return a->answer;
    return policy->marks[a->hit->source].rank < policy->marks[b->hit->source].rank;
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
    verdict->indicator_id = XXH3_64bits_withSeed(verdict->indicator, strlen(verdict->indicator), verdict->kind);
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
            hit->record.answer != RECORD_ANSWER_DATA || !applies(&hit->record, group, qtype) ||
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
            if (use_of(policy, hit) != SOURCE_GUARDS && applies(&hit->record, group, qtype) &&
                !has_passed(policy, subject, hit->source))
                weigh(policy, group, look, hit, &said[hit->source]);
        }
        for (size_t i = 0; i < sources; i++)
            merge(&said[i], &opinions[i]);
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
            (!closest || is_closer(&opinions[i], closest)))
            closest = &opinions[i];
    for (size_t i = 0; closest && i < sources; i++) {
        enum source_use use = policy->sources[i].use;
        bool feeds = (use == SOURCE_BLOCKS || use == SOURCE_MONITORS) && (int)i != policy->user_source;
        if (opinions[i].hit && feeds && !is_closer(&opinions[i], closest)) {
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
        if (opinions[i].hit && (!best || is_stronger(policy, &opinions[i], best)))
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

bool policy_has_trigger(const struct policy_reader *reader, enum record_trigger trigger)
{
    return store_has_trigger(reader->store, trigger);
}

struct str policy_data(const struct policy_reader *reader)
{
    return (struct str){reader->data, reader->data_length};
}

void policy_decide(struct policy_reader *reader, const struct subject *subject, struct verdict *verdict)
{
    const struct policy_group *group = group_of(reader->policy, &subject->client);
    verdict->action = ACTION_ALLOW;
    verdict->exempts = verdict->matched = false;
    look_up(reader, subject, group);
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
    return use_of(policy, hit) == SOURCE_MONITORS ? HIT_RECORDED_BY_MONITOR : HIT_RECORDED_BY_GROUP;
}

enum hit_effect policy_hit_effect(const struct policy *policy, const struct subject *subject,
                                  const struct store_hit *hit)
{
    static const enum look looks[] = {
        [INDICATOR_NAME] = LOOK_NAME, [INDICATOR_URL] = LOOK_URL, [INDICATOR_NETWORK] = LOOK_ADDRESS};
    bool of_client = hit->record.trigger == TRIGGER_CLIENT;
    const struct policy_group *group = group_of(policy, &subject->client);
    if (hit->record.expires && hit->record.expires <= clock_wall_ms() / 1000)
        return HIT_EXPIRED;
    if (use_of(policy, hit) == SOURCE_GUARDS)
        return HIT_OF_GUARD_LIST;
    if (!applies(&hit->record, group, 0))
        return HIT_OF_OTHER_GROUP;
    if (!applies(&hit->record, group, of_client ? 0 : type_of(subject)))
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

const struct policy_source *policy_source(const struct policy *policy, size_t index)
{
    return &policy->sources[index];
}

const char *policy_group_name(const struct policy *policy, const struct addr *client)
{
    return group_of(policy, client)->name;
}
