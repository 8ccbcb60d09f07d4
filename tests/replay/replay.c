/* Plays scenarios: the whole DNS side with a fake clock and a fake network.
 *
 *     test_replay SCENARIO.rpl...
 *
 * A scenario is lines of words; `;` starts a comment. Times are in ms.
 *
 * Settings, before the first step:
 *     answer CATEGORY KIND            how a block is answered (default: page)
 *     page ADDR                       one of the block page's addresses
 *     notify ZONE ADDR                a zone that this address may notify of
 *     names WORD...                   what is answered here, and what is taken out of answers: canary,
 *                                 private-relay, forward=DOMAIN, no-rebinding-protection, private=DOMAIN,
 *                                 strip-ech, strip-h3, safe-search, youtube-moderate, youtube-strict
 *     host NAME ADDR...               a record of the user's own; *.NAME: of all below
 *     hosts-file LINE                 a line of the hosts file
 *     contact TEXT                    whom to ask about a block
 *     allow NETWORK                   a network of clients that are let in (default: all)
 *     rate N                          answers a second to one network (default: no limit)
 *     block-ttl S   timeout MS   max-waiting N   max-ttl S   min-ttl S   max-negative-ttl S   max-tcp N   tcp-idle MS
 *     max-failure-ttl S   stale S   stale-after MS   prefetch yes|no   cache-size BYTES
 *
 * The store; changes act at once, also between steps:
 *     store block|log|allow CATEGORY NAME|ADDR|NETWORK [FAMILY]
 *     store only|except TYPE                    the entry before acts for this query type alone, or for all others
 *     store clear
 *     zone given|configured           a policy zone in place of the last one, whose answers are given or not; its
 * lines: rr TEXT                     of its file category CATEGORY allow|log|block         what a match asks for
 * (default: block) addresses off|log|block                   what is done about addresses (default: log)
 *     group-answer KIND               how blocks are answered to the clients' group, before their category
 *
 * The upstream; what it says to a question, from now on:
 *     upstream NAME TYPE              followed by lines of
 *         rcode RCODE | flags FLAG... | answer|authority|additional RECORD | repeat N answer RECORD
 *         ede CODE TEXT | opt SIZE    (an OPT; without: one of 1232 bytes where a record follows none)
 *         opt-first                   the OPT stands before the additional records
 *         no-opt | silent | fails timeout|unavailable | hex BYTES
 *         wrong-question NAME         answers that it was asked for NAME
 *     busy [no|unknown|loop]          the upstream takes no queries any more (none is known, all lead back), or takes
 * them again hold, release                   answers are held back, and then given
 *
 * Steps:
 *     query NAME TYPE [OPTION...]     OPTION: id=N size=N class=N from=ADDR tcp do ad cd edns no-rd version=N
 *                                     option=CODE cookie=HEX padding opt-twice opcode=N times=N
 *                                     tls (another connection than that of `tcp`)
 *                                     names=N (of as many names: n1.NAME, n2.NAME, ...)
 *     packet HEX [from=ADDR]          raw bytes by UDP
 *     tcp-bytes HEX                   raw bytes by TCP
 *     tcp-end                         the client's FIN
 *     tcp-closed | tcp-open           what the connection must be
 *     advance MS
 *     resolve NAME                    by the proxy's resolver
 *     flush [NAME [below]]            dns_cache_flush()
 *     drain                           dns_server_drain()
 *
 * Expectations; each takes what is oldest:
 *     reply RCODE [FLAG...] [bare] [tcp] [to=ADDR] [id=N] [max=BYTES]
 *                                     followed by the lines that must follow, in this order, nothing left out:
 *         question NAME TYPE, answer|authority|additional RECORD, opt SIZE [DO], ede CODE [TEXT],
 *         option CODE HEX, padding N
 *         any                         in the place of all records
 *     replies N RCODE                 N replies with this rcode, whatever else they say
 *     no-reply                        none is there
 *     asked N                         queries that upstream has seen so far
 *     asked-as NAME TYPE [do] [cd] [ad]   the last one
 *     waiting N                       that upstream has not answered
 *     callback MATCH ACTION SUBJECT INDICATOR [FAMILY]
 *     no-callback
 *     resolved ok|not-found|timeout|unavailable [ADDR...] [via ALIAS...] [of SERVER...]
 *     counter NAME N                  of struct dns_counters
 *     notified ZONE | not-notified ZONE   since it was asked last
 *     idle | not-idle
 *
 * RECORD is OWNER TTL TYPE RDATA (text_message.h). Names in questions and owners are compared with their letter case.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "dnsfilter/dns_server.h"
#include "tests/replay/fake_net.h"
#include "tests/replay/replay_names.h"
#include "tests/replay/replay_policy.h"
#include "tests/replay/replay_zone.h"
#include "tests/replay/script.h"
#include "tests/replay/text_message.h"
#include "tests/replay/upstream_script.h"

enum { MAX_PAGES = 8, MAX_ZONES = 4, MAX_NETWORKS = 4, START_MS = 1000000 };

struct resolved {
    enum status status;
    size_t count;
    struct addr addrs[RESOLVER_MAX_ADDRS];
    size_t alias_count;
    struct dname aliases[RESOLVER_MAX_ALIASES];
    struct resolver_servers servers;
};

static struct {
    struct dns_settings settings;
    char contact[200];
    struct dns_cache_settings cache_settings;
    struct addr pages[MAX_PAGES];
    struct dns_notify_zone zones[MAX_ZONES];
    size_t zone_count;
    struct replay_policy *policy;
    struct buf zone;
    struct judge judge;
    struct dns_cache *cache;
    struct dns_server *server;
    int connection, tls_connection;
    struct network allow[MAX_NETWORKS];
    struct resolved resolved[16];
    size_t resolved_count, resolved_taken;
} play;

/* ---- steps ---- */

