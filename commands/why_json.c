#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "commands/why.h"
#include "message/dns_type.h"

static const char *const kinds[] = {"name", "url", "network"};

static json_t *date(uint32_t seconds)
{
    char text[CLOCK_TEXT_SIZE];
    if (!seconds)
        return json_null();
    clock_format((int64_t)seconds * 1000, text);
    return json_string(text);
}

static json_t *view(struct str text)
{
    char safe[4096];
    text_printable(safe, sizeof safe, text);
    return text.length ? json_string(safe) : json_null();
}

static json_t *types_of(const struct record *record)
{
    json_t *types = json_array();
    for (size_t i = 0; i + 1 < record->types.length; i += 2) {
        char type[DNS_TYPE_TEXT_SIZE];
        dns_type_format((uint16_t)((uint8_t)record->types.data[i] << 8 | (uint8_t)record->types.data[i + 1]), type);
        json_array_append_new(types, json_string(type));
    }
    return types;
}

static json_t *hit_json(const struct answer *answer, size_t index)
{
    const struct store_hit *hit = &answer->hits[index];
    const struct record *record = &hit->record;
    const struct source_info *source = store_source_info(policy_store(answer->policy), hit->source);
    bool users = !strcmp(source->name, SOURCE_USER);
    const char *answered = why_answer_text(record->answer);
    json_t *json = json_pack(
        "{s:s, s:o, s:s, s:s, s:s, s:s, s:o, s:i, s:i, s:b, s:b, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:o}", "source",
        source->name, "source_created", date((uint32_t)(source->created_ms / 1000)), "indicator",
        answer->indicators[index], "kind", kinds[hit->kind], "category", category_text(record->category), "risk",
        risk_text(record->risk), "family", view(record->family), "confidence", (int)record->confidence, "port",
        (int)record->port, "exact", !!(record->flags & RECORD_EXACT), "below_only",
        !!(record->flags & RECORD_BELOW_ONLY), "exempted", !!(record->flags & RECORD_ALLOW), "log_only",
        !!(record->flags & RECORD_LOG), "guarded", !!(record->flags & RECORD_GUARDED), "first_seen",
        date(record->first_seen), "last_seen", date(record->last_seen), "expires", date(record->expires), "reference",
        users ? json_null() : view(record->reference), "tags", view(record->tags));
    json_object_set_new(json, "note", users ? view(record->reference) : json_null());
    json_object_set_new(json, "group", view(record->group));
    json_object_set_new(json, "types", types_of(record));
    json_object_set_new(json, "types_except", json_boolean(record->flags & RECORD_TYPES_EXCEPT));
    json_object_set_new(json, "answer", answered ? json_string(answered) : json_null());
    json_object_set_new(json, "client", json_boolean(record->trigger == TRIGGER_CLIENT));
    json_object_set_new(json, "expired", json_boolean(answer->effects[index] == HIT_EXPIRED));
    json_object_set_new(json, "effect", json_string(why_effect_text(answer->effects[index])));
    return json;
}

static json_t *candidates_json(const struct answer *answer)
{
    json_t *all = json_array();
    for (size_t i = 0; i < answer->candidate_count; i++) {
        const struct candidate *candidate = &answer->candidates[i];
        json_t *sources = json_array();
        for (size_t k = 0; k < answer->hit_count; k++) {
            const char *source = why_source_of_candidate(answer, k, candidate);
            if (source)
                json_array_append_new(sources, json_string(source));
        }
        json_array_append_new(all, json_pack("{s:o, s:s, s:o}", "candidate", view(str_of(candidate->text)), "kind",
                                             kinds[candidate->kind], "sources", sources));
    }
    return all;
}

static json_t *sources_json(const struct verdict *verdict)
{
    json_t *sources = json_array();
    for (struct str rest = str_of(verdict->sources), one; verdict->matched && rest.length;) {
        struct str after = {0};
        one = rest;
        str_cut(rest, ',', &one, &after);
        json_array_append_new(sources, json_stringn(one.data, one.length));
        rest = after;
    }
    return sources;
}

enum status why_print_json(const struct question *question, const struct answer *answer)
{
    const struct verdict *verdict = &answer->verdict;
    json_t *records = json_array();
    for (size_t i = 0; i < answer->hit_count; i++)
        json_array_append_new(records, hit_json(answer, i));
    json_t *out = json_pack("{s:o, s:s, s:b, s:o, s:o}", "subject", view(str_of(question->text)), "action",
                            action_text(verdict->action), "matched", verdict->matched, "canonical",
                            view(str_of(answer->canonical)), "because", view(str_of(answer->because)));
    if (verdict->matched) {
        const char *answered = why_answer_text(verdict->answer);
        json_object_set_new(out, "answer", answered ? json_string(answered) : json_null());
        json_object_set_new(out, "indicator", view(str_of(verdict->indicator)));
        json_object_set_new(out, "category", json_string(category_text(verdict->category)));
        json_object_set_new(out, "risk", json_string(risk_text(verdict->risk)));
        json_object_set_new(out, "family", view(str_of(verdict->family)));
    }
    json_object_set_new(out, "group", json_string(policy_group_name(answer->policy, &question->subject.client)));
    json_object_set_new(out, "sources", sources_json(verdict));
    json_object_set_new(out, "tried", candidates_json(answer));
    json_object_set_new(out, "records", records);
    int failed = out ? json_dumpf(out, stdout, JSON_INDENT(2)) : -1;
    putchar('\n');
    json_decref(out);
    return failed ? ST_NOMEM : ST_OK;
}
