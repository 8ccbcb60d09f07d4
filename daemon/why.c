#include "daemon/why.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "reputation/candidates.h"

static bool parse_url(struct str text, struct question *question)
{
    if (canonical_url(text, &question->url) != ST_OK)
        return false;
    question->subject.kind = SUBJECT_URL;
    question->subject.host = question->url.host;
    question->subject.port = question->url.port;
    /* path and query stand one after the other */
    question->subject.path =
        (struct str){question->url.path.data, question->url.path.length + question->url.query.length};
    return true;
}

/* Something with a scheme, a port or a path is a URL; what reads as an address is one; the rest is a name. */
bool question_parse(const char *text, struct question *question)
{
    struct str all = str_of(text);
    struct network network;
    question->text = text;
    if (addr_parse_ip(all, &question->subject.addr) == ST_OK ||
        (strchr(text, ':') && addr_parse(all, 0, &question->subject.addr) == ST_OK)) {
        question->subject.kind = SUBJECT_ADDRESS;
        return true;
    }
    if (network_parse(all, &network) == ST_OK)
        return false; /* read as a URL, 10.0.0.0/8 would be the page /8 of a host */
    if (strpbrk(text, "/:?"))
        return parse_url(all, question);
    if (canonical_host_name(all, &question->name) != ST_OK)
        return false;
    question->subject.kind = SUBJECT_NAME;
    question->subject.name = &question->name;
    return true;
}

static void set_canonical(const struct question *question, struct answer *answer)
{
    const struct canonical_url *url = &question->url;
    char text[DNAME_TEXT_SIZE], port[8] = "";
    switch (question->subject.kind) {
    case SUBJECT_URL:
        if (url->port != 80 && url->port != 443)
            snprintf(port, sizeof port, ":%u", url->port);
        snprintf(answer->canonical, sizeof answer->canonical, "%.*s%s%.*s", (int)url->host.length, url->host.data, port,
                 (int)question->subject.path.length, question->subject.path.data);
        break;
    case SUBJECT_ADDRESS:
        if (question->subject.addr.port)
            addr_format(&question->subject.addr, answer->canonical);
        else
            addr_format_ip(&question->subject.addr, answer->canonical);
        break;
    default:
        dname_to_text(&question->name, text);
        text_copy(answer->canonical, sizeof answer->canonical, str_of(text));
    }
}

/* Candidates of one kind under way into an answer. */
struct taking {
    struct answer *answer;
    enum indicator_kind kind;
};

static void take_candidate(void *context, const char *text)
{
    struct taking *taking = context;
    struct answer *answer = taking->answer;
    if (answer->candidate_count == WHY_MAX_CANDIDATES)
        return;
    answer->candidates[answer->candidate_count++].kind = taking->kind;
    buf_add(&answer->texts, text, strlen(text) + 1);
}

/* The name or the address of the subject, or of its host. */
static bool is_name(const struct question *question)
{
    return question->subject.kind == SUBJECT_NAME ||
           (question->subject.kind == SUBJECT_URL && !question->url.host_is_address);
}

static const struct dname *name_of(const struct question *question)
{
    return question->subject.kind == SUBJECT_NAME ? &question->name : &question->url.name;
}

static struct addr addr_of(const struct question *question)
{
    if (question->subject.kind == SUBJECT_ADDRESS)
        return question->subject.addr;
    struct addr addr = question->url.addr;
    addr.port = question->url.port;
    return addr;
}

static enum status find_candidates(const struct question *question, const struct store_reader *reader,
                                   struct answer *answer)
{
    struct taking taking = {answer, INDICATOR_URL};
    struct addr addr = addr_of(question);
    if (question->subject.kind == SUBJECT_URL)
        candidates_of_url(&question->url, take_candidate, &taking);
    taking.kind = is_name(question) ? INDICATOR_NAME : INDICATOR_NETWORK;
    if (is_name(question))
        candidates_of_name(reader, name_of(question), take_candidate, &taking);
    else
        candidates_of_addr(reader, &addr, take_candidate, &taking);
    if (answer->texts.failed)
        return ST_NOMEM;
    const char *text = answer->texts.data;
    for (size_t i = 0; i < answer->candidate_count; i++) {
        answer->candidates[i].text = text;
        text += strlen(text) + 1;
    }
    return ST_OK;
}

static size_t look_up(const struct question *question, struct store_reader *reader, uint32_t now_s,
                      struct store_hit hits[STORE_MAX_HITS])
{
    struct addr addr = addr_of(question);
    size_t n = 0;
    if (question->subject.kind == SUBJECT_URL)
        n = store_find_url(reader, &question->url, now_s, hits, STORE_MAX_HITS);
    if (is_name(question))
        return n + store_find_name(reader, name_of(question), now_s, hits + n, STORE_MAX_HITS - n);
    return n + store_find_addr(reader, &addr, now_s, hits + n, STORE_MAX_HITS - n);
}