static void open_server(void)
{
    if (play.server)
        return;
    struct fault fault = {{0}};
    static const struct addr listen = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 53};
    play.settings.listen = &listen;
    play.settings.listen_count = 1;
    play.settings.tls_listen = &listen;
    play.settings.tls_listen_count = 1;
    play.settings.allow = play.allow;
    if (!play.settings.allow_count)
        play.allow[play.settings.allow_count++] = (struct network){{0}, 0};
    play.settings.page = play.pages;
    play.settings.contact = play.contact;
    play.settings.notify = dns_notify_new(play.zones, play.zone_count);
    CHECK(play.settings.notify);
    play.cache = dns_cache_new(&play.cache_settings);
    CHECK(play.cache);
    play.settings.names = replay_names_make();
    replay_policy_apply(play.policy, &play.judge);
    if (dns_server_open(loop_new(), &play.settings, &play.judge, NULL, play.cache, &play.server, &fault) != ST_OK)
        script_fail("the server does not open", fault.text);
}

struct query_form {
    struct dns_question question;
    struct addr from;
    uint16_t id, flags, size;
    uint8_t version, opcode, option;
    uint8_t cookie[64];
    size_t cookie_length;
    bool edns, dnssec_ok, tcp, tls, has_cookie, padding, opt_twice;
    uint64_t times, names;
};

static void query_option(struct query_form *form, struct str word)
{
    struct str value;
    if (script_option(word, "id", &value))
        form->id = (uint16_t)script_number(value);
    else if (script_option(word, "size", &value))
        form->edns = true, form->size = (uint16_t)script_number(value);
    else if (script_option(word, "class", &value))
        form->question.class = (uint16_t)script_number(value);
    else if (script_option(word, "from", &value))
        form->from = script_address(value);
    else if (script_option(word, "version", &value))
        form->edns = true, form->version = (uint8_t)script_number(value);
    else if (script_option(word, "option", &value))
        form->edns = true, form->option = (uint8_t)script_number(value);
    else if (script_option(word, "cookie", &value))
        form->edns = form->has_cookie = true,
        form->cookie_length = value.length ? script_hex(value, form->cookie, sizeof form->cookie) : 0;
    else if (str_eq(word, STR("padding")))
        form->edns = form->padding = true;
    else if (str_eq(word, STR("tls")))
        form->tls = true;
    else if (script_option(word, "times", &value))
        form->times = script_number(value);
    else if (script_option(word, "names", &value))
        form->names = script_number(value);
    else if (script_option(word, "opcode", &value))
        form->opcode = (uint8_t)script_number(value);
    else if (str_eq(word, STR("do")))
        form->edns = form->dnssec_ok = true;
    else if (str_eq(word, STR("edns")))
        form->edns = true;
    else if (str_eq(word, STR("opt-twice")))
        form->edns = form->opt_twice = true;
    else if (str_eq(word, STR("tcp")))
        form->tcp = true;
    else if (str_eq(word, STR("ad")))
        form->flags |= DNS_FLAG_AD;
    else if (str_eq(word, STR("cd")))
        form->flags |= DNS_FLAG_CD;
    else if (str_eq(word, STR("no-rd")))
        form->flags &= (uint16_t)~DNS_FLAG_RD;
    else
        script_fail("unknown option of query", "");
}

