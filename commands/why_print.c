#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "commands/why.h"
#include "message/dns_type.h"

static void format_date(uint32_t seconds, char out[16])
{
    time_t time = seconds;
    struct tm tm;
    if (!seconds || !gmtime_r(&time, &tm) || !strftime(out, 16, "%Y-%m-%d", &tm))
        text_copy(out, 16, STR("-"));
}

static const char *extent(const struct store_hit *hit)
{
    if (hit->record.trigger == TRIGGER_CLIENT)
        return " (who asks)";
    if (hit->kind != INDICATOR_NAME)
        return "";
    return hit->record.flags & RECORD_EXACT        ? " (this name alone)"
           : hit->record.flags & RECORD_BELOW_ONLY ? " (all below it)"
                                                   : " (and all below it)";
}

static void print_times(const struct record *record, bool users)
{
    char first[16], last[16], expires[16], left[CLOCK_SPAN_SIZE];
    format_date(record->first_seen, first);
    format_date(record->last_seen, last);
    format_date(record->expires, expires);
    int64_t left_s = (int64_t)record->expires - clock_wall_ms() / 1000;
    clock_format_span(left_s, left);
    if (users && record->expires && left_s > 0)
        printf("    since     %s, for another %s\n", first, left);
    else if (users)
        printf("    since     %s, %s\n", first, record->expires ? "until it expired" : "for good");
    else
        printf("    seen      first %s, last %s, expires %s\n", first, last, expires);
}

/* For other query types than those, with RECORD_TYPES_EXCEPT. */
static void print_types(const struct record *record)
{
    printf("    types     %s", record->flags & RECORD_TYPES_EXCEPT ? "all but" : "only");
    for (size_t i = 0; i + 1 < record->types.length; i += 2) {
        char type[DNS_TYPE_TEXT_SIZE];
        dns_type_format((uint16_t)((uint8_t)record->types.data[i] << 8 | (uint8_t)record->types.data[i + 1]), type);
        printf(" %s", type);
    }
    putchar('\n');
}

static void print_view(const char *label, struct str text)
{
    char safe[1200];
    text_printable(safe, sizeof safe, text);
    if (text.length)
        printf("    %-9s %s\n", label, safe);
}

static void print_hit(const struct answer *answer, size_t index)
{
    const struct store_hit *hit = &answer->hits[index];
    const struct record *record = &hit->record;
    const struct source_info *source = store_source_info(policy_store(answer->policy), hit->source);
    bool users = !strcmp(source->name, SOURCE_USER);
    char made[CLOCK_TEXT_SIZE];
    clock_format(source->created_ms, made);
    printf("\n  source      %s", source->name);
    if (source->created_ms)
        printf(", as of %.10s", made);
    printf("\n    entry     %s%s\n", answer->indicators[index], extent(hit));
    printf("    does      %s\n", why_effect_text(answer->effects[index]));
    if (record->port)
        printf("    port      %u\n", record->port);
    print_view("group", record->group);
    if (record->types.length)
        print_types(record);
    if (why_answer_text(record->answer))
        printf("    answer    %s\n", why_answer_text(record->answer));
    printf("    category  %s, risk %s", category_text(record->category), risk_text(record->risk));
    if (record->confidence)
        printf(", confidence %u %%", record->confidence);
    putchar('\n');
    if (!users)
        print_view("family", record->family.length ? record->family : STR("-"));
    print_times(record, users);
    print_view(users ? "note" : "see", record->reference);
    print_view("tags", record->tags);
}

static void print_candidates(const struct answer *answer)
{
    for (size_t i = 0; i < answer->candidate_count; i++) {
        bool any = false;
        printf("  %-11s %s", i ? "" : "tried", answer->candidates[i].text);
        for (size_t k = 0; k < answer->hit_count; k++) {
            const char *source = why_source_of_candidate(answer, k, &answer->candidates[i]);
            if (source)
                printf("%s%s", any ? ", " : "  <- ", source);
            any |= source != NULL;
        }
        putchar('\n');
    }
}

void why_print(const struct question *question, const struct answer *answer)
{
    const struct verdict *verdict = &answer->verdict;
    char asked[1024];
    text_printable(asked, sizeof asked, str_of(question->text));
    printf("%s: %s\n", asked, action_text(verdict->action));
    if (answer->because[0])
        printf("  because     %s\n", answer->because);
    printf("  looked up   %s, for group %s\n", answer->canonical,
           policy_group_name(answer->policy, &question->subject.client));
    if (verdict->matched && why_answer_text(verdict->answer))
        printf("  answered    %s\n", why_answer_text(verdict->answer));
    if (verdict->matched)
        printf("  matched     %s\n  category    %s, risk %s\n  family      %s\n  sources     %s\n", verdict->indicator,
               category_text(verdict->category), risk_text(verdict->risk), verdict->family[0] ? verdict->family : "-",
               verdict->sources);
    else if (!answer->hit_count)
        printf("  no source lists it\n");
    print_candidates(answer);
    for (size_t i = 0; i < answer->hit_count; i++)
        print_hit(answer, i);
}
