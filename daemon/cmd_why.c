/* `ccward why`: the verdict and the record of every source. */
#include <getopt.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "daemon/command.h"
#include "daemon/snapshot.h"

struct question {
    const char *text;
    struct subject subject;
    struct dname name;
    struct canonical_url url;
};

struct answer {
    struct verdict verdict;
    struct store_hit hits[STORE_MAX_HITS];
    char indicators[STORE_MAX_HITS][STORE_KEY_TEXT_SIZE];
    size_t hit_count;
};

/* Something with a scheme or a path is a URL; what reads as an address is one; the rest is a name. */
static bool parse_question(const char *text, struct question *question)
{
    struct str all = str_of(text);
    question->text = text;
    if (addr_parse_ip(all, &question->subject.addr) == ST_OK ||
        (strchr(text, ':') && addr_parse(all, 0, &question->subject.addr) == ST_OK)) {
        question->subject.kind = SUBJECT_ADDRESS;
        return true;
    }
    struct network network;
    if (network_parse(all, &network) == ST_OK)
        return false; /* read as a URL, 10.0.0.0/8 would be the page /8 of a host */
    if (strchr(text, '/')) {
        if (canonical_url(all, &question->url) != ST_OK)
            return false;
        question->subject.kind = SUBJECT_URL;
        question->subject.host = question->url.host;
        question->subject.port = question->url.port;
        /* path and query stand one after the other */
        question->subject.path =
            (struct str){question->url.path.data, question->url.path.length + question->url.query.length};
        return true;
    }
    if (canonical_host_name(all, &question->name) != ST_OK)
        return false;
    question->subject.kind = SUBJECT_NAME;
    question->subject.name = &question->name;
    return true;
}

static void collect_hits(const struct question *question, struct store_reader *reader, struct answer *answer)
{
    uint32_t now_s = (uint32_t)(clock_wall_ms() / 1000);
    const struct dname *name = question->subject.kind == SUBJECT_NAME ? &question->name : &question->url.name;
    const struct addr *addr = question->subject.kind == SUBJECT_ADDRESS ? &question->subject.addr : &question->url.addr;
    bool is_url = question->subject.kind == SUBJECT_URL;
    size_t n = 0;
    if (is_url)
        n = store_find_url(reader, &question->url, now_s, answer->hits, STORE_MAX_HITS);
    if (question->subject.kind == SUBJECT_NAME || (is_url && !question->url.host_is_address))
        n += store_find_name(reader, name, now_s, answer->hits + n, STORE_MAX_HITS - n);
    else
        n += store_find_addr(reader, addr, now_s, answer->hits + n, STORE_MAX_HITS - n);
    for (size_t i = 0; i < n; i++)
        store_hit_text(&answer->hits[i], name, is_url ? &question->url : NULL, addr, answer->indicators[i],
                       sizeof answer->indicators[i]);
    answer->hit_count = n;
}

static void format_date(uint32_t seconds, char out[16])
{
    time_t time = seconds;
    struct tm tm;
    if (!seconds || !gmtime_r(&time, &tm) || !strftime(out, 16, "%Y-%m-%d", &tm))
        text_copy(out, 16, STR("-"));
}

static const char *extent(const struct store_hit *hit)
{
    if (hit->kind != INDICATOR_NAME)
        return "";
    return hit->record.flags & RECORD_EXACT        ? " (this name alone)"
           : hit->record.flags & RECORD_BELOW_ONLY ? " (all below it)"
                                                   : " (and all below it)";
}

static void print_hit(const struct store *store, const struct answer *answer, size_t index)
{
    const struct store_hit *hit = &answer->hits[index];
    const struct record *record = &hit->record;
    char first[16], last[16], expires[16];
    format_date(record->first_seen, first);
    format_date(record->last_seen, last);
    format_date(record->expires, expires);
    const struct source_info *source = store_source_info(store, hit->source);
    char made[CLOCK_TEXT_SIZE];
    clock_format(source->created_ms, made);
    printf("\n  source      %s", source->name);
    printf(source->created_ms ? ", as of %.10s\n" : "\n", made);
    printf("    entry     %s%s%s\n", answer->indicators[index], extent(hit),
           record->flags & RECORD_ALLOW ? ", exempted"
           : record->flags & RECORD_LOG ? ", recorded only"
                                        : "");
    if (record->port)
        printf("    port      %u\n", record->port);
    printf("    category  %s, risk %s", category_text(record->category), risk_text(record->risk));
    if (record->confidence)
        printf(", confidence %u %%", record->confidence);
    printf("\n    family    %.*s\n", record->family.length ? (int)record->family.length : 1,
           record->family.length ? record->family.data : "-");
    printf("    seen      first %s, last %s, expires %s\n", first, last, expires);
    if (record->reference.length)
        printf("    see       %.*s\n", (int)record->reference.length, record->reference.data);
    if (record->tags.length)
        printf("    tags      %.*s\n", (int)record->tags.length, record->tags.data);
}

static void print_people(const struct question *question, const struct store *store, const struct answer *answer)
{
    const struct verdict *verdict = &answer->verdict;
    printf("%s: %s\n", question->text, action_text(verdict->action));
    if (question->subject.kind == SUBJECT_URL)
        printf("  looked up   %.*s%.*s\n", (int)question->url.host.length, question->url.host.data,
               (int)question->subject.path.length, question->subject.path.data);
    if (!verdict->matched) {
        printf("  no source lists it\n");
        return;
    }
    printf("  matched     %s\n  category    %s, risk %s\n  family      %s\n  sources     %s\n", verdict->indicator,
           category_text(verdict->category), risk_text(verdict->risk), verdict->family[0] ? verdict->family : "-",
           verdict->sources);
    printf("  group       %s\n", verdict->group);
    for (size_t i = 0; i < answer->hit_count; i++)
        print_hit(store, answer, i);
}

