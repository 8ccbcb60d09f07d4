#include "fixture.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What the entries make of the subject for the default group. */
struct expected {
    const char *name; /* of the case */
    struct entry entries[4];
    const char *subject;
    enum action action;
    const char *indicator, *sources; /* NULL: nothing matches */
};

static const struct expected precedence[] = {
    {"nothing", {{"feed", "evil.example", 0, 0, ""}}, "good.example", ACTION_ALLOW, NULL, NULL},
    {"a name", {{"feed", "evil.example", 0, 0, ""}}, "evil.example", ACTION_BLOCK, "evil.example", "feed"},
    {"any case", {{"feed", "evil.example", 0, 0, ""}}, "WWW.eViL.ExAmPlE", ACTION_BLOCK, "evil.example", "feed"},
    {"all sources are named",
     {{"a", "evil.example", 0, 0, ""}, {"b", "www.evil.example", 0, 0, ""}},
     "www.evil.example",
     ACTION_BLOCK,
     "www.evil.example",
     "b,a"},
    {"category log", {{"a", "x.example", 0, CATEGORY_SUSPICIOUS, ""}}, "x.example", ACTION_LOG, "x.example", "a"},
    {"category allow", {{"a", "x.example", 0, CATEGORY_ADS, ""}}, "x.example", ACTION_ALLOW, "x.example", "a"},
    {"monitored", {{"a", "x.example", RECORD_LOG, 0, ""}}, "x.example", ACTION_LOG, "x.example", "a"},
    {"the highest action of the feeds",
     {{"a", "x.example", RECORD_LOG, 0, ""}, {"b", "example", 0, 0, ""}, {"c", "x.example", 0, CATEGORY_ADS, ""}},
     "x.example",
     ACTION_BLOCK,
     "example",
     "b,a,c"},
    {"the most specific of one source",
     {{"a", "x.example", RECORD_LOG, 0, ""}, {"a", "example", 0, 0, ""}},
     "x.example",
     ACTION_LOG,
     "x.example",
     "a"},
    {"the highest of equals in one source",
     {{"a", "x.example", 0, CATEGORY_SUSPICIOUS, ""}, {"a", "x.example", 0, CATEGORY_C2, ""}},
     "x.example",
     ACTION_BLOCK,
     "x.example",
     "a"},
    {"a feed's own exemption",
     {{"a", "good.example", RECORD_ALLOW, 0, ""}, {"a", "example", 0, 0, ""}},
     "good.example",
     ACTION_ALLOW,
     "good.example",
     "a"},
    {"an exemption among equals",
     {{"a", "x.example", 0, CATEGORY_SUSPICIOUS, ""}, {"a", "x.example", RECORD_ALLOW, 0, ""}},
     "x.example",
     ACTION_ALLOW,
     "x.example",
     "a"},
    {"a feed exempts from itself alone",
     {{"a", "good.example", RECORD_ALLOW, 0, ""}, {"b", "example", 0, CATEGORY_SUSPICIOUS, ""}},
     "good.example",
     ACTION_LOG,
     "example",
     "b,a"},
    {"an exemption above does not count",
     {{"a", "evil.example", 0, 0, ""}, {"a", "example", RECORD_ALLOW, 0, ""}},
     "evil.example",
     ACTION_BLOCK,
     "evil.example",
     "a"},
    {"the user approves",
     {{"a", "x.example", 0, 0, ""}, {"user", "example", RECORD_ALLOW, 0, ""}},
     "x.example",
     ACTION_ALLOW,
     "example",
     "user,a"},
    {"the user blocks what feeds only log",
     {{"a", "x.example", 0, CATEGORY_SUSPICIOUS, ""}, {"user", "x.example", 0, CATEGORY_ADS, ""}},
     "x.example",
     ACTION_BLOCK,
     "x.example",
     "user,a"},
    {"the user only records what feeds block",
     {{"a", "x.example", 0, 0, ""}, {"user", "x.example", RECORD_LOG, 0, ""}},
     "x.example",
     ACTION_LOG,
     "x.example",
     "user,a"},
    {"the user blocks below what the user approved",
     {{"user", "example", RECORD_ALLOW, 0, ""}, {"user", "x.example", 0, 0, ""}},
     "x.example",
     ACTION_BLOCK,
     "x.example",
     "user"},
    {"the user lets pass, recorded, what feeds block",
     {{"a", "x.example", 0, 0, ""}, {"user", "example", RECORD_ALLOW | RECORD_LOG, 0, ""}},
     "x.example",
     ACTION_LOG,
     "example",
     "user,a"},
    {"a feed's exemption is none to be recorded",
     {{"a", "x.example", RECORD_ALLOW | RECORD_LOG, 0, ""}},
     "x.example",
     ACTION_ALLOW,
     "x.example",
     "a"},
    {"the user blocks a name alone of what the user approved",
     {{"user", "x.example", RECORD_ALLOW, 0, ""}, {"user", "x.example", RECORD_EXACT, 0, ""}},
     "x.example",
     ACTION_BLOCK,
     "x.example",
     "user"},
    {"and not what is below it",
     {{"user", "x.example", RECORD_ALLOW, 0, ""}, {"user", "x.example", RECORD_EXACT, 0, ""}},
     "www.x.example",
     ACTION_ALLOW,
     "x.example",
     "user"},
    {"addresses are logged", {{"a", "192.0.2.0/24", 0, 0, ""}}, "192.0.2.1", ACTION_LOG, "192.0.2.0/24", "a"},
    {"the user's address is blocked",
     {{"user", "192.0.2.1", 0, 0, ""}, {"a", "192.0.2.0/24", 0, 0, ""}},
     "192.0.2.1",
     ACTION_BLOCK,
     "192.0.2.1",
     "user,a"},
    {"the user's address is recorded",
     {{"user", "192.0.2.1", RECORD_LOG, 0, ""}},
     "192.0.2.1",
     ACTION_LOG,
     "192.0.2.1",
     "user"},
};