static void add_query_opt(const struct query_form *form, struct dns_build *build)
{
    uint8_t rdata[128];
    struct wire *wire = &build->wire, options = wire_into(rdata, sizeof rdata);
    if (form->option)
        wire_bytes(&options, (uint8_t[]){0, form->option, 0, 2, 'a', 'b'}, 6);
    if (form->has_cookie) {
        wire_u16(&options, 10);
        wire_u16(&options, (uint16_t)form->cookie_length);
        wire_bytes(&options, form->cookie, form->cookie_length);
    }
    if (form->padding)
        wire_bytes(&options, (uint8_t[]){0, 12, 0, 1, 0}, 5);
    wire_u8(wire, 0);
    wire_u16(wire, DNS_TYPE_OPT);
    wire_u16(wire, form->size);
    wire_u32(wire, (uint32_t)form->version << 16 | (form->dnssec_ok ? 0x8000u : 0));
    wire_u16(wire, (uint16_t)wire_length(&options));
    wire_bytes(wire, rdata, wire_length(&options));
    build->header.arcount++;
}

static void send_tcp(const uint8_t *data, size_t n, const struct addr *from)
{
    if (play.connection < 0)
        play.connection = fake_tcp_connect(from);
    if (play.connection >= 0)
        fake_tcp_send(play.connection, data, n);
}

static void send_tls(const uint8_t *data, size_t n, const struct addr *from)
{
    if (play.tls_connection < 0)
        play.tls_connection = fake_tls_connect(from);
    if (play.tls_connection >= 0)
        fake_tcp_send(play.tls_connection, data, n);
}

static void send_query(const struct query_form *form)
{
    uint8_t packet[2 + 1024];
    struct dns_build build = dns_build_query(packet + 2, sizeof packet - 2, form->id, &form->question, 0);
    build.header.flags = (uint16_t)(form->flags | form->opcode << 11);
    if (form->edns)
        add_query_opt(form, &build);
    if (form->opt_twice)
        add_query_opt(form, &build);
    size_t n = dns_build_finish(&build);
    packet[0] = (uint8_t)(n >> 8);
    packet[1] = (uint8_t)n;
    for (uint64_t i = 0; i < form->times; i++) {
        if (form->tcp)
            send_tcp(packet, n + 2, &form->from);
        else if (form->tls)
            send_tls(packet, n + 2, &form->from);
        else
            fake_datagram(&form->from, packet + 2, n);
    }
}

static void run_query(struct str words)
{
    struct query_form form = {
        .id = 7, .flags = DNS_FLAG_RD, .size = 4096, .from = addr_v4(0x7f000001, 40000), .times = 1};
    struct str name = script_word(&words);
    script_need(dname_from_text(name, &form.question.name) == ST_OK, "not a name");
    form.question.type = type_from_text(script_word(&words));
    form.question.class = DNS_CLASS_IN;
    for (struct str word; (word = script_word(&words)).length;)
        query_option(&form, word);
    open_server();
    for (uint64_t i = 1; i <= form.names; i++) {
        char text[DNAME_TEXT_SIZE];
        snprintf(text, sizeof text, "n%llu.%.*s", (unsigned long long)i, (int)name.length, name.data);
        script_need(dname_from_text(str_of(text), &form.question.name) == ST_OK, "not a name");
        send_query(&form);
    }
    if (!form.names)
        send_query(&form);
    upstream_answer_all();
}

static void run_packet(struct str words)
{
    uint8_t packet[4096];
    struct addr from = addr_v4(0x7f000001, 40000);
    struct str hex = script_word(&words), value;
    size_t n = str_eq(hex, STR("empty")) ? 0 : script_hex(hex, packet, sizeof packet);
    if (script_option(script_word(&words), "from", &value))
        from = script_address(value);
    open_server();
    fake_datagram(&from, packet, n);
    upstream_answer_all();
}

