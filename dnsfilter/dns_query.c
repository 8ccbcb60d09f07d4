/* The way of one query, in reading order:
 *
 *     receive -> parse -> check -> decide -> special -> cache | forward -> inspect -> send
 *
 * A query that can be answered at once lives on the stack from the datagram to the reply and allocates nothing. Only
 * one that needs an upstream is moved to the heap; it continues in on_reply().
 *
 * core->out is the output buffer that all steps of all queries share: a step that ends a query leaves the reply there,
 * and it is sent before another query is looked at. */
#include "dnsfilter/dns_query.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dnsfilter/dns_answer.h"
#include "dnsfilter/dns_clean.h"
#include "dnsfilter/dns_ddr.h"
#include "dnsfilter/dns_inspect.h"
#include "dnsfilter/dns_normal.h"
#include "dnsfilter/dns_structured.h"

enum { SAFE_TTL_S = 60 /* short: the setting may change at any time */ };

enum step { STEP_PARSE, STEP_CHECK, STEP_DECIDE, STEP_SPECIAL, STEP_CACHE, STEP_FORWARD, STEP_INSPECT, STEP_END };

static enum step parse(struct dns_query *query);
static enum step check(struct dns_query *query);
static enum step decide(struct dns_query *query);
static enum step special(struct dns_query *query);
static enum step look_in_cache(struct dns_query *query);
static enum step forward(struct dns_query *query);
static enum step inspect(struct dns_query *query);

/* Each step says which comes next; STEP_END: the reply stands in core->out, or there is none (yet). */
static enum step (*const steps[])(struct dns_query *query) = {
    [STEP_PARSE] = parse,         /* well-formed? */
    [STEP_CHECK] = check,         /* anything that we do? */
    [STEP_DECIDE] = decide,       /* the verdict on the name; a block is answered here */
    [STEP_SPECIAL] = special,     /* what is never forwarded */
    [STEP_CACHE] = look_in_cache, /* answered before? */
    [STEP_FORWARD] = forward,     /* ask an upstream, wait */
    [STEP_INSPECT] = inspect,     /* the verdict on what the answer leads to; finish it for this client */
};

static const char *const step_words[] = {
    [STEP_PARSE] = "parse", [STEP_CHECK] = "check",     [STEP_DECIDE] = "decide",   [STEP_SPECIAL] = "special",
    [STEP_CACHE] = "cache", [STEP_FORWARD] = "forward", [STEP_INSPECT] = "inspect",
};

static void run(struct dns_query *query, enum step step)
{
    struct dns_trace *trace = query->client.trace;
    while (step != STEP_END) {
        if (trace)
            dns_trace_step(trace, step_words[step]);
        step = steps[step](query);
    }
}

/* What the answer has besides what the steps made of it. */
static void dress(struct dns_query *query)
{
    struct dns_core *core = query->core;
    bool proven = !query->client.udp || (query->extras.any && query->extras.cookie.state == DNS_COOKIE_GOOD);
    size_t limit = sizeof core->out;
    if (!query->reply_length)
        return;
    if (query->extras.any)
        limit = dns_answer_limit(&query->message, query->client.udp);
    if (!proven && query->client.standing == DNS_FAR && core->settings->rate_per_s)
        query->reply_length = dns_extras_bound(&query->message, core->out, query->reply_length, query->packet_length);
    if (query->extras.any)
        query->reply_length =
            dns_extras_add(&query->extras, core->out, query->reply_length, limit, core->settings->tcp_idle_ms);
}

size_t dns_query_receive(struct dns_core *core, const struct dns_client *client, const uint8_t *packet, size_t n)
{
    struct dns_query query; /* left unset: each step sets what later ones read */
    query.core = core;
    query.client = *client;
    query.packet = packet;
    query.packet_length = n;
    query.exempt = query.aliased = query.expired = false;
    query.passed.count = 0;
    query.extras.any = false;
    query.reply_length = 0;
    core->counters.queries++;
    run(&query, STEP_PARSE);
    if (query.extras.any || client->standing == DNS_FAR)
        dress(&query);
    return query.reply_length;
}