static const struct expected urls[] = {
    {"a URL", {{"a", "http://x.example/a/", 0, 0, ""}}, "http://x.example/a/b", ACTION_BLOCK, "x.example/a/", "a"},
    {"another path", {{"a", "http://x.example/a/", 0, 0, ""}}, "http://x.example/b", ACTION_ALLOW, NULL, NULL},
    {"its host", {{"a", "example", 0, 0, ""}}, "http://x.example/b", ACTION_BLOCK, "example", "a"},
    {"no path", {{"a", "http://x.example/", 0, 0, ""}}, "http://x.example", ACTION_BLOCK, "x.example/", "a"},
    {"its host by address", {{"a", "192.0.2.1", 0, 0, ""}}, "http://192.0.2.1/b", ACTION_LOG, "192.0.2.1", "a"},
    {"an address in disguise", {{"a", "192.0.2.1", 0, 0, ""}}, "http://0xc0000201/", ACTION_LOG, "192.0.2.1", "a"},
    {"the stronger of host and URL",
     {{"a", "http://x.example/a", RECORD_LOG, 0, ""}, {"b", "x.example", 0, 0, ""}},
     "http://x.example/a",
     ACTION_BLOCK,
     "x.example",
     "b,a"},
    {"the URL before the host where both block",
     {{"b", "x.example", 0, 0, ""}, {"a", "http://x.example/a", 0, 0, ""}},
     "http://x.example/a",
     ACTION_BLOCK,
     "x.example/a",
     "a,b"},
    {"a URL that is exempt on a listed host",
     {{"a", "http://x.example/good", RECORD_ALLOW, 0, ""}, {"a", "x.example", 0, 0, ""}},
     "http://x.example/good",
     ACTION_ALLOW,
     "x.example/good",
     "a"},
    {"a listed URL on an exempt host",
     {{"a", "http://x.example/bad", 0, 0, ""}, {"a", "x.example", RECORD_ALLOW, 0, ""}, {"a", "example", 0, 0, ""}},
     "http://x.example/bad",
     ACTION_BLOCK,
     "x.example/bad",
     "a"},
    {"a logged URL on a host that is exempt below a listed one",
     {{"a", "http://x.example/bad", RECORD_LOG, 0, ""},
      {"a", "x.example", RECORD_ALLOW, 0, ""},
      {"a", "example", 0, 0, ""}},
     "http://x.example/bad",
     ACTION_LOG,
     "x.example/bad",
     "a"},
    {"the user approves the host",
     {{"a", "http://x.example/bad", 0, 0, ""}, {"user", "x.example", RECORD_ALLOW, 0, ""}},
     "http://x.example/bad",
     ACTION_ALLOW,
     "x.example",
     "user,a"},
    {"the user blocks a URL on an approved host",
     {{"user", "http://x.example/bad", 0, 0, ""}, {"user", "x.example", RECORD_ALLOW, 0, ""}},
     "http://x.example/bad",
     ACTION_BLOCK,
     "x.example/bad",
     "user"},
    {"a host that is none", {{"a", "example", 0, 0, ""}}, "http:///example", ACTION_ALLOW, NULL, NULL},
};