static void run_tcp_bytes(struct str words)
{
    uint8_t bytes[4096];
    struct addr from = addr_v4(0x7f000001, 40000);
    size_t n = script_hex(words, bytes, sizeof bytes);
    open_server();
    send_tcp(bytes, n, &from);
    upstream_answer_all();
}

static void on_resolved(void *arg, const struct resolver_answer *answer)
{
    (void)arg;
    script_need(play.resolved_count < 16, "too many resolved");
    struct resolved *resolved = &play.resolved[play.resolved_count++];
    resolved->status = answer->status;
    resolved->count = answer->addr_count;
    for (size_t i = 0; i < answer->addr_count; i++)
        resolved->addrs[i] = answer->addrs[i];
    resolved->alias_count = answer->alias_count;
    for (size_t i = 0; i < answer->alias_count; i++)
        resolved->aliases[i] = answer->aliases[i];
    resolved->servers = (struct resolver_servers){0};
    if (answer->servers)
        resolved->servers = *answer->servers;
}

static void run_resolve(struct str words)
{
    struct dname name;
    script_need(dname_from_text(words, &name) == ST_OK, "not a name");
    open_server();
    struct resolver *resolver = dns_server_resolver(play.server);
    resolver->lookup(resolver->self, &name, on_resolved, NULL);
    upstream_answer_all();
}

/* ---- expectations ---- */

static const char *const reply_words[] = {"question", "answer", "authority", "additional", "opt",
                                          "ede",      "option", "padding",   "any",        NULL};

static void without_records(struct buf *text)
{
    struct buf kept = {0};
    struct str rest = {text->data, text->length}, line;
    while (str_cut(rest, '\n', &line, &rest))
        if (!str_starts(line, STR("answer")) && !str_starts(line, STR("authority")) &&
            !str_starts(line, STR("additional")))
            buf_printf(&kept, "%.*s\n", (int)line.length, line.data);
    buf_free(text);
    *text = kept;
}

static void run_reply(struct str words)
{
    struct buf expected = {0}, got = {0}, lines = {0};
    const struct fake_sent *sent = fake_take_sent();
    struct str value;
    if (!sent)
        script_fail("no reply has come", "");
    buf_add_text(&expected, "reply");
    bool tcp = false;
    for (struct str word; (word = script_word(&words)).length;) {
        char text[ADDR_TEXT_SIZE];
        addr_format_ip(&sent->to, text);
        if (str_eq(word, STR("tcp")))
            tcp = true;
        else if (script_option(word, "to", &value))
            script_need(str_eq(value, str_of(text)), "went to another client");
        else if (script_option(word, "id", &value))
            script_need(script_number(value) == (uint64_t)(sent->data[0] * 256 + sent->data[1]), "another id");
        else if (script_option(word, "max", &value))
            script_need(sent->length <= script_number(value), "too long");
        else
            buf_printf(&expected, " %.*s", (int)word.length, word.data);
    }
    script_need(tcp == (sent->tcp >= 0), "came by the other transport");
    buf_add_char(&expected, '\n');
    message_to_text(sent->data, sent->length, &got);
    unsigned line_of_reply = script_line();
    script_block(reply_words, &lines);
    struct str rest = {lines.data, lines.length}, line;
    bool any = false;
    while (str_cut(rest, '\n', &line, &rest)) {
        if (str_eq(line, STR("any")))
            any = true;
        else
            buf_printf(&expected, "%.*s\n", (int)line.length, line.data);
    }
    if (any)
        without_records(&got);
    if (strcmp(buf_text(&expected), buf_text(&got)) != 0) {
        script_set_line(line_of_reply);
        fprintf(stderr, "expected:\n%s", buf_text(&expected));
        script_fail("another reply", buf_text(&got));
    }
    buf_free(&expected);
    buf_free(&got);
    buf_free(&lines);
}