bool dns_core_admits(const struct dns_core *core, const struct addr *client)
{
    return dns_core_standing(core, client) != DNS_STRANGER || dns_notify_expects(core->notify, client);
}

/* An error reply that is a header alone. */
static enum step answer_error(struct dns_query *query, unsigned rcode)
{
    query->reply_length = dns_answer_error(query->core->out, sizeof query->core->out, &query->message, rcode);
    return STEP_END;
}

static enum step fail(struct dns_query *query, struct dns_note note)
{
    if (query->client.trace)
        dns_trace_say(query->client.trace, "failed: %.*s", (int)note.text.length, note.text.data);
    query->core->counters.failed++;
    query->reply_length =
        dns_answer_rcode(query->core->out, sizeof query->core->out, &query->message, DNS_RCODE_SERVFAIL, note);
    return STEP_END;
}

static enum step take_notify(struct dns_query *query)
{
    struct dns_core *core = query->core;
    query->reply_length = dns_notify_answer(core->notify, &query->client.peer.remote, query->packet,
                                            query->packet_length, &query->message, core->out, sizeof core->out);
    if (query->client.standing == DNS_STRANGER && !dns_notify_expects(core->notify, &query->client.peer.remote))
        query->reply_length = 0;
    return STEP_END;
}

static enum status read_options(struct dns_query *query)
{
    const struct dns_extras_from from = {.secret = query->core->settings->cookie_secret,
                                         .client = &query->client.peer.remote,
                                         .stream = query->client.carrier != NULL,
                                         .encrypted = query->client.encrypted};
    return dns_extras_read(&query->extras, query->message.edns.options, &from);
}

/* Whether it is answered no more than by what helps a client that is where it says (RFC 7873 section 5.2.3): TC, or a
 * cookie to come back with. */
static bool is_over_rate(struct dns_query *query)
{
    struct dns_core *core = query->core;
    struct dns_message *message = &query->message;
    bool has_cookie = query->extras.any && query->extras.cookie.state != DNS_COOKIE_NONE;
    if (!query->client.udp || (has_cookie && query->extras.cookie.state == DNS_COOKIE_GOOD))
        return false;
    enum dns_rate_verdict verdict = dns_rate_take(&core->rate, &query->client.peer.remote, loop_now_ms(core->loop));
    if (verdict == DNS_RATE_ANSWER)
        return false;
    core->counters.limited++;
    if (verdict == DNS_RATE_SLIP && message->question_end)
        query->reply_length =
            has_cookie ? dns_answer_rcode(core->out, sizeof core->out, message, DNS_RCODE_BADCOOKIE, dns_note_none)
                       : dns_answer_by_tcp(core->out, sizeof core->out, message);
    return true;
}

/* A query without a question asks for a cookie (RFC 7873 section 5.4). */
static bool answer_cookie(struct dns_query *query)
{
    struct dns_core *core = query->core;
    struct dns_message *message = &query->message;
    if (dns_cookie_request_parse(query->packet, query->packet_length, message) != ST_OK || message->edns.version ||
        read_options(query) != ST_OK || !query->extras.any || query->extras.cookie.state == DNS_COOKIE_NONE)
        return false;
    unsigned rcode = query->extras.cookie.state == DNS_COOKIE_BAD ? DNS_RCODE_BADCOOKIE : DNS_RCODE_NOERROR;
    query->reply_length = dns_answer_rcode(core->out, sizeof core->out, message, rcode, dns_note_none);
    return true;
}