static void check_case(const struct expected *expected)
{
    struct policy_settings settings = default_settings();
    struct verdict verdict;
    size_t count = 0;
    while (count < COUNT(expected->entries) && expected->entries[count].source)
        count++;
    struct policy *policy = policy_over(&settings, expected->entries, count);
    decide(policy, "127.0.0.1", expected->subject, &verdict);
    policy_unref(policy);
    if (verdict.action != expected->action || verdict.matched != (expected->indicator != NULL))
        fail_msg("%s: %s%s", expected->name, action_text(verdict.action), verdict.matched ? ", matched" : "");
    if (verdict.matched &&
        (strcmp(verdict.indicator, expected->indicator) || strcmp(verdict.sources, expected->sources)))
        fail_msg("%s: %s of %s", expected->name, verdict.indicator, verdict.sources);
}

static void the_precedence_is_as_the_table_says(void **state)
{
    for (size_t i = 0; i < COUNT(precedence); i++)
        check_case(&precedence[i]);
    assert_null(*state);
}

static void a_url_is_looked_up_with_its_host(void **state)
{
    for (size_t i = 0; i < COUNT(urls); i++)
        check_case(&urls[i]);
    assert_null(*state);
}

static void a_verdict_tells_what_the_record_says(void **state)
{
    static const struct entry entries[] = {{"feed", "evil.example", 0, CATEGORY_PHISHING, "Emotet"}};
    struct policy_settings settings = default_settings();
    struct policy *policy = policy_over(&settings, entries, 1);
    struct verdict verdict, other;
    decide(policy, "127.0.0.1", "a.evil.example", &verdict);
    assert_int_equal(verdict.kind, INDICATOR_NAME);
    assert_int_equal(verdict.category, CATEGORY_PHISHING);
    assert_int_equal(verdict.risk, RISK_HIGH);
    assert_int_equal(verdict.confidence, 80);
    assert_int_equal(verdict.first_seen, 1000);
    assert_int_equal(verdict.last_seen, 2000);
    assert_int_equal(verdict.expires, 0);
    assert_string_equal(verdict.family, "Emotet");
    assert_string_equal(verdict.group, "default");
    decide(policy, "127.0.0.1", "b.evil.example", &other);
    assert_true(verdict.indicator_id == other.indicator_id && verdict.indicator_id);
    policy_unref(policy);
    assert_null(*state);
}

static const struct entry one_of_each[] = {
    {"feed", "evil.example", 0, CATEGORY_C2, ""},
    {"feed", "http://x.example/bad", 0, CATEGORY_C2, ""},
    {"feed", "192.0.2.1", 0, CATEGORY_C2, ""},
};

static enum action action_for(struct policy *policy, const char *client, const char *subject)
{
    struct verdict verdict;
    decide(policy, client, subject, &verdict);
    return verdict.action;
}