static void run_asked_as(struct str words)
{
    struct dns_message message;
    struct dname name;
    struct str asked = upstream_last_asked();
    script_need(dns_query_parse((const uint8_t *)asked.data, asked.length, &message) == ST_OK, "nothing was asked");
    script_need(dname_from_text(script_word(&words), &name) == ST_OK, "not a name");
    script_need(dname_equal(&name, &message.question.name), "another name was asked");
    script_need(type_from_text(script_word(&words)) == message.question.type, "another type was asked");
    script_need(message.edns.present && message.edns.udp_size == DNS_UDP_LIMIT && !message.edns.options.length,
                "the OPT is not our own");
    bool dnssec_ok = false, cd = false, ad = false;
    for (struct str word; (word = script_word(&words)).length;) {
        dnssec_ok |= str_eq(word, STR("do"));
        cd |= str_eq(word, STR("cd"));
        ad |= str_eq(word, STR("ad"));
    }
    script_need(dnssec_ok == message.edns.dnssec_ok, "another DO bit was asked");
    script_need(cd == !!(message.header.flags & DNS_FLAG_CD), "another CD bit was asked");
    script_need(ad == !!(message.header.flags & DNS_FLAG_AD), "another AD bit was asked");
}

static void run_callback(struct str words)
{
    const struct callback *callback = replay_take_callback();
    char got[2048], expected[2048];
    script_need(callback != NULL, "no callback was recorded");
    snprintf(got, sizeof got, "%s %s %s %s%s%s", match_text(callback->match), action_text(callback->verdict.action),
             callback->subject, callback->verdict.indicator, callback->verdict.family[0] ? " " : "",
             callback->verdict.family);
    snprintf(expected, sizeof expected, "%.*s", (int)words.length, words.data);
    script_need(callback->channel == CHANNEL_DNS && callback->count == 1, "another channel or count");
    script_need(callback->time_ms == clock_wall_ms(), "another time");
    if (strcmp(got, expected) != 0)
        script_fail("another callback", got);
}

static void run_replies(struct str words)
{
    uint64_t count = script_number(script_word(&words));
    unsigned rcode;
    script_need(rcode_from_text(words, &rcode), "unknown rcode");
    while (count--) {
        const struct fake_sent *sent = fake_take_sent();
        script_need(sent != NULL, "too few replies have come");
        script_need((sent->data[3] & 15u) == rcode, "another rcode");
    }
}

static bool is_mark(struct str word)
{
    return str_eq(word, STR("via")) || str_eq(word, STR("of"));
}

/* Returns the mark behind the names. */
static struct str need_names(const struct dname *names, size_t name_count, struct str *words)
{
    size_t count = 0;
    struct str word;
    for (; (word = script_word(words)).length && !is_mark(word); count++) {
        struct dname name;
        script_need(dname_from_text(word, &name) == ST_OK, "not a name");
        script_need(count < name_count && dname_equal(&name, &names[count]), "another name");
    }
    script_need(count == name_count, "another number of names");
    return word;
}

static void run_resolved(struct str words)
{
    static const struct {
        const char *text;
        enum status status;
    } kinds[] = {{"ok", ST_OK}, {"not-found", ST_NOT_FOUND}, {"timeout", ST_TIMEOUT}, {"unavailable", ST_UNAVAILABLE}};
    script_need(play.resolved_taken < play.resolved_count, "nothing was resolved");
    const struct resolved *resolved = &play.resolved[play.resolved_taken++];
    struct str kind = script_word(&words);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_eq(kind, str_of(kinds[i].text)))
            script_need(resolved->status == kinds[i].status, status_text(resolved->status));
    size_t count = 0;
    struct str word;
    for (; (word = script_word(&words)).length && !is_mark(word); count++) {
        struct addr addr = script_address(word);
        script_need(count < resolved->count && addr_same_ip(&addr, &resolved->addrs[count]), "another address");
    }
    script_need(count == resolved->count, "another number of addresses");
    if (str_eq(word, STR("via")))
        word = need_names(resolved->aliases, resolved->alias_count, &words);
    else
        script_need(!resolved->alias_count, "aliases");
    if (str_eq(word, STR("of")))
        need_names(resolved->servers.names, resolved->servers.name_count, &words);
    else
        script_need(!resolved->servers.name_count, "name servers");
}

static void run_counter(struct str words)
{
    const struct dns_counters *counters = dns_server_counters(play.server);
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {
        {"queries", counters->queries},     {"blocked", counters->blocked},     {"cached", counters->cached},
        {"forwarded", counters->forwarded}, {"failed", counters->failed},       {"malformed", counters->malformed},
        {"stale", counters->stale},         {"rebinding", counters->rebinding}, {"limited", counters->limited}};
    struct str name = script_word(&words);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (str_eq(name, str_of(all[i].name))) {
            script_need(all[i].value == script_number(words), "another count");
            return;
        }
    script_fail("unknown counter", "");
}

