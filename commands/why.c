#include "commands/why.h"

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

/* Policy zones have rules for who asks as well, whatever name or URL that is. */
static bool asks_for_client(const struct question *question)
{
    return question->subject.kind == SUBJECT_NAME || question->subject.kind == SUBJECT_URL;
}

static size_t look_up(const struct question *question, struct store_reader *reader, uint32_t now_s,
                      struct store_hit hits[STORE_MAX_HITS])
{
    struct addr addr = addr_of(question);
    size_t n = 0;
    if (question->subject.kind == SUBJECT_URL)
        n += store_find_url(reader, &question->url, now_s, hits, STORE_MAX_HITS);
    if (is_name(question))
        n += store_find_name(reader, name_of(question), now_s, hits + n, STORE_MAX_HITS - n);
    else
        n += store_find_addr(reader, &addr, now_s, hits + n, STORE_MAX_HITS - n);
    if (asks_for_client(question))
        n += store_find_trigger_addr(reader, TRIGGER_CLIENT, &question->subject.client, now_s, hits + n,
                                     STORE_MAX_HITS - n);
    return n;
}

/* As the DNS side and the proxy do (dns_query.c, http_verdict.c), before anything is asked of an upstream. */
static void decide(const struct question *question, struct policy_reader *judge, struct answer *answer)
{
    struct passed passed = {0};
    struct subject subject = question->subject,
                   client = {.kind = SUBJECT_CLIENT, .client = subject.client, .passed = &passed};
    struct verdict verdict;
    policy_decide(judge, &subject, &answer->verdict);
    if (answer->verdict.exempts || !asks_for_client(question) || !policy_has_trigger(judge, TRIGGER_CLIENT))
        return;
    policy_decide(judge, &client, &verdict);
    if (passed.count && verdict.action != ACTION_BLOCK) {
        subject.passed = &passed;
        policy_decide(judge, &subject, &answer->verdict);
    }
    if (verdict.action == ACTION_BLOCK || verdict_strength(&verdict) > verdict_strength(&answer->verdict))
        answer->verdict = verdict;
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
        const struct addr *by = hit->record.trigger == TRIGGER_CLIENT ? &question->subject.client : &addr;
        bare.record.port = 0;
        store_hit_text(hit, name_of(question), url, by, answer->indicators[i], STORE_KEY_TEXT_SIZE);
        store_hit_text(&bare, name_of(question), url, by, answer->keys[i], STORE_KEY_TEXT_SIZE);
        answer->effects[i] = policy_hit_effect(answer->policy, &question->subject, hit);
    }
}

static bool is_candidate(const struct answer *answer, size_t hit, const struct candidate *candidate)
{
    if (answer->hits[hit].kind != candidate->kind || answer->hits[hit].record.trigger != TRIGGER_SUBJECT)
        return false;
    /* Keys are cut where they are very long. */
    return !strncmp(answer->keys[hit], candidate->text, STORE_KEY_TEXT_SIZE - 1);
}

const char *why_source(const struct answer *answer, size_t hit)
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
    return why_source(answer, index);
}

enum status answer_find(const struct question *question, const struct policy *policy, struct policy_reader *judge,
                        struct store_reader *reader, struct answer *answer)
{
    answer->policy = policy;
    decide(question, judge, answer);
    set_canonical(question, answer);
    enum status status = find_candidates(question, reader, answer);
    if (status != ST_OK)
        return status;
    find_hits(question, reader, answer);
    describe_hits(question, answer);
    answer_explain(answer);
    return ST_OK;
}

void answer_fini(struct answer *answer)
{
    buf_free(&answer->texts);
}