/* What counts first; then, as far as there is room, what has expired. */
static void find_hits(const struct question *question, struct store_reader *reader, struct answer *answer)
{
    static struct store_hit all[STORE_MAX_HITS];
    uint32_t now_s = (uint32_t)(clock_wall_ms() / 1000);
    answer->hit_count = look_up(question, reader, now_s, answer->hits);
    size_t count = look_up(question, reader, 0, all);
    for (size_t i = 0; i < count && answer->hit_count < STORE_MAX_HITS; i++)
        if (all[i].record.expires && all[i].record.expires <= now_s)
            answer->hits[answer->hit_count++] = all[i];
}

static void describe_hits(const struct question *question, struct answer *answer)
{
    const struct canonical_url *url = question->subject.kind == SUBJECT_URL ? &question->url : NULL;
    struct addr addr = addr_of(question);
    for (size_t i = 0; i < answer->hit_count; i++) {
        struct store_hit *hit = &answer->hits[i], bare = *hit;
        bare.record.port = 0;
        store_hit_text(hit, name_of(question), url, &addr, answer->indicators[i], STORE_KEY_TEXT_SIZE);
        store_hit_text(&bare, name_of(question), url, &addr, answer->keys[i], STORE_KEY_TEXT_SIZE);
        answer->effects[i] = policy_hit_effect(answer->policy, &question->subject, hit);
    }
}

static bool is_candidate(const struct answer *answer, size_t hit, const struct candidate *candidate)
{
    if (answer->hits[hit].kind != candidate->kind)
        return false;
    /* Keys are cut where they are very long. */
    return !strncmp(answer->keys[hit], candidate->text, STORE_KEY_TEXT_SIZE - 1);
}

static const char *source_name(const struct answer *answer, size_t hit)
{
    return store_source_info(policy_store(answer->policy), answer->hits[hit].source)->name;
}

const char *why_source_of_candidate(const struct answer *answer, size_t index, const struct candidate *candidate)
{
    if (!is_candidate(answer, index, candidate))
        return NULL;
    for (size_t i = 0; i < index; i++)
        if (answer->hits[i].source == answer->hits[index].source && is_candidate(answer, i, candidate))
            return NULL;
    return source_name(answer, index);
}

/* The hit behind the verdict. */
static const struct store_hit *deciding(const struct answer *answer, enum hit_effect *effect)
{
    struct str first = str_of(answer->verdict.sources), rest;
    (void)str_cut(first, ',', &first, &rest);
    for (size_t i = 0; i < answer->hit_count; i++)
        if (answer->effects[i] < HIT_OF_GUARD_LIST && str_eq(first, str_of(source_name(answer, i))) &&
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
                     source_name(answer, i), answer->indicators[i]);
}

static void explain_entry(const struct store_hit *hit, enum hit_effect effect, struct answer *answer)
{
    const char *source = store_source_info(policy_store(answer->policy), hit->source)->name;
    bool users = !strcmp(source, SOURCE_USER);
    if (users && effect == HIT_RECORDED_BY_ENTRY)
        text_copy(answer->because, sizeof answer->because, STR("your own entry wants it recorded only"));
    else if (effect == HIT_PASSES || effect == HIT_PASSES_RECORDED)
        snprintf(answer->because, sizeof answer->because, "%s %s", users ? "your own entry" : source,
                 why_effect_text(effect));
    else
        text_copy(answer->because, sizeof answer->because, str_of(why_effect_text(effect)));
}

static void explain(struct answer *answer)
{
    const struct verdict *verdict = &answer->verdict;
    enum hit_effect effect;
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
                 hit->kind == INDICATOR_NETWORK ? "addresses"
                 : hit->kind == INDICATOR_URL   ? "urls"
                                                : "names");
    else
        explain_entry(hit, effect, answer);
}

const char *why_effect_text(enum hit_effect effect)
{
    static const char *const texts[HIT_EFFECTS] = {
        [HIT_BLOCKS] = "blocks",
        [HIT_PASSES] = "lets it pass",
        [HIT_PASSES_RECORDED] = "lets it pass, recorded",
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

enum status answer_find(const struct question *question, const struct policy *policy, struct policy_reader *judge,
                        struct store_reader *reader, struct answer *answer)
{
    answer->policy = policy;
    policy_decide(judge, &question->subject, &answer->verdict);
    set_canonical(question, answer);
    enum status status = find_candidates(question, reader, answer);
    if (status != ST_OK)
        return status;
    find_hits(question, reader, answer);
    describe_hits(question, answer);
    explain(answer);
    return ST_OK;
}

void answer_fini(struct answer *answer)
{
    buf_free(&answer->texts);
}
