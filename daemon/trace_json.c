#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "daemon/traces.h"
#include "message/dns_text.h"
#include "message/dns_type.h"

enum { OPTION_EDE = 15 /* RFC 8914 section 2 */ };

static json_t *text_json(struct str text)
{
    char safe[4096];
    text_printable(safe, sizeof safe, text);
    return json_string(safe);
}

static double ms_of(int64_t us)
{
    return (double)us / 1000;
}

static json_t *steps_json(const struct dns_trace *trace)
{
    json_t *all = json_array();
    for (size_t i = 0; i < trace->step_count; i++) {
        const struct dns_trace_step *step = &trace->steps[i];
        json_array_append_new(all, json_pack("{s:s, s:f, s:o}", "step", step->word, "at_ms", ms_of(step->at_us), "text",
                                             text_json(str_of(step->text))));
    }
    return all;
}

static json_t *verdict_json(const struct dns_trace *trace)
{
    const struct verdict *verdict = &trace->verdict;
    if (!trace->judged)
        return json_null();
    json_t *json = json_pack("{s:s, s:b}", "action", action_text(verdict->action), "matched", verdict->matched);
    if (!verdict->matched)
        return json;
    json_object_set_new(json, "match", json_string(match_text(trace->match)));
    json_object_set_new(json, "indicator", text_json(str_of(verdict->indicator)));
    json_object_set_new(json, "category", json_string(category_text(verdict->category)));
    json_object_set_new(json, "family", text_json(str_of(verdict->family)));
    json_object_set_new(json, "sources", text_json(str_of(verdict->sources)));
    return json;
}

static json_t *upstreams_json(const struct dns_trace *trace)
{
    const struct upstream_account *account = &trace->account;
    json_t *all = json_array();
    for (size_t i = 0; i < account->count && i < ACCOUNT_MAX_TRIES; i++) {
        const struct upstream_account_try *try = &account->tries[i];
        char server[UPSTREAM_TEXT_SIZE], rcode[DNS_RCODE_TEXT_SIZE];
        upstream_address_format(&try->server, server);
        json_t *json = json_pack("{s:s, s:b}", "server", server, "ended", try->ended);
        if (try->ended) {
            dns_rcode_format(try->rcode, rcode);
            json_object_set_new(json, "result", json_string(try->status == ST_OK ? rcode : status_text(try->status)));
            json_object_set_new(json, "took_ms", json_integer(try->ended_ms - try->asked_ms));
        }
        json_array_append_new(all, json);
    }
    return all;
}

static void add_ede(json_t *json, const struct dns_edns *edns)
{
    struct cursor options = cursor_over(edns->options.data, edns->options.length);
    json_t *all = json_array();
    while (cursor_left(&options) && !options.failed) {
        uint16_t code = cursor_u16(&options), length = cursor_u16(&options);
        const uint8_t *bytes = cursor_bytes(&options, length);
        if (!bytes || code != OPTION_EDE || length < 2)
            continue;
        json_array_append_new(all, json_pack("{s:i, s:o}", "code", bytes[0] << 8 | bytes[1], "text",
                                             text_json((struct str){(const char *)bytes + 2, length - 2u})));
    }
    json_object_set_new(json, "ede", all);
}

static json_t *records_json(const struct dns_trace *trace, const struct dns_message *message)
{
    static const char *const sections[] = {"answer", "authority", "additional"};
    struct dns_walk walk = dns_walk_start(trace->answer, trace->answer_length, message);
    struct dns_record record;
    struct buf rdata = {0};
    json_t *all = json_array();
    while (dns_walk_next(&walk, &record)) {
        char owner[DNAME_TEXT_SIZE], type[DNS_TYPE_TEXT_SIZE];
        if (record.type == DNS_TYPE_OPT)
            continue;
        dname_to_text(&record.owner, owner);
        dns_type_format(record.type, type);
        buf_clear(&rdata);
        dns_rdata_format(trace->answer, trace->answer_length, &record, &rdata);
        json_array_append_new(all,
                              json_pack("{s:s, s:s, s:I, s:s, s:s}", "section", sections[record.section], "name", owner,
                                        "ttl", (json_int_t)record.ttl, "type", type, "data", buf_text(&rdata)));
    }
    buf_free(&rdata);
    return all;
}

static json_t *answer_json(const struct dns_trace *trace)
{
    struct dns_message message;
    char rcode[DNS_RCODE_TEXT_SIZE];
    if (!trace->answer_length)
        return json_null();
    if (dns_response_parse(trace->answer, trace->answer_length, &message) != ST_OK) {
        /* A header alone. */
        unsigned bits = trace->answer_length > 3 ? trace->answer[3] & 15u : 0;
        dns_rcode_format(bits, rcode);
        return json_pack("{s:s, s:[], s:[]}", "rcode", rcode, "records", "ede");
    }
    dns_rcode_format(dns_header_rcode(&message.header) | (unsigned)message.edns.extended_rcode << 4, rcode);
    json_t *json =
        json_pack("{s:s, s:b, s:I, s:o}", "rcode", rcode, "authenticated", !!(message.header.flags & DNS_FLAG_AD),
                  "bytes", (json_int_t)trace->answer_length, "records", records_json(trace, &message));
    add_ede(json, &message.edns);
    return json;
}

json_t *trace_json(const struct dns_trace *trace)
{
    char name[DNAME_TEXT_SIZE], type[DNS_TYPE_TEXT_SIZE], client[ADDR_TEXT_SIZE];
    dname_to_text(&trace->question.name, name);
    dns_type_format(trace->question.type, type);
    addr_format_ip(&trace->client, client);
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:b, s:b, s:o, s:b, s:o, s:f, s:o}", "name", name, "type", type,
                     "client", client, "group", trace->group, "steps", steps_json(trace), "verdict",
                     verdict_json(trace), "blocked", trace->blocked, "callback_omitted", trace->recorded, "cache",
                     trace->cache ? json_string(trace->cache) : json_null(), "waited", trace->waits, "upstreams",
                     upstreams_json(trace), "took_ms", ms_of(trace->took_us), "answer", answer_json(trace));
}