static enum step parse(struct dns_query *query)
{
    struct dns_message *message = &query->message;
    message->question_end = 0;
    enum status status = dns_header_parse(query->packet, query->packet_length, &message->header);
    if (status != ST_OK || message->header.flags & DNS_FLAG_QR) {
        query->core->counters.malformed++;
        return STEP_END; /* dropped: a reply to a reply could go round for ever */
    }
    if (dns_header_opcode(&message->header) == DNS_OPCODE_NOTIFY)
        return take_notify(query);
    if (query->client.standing == DNS_STRANGER)
        return STEP_END;
    if (dns_header_opcode(&message->header) == DNS_OPCODE_QUERY) {
        status = dns_query_parse(query->packet, query->packet_length, message);
        if (status == ST_OK && message->edns.options.length && !message->edns.version)
            status = read_options(query);
    }
    if (query->client.standing != DNS_MACHINE && is_over_rate(query))
        return STEP_END;
    if (dns_header_opcode(&message->header) != DNS_OPCODE_QUERY)
        return answer_error(query, DNS_RCODE_NOTIMP); /* RFC 8906 section 3.1.4 */
    if (status != ST_OK && !message->header.qdcount && answer_cookie(query))
        return STEP_END;
    if (status != ST_OK) {
        query->core->counters.malformed++;
        return answer_error(query, DNS_RCODE_FORMERR);
    }
    return STEP_CHECK;
}

static enum step check(struct dns_query *query)
{
    struct dns_core *core = query->core;
    const struct dns_message *message = &query->message;
    if (message->edns.present && message->edns.version > 0) { /* RFC 6891 section 6.1.3 */
        query->reply_length = dns_answer_rcode(core->out, sizeof core->out, message, DNS_RCODE_BADVERS, dns_note_none);
        return STEP_END;
    }
    if (message->is_signed) { /* RFC 8945 section 5.2: we have no key of anyone's */
        query->reply_length = dns_answer_rcode(core->out, sizeof core->out, message, DNS_RCODE_NOTAUTH, dns_note_none);
        return STEP_END;
    }
    switch (message->question.type) {
    case DNS_TYPE_OPT:
    case DNS_TYPE_TSIG:
    case DNS_TYPE_TKEY:
    case DNS_TYPE_NXNAME: /* RFC 9824 section 3.5 */
        return answer_error(query, DNS_RCODE_FORMERR);
    case DNS_TYPE_MAILA: /* RFC 6895 section 3.1: obsolete */
    case DNS_TYPE_MAILB:
        return answer_error(query, DNS_RCODE_NOTIMP);
    case DNS_TYPE_AXFR:
    case DNS_TYPE_IXFR:
        break;
    default:
        if (message->question.class == DNS_CLASS_IN)
            return STEP_DECIDE;
    }
    query->reply_length =
        dns_answer_rcode(core->out, sizeof core->out, message, DNS_RCODE_REFUSED, dns_note_not_supported);
    return STEP_END;
}

static void record(const struct dns_query *query, enum match match, const struct verdict *verdict)
{
    if (query->client.trace) { /* nobody has called anyone */
        query->client.trace->recorded = true;
        return;
    }
    struct callback callback; /* strings are ended, the rest of their room stays unset */
    char name[DNAME_TEXT_SIZE];
    struct dname asked = query->message.question.name;
    dname_lower(&asked); /* clients vary the case of one name, to be hard to fool */
    dname_to_text(&asked, name);
    callback.time_ms = clock_wall_ms();
    callback.client = query->client.peer.remote;
    callback.local = query->client.peer.local;
    callback.udp = query->client.udp != NULL;
    callback.channel = CHANNEL_DNS;
    callback.match = match;
    callback.count = 1;
    text_copy(callback.subject, sizeof callback.subject, str_of(name));
    callback.method[0] = '\0';
    callback.status = 0;
    callback.verdict = *verdict;
    recorder_record(query->core->judge->recorder, &callback);
}