static bool take_notified(struct str zone)
{
    struct dname name;
    bool taken = false;
    script_need(dname_from_text(zone, &name) == ST_OK, "not a name");
    for (size_t i = 0; i < play.zone_count; i++)
        if (dname_equal(&play.zones[i].name, &name) && dns_notify_take(play.settings.notify, i))
            taken = true;
    return taken;
}

static void run_expectation(struct str word, struct str words)
{
    if (str_eq(word, STR("reply")))
        run_reply(words);
    else if (str_eq(word, STR("no-reply")))
        script_need(!fake_take_sent(), "a reply has come");
    else if (str_eq(word, STR("asked")))
        script_need(fake_queries_seen == script_number(words), "upstream was asked another number of times");
    else if (str_eq(word, STR("asked-as")))
        run_asked_as(words);
    else if (str_eq(word, STR("waiting")))
        script_need(fake_queries() == script_number(words), "another number waits");
    else if (str_eq(word, STR("callback")))
        run_callback(words);
    else if (str_eq(word, STR("no-callback")))
        script_need(!replay_take_callback(), "a callback was recorded");
    else if (str_eq(word, STR("replies")))
        run_replies(words);
    else if (str_eq(word, STR("resolved")))
        run_resolved(words);
    else if (str_eq(word, STR("counter")))
        run_counter(words);
    else if (str_eq(word, STR("tcp-closed")))
        script_need(!fake_tcp_open(play.connection), "the connection is open");
    else if (str_eq(word, STR("tcp-open")))
        script_need(fake_tcp_open(play.connection), "the connection is closed");
    else if (str_eq(word, STR("notified")))
        script_need(take_notified(words), "nobody notified us of it");
    else if (str_eq(word, STR("not-notified")))
        script_need(!take_notified(words), "we were notified of it");
    else if (str_eq(word, STR("idle")))
        script_need(dns_server_idle(play.server), "something waits");
    else if (str_eq(word, STR("not-idle")))
        script_need(!dns_server_idle(play.server), "nothing waits");
    else
        script_fail("unknown word", "");
}

/* ---- settings ---- */

static enum category category_of(struct str text)
{
    enum category category = CATEGORY_OTHER;
    script_need(category_parse(text, &category) == ST_OK, "unknown category");
    return category;
}

static void run_store(struct str words)
{
    struct str action = script_word(&words);
    bool except = str_eq(action, STR("except"));
    if (str_eq(action, STR("clear"))) {
        replay_policy_clear(play.policy);
    } else if (except || str_eq(action, STR("only"))) {
        uint16_t type = type_from_text(script_word(&words));
        script_need(type && replay_policy_limit(play.policy, type, except), "no type, or no entry before");
    } else {
        unsigned flags = str_eq(action, STR("allow")) ? RECORD_ALLOW : str_eq(action, STR("log")) ? RECORD_LOG : 0;
        enum category category = category_of(script_word(&words));
        struct str indicator = script_word(&words);
        script_need(replay_policy_add(play.policy, indicator, category, flags, words), "can't read the entry");
    }
    if (play.server)
        replay_policy_apply(play.policy, &play.judge);
}

static void run_zone(struct str words)
{
    static const char *const line_words[] = {"rr", NULL};
    struct buf lines = {0};
    struct str rest, line;
    script_need(str_eq(words, STR("given")) || str_eq(words, STR("configured")), "unknown word");
    buf_clear(&play.zone);
    script_block(line_words, &lines);
    for (rest = (struct str){lines.data, lines.length}; str_cut(rest, '\n', &line, &rest);) {
        line = str_from(line, 3); /* a blank that is left stands for the owner before */
        buf_add(&play.zone, line.data, line.length);
        buf_add_char(&play.zone, '\n');
    }
    buf_free(&lines);
    replay_policy_set_zone(play.policy, str_eq(words, STR("given")), replay_zone_fill, &play.zone);
    if (play.server)
        replay_policy_apply(play.policy, &play.judge);
}

static void run_category(struct str words)
{
    enum category category = category_of(script_word(&words));
    script_need(str_eq(words, STR("block")) || str_eq(words, STR("log")) || str_eq(words, STR("allow")),
                "unknown action");
    enum action action = str_eq(words, STR("block")) ? ACTION_BLOCK
                         : str_eq(words, STR("log")) ? ACTION_LOG
                                                     : ACTION_ALLOW;
    replay_policy_set_category(play.policy, category, action);
    if (play.server)
        replay_policy_apply(play.policy, &play.judge);
}