static void the_first_group_that_holds_the_client_counts(void **state)
{
    struct network lab, all, six;
    assert_int_equal(network_parse(STR("10.1.0.0/16"), &lab), ST_OK);
    assert_int_equal(network_parse(STR("10.0.0.0/8"), &all), ST_OK);
    assert_int_equal(network_parse(STR("2001:db8::/32"), &six), ST_OK);
    struct network both[] = {six, lab};
    struct policy_group groups[] = {
        {.name = "lab",
         .clients = both,
         .client_count = 2,
         .names = PART_LOG,
         .urls = PART_OFF,
         .addresses = PART_BLOCK},
        {.name = "all", .clients = &all, .client_count = 1, .names = PART_OFF, .urls = PART_LOG, .addresses = PART_OFF},
    };
    struct policy_settings settings = default_settings();
    settings.groups = groups;
    settings.group_count = 2;
    struct policy *policy = policy_over(&settings, one_of_each, 3);
    memset(groups, 0, sizeof groups); /* it has its own copy */
    memset(both, 0, sizeof both);
    static const struct {
        const char *client;
        enum action name, url, host, address;
    } expected[] = {
        {"10.1.2.3", ACTION_LOG, ACTION_ALLOW, ACTION_LOG, ACTION_BLOCK},
        {"2001:db8::1", ACTION_LOG, ACTION_ALLOW, ACTION_LOG, ACTION_BLOCK},
        {"10.2.2.3", ACTION_ALLOW, ACTION_LOG, ACTION_ALLOW, ACTION_ALLOW},
        {"127.0.0.1", ACTION_BLOCK, ACTION_BLOCK, ACTION_BLOCK, ACTION_LOG},
    };
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_int_equal(action_for(policy, expected[i].client, "evil.example"), expected[i].name);
        assert_int_equal(action_for(policy, expected[i].client, "http://x.example/bad"), expected[i].url);
        assert_int_equal(action_for(policy, expected[i].client, "http://evil.example/"), expected[i].host);
        assert_int_equal(action_for(policy, expected[i].client, "192.0.2.1"), expected[i].address);
        assert_int_equal(action_for(policy, expected[i].client, "http://192.0.2.1/"), expected[i].address);
    }
    struct verdict verdict;
    decide(policy, "10.1.2.3", "evil.example", &verdict);
    assert_string_equal(verdict.group, "lab");
    policy_unref(policy);
    assert_null(*state);
}

static void a_part_that_only_logs_caps_the_users_names_too(void **state)
{
    static const struct entry entries[] = {{"user", "evil.example", 0, CATEGORY_C2, ""}};
    struct policy_settings settings = default_settings();
    settings.default_group.names = PART_LOG;
    struct policy *policy = policy_over(&settings, entries, 1);
    assert_int_equal(action_for(policy, "127.0.0.1", "evil.example"), ACTION_LOG);
    policy_unref(policy);
    assert_null(*state);
}

static void a_path_without_canonical_form_does_not_hide_its_host(void **state)
{
    struct policy_settings settings = default_settings();
    struct policy *policy = policy_over(&settings, one_of_each, 3);
    static char url[20000] = "http://evil.example/";
    memset(url + strlen(url), 'a', sizeof url - strlen(url) - 1);
    assert_int_equal(action_for(policy, "127.0.0.1", url), ACTION_BLOCK);
    policy_unref(policy);
    assert_null(*state);
}

static void a_padded_query_does_not_hide_its_url(void **state)
{
    struct policy_settings settings = default_settings();
    static const struct entry entries[] = {{.source = "feed", .text = "http://shared.example/evil/gate.php"}};
    struct policy *policy = policy_over(&settings, entries, 1);
    static char url[8192] = "http://shared.example/evil/gate.php?";
    memset(url + strlen(url), '%', sizeof url - strlen(url) - 1); /* each becomes three when it is escaped */
    assert_int_equal(action_for(policy, "127.0.0.1", url), ACTION_BLOCK);
    assert_int_equal(action_for(policy, "127.0.0.1", "http://shared.example/evil/other"), ACTION_ALLOW);
    policy_unref(policy);
    assert_null(*state);
}

static void more_sources_than_fit_are_cut_at_a_whole_name(void **state)
{
    char names[20][SOURCE_NAME_SIZE];
    struct entry entries[20];
    for (size_t i = 0; i < 20; i++) {
        snprintf(names[i], sizeof names[i], "a-feed-with-quite-a-long-name-%02zu", i);
        entries[i] = (struct entry){names[i], "evil.example", 0, CATEGORY_C2, ""};
    }
    struct policy_settings settings = default_settings();
    struct policy *policy = policy_over(&settings, entries, 20);
    struct verdict verdict;
    decide(policy, "127.0.0.1", "evil.example", &verdict);
    assert_int_equal(verdict.action, ACTION_BLOCK);
    assert_int_equal(strlen(verdict.sources), 7 * 32 + 6);
    assert_string_equal(verdict.sources + strlen(verdict.sources) - 3, "-06");
    policy_unref(policy);
    assert_null(*state);
}