/* What a policy zone gives in place of the answer: at once, or behind an alias what its target has. */
static enum step give(struct dns_query *query, const struct verdict *verdict)
{
    struct dns_core *core = query->core;
    struct str data = policy_data(core->judge->policy);
    bool recursive = query->message.header.flags & DNS_FLAG_RD;
    if (recursive && dns_local_alias(data, &query->message.question, &query->alias)) {
        dns_answer_why(verdict, query->alias.why);
        query->alias.code = DNS_EDE_BLOCKED;
        query->alias.sub_error = dns_sub_error_of(verdict->category);
        query->alias.contact = core->settings->contact;
        query->aliased = true;
        return STEP_SPECIAL;
    }
    query->reply_length =
        dns_local_answer(core->out, sizeof core->out, dns_answer_limit(&query->message, query->client.udp),
                         &query->message, data, core->settings, verdict);
    return STEP_END;
}

static enum step block(struct dns_query *query, enum match match, const struct verdict *verdict)
{
    struct dns_core *core = query->core;
    record(query, match, verdict);
    core->counters.blocked++;
    if (verdict->answer == RECORD_ANSWER_DATA)
        return give(query, verdict);
    query->reply_length = dns_answer_blocked(core->out, dns_answer_limit(&query->message, query->client.udp),
                                             &query->message, core->settings, verdict);
    return STEP_END;
}

/* Does what the verdict asks for; NEXT: where the query goes on. A block is the policy's last verdict. */
static enum step act(struct dns_query *query, enum match match, const struct verdict *verdict, enum step next)
{
    if (query->client.trace)
        dns_trace_verdict(query->client.trace, match, verdict);
    if (verdict->action == ACTION_BLOCK)
        return block(query, match, verdict);
    if (verdict->action == ACTION_ALLOW)
        return next;
    record(query, match, verdict);
    if (verdict->answer != RECORD_ANSWER_TCP_ONLY || !query->client.udp)
        return next;
    query->reply_length = dns_answer_by_tcp(query->core->out, sizeof query->core->out, &query->message);
    return STEP_END;
}

/* Rules for the client stand before those for the name, of which VERDICT was made without regard to them; it is made
 * anew where they let the query pass some source. STEP_DECIDE: they have nothing against the query. */
static enum step decide_client(struct dns_query *query, struct subject *subject, struct verdict *verdict)
{
    struct judge *judge = query->core->judge;
    struct passed passed = {0};
    struct verdict client;
    struct subject asker = {.kind = SUBJECT_CLIENT, .client = subject->client, .passed = &passed};
    judge_decide(judge, &asker, &client);
    if (client.action == ACTION_BLOCK)
        return act(query, MATCH_CLIENT_IP, &client, STEP_DECIDE);
    if (passed.count) {
        query->passed = passed;
        judge_decide(judge, subject, verdict);
    }
    return verdict->action == ACTION_BLOCK ? STEP_DECIDE : act(query, MATCH_CLIENT_IP, &client, STEP_DECIDE);
}

/* Asked before the cache, so that a new block acts at once. */
static enum step decide(struct dns_query *query)
{
    struct judge *judge = query->core->judge;
    struct subject subject = {.kind = SUBJECT_NAME,
                              .client = query->client.peer.remote,
                              .name = &query->message.question.name,
                              .qtype = query->message.question.type,
                              .passed = &query->passed};
    struct verdict verdict;
    judge_decide(judge, &subject, &verdict);
    query->exempt = verdict.exempts;
    if (!verdict.exempts && judge_has_trigger(judge, TRIGGER_CLIENT)) {
        enum step step = decide_client(query, &subject, &verdict);
        if (step != STEP_DECIDE)
            return step;
    }
    return act(query, MATCH_QNAME, &verdict, STEP_SPECIAL);
}

/* Safe search: the name is answered as another. */
static void alias_to(struct dns_query *query, const struct dns_place *place)
{
    dns_names_target(query->core->names, place, &query->alias.target);
    query->alias.ttl_s = SAFE_TTL_S;
    query->alias.code = DNS_EDE_FILTERED;
    query->alias.sub_error = DNS_SUB_POLICY;
    query->alias.contact = query->core->settings->contact;
    text_copy(query->alias.why, sizeof query->alias.why, STR("safe search (names.safe-search, names.youtube)"));
    query->aliased = true;
}