static void run_answer(struct str words)
{
    enum category category = category_of(script_word(&words));
    script_need(block_answer_parse(words, &play.settings.answers[category]) == ST_OK, "unknown answer");
}

static void run_notify(struct str words)
{
    script_need(play.zone_count < MAX_ZONES, "too many zones");
    struct dns_notify_zone *zone = &play.zones[play.zone_count++];
    script_need(dname_from_text(script_word(&words), &zone->name) == ST_OK, "not a name");
    zone->primary = script_address(words);
}

static bool run_cache_setting(struct str word, struct str words)
{
    struct dns_cache_settings *cache = &play.cache_settings;
    const struct {
        const char *word;
        uint32_t *value;
    } ttls[] = {{"max-ttl", &cache->max_ttl_s},
                {"min-ttl", &cache->min_ttl_s},
                {"max-negative-ttl", &cache->max_negative_ttl_s},
                {"max-failure-ttl", &cache->max_failure_ttl_s},
                {"stale", &cache->stale_s}};
    bool known = true;
    if (str_eq(word, STR("stale-after")))
        play.settings.stale_after_ms = (int64_t)script_number(words);
    else if (str_eq(word, STR("prefetch")))
        cache->prefetch = str_eq(words, STR("yes"));
    else if (str_eq(word, STR("cache-size")))
        cache->max_bytes = script_number(words);
    else
        known = false;
    for (size_t i = 0; i < sizeof ttls / sizeof ttls[0]; i++)
        if (str_eq(word, str_of(ttls[i].word))) {
            *ttls[i].value = (uint32_t)script_number(words);
            known = true;
        }
    script_need(!known || !play.server, "settings stand before the first step");
    return known;
}

static void run_allow(struct str words)
{
    script_need(play.settings.allow_count < MAX_NETWORKS, "too many networks");
    script_need(network_parse(words, &play.allow[play.settings.allow_count++]) == ST_OK, "not a network");
}

static bool run_setting(struct str word, struct str words)
{
    if (str_eq(word, STR("names")))
        replay_names_setting(words);
    else if (str_eq(word, STR("host")))
        replay_names_host(words);
    else if (str_eq(word, STR("hosts-file")))
        replay_names_hosts_line(words);
    else if (str_eq(word, STR("allow")))
        run_allow(words);
    else if (str_eq(word, STR("rate")))
        play.settings.rate_per_s = (uint32_t)script_number(words);
    else if (str_eq(word, STR("answer")))
        run_answer(words);
    else if (str_eq(word, STR("page")))
        play.pages[play.settings.page_count++] = script_address(words);
    else if (str_eq(word, STR("notify")))
        run_notify(words);
    else if (str_eq(word, STR("contact")))
        snprintf(play.contact, sizeof play.contact, "%.*s", (int)words.length, words.data);
    else if (str_eq(word, STR("block-ttl")))
        play.settings.block_ttl_s = (uint32_t)script_number(words);
    else if (str_eq(word, STR("timeout")))
        play.settings.query_timeout_ms = (int64_t)script_number(words);
    else if (str_eq(word, STR("max-waiting")))
        play.settings.max_waiting = script_number(words);
    else if (str_eq(word, STR("max-tcp")))
        play.settings.max_tcp_clients = script_number(words);
    else if (str_eq(word, STR("tcp-idle")))
        play.settings.tcp_idle_ms = (int64_t)script_number(words);
    else
        return run_cache_setting(word, words);
    script_need(!play.server, "settings stand before the first step");
    return true;
}