/* What the only entry does, and the verdict that comes of it. */
static const struct {
    struct entry entry;
    struct policy_source source;
    enum hit_effect effect;
    enum action action;
} effects[] = {
    {{.source = "a", .text = "x.example"}, {.name = "a"}, HIT_BLOCKS, ACTION_BLOCK},
    {{.source = "a", .text = "x.example", .flags = RECORD_ALLOW}, {.name = "a"}, HIT_PASSES, ACTION_ALLOW},
    {{.source = "a", .text = "x.example"}, {.name = "a", .use = SOURCE_EXEMPTS}, HIT_PASSES, ACTION_ALLOW},
    {{.source = "user", .text = "x.example", .flags = RECORD_ALLOW | RECORD_LOG},
     {.name = "a"},
     HIT_PASSES_RECORDED,
     ACTION_LOG},
    {{.source = "a", .text = "x.example", .answer = RECORD_ANSWER_TCP_ONLY},
     {.name = "a"},
     HIT_PASSES_BY_TCP,
     ACTION_LOG},
    {{.source = "a", .text = "x.example", .answer = RECORD_ANSWER_DROP}, {.name = "a"}, HIT_BLOCKS, ACTION_BLOCK},
    {{.source = "a", .text = "x.example", .flags = RECORD_LOG}, {.name = "a"}, HIT_RECORDED_BY_ENTRY, ACTION_LOG},
    {{.source = "a", .text = "x.example", .flags = RECORD_LOG | RECORD_GUARDED},
     {.name = "a"},
     HIT_RECORDED_BY_GUARD,
     ACTION_LOG},
    {{.source = "a", .text = "x.example"}, {.name = "a", .use = SOURCE_MONITORS}, HIT_RECORDED_BY_MONITOR, ACTION_LOG},
    {{.source = "a", .text = "x.example", .category = CATEGORY_SUSPICIOUS},
     {.name = "a"},
     HIT_RECORDED_BY_CATEGORY,
     ACTION_LOG},
    {{.source = "user", .text = "x.example", .category = CATEGORY_SUSPICIOUS}, {.name = "a"}, HIT_BLOCKS, ACTION_BLOCK},
    {{.source = "a", .text = "192.0.2.1"}, {.name = "a"}, HIT_RECORDED_BY_GROUP, ACTION_LOG},
    {{.source = "user", .text = "192.0.2.1"}, {.name = "a"}, HIT_BLOCKS, ACTION_BLOCK},
    {{.source = "a", .text = "x.example", .category = CATEGORY_ADS},
     {.name = "a"},
     HIT_ALLOWED_BY_CATEGORY,
     ACTION_ALLOW},
    {{.source = "a", .text = "x.example"}, {.name = "a", .use = SOURCE_GUARDS}, HIT_OF_GUARD_LIST, ACTION_ALLOW},
    {{.source = "a", .text = "x.example", .group = "lab"}, {.name = "a"}, HIT_OF_OTHER_GROUP, ACTION_ALLOW},
    {{.source = "a", .text = "x.example", .types = {"\0\34", 2}}, {.name = "a"}, HIT_OF_OTHER_TYPE, ACTION_ALLOW},
};

static void what_an_entry_does_is_told_as_it_is_judged(void **state)
{
    for (size_t i = 0; i < COUNT(effects); i++) {
        struct policy_settings settings = default_settings();
        struct dname name;
        struct addr addr;
        struct store_hit hits[2];
        struct verdict verdict;
        settings.sources = &effects[i].source;
        settings.source_count = 1;
        struct policy *policy = policy_over(&settings, &effects[i].entry, 1);
        struct policy_reader *judge;
        struct store_reader *reader;
        assert_int_equal(policy_reader_new(policy, &judge), ST_OK);
        assert_int_equal(store_reader_new(policy_store(policy), &reader), ST_OK);
        struct subject subject = {.kind = SUBJECT_NAME, .client = addr_v4(0x7f000001, 0), .name = &name, .qtype = 1};
        size_t found;
        if (addr_parse_ip(str_of(effects[i].entry.text), &addr) == ST_OK) {
            subject.kind = SUBJECT_ADDRESS;
            subject.addr = addr;
            found = store_find_addr(reader, &addr, 0, hits, 2);
        } else {
            assert_int_equal(dname_from_text(str_of(effects[i].entry.text), &name), ST_OK);
            found = store_find_name(reader, &name, 0, hits, 2);
        }
        assert_int_equal(found, 1);
        policy_decide(judge, &subject, &verdict);
        enum hit_effect effect = policy_hit_effect(policy, &subject, &hits[0]);
        if (effect != effects[i].effect || verdict.action != effects[i].action)
            fail_msg("case %zu: effect %d, %s", i, (int)effect, action_text(verdict.action));
        assert_string_equal(policy_group_name(policy, &subject.client), "default");
        store_reader_free(reader);
        policy_reader_free(judge);
        policy_unref(policy);
    }
    assert_null(*state);
}