/* What an alias leads to may be answered here as well; it is put behind the alias like what an upstream says. */
static enum step answer_here(struct dns_query *query)
{
    struct dns_core *core = query->core;
    const struct dns_message *message = &query->message;
    struct dns_message of_target;
    struct dns_place place;
    if (query->aliased) {
        of_target = query->message;
        of_target.question.name = query->alias.target;
        of_target.edns.present = false;
        query->note = dns_note_none;
        message = &of_target;
    }
    dns_names_find(core->names, &message->question, addr_is_loopback(&query->client.peer.remote), &place);
    if (query->client.trace && place.kind != DNS_PLACE_WORLD)
        dns_trace_say(query->client.trace, "a name that ccward answers itself");
    if (place.kind == DNS_PLACE_ALIAS && !query->aliased) {
        alias_to(query, &place);
        return answer_here(query);
    }
    if (place.kind == DNS_PLACE_WORLD || place.kind == DNS_PLACE_ALIAS)
        return STEP_CACHE;
    size_t limit = query->aliased ? sizeof core->out : dns_answer_limit(message, query->client.udp);
    query->reply_length = dns_names_answer(core->out, sizeof core->out, limit, message, core->names, &place);
    return query->aliased ? STEP_INSPECT : STEP_END;
}

/* A name by which a forwarder finds out whether it leads to itself. That of another goes on, as any name would that
 * this forwarder knows nothing of; below a domain it is answered here where the others of that domain are, as then
 * there is no loop with them. */
static enum step take_probe(struct dns_query *query)
{
    const struct dname *name = &query->message.question.name;
    if (dns_forward_is_probe(query->core->forwards, name))
        return fail(query, dns_note_loop);
    return upstream_loops_is_for_all(name) ? STEP_CACHE : answer_here(query);
}

/* RFC 8482 section 4.3; but what is no name is none for any type (RFC 6761). */
static enum step answer_any(struct dns_query *query)
{
    struct dns_core *core = query->core;
    const struct dns_message *message = &query->message;
    size_t limit = dns_answer_limit(message, query->client.udp);
    struct dns_place place;
    dns_names_find(core->names, &message->question, addr_is_loopback(&query->client.peer.remote), &place);
    if (place.kind == DNS_PLACE_SPECIAL)
        query->reply_length = dns_names_answer(core->out, sizeof core->out, limit, message, core->names, &place);
    if (!query->reply_length || (core->out[3] & 15) != DNS_RCODE_NXDOMAIN)
        query->reply_length = dns_answer_any(core->out, sizeof core->out, message);
    return STEP_END;
}

static enum step special(struct dns_query *query)
{
    struct dns_core *core = query->core;
    if (dns_ddr_is_asked(query)) {
        query->reply_length = dns_ddr_answer(query);
        return STEP_END;
    }
    if (query->message.question.type == DNS_TYPE_ANY)
        return answer_any(query);
    if (!(query->message.header.flags & DNS_FLAG_RD)) { /* we are nobody's authority */
        query->reply_length =
            dns_answer_rcode(core->out, sizeof core->out, &query->message, DNS_RCODE_REFUSED, dns_note_no_recursion);
        return STEP_END;
    }
    return upstream_loops_may_be(&query->message.question.name) ? take_probe(query) : answer_here(query);
}

static struct dns_cache_key key_of(const struct dns_query *query)
{
    const struct dns_message *message = &query->message;
    return (struct dns_cache_key){
        .name = query->aliased ? &query->alias.target : &message->question.name,
        .type = message->question.type,
        .class = message->question.class,
        .dnssec_ok = message->edns.present && message->edns.dnssec_ok,
        .checking_disabled = message->header.flags & DNS_FLAG_CD,
    };
}