static json_t *json_date(uint32_t seconds)
{
    char text[CLOCK_TEXT_SIZE];
    if (!seconds)
        return json_null();
    clock_format((int64_t)seconds * 1000, text);
    return json_string(text);
}

static json_t *json_view(struct str text)
{
    char safe[512];
    text_printable(safe, sizeof safe, text);
    return text.length ? json_string(safe) : json_null();
}

static json_t *json_hit(const struct store *store, const struct answer *answer, size_t index)
{
    const struct store_hit *hit = &answer->hits[index];
    const struct record *record = &hit->record;
    static const char *const kinds[] = {"name", "url", "network"};
    return json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:o, s:i, s:i, s:b, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:o}",
                     "source", store_source_info(store, hit->source)->name, "source_created",
                     json_date((uint32_t)(store_source_info(store, hit->source)->created_ms / 1000)), "indicator",
                     answer->indicators[index], "kind", kinds[hit->kind], "category", category_text(record->category),
                     "risk", risk_text(record->risk), "family", json_view(record->family), "confidence",
                     (int)record->confidence, "port", (int)record->port, "exact", !!(record->flags & RECORD_EXACT),
                     "below_only", !!(record->flags & RECORD_BELOW_ONLY), "exempted", !!(record->flags & RECORD_ALLOW),
                     "log_only", !!(record->flags & RECORD_LOG), "first_seen", json_date(record->first_seen),
                     "last_seen", json_date(record->last_seen), "expires", json_date(record->expires), "reference",
                     json_view(record->reference), "tags", json_view(record->tags));
}

static void print_json(const struct question *question, const struct store *store, const struct answer *answer)
{
    const struct verdict *verdict = &answer->verdict;
    json_t *sources = json_array(), *records = json_array();
    for (struct str rest = str_of(verdict->sources), one; rest.length;) {
        struct str after = {0};
        one = rest;
        str_cut(rest, ',', &one, &after);
        json_array_append_new(sources, json_stringn(one.data, one.length));
        rest = after;
    }
    for (size_t i = 0; i < answer->hit_count; i++)
        json_array_append_new(records, json_hit(store, answer, i));
    json_t *out = json_pack("{s:o, s:s, s:b}", "subject", json_view(str_of(question->text)), "action",
                            action_text(verdict->action), "matched", verdict->matched);
    if (verdict->matched) {
        json_object_set_new(out, "indicator", json_view(str_of(verdict->indicator)));
        json_object_set_new(out, "category", json_string(category_text(verdict->category)));
        json_object_set_new(out, "risk", json_string(risk_text(verdict->risk)));
        json_object_set_new(out, "family", json_view(str_of(verdict->family)));
        json_object_set_new(out, "group", json_string(verdict->group));
    }
    json_object_set_new(out, "sources", sources);
    json_object_set_new(out, "records", records);
    json_dumpf(out, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(out);
}

static enum status ask(const struct config *config, struct question *question, bool json, bool quiet, int *exit_code,
                       struct fault *fault)
{
    static struct answer answer;
    struct snapshot_facts facts;
    struct policy *policy = NULL;
    struct policy_reader *judge = NULL;
    struct store_reader *reader = NULL;
    enum status status = snapshot_build(config, NULL, &policy, &facts, fault);
    if (status == ST_OK)
        status = policy_reader_new(policy, &judge);
    if (status == ST_OK)
        status = store_reader_new(policy_store(policy), &reader);
    if (status == ST_OK) {
        policy_decide(judge, &question->subject, &answer.verdict);
        collect_hits(question, reader, &answer);
        if (facts.damaged && !quiet)
            fprintf(stderr, "ccward: %u source(s) are damaged and left out: %s\n", facts.damaged, facts.why.text);
        if (json)
            print_json(question, policy_store(policy), &answer);
        else if (!quiet)
            print_people(question, policy_store(policy), &answer);
        *exit_code = !quiet                                  ? EXIT_OK
                     : answer.verdict.action == ACTION_BLOCK ? EXIT_BLOCK
                     : answer.verdict.action == ACTION_LOG   ? EXIT_LOG
                                                             : EXIT_OK;
    }
    store_reader_free(reader);
    policy_reader_free(judge);
    policy_unref(policy);
    return status;
}

int cmd_why(const struct command *command, int argc, char **argv)
{
    enum { CLIENT = 256, JSON };
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"client", required_argument, NULL, CLIENT},
        {"json", no_argument, NULL, JSON},        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},         {0}};
    static struct question question;
    question.subject.client = addr_v4(0x7f000001, 0);
    const char *path = NULL;
    bool json = false, quiet = false;
    for (int c; (c = getopt_long(argc, argv, ":c:qh", options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            path = optarg;
            break;
        case CLIENT:
            if (addr_parse_ip(str_of(optarg), &question.subject.client) != ST_OK)
                return command_misused(command, "'%s' is no address", optarg);
            break;
        case JSON:
            json = true;
            break;
        case 'q':
            quiet = true;
            break;
        case 'h':
            return command_help(command);
        default:
            return command_bad_option(command, c, argv);
        }
    }
    if (optind + 1 != argc)
        return command_misused(command, "one name, URL or address is expected");
    if (!parse_question(argv[optind], &question))
        return command_misused(command, "'%s' is no name, URL or single address", argv[optind]);
    struct config config;
    if (!command_config(path, &config))
        return EXIT_CONFIG;
    struct fault fault = {0};
    int exit_code = EXIT_FAILED;
    enum status status = ask(&config, &question, json, quiet, &exit_code, &fault);
    config_free(&config);
    return status == ST_OK ? exit_code : command_failed(status, &fault);
}