static void an_expired_entry_is_told_as_such(void **state)
{
    static const struct entry entry = {.source = "a", .text = "x.example"};
    struct policy_settings settings = default_settings();
    struct policy *policy = policy_over(&settings, &entry, 1);
    struct subject subject = {.kind = SUBJECT_NAME, .client = addr_v4(0x7f000001, 0)};
    struct store_hit hit = {.kind = INDICATOR_NAME, .record = {.category = CATEGORY_C2, .expires = 1000}};
    assert_int_equal(policy_hit_effect(policy, &subject, &hit), HIT_EXPIRED);
    policy_unref(policy);
    assert_null(*state);
}

/* The verdict where sources are used as USES say and the client is 127.0.0.1. */
struct used {
    const char *name; /* of the case */
    struct policy_source sources[2];
    struct entry entries[3];
    const char *subject;
    enum action action;
};

static const struct used uses[] = {
    {"a monitored feed records",
     {{.name = "a", .use = SOURCE_MONITORS}},
     {{"a", "x.example"}},
     "x.example",
     ACTION_LOG},
    {"another feed blocks what one monitors",
     {{.name = "a", .use = SOURCE_MONITORS}},
     {{"a", "x.example"}, {"b", "x.example"}},
     "x.example",
     ACTION_BLOCK},
    {"a guard list says nothing",
     {{.name = "a", .use = SOURCE_GUARDS}},
     {{"a", "x.example"}},
     "x.example",
     ACTION_ALLOW},
    {"an exempting feed exempts from others",
     {{.name = "a", .use = SOURCE_EXEMPTS}},
     {{"a", "example"}, {"b", "example"}},
     "x.example",
     ACTION_ALLOW},
    {"but not from a more specific entry",
     {{.name = "a", .use = SOURCE_EXEMPTS}},
     {{"a", "example"}, {"b", "x.example"}},
     "x.example",
     ACTION_BLOCK},
    {"nor from a URL on a host that it exempts",
     {{.name = "a", .use = SOURCE_EXEMPTS}},
     {{"a", "x.example"}, {"b", "http://x.example/bad"}},
     "http://x.example/bad",
     ACTION_BLOCK},
    {"nor from the user's entry",
     {{.name = "a", .use = SOURCE_EXEMPTS}},
     {{"a", "x.example"}, {"user", "example"}},
     "x.example",
     ACTION_BLOCK},
    {"nor from a built-in one",
     {{.name = "a", .use = SOURCE_EXEMPTS}, {.name = "b", .use = SOURCE_BUILT_IN}},
     {{"a", "x.example"}, {"b", "x.example"}},
     "x.example",
     ACTION_BLOCK},
    {"one of two that are wanted records",
     {{.name = "a", .use = SOURCE_BLOCKS, .min_names = 2}},
     {{"a", "x.example"}},
     "x.example",
     ACTION_LOG},
    {"two of two block",
     {{.name = "a", .use = SOURCE_BLOCKS, .min_names = 2}, {.name = "b", .use = SOURCE_BLOCKS, .min_names = 2}},
     {{"a", "x.example"}, {"b", "example"}},
     "x.example",
     ACTION_BLOCK},
    {"a feed that exempts does not count",
     {{.name = "a", .use = SOURCE_BLOCKS, .min_names = 2}},
     {{"a", "x.example"}, {"b", "x.example", RECORD_ALLOW}},
     "x.example",
     ACTION_LOG},
    {"a bound for addresses says nothing of names",
     {{.name = "a", .use = SOURCE_BLOCKS, .min_names = 1, .min_addresses = 2}},
     {{"a", "x.example"}},
     "x.example",
     ACTION_BLOCK},
    {"a single list of addresses records",
     {{.name = "a", .use = SOURCE_BLOCKS, .min_names = 1, .min_addresses = 2}},
     {{"a", "192.0.2.1"}},
     "192.0.2.1",
     ACTION_LOG},
    {"two lists of addresses block",
     {{.name = "a", .use = SOURCE_BLOCKS, .min_names = 1, .min_addresses = 2}},
     {{"a", "192.0.2.1"}, {"b", "192.0.2.0/24"}},
     "192.0.2.1",
     ACTION_BLOCK},
    {"an important rule stands above an exemption",
     {{.name = "none", .use = SOURCE_BLOCKS}},
     {{"a", "x.example", RECORD_ALLOW}, {"a", "example", RECORD_IMPORTANT}},
     "x.example",
     ACTION_BLOCK},
    {"an important exemption above an important rule",
     {{.name = "none", .use = SOURCE_BLOCKS}},
     {{"a", "example", RECORD_ALLOW | RECORD_IMPORTANT}, {"a", "x.example", RECORD_IMPORTANT}},
     "x.example",
     ACTION_ALLOW},
};