static struct dns_note stale_note(const struct dns_core *core)
{
    return (core->out[3] & 15) == DNS_RCODE_NXDOMAIN ? dns_note_stale_none : dns_note_stale;
}

/* RFC 8767: an answer whose time is up is better than none. */
static bool take_stale(struct dns_query *query)
{
    struct dns_core *core = query->core;
    struct dns_cache_key key = key_of(query);
    query->reply_length = dns_cache_get_stale(core->cache, &key, loop_now_ms(core->loop), core->out, sizeof core->out);
    if (!query->reply_length)
        return false;
    core->counters.stale++;
    query->note = stale_note(core);
    if (query->client.trace) {
        query->client.trace->cache = "stale";
        dns_trace_say(query->client.trace, "an answer whose time is up is given");
    }
    return true;
}

static enum step look_in_cache(struct dns_query *query)
{
    struct dns_core *core = query->core;
    struct dns_cache_key key = key_of(query);
    enum dns_cache_age age;
    query->reply_length = dns_cache_get(core->cache, &key, loop_now_ms(core->loop), core->out, sizeof core->out, &age);
    query->expired = age == DNS_CACHE_EXPIRED;
    if (query->client.trace)
        dns_trace_cache(query->client.trace, age, query->reply_length);
    bool at_once = query->expired && !core->settings->stale_after_ms;
    if (age == DNS_CACHE_DUE || at_once)
        dns_forward_refresh(core->forwards, &key);
    if (at_once && take_stale(query))
        return STEP_INSPECT;
    if (!query->reply_length)
        return STEP_FORWARD;
    core->counters.cached++;
    core->counters.stale += age == DNS_CACHE_HELD;
    query->note = dns_note_none;
    if (age == DNS_CACHE_HELD)
        query->note = stale_note(core);
    else if ((core->out[3] & 15) == DNS_RCODE_SERVFAIL)
        query->note = dns_note_cached_error;
    return STEP_INSPECT;
}

static void on_reply(void *arg, const struct dns_reply *reply);

/* The copy of QUERY that waits; what points into the packet is gone. */
static struct dns_query *keep(const struct dns_query *query)
{
    struct dns_query *kept = malloc(sizeof *kept);
    if (!kept)
        return NULL;
    *kept = *query;
    kept->packet = NULL;
    kept->message.edns.options = (struct str){0};
    kept->waiter = (struct dns_waiter){.on_reply = on_reply, .arg = kept, .has_stale = kept->expired};
    if (kept->client.trace)
        kept->waiter.account = &kept->client.trace->account;
    return kept;
}

static enum status wait_for_upstream(struct dns_query *query)
{
    struct dns_core *core = query->core;
    struct dns_cache_key key = key_of(query);
    if (!query->client.udp)
        return dns_forward_wait(core->forwards, &key, &query->waiter);
    enum status status = dns_share_take(&core->share, &query->client.peer.remote);
    if (status != ST_OK)
        return status;
    status = dns_forward_wait(core->forwards, &key, &query->waiter);
    if (status != ST_OK)
        dns_share_give_back(&core->share, &query->client.peer.remote);
    return status;
}

static enum step forward(struct dns_query *query)
{
    struct dns_core *core = query->core;
    if (dns_forward_is_own(core->forwards, &query->message.question.name, &query->message.edns))
        return fail(query, dns_note_loop);
    struct dns_query *kept = keep(query);
    enum status status = kept ? wait_for_upstream(kept) : ST_NOMEM;
    if (status != ST_OK) {
        free(kept);
        struct dns_note note = status == ST_UNAVAILABLE ? dns_note_not_ready : dns_forward_note(status);
        return take_stale(query) ? STEP_INSPECT : fail(query, note);
    }
    core->counters.forwarded++;
    if (kept->client.carrier)
        kept->client.carrier->wait(kept->client.carrier, kept);
    return STEP_END;
}

