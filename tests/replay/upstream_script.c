#include "tests/replay/upstream_script.h"

#include <string.h>

#include "message/dns_message.h"
#include "tests/replay/fake_net.h"
#include "tests/replay/script.h"
#include "tests/replay/text_message.h"

enum { MAX_ANSWERS = 64 };

/* What the upstream says to one question. */
struct scripted {
    struct dname name;
    uint16_t type;
    struct buf lines;
};

static struct scripted answers[MAX_ANSWERS];
static size_t answer_count;
static bool hold;
static uint8_t last_asked[1024];
static size_t last_asked_length;

void upstream_script_reset(void)
{
    for (size_t i = 0; i < answer_count; i++)
        buf_free(&answers[i].lines);
    answer_count = 0;
    last_asked_length = 0;
    hold = false;
}

void upstream_hold(bool on)
{
    hold = on;
}

struct str upstream_last_asked(void)
{
    return (struct str){(const char *)last_asked, last_asked_length};
}

static const char *const upstream_words[] = {"rcode", "flags",  "answer",         "authority", "additional",
                                             "ede",   "opt",    "no-opt",         "silent",    "fails",
                                             "hex",   "repeat", "wrong-question", "opt-first", NULL};

void upstream_script(struct str words)
{
    struct dname name;
    script_need(dname_from_text(script_word(&words), &name) == ST_OK, "not a name");
    uint16_t type = type_from_text(script_word(&words));
    struct scripted *scripted = NULL;
    for (size_t i = 0; i < answer_count; i++)
        if (dname_equal(&answers[i].name, &name) && answers[i].type == type)
            scripted = &answers[i];
    if (!scripted) {
        script_need(answer_count < MAX_ANSWERS, "too many upstream answers");
        scripted = &answers[answer_count++];
    }
    buf_clear(&scripted->lines);
    scripted->name = name;
    scripted->type = type;
    script_block(upstream_words, &scripted->lines);
}

struct reply {
    struct dns_build build;
    unsigned rcode;
    int ede;
    struct str ede_text;
    uint16_t opt_size;
    bool opt, opt_done, silent;
    enum status status;
    struct str hex;
};

static void add_opt(struct reply *reply)
{
    if (reply->opt && !reply->opt_done)
        dns_build_opt(&reply->build, reply->opt_size, false, reply->rcode, reply->ede, reply->ede_text);
    reply->opt_done = true;
}

static void reply_line(struct reply *reply, struct str line)
{
    struct str first = script_word(&line);
    uint16_t flag;
    uint64_t repeat = 1;
    if (str_eq(first, STR("repeat"))) {
        repeat = script_number(script_word(&line));
        first = script_word(&line);
    }
    if (str_eq(first, STR("rcode"))) {
        script_need(rcode_from_text(line, &reply->rcode), "unknown rcode");
        reply->build.header.flags |= (uint16_t)(reply->rcode & 15);
    } else if (str_eq(first, STR("flags"))) {
        for (struct str word; (word = script_word(&line)).length;) {
            script_need(flag_from_text(word, &flag), "unknown flag");
            reply->build.header.flags |= flag;
        }
    } else if (str_eq(first, STR("ede"))) {
        reply->ede = (int)script_number(script_word(&line));
        reply->ede_text = str_trim(line);
    } else if (str_eq(first, STR("opt"))) {
        reply->opt_size = (uint16_t)script_number(line);
    } else if (str_eq(first, STR("no-opt"))) {
        reply->opt = false;
    } else if (str_eq(first, STR("opt-first"))) {
        add_opt(reply);
    } else if (str_eq(first, STR("silent"))) {
        reply->silent = true;
    } else if (str_eq(first, STR("fails"))) {
        script_need(str_eq(line, STR("timeout")) || str_eq(line, STR("unavailable")), "unknown failure");
        reply->status = str_eq(line, STR("timeout")) ? ST_TIMEOUT : ST_UNAVAILABLE;
    } else if (str_eq(first, STR("hex"))) {
        reply->hex = line;
    } else if (!str_eq(first, STR("wrong-question"))) {
        enum dns_section section = str_eq(first, STR("answer"))      ? DNS_ANSWER
                                   : str_eq(first, STR("authority")) ? DNS_AUTHORITY
                                                                     : DNS_ADDITIONAL;
        while (repeat--)
            script_need(record_from_text(line, section, &reply->build), "can't read the record");
    }
}

static void use_wrong_question(const struct buf *lines, struct dns_message *query)
{
    struct str rest = {lines->data, lines->length}, line;
    while (str_cut(rest, '\n', &line, &rest)) {
        struct str first = script_word(&line);
        if (str_eq(first, STR("wrong-question")))
            script_need(dname_from_text(line, &query->question.name) == ST_OK, "not a name");
    }
}

/* Answers the INDEXth waiting query as scripted; false: it stays. */
static bool answer_query(size_t index)
{
    static uint8_t data[DNS_MESSAGE_MAX];
    const struct fake_query *query = fake_query(index);
    struct dns_message message;
    script_need(dns_query_parse(query->data, query->length, &message) == ST_OK, "the query to upstream is malformed");
    memcpy(last_asked, query->data, query->length);
    last_asked_length = query->length;
    const struct scripted *scripted = NULL;
    for (size_t i = 0; i < answer_count; i++)
        if (dname_equal(&answers[i].name, &message.question.name) && answers[i].type == message.question.type)
            scripted = &answers[i];
    if (!scripted) {
        fake_answer(index, ST_UNAVAILABLE, NULL, 0);
        return true;
    }
    use_wrong_question(&scripted->lines, &message);
    struct reply reply = {.ede = -1, .opt_size = DNS_UDP_LIMIT, .opt = true, .status = ST_OK};
    reply.build = dns_build_response(data, sizeof data, &message, 0);
    struct str rest = {scripted->lines.data, scripted->lines.length}, line;
    while (str_cut(rest, '\n', &line, &rest))
        reply_line(&reply, line);
    if (reply.silent)
        return false;
    add_opt(&reply);
    size_t n = dns_build_finish(&reply.build);
    if (reply.hex.length)
        n = script_hex(reply.hex, data, sizeof data);
    fake_answer(index, reply.status, data, n);
    return true;
}

void upstream_answer_all(void)
{
    for (size_t i = 0; !hold && i < fake_queries();)
        i += answer_query(i) ? 0 : 1;
    fake_run_calls();
    fake_run_timers();
}