static void sources_act_as_they_are_used(void **state)
{
    for (size_t i = 0; i < COUNT(uses); i++) {
        struct policy_settings settings = default_settings();
        struct verdict verdict;
        size_t count = 0;
        settings.default_group.addresses = PART_BLOCK;
        settings.sources = uses[i].sources;
        settings.source_count = COUNT(uses[i].sources);
        while (count < COUNT(uses[i].entries) && uses[i].entries[count].source)
            count++;
        struct policy *policy = policy_over(&settings, uses[i].entries, count);
        decide(policy, "127.0.0.1", uses[i].subject, &verdict);
        policy_unref(policy);
        if (verdict.action != uses[i].action)
            fail_msg("%s: %s", uses[i].name, action_text(verdict.action));
    }
    assert_null(*state);
}

static void an_entry_of_a_group_holds_for_its_clients_alone(void **state)
{
    struct network lab;
    static const struct entry entries[] = {{.source = "user", .text = "x.example", .group = "lab"}};
    assert_int_equal(network_parse(STR("10.1.0.0/16"), &lab), ST_OK);
    struct policy_group group = {.name = "lab",
                                 .clients = &lab,
                                 .client_count = 1,
                                 .names = PART_BLOCK,
                                 .urls = PART_BLOCK,
                                 .addresses = PART_LOG};
    struct policy_settings settings = default_settings();
    settings.groups = &group;
    settings.group_count = 1;
    struct policy *policy = policy_over(&settings, entries, 1);
    assert_int_equal(action_for(policy, "10.1.2.3", "x.example"), ACTION_BLOCK);
    assert_int_equal(action_for(policy, "127.0.0.1", "x.example"), ACTION_ALLOW);
    policy_unref(policy);
    assert_null(*state);
}

static void the_users_entry_for_a_group_stands_before_that_for_all(void **state)
{
    struct network lab;
    static const struct entry entries[] = {
        {.source = "user", .text = "x.example", .flags = RECORD_ALLOW},
        {.source = "user", .text = "x.example", .group = "lab"},
        {.source = "user", .text = "y.example"},
        {.source = "user", .text = "y.example", .flags = RECORD_ALLOW, .group = "lab"},
        {.source = "user", .text = "y.example", .flags = RECORD_EXACT},
        {.source = "a", .text = "y.example"},
    };
    assert_int_equal(network_parse(STR("10.1.0.0/16"), &lab), ST_OK);
    struct policy_group group = {
        .name = "lab", .clients = &lab, .client_count = 1, .names = PART_BLOCK, .urls = PART_BLOCK};
    struct policy_settings settings = default_settings();
    settings.groups = &group;
    settings.group_count = 1;
    struct policy *policy = policy_over(&settings, entries, COUNT(entries));
    assert_int_equal(action_for(policy, "10.1.2.3", "x.example"), ACTION_BLOCK);
    assert_int_equal(action_for(policy, "127.0.0.1", "x.example"), ACTION_ALLOW);
    assert_int_equal(action_for(policy, "10.1.2.3", "y.example"), ACTION_ALLOW);
    assert_int_equal(action_for(policy, "127.0.0.1", "y.example"), ACTION_BLOCK);
    policy_unref(policy);
    assert_null(*state);
}

static void a_verdict_tells_whether_the_subject_is_let_pass(void **state)
{
    static const struct entry entries[] = {
        {.source = "a", .text = "blocked.example"},
        {.source = "a", .text = "logged.example", .category = CATEGORY_SUSPICIOUS},
        {.source = "a", .text = "allowed.example", .category = CATEGORY_ADS},
        {.source = "user", .text = "recorded.example", .flags = RECORD_LOG},
        {.source = "user", .text = "approved.example", .flags = RECORD_ALLOW},
        {.source = "user", .text = "watched.example", .flags = RECORD_ALLOW | RECORD_LOG},
    };
    static const bool exempts[] = {false, false, false, false, true, true};
    struct policy_settings settings = default_settings();
    struct policy *policy = policy_over(&settings, entries, COUNT(entries));
    for (size_t i = 0; i < COUNT(entries); i++) {
        struct verdict verdict;
        decide(policy, "127.0.0.1", entries[i].text, &verdict);
        if (!verdict.matched || verdict.exempts != exempts[i])
            fail_msg("%s", entries[i].text);
    }
    policy_unref(policy);
    assert_null(*state);
}