/* The answer of an alias' target, which the zone wants to be given as it is, behind the alias. */
static enum step join(struct dns_query *query)
{
    struct dns_core *core = query->core;
    memcpy(core->part, core->out, query->reply_length);
    query->reply_length =
        dns_local_join(core->out, sizeof core->out, dns_answer_limit(&query->message, query->client.udp),
                       &query->message, &query->alias, core->part, query->reply_length);
    return query->reply_length ? STEP_END : fail(query, dns_note_malformed);
}

/* Takes FOUND out of the response. What a policy zone's alias leads to may be a server of one's own. */
static void clean(struct dns_query *query, unsigned found)
{
    struct dns_core *core = query->core;
    unsigned wanted = found & dns_names_clean_of(core->names, key_of(query).name);
    if (query->aliased)
        wanted &= ~(unsigned)DNS_CLEAN_PRIVATE;
    if (!wanted)
        return;
    if (query->client.trace)
        dns_trace_say(query->client.trace, "parts of it are taken out");
    memcpy(core->part, core->out, query->reply_length);
    query->reply_length = dns_clean_write(core->out, sizeof core->out, core->part, query->reply_length, wanted);
    if (wanted & DNS_CLEAN_PRIVATE) {
        query->note = dns_note_private;
        core->counters.rebinding++;
    }
}

/* The verdict on the response and what is to be taken out of it, told in one walk where both are wanted. */
static enum step judge_response(struct dns_query *query, unsigned *unclean)
{
    struct dns_core *core = query->core;
    struct dns_finding finding;
    *unclean = dns_names_clean(core->names);
    if (query->exempt || query->aliased) {
        *unclean = dns_clean_find(core->out, query->reply_length, *unclean);
        return STEP_INSPECT;
    }
    if (dns_inspect(core->judge, &query->client.peer.remote, &query->passed, core->out, query->reply_length, unclean,
                    &finding) == ACTION_ALLOW)
        return STEP_INSPECT;
    return act(query, finding.match, &finding.verdict, STEP_INSPECT);
}

static enum step inspect(struct dns_query *query)
{
    struct dns_core *core = query->core;
    unsigned unclean;
    enum step step = judge_response(query, &unclean);
    if (step != STEP_INSPECT)
        return step;
    query->reply_length = dns_normal_bare(core->out, query->reply_length);
    if (unclean)
        clean(query, unclean);
    if (query->aliased)
        return join(query);
    if (query->client.trace)
        dns_trace_say(query->client.trace, query->exempt ? "not judged: the name is allowed" : "judged, may pass");
    query->reply_length = dns_answer_finish(core->out, sizeof core->out, query->reply_length, &query->message,
                                            query->note, dns_answer_limit(&query->message, query->client.udp));
    return STEP_END;
}

/* An upstream has answered a query that waited, or will not any more. */
static void on_reply(void *arg, const struct dns_reply *reply)
{
    struct dns_query *query = arg;
    struct dns_core *core = query->core;
    if (query->client.udp)
        dns_share_give_back(&core->share, &query->client.peer.remote);
    if (query->client.trace)
        dns_trace_step(query->client.trace, reply->failed ? "failed" : "reply");
    if (reply->failed && take_stale(query)) {
        run(query, STEP_INSPECT);
    } else if (reply->status == ST_OK) {
        memcpy(core->out, reply->data, reply->length);
        query->reply_length = reply->length;
        query->note = reply->note;
        run(query, STEP_INSPECT);
    } else {
        fail(query, reply->note);
    }
    if (query->extras.any || query->client.standing == DNS_FAR)
        dress(query);
    if (query->client.carrier)
        query->client.carrier->answer(query->client.carrier, query, core->out, query->reply_length);
    else if (query->reply_length)
        udp_send(query->client.udp, &query->client.peer, core->out, query->reply_length);
    free(query);
}

void dns_query_cancel(struct dns_query *query)
{
    dns_forward_leave(query->core->forwards, &query->waiter);
    free(query);
}