static bool run_world(struct str word, struct str words)
{
    if (str_eq(word, STR("store"))) {
        run_store(words);
    } else if (str_eq(word, STR("zone"))) {
        run_zone(words);
    } else if (str_eq(word, STR("category"))) {
        run_category(words);
    } else if (str_eq(word, STR("addresses"))) {
        replay_policy_set_addresses(play.policy, str_eq(words, STR("block")) ? PART_BLOCK
                                                 : str_eq(words, STR("log")) ? PART_LOG
                                                                             : PART_OFF);
        if (play.server)
            replay_policy_apply(play.policy, &play.judge);
    } else if (str_eq(word, STR("group-answer"))) {
        enum block_answer answer;
        script_need(block_answer_parse(words, &answer) == ST_OK, "unknown answer");
        replay_policy_set_answer(play.policy, (uint8_t)(answer + 1));
        if (play.server)
            replay_policy_apply(play.policy, &play.judge);
    } else if (str_eq(word, STR("upstream"))) {
        upstream_script(words);
    } else if (str_eq(word, STR("busy"))) {
        fake_upstream_refuses = str_eq(words, STR("no"))        ? ST_OK
                                : str_eq(words, STR("unknown")) ? ST_UNAVAILABLE
                                : str_eq(words, STR("loop"))    ? ST_LOOP
                                                                : ST_BUSY;
    } else if (str_eq(word, STR("hold"))) {
        upstream_hold(true);
    } else if (str_eq(word, STR("release"))) {
        upstream_hold(false);
        upstream_answer_all();
    } else {
        return false;
    }
    return true;
}

static void run_flush(struct str words)
{
    struct dname name;
    bool named = words.length;
    script_need(!named || dname_from_text(script_word(&words), &name) == ST_OK, "not a name");
    dns_cache_flush(play.cache, named ? &name : NULL, words.length);
}

static bool run_step(struct str word, struct str words)
{
    if (str_eq(word, STR("query"))) {
        run_query(words);
    } else if (str_eq(word, STR("packet"))) {
        run_packet(words);
    } else if (str_eq(word, STR("tcp-bytes"))) {
        run_tcp_bytes(words);
    } else if (str_eq(word, STR("tcp-end"))) {
        fake_tcp_end(play.connection);
        upstream_answer_all();
    } else if (str_eq(word, STR("advance"))) {
        clock_fake_advance((int64_t)script_number(words));
        fake_run_timers();
        upstream_answer_all();
    } else if (str_eq(word, STR("resolve"))) {
        run_resolve(words);
    } else if (str_eq(word, STR("flush"))) {
        run_flush(words);
    } else if (str_eq(word, STR("drain"))) {
        dns_server_drain(play.server);
    } else {
        return false;
    }
    return true;
}

/* ---- one scenario ---- */

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "r");
    struct buf text = {0};
    char part[4096];
    if (!file)
        script_fail("can't be opened", path);
    for (size_t n; (n = fread(part, 1, sizeof part, file)) > 0;)
        buf_add(&text, part, n);
    fclose(file);
    buf_add_char(&text, '\0');
    return text.data;
}

static void prepare(void)
{
    memset(&play, 0, sizeof play);
    replay_names_reset();
    play.connection = play.tls_connection = -1;
    play.settings = (struct dns_settings){
        .block_ttl_s = 10, .query_timeout_ms = 5000, .tcp_idle_ms = 10000, .max_tcp_clients = 10, .max_waiting = 100};
    play.settings.stale_after_ms = 1800;
    play.cache_settings = (struct dns_cache_settings){.max_bytes = 1 << 20,
                                                      .max_ttl_s = 86400,
                                                      .max_negative_ttl_s = 10800,
                                                      .max_failure_ttl_s = 300,
                                                      .stale_s = 86400,
                                                      .stale_ttl_s = 30,
                                                      .prefetch = true};
    play.policy = replay_policy_new();
    clock_fake(START_MS, 1700000000000);
}

static void clean_up(void)
{
    dns_server_close(play.server);
    dns_notify_unref(play.settings.notify);
    dns_names_unref(play.settings.names);
    replay_names_reset();
    dns_cache_free(play.cache);
    replay_policy_free(play.policy);
    buf_free(&play.zone);
    upstream_script_reset();
    while (replay_take_callback())
        ;
    fake_reset();
}

static void run_scenario(const char *path)
{
    prepare();
    char *text = read_whole(path);
    script_start(path, text);
    struct str line;
    for (char *after; script_peek(&line, &after);) {
        script_next(after);
        struct str words = line, word = script_word(&words);
        if (!word.length || run_setting(word, words) || run_world(word, words) || run_step(word, words))
            continue;
        run_expectation(word, words);
    }
    script_need(!fake_take_sent(), "a reply is left at the end");
    script_need(!replay_take_callback(), "a callback is left at the end");
    free(text);
    clean_up();
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run_scenario(argv[i]);
    printf("%d scenarios\n", argc - 1);
    return argc < 2;
}