static enum action action_for_type(struct policy *policy, uint16_t qtype)
{
    struct policy_reader *reader;
    struct dname name;
    struct verdict verdict;
    assert_int_equal(dname_from_text(STR("x.example"), &name), ST_OK);
    struct subject subject = {.kind = SUBJECT_NAME, .name = &name, .qtype = qtype};
    assert_int_equal(policy_reader_new(policy, &reader), ST_OK);
    policy_decide(reader, &subject, &verdict);
    policy_reader_free(reader);
    return verdict.action;
}

static void an_entry_for_some_query_types_holds_for_them_alone(void **state)
{
    static const struct entry only[] = {{.source = "a", .text = "x.example", .types = {(const char *)"\0\1\0\34", 4}}};
    static const struct entry text[] = {{.source = "a", .text = "x.example", .types = {(const char *)"\0\20", 2}}};
    static const struct entry but[] = {
        {.source = "a", .text = "x.example", .flags = RECORD_TYPES_EXCEPT, .types = {(const char *)"\0\5", 2}}};
    struct policy_settings settings = default_settings();
    struct policy *policy = policy_over(&settings, only, 1);
    assert_int_equal(action_for_type(policy, 1), ACTION_BLOCK);
    assert_int_equal(action_for_type(policy, 28), ACTION_BLOCK);
    assert_int_equal(action_for_type(policy, 5), ACTION_ALLOW);
    assert_int_equal(action_for_type(policy, 0), ACTION_BLOCK); /* who does not say what it asks for */
    assert_int_equal(action_for(policy, "127.0.0.1", "http://x.example/"),
                     ACTION_BLOCK); /* looked up for its address */
    policy_unref(policy);
    policy = policy_over(&settings, text, 1);
    assert_int_equal(action_for_type(policy, 16), ACTION_BLOCK);
    assert_int_equal(action_for(policy, "127.0.0.1", "http://x.example/"), ACTION_ALLOW);
    policy_unref(policy);
    policy = policy_over(&settings, but, 1);
    assert_int_equal(action_for_type(policy, 1), ACTION_BLOCK);
    assert_int_equal(action_for_type(policy, 5), ACTION_ALLOW);
    policy_unref(policy);
    assert_null(*state);
}

static void an_empty_store_allows(void **state)
{
    struct policy_settings settings = default_settings();
    struct policy *policy = policy_over(&settings, NULL, 0);
    assert_int_equal(action_for(policy, "127.0.0.1", "evil.example"), ACTION_ALLOW);
    assert_int_equal(store_source_count(policy_store(policy)), 0);
    policy_unref(policy);
    policy_unref(NULL);
    assert_null(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_precedence_is_as_the_table_says),
        cmocka_unit_test(a_url_is_looked_up_with_its_host),
        cmocka_unit_test(a_verdict_tells_what_the_record_says),
        cmocka_unit_test(the_first_group_that_holds_the_client_counts),
        cmocka_unit_test(a_part_that_only_logs_caps_the_users_names_too),
        cmocka_unit_test(a_path_without_canonical_form_does_not_hide_its_host),
        cmocka_unit_test(a_padded_query_does_not_hide_its_url),
        cmocka_unit_test(more_sources_than_fit_are_cut_at_a_whole_name),
        cmocka_unit_test(sources_act_as_they_are_used),
        cmocka_unit_test(an_entry_of_a_group_holds_for_its_clients_alone),
        cmocka_unit_test(what_an_entry_does_is_told_as_it_is_judged),
        cmocka_unit_test(an_expired_entry_is_told_as_such),
        cmocka_unit_test(the_users_entry_for_a_group_stands_before_that_for_all),
        cmocka_unit_test(a_verdict_tells_whether_the_subject_is_let_pass),
        cmocka_unit_test(an_entry_for_some_query_types_holds_for_them_alone),
        cmocka_unit_test(an_empty_store_allows),
    };
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
