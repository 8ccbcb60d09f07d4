/* The rules of policy zones: what they are compared with, what they ask for, and how they stand to each other. */
#include "fixture.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct policy *policy;
static struct policy_reader *reader;

/* A policy over ENTRIES, whose client is 10.0.0.1 and in which addresses are only recorded. */
static void open_policy(const struct policy_source *sources, size_t source_count, const struct entry *entries,
                        size_t count)
{
    struct policy_settings settings = default_settings();
    settings.sources = sources;
    settings.source_count = source_count;
    policy = policy_over(&settings, entries, count);
    assert_int_equal(policy_reader_new(policy, &reader), ST_OK);
}

static void close_policy(void)
{
    policy_reader_free(reader);
    policy_unref(policy);
}

static struct verdict judge(enum subject_kind kind, const char *text, struct passed *passed)
{
    struct verdict verdict;
    struct dname name;
    struct subject subject = {.kind = kind, .name = &name, .passed = passed};
    memset(&verdict, 0x55, sizeof verdict);
    assert_int_equal(addr_parse_ip(STR("10.0.0.1"), &subject.client), ST_OK);
    if (kind == SUBJECT_NAME || kind == SUBJECT_NS_NAME)
        assert_int_equal(dname_from_text(str_of(text), &name), ST_OK);
    else if (kind != SUBJECT_CLIENT)
        assert_int_equal(addr_parse_ip(str_of(text), &subject.addr), ST_OK);
    policy_decide(reader, &subject, &verdict);
    return verdict;
}

static void each_trigger_is_compared_with_its_subject_alone(void **state)
{
    static const struct entry entries[] = {
        {.source = "zone", .text = "10.0.0.0/8", .trigger = TRIGGER_CLIENT},
        {.source = "zone", .text = "ns.example", .trigger = TRIGGER_NS_NAME},
        {.source = "zone", .text = "192.0.2.1", .trigger = TRIGGER_NS_ADDRESS},
    };
    open_policy(NULL, 0, entries, COUNT(entries));
    struct verdict client = judge(SUBJECT_CLIENT, NULL, NULL);
    assert_int_equal(client.action, ACTION_BLOCK);
    assert_string_equal(client.indicator, "10.0.0.0/8");
    assert_int_equal(judge(SUBJECT_NS_NAME, "a.NS.example", NULL).action, ACTION_BLOCK);
    assert_int_equal(judge(SUBJECT_NS_ADDRESS, "192.0.2.1", NULL).action, ACTION_LOG); /* as all addresses */
    assert_false(judge(SUBJECT_NAME, "ns.example", NULL).matched);
    assert_false(judge(SUBJECT_ADDRESS, "10.0.0.1", NULL).matched);
    assert_false(judge(SUBJECT_ADDRESS, "192.0.2.1", NULL).matched);
    assert_false(judge(SUBJECT_NS_ADDRESS, "10.0.0.1", NULL).matched);
    for (enum record_trigger trigger = 0; trigger < TRIGGER_COUNT; trigger++)
        assert_true(policy_has_trigger(reader, trigger));
    close_policy();
    assert_null(*state);
}

static void a_policy_without_such_rules_says_so(void **state)
{
    static const struct entry entries[] = {{.source = "feed", .text = "x.example"}};
    open_policy(NULL, 0, entries, 1);
    assert_true(policy_has_trigger(reader, TRIGGER_SUBJECT));
    assert_false(policy_has_trigger(reader, TRIGGER_CLIENT));
    assert_false(policy_has_trigger(reader, TRIGGER_NS_NAME));
    assert_false(policy_has_trigger(reader, TRIGGER_NS_ADDRESS));
    close_policy();
    assert_null(*state);
}

/* What becomes of a zone's answer by whether its word is taken. */
static const struct {
    enum record_answer in_zone;
    struct {
        enum action action;
        enum record_answer answer;
    } configured, given;
} answers[] = {
    {RECORD_ANSWER_NXDOMAIN, {ACTION_BLOCK, RECORD_ANSWER_CONFIGURED}, {ACTION_BLOCK, RECORD_ANSWER_NXDOMAIN}},
    {RECORD_ANSWER_NODATA, {ACTION_BLOCK, RECORD_ANSWER_CONFIGURED}, {ACTION_BLOCK, RECORD_ANSWER_NODATA}},
    {RECORD_ANSWER_DATA, {ACTION_BLOCK, RECORD_ANSWER_CONFIGURED}, {ACTION_BLOCK, RECORD_ANSWER_DATA}},
    {RECORD_ANSWER_DROP, {ACTION_BLOCK, RECORD_ANSWER_DROP}, {ACTION_BLOCK, RECORD_ANSWER_DROP}},
    {RECORD_ANSWER_TCP_ONLY, {ACTION_LOG, RECORD_ANSWER_TCP_ONLY}, {ACTION_LOG, RECORD_ANSWER_TCP_ONLY}},
};

static void a_zone_is_answered_as_configured_or_as_given(void **state)
{
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct entry entry = {.source = "zone", .text = "x.example", .answer = answers[i].in_zone};
        struct policy_source source = {.name = "zone"};
        for (int given = 0; given < 2; given++) {
            source.given = given;
            open_policy(&source, 1, &entry, 1);
            struct verdict verdict = judge(SUBJECT_NAME, "x.example", NULL);
            close_policy();
            assert_int_equal(verdict.action, given ? answers[i].given.action : answers[i].configured.action);
            assert_int_equal(verdict.answer, given ? answers[i].given.answer : answers[i].configured.answer);
        }
    }
    assert_null(*state);
}

static void what_is_only_recorded_is_answered_as_if_nothing_were_there(void **state)
{
    static const struct policy_source sources[] = {{.name = "zone", .use = SOURCE_MONITORS, .given = true}};
    static const struct entry entries[] = {
        {.source = "zone", .text = "a.example", .answer = RECORD_ANSWER_TCP_ONLY},
        {.source = "zone", .text = "b.example", .answer = RECORD_ANSWER_DROP},
        {.source = "zone", .text = "c.example", .answer = RECORD_ANSWER_DATA},
    };
    open_policy(sources, 1, entries, COUNT(entries));
    for (size_t i = 0; i < COUNT(entries); i++) {
        struct verdict verdict = judge(SUBJECT_NAME, entries[i].text, NULL);
        assert_int_equal(verdict.action, ACTION_LOG);
        assert_int_equal(verdict.answer, RECORD_ANSWER_CONFIGURED);
    }
    close_policy();
    assert_null(*state);
}

static void addresses_of_a_zone_whose_word_is_taken_are_blocked(void **state)
{
    static const struct policy_source sources[] = {{.name = "zone", .given = true}};
    static const struct entry entries[] = {
        {.source = "zone", .text = "192.0.2.0/24", .answer = RECORD_ANSWER_NXDOMAIN},
        {.source = "zone", .text = "192.0.2.0/24", .trigger = TRIGGER_NS_ADDRESS, .answer = RECORD_ANSWER_NODATA},
        {.source = "other", .text = "198.51.100.1", .answer = RECORD_ANSWER_NXDOMAIN},
    };
    open_policy(sources, 1, entries, COUNT(entries));
    struct verdict answer = judge(SUBJECT_ADDRESS, "192.0.2.1", NULL);
    struct verdict server = judge(SUBJECT_NS_ADDRESS, "192.0.2.1", NULL);
    assert_int_equal(answer.action, ACTION_BLOCK);
    assert_int_equal(answer.answer, RECORD_ANSWER_NXDOMAIN);
    assert_int_equal(server.action, ACTION_BLOCK);
    assert_int_equal(server.answer, RECORD_ANSWER_NODATA);
    assert_int_equal(judge(SUBJECT_ADDRESS, "198.51.100.1", NULL).action, ACTION_LOG);
    close_policy();
    assert_null(*state);
}

static void blocking_stands_above_tcp_only_and_that_above_recording(void **state)
{
    static const struct policy_source sources[] = {{.name = "monitor", .use = SOURCE_MONITORS}};
    static const struct entry entries[] = {
        {.source = "monitor", .text = "www.a.example"},
        {.source = "zone", .text = "a.example", .answer = RECORD_ANSWER_TCP_ONLY},
        {.source = "zone", .text = "b.example", .answer = RECORD_ANSWER_TCP_ONLY},
        {.source = "feed", .text = "b.example"},
    };
    open_policy(sources, 1, entries, COUNT(entries));
    struct verdict recorded = judge(SUBJECT_NAME, "www.a.example", NULL);
    assert_int_equal(recorded.action, ACTION_LOG);
    assert_int_equal(recorded.answer, RECORD_ANSWER_TCP_ONLY);
    assert_string_equal(recorded.indicator, "a.example");
    struct verdict blocked = judge(SUBJECT_NAME, "b.example", NULL);
    assert_int_equal(blocked.action, ACTION_BLOCK);
    assert_int_equal(blocked.answer, RECORD_ANSWER_CONFIGURED);
    close_policy();
    assert_null(*state);
}

static void of_equal_entries_the_one_with_an_answer_decides_then_the_first_in_the_settings(void **state)
{
    static const struct policy_source sources[] = {
        {.name = "second", .given = true}, {.name = "first", .given = true}, {.name = "plain"}};
    static const struct entry entries[] = {
        {.source = "feed", .text = "a.example"},
        {.source = "plain", .text = "a.example", .answer = RECORD_ANSWER_DROP},
        {.source = "first", .text = "b.example", .answer = RECORD_ANSWER_NXDOMAIN},
        {.source = "second", .text = "b.example", .answer = RECORD_ANSWER_NODATA},
        {.source = "second", .text = "www.c.example", .answer = RECORD_ANSWER_NODATA},
        {.source = "feed", .text = "c.example"},
    };
    open_policy(sources, COUNT(sources), entries, COUNT(entries));
    assert_int_equal(judge(SUBJECT_NAME, "a.example", NULL).answer, RECORD_ANSWER_DROP);
    assert_int_equal(judge(SUBJECT_NAME, "b.example", NULL).answer, RECORD_ANSWER_NODATA);
    assert_int_equal(judge(SUBJECT_NAME, "www.c.example", NULL).answer, RECORD_ANSWER_NODATA);
    close_policy();
    assert_null(*state);
}

static void what_a_zone_lets_pass_ends_its_search_and_no_others(void **state)
{
    static const struct entry entries[] = {
        {.source = "zone", .text = "10.0.0.0/8", .flags = RECORD_ALLOW, .trigger = TRIGGER_CLIENT},
        {.source = "zone", .text = "evil.example"},
        {.source = "other", .text = "worse.example"},
    };
    struct passed passed = {0};
    open_policy(NULL, 0, entries, COUNT(entries));
    assert_int_equal(judge(SUBJECT_NAME, "evil.example", &passed).action, ACTION_BLOCK);
    assert_int_equal(passed.count, 0);
    assert_int_equal(judge(SUBJECT_CLIENT, NULL, &passed).action, ACTION_ALLOW);
    assert_int_equal(passed.count, 1);
    struct verdict verdict = judge(SUBJECT_NAME, "evil.example", &passed);
    assert_int_equal(verdict.action, ACTION_ALLOW);
    assert_false(verdict.matched);
    assert_int_equal(judge(SUBJECT_NAME, "worse.example", &passed).action, ACTION_BLOCK);
    close_policy();
    assert_null(*state);
}

static void what_passes_by_tcp_has_passed_its_zone(void **state)
{
    static const struct entry entries[] = {
        {.source = "zone", .text = "a.example", .answer = RECORD_ANSWER_TCP_ONLY},
        {.source = "zone", .text = "evil.example"},
    };
    struct passed passed = {0};
    open_policy(NULL, 0, entries, COUNT(entries));
    assert_int_equal(judge(SUBJECT_NAME, "a.example", &passed).action, ACTION_LOG);
    assert_int_equal(judge(SUBJECT_NAME, "evil.example", &passed).action, ACTION_ALLOW);
    close_policy();
    assert_null(*state);
}

static void what_passed_is_known_in_the_next_policy_too(void **state)
{
    static const struct entry before[] = {{.source = "zone", .text = "a.example", .flags = RECORD_ALLOW}};
    static const struct entry after[] = {{.source = "new", .text = "evil.example"},
                                         {.source = "zone", .text = "worse.example"}};
    struct passed passed = {0};
    open_policy(NULL, 0, before, 1);
    judge(SUBJECT_NAME, "a.example", &passed);
    close_policy();
    open_policy(NULL, 0, after, 2);
    assert_int_equal(judge(SUBJECT_NAME, "evil.example", &passed).action, ACTION_BLOCK);
    assert_int_equal(judge(SUBJECT_NAME, "worse.example", &passed).action, ACTION_ALLOW);
    close_policy();
    assert_null(*state);
}

static void of_more_that_pass_than_fit_the_last_act_on(void **state)
{
    struct passed passed = {0}, more = {0};
    for (uint64_t i = 1; i <= 2 * PASSED_MAX; i++) {
        passed_add(&passed, i);
        passed_add(&passed, i);
    }
    assert_int_equal(passed.count, PASSED_MAX);
    assert_true(passed_has(&passed, PASSED_MAX));
    assert_false(passed_has(&passed, PASSED_MAX + 1));
    passed_add(&more, 1);
    passed_add(&more, 99);
    passed_merge(&more, &passed);
    assert_int_equal(more.count, PASSED_MAX);
    assert_true(passed_has(&more, 99) && passed_has(&more, 1) && passed_has(&more, 2));
    assert_null(*state);
}

static void only_who_stands_above_feeds_exempts_what_a_name_leads_to(void **state)
{
    static const struct policy_source sources[] = {{.name = "allows", .use = SOURCE_EXEMPTS}};
    static const struct entry entries[] = {
        {.source = "zone", .text = "a.example", .flags = RECORD_ALLOW},
        {.source = "allows", .text = "b.example"},
        {.source = "user", .text = "c.example", .flags = RECORD_ALLOW},
        {.source = "feed", .text = "d.example", .category = CATEGORY_ADS},
        {.source = "allows", .text = "e.example"},
        {.source = "feed", .text = "www.e.example"},
    };
    struct passed passed = {0};
    open_policy(sources, 1, entries, COUNT(entries));
    assert_false(judge(SUBJECT_NAME, "a.example", &passed).exempts);
    assert_true(judge(SUBJECT_NAME, "b.example", &passed).exempts);
    assert_true(judge(SUBJECT_NAME, "c.example", &passed).exempts);
    assert_false(judge(SUBJECT_NAME, "d.example", &passed).exempts);
    assert_false(judge(SUBJECT_NAME, "www.e.example", &passed).exempts);
    assert_false(judge(SUBJECT_NAME, "f.example", &passed).exempts);
    assert_int_equal(passed.count, 1); /* those above have their say of what it leads to as well */
    close_policy();
    assert_null(*state);
}

static void the_user_approves_what_a_zone_drops(void **state)
{
    static const struct entry entries[] = {
        {.source = "user", .text = "a.example", .flags = RECORD_ALLOW},
        {.source = "zone", .text = "a.example", .answer = RECORD_ANSWER_DROP},
    };
    open_policy(NULL, 0, entries, COUNT(entries));
    struct verdict verdict = judge(SUBJECT_NAME, "a.example", NULL);
    assert_int_equal(verdict.action, ACTION_ALLOW);
    assert_true(verdict.exempts);
    close_policy();
    assert_null(*state);
}

static void the_data_of_a_rule_is_gathered_from_its_records(void **state)
{
    static const struct policy_source sources[] = {{.name = "zone", .given = true}};
    static const struct entry entries[] = {
        {.source = "zone", .text = "a.example", .answer = RECORD_ANSWER_DATA, .data = {"one", 3}},
        {.source = "zone", .text = "a.example", .answer = RECORD_ANSWER_DATA, .data = {"two2", 4}},
        {.source = "zone", .text = "example", .answer = RECORD_ANSWER_DATA, .data = {"above", 5}},
        {.source = "other", .text = "a.example", .answer = RECORD_ANSWER_DATA, .data = {"other", 5}},
    };
    open_policy(sources, 1, entries, COUNT(entries));
    assert_int_equal(judge(SUBJECT_NAME, "a.example", NULL).answer, RECORD_ANSWER_DATA);
    struct str data = policy_data(reader);
    assert_true(str_eq(data, STR("onetwo2")) || str_eq(data, STR("two2one")));
    judge(SUBJECT_NAME, "b.example", NULL);
    assert_true(str_eq(policy_data(reader), STR("above")));
    close_policy();
    assert_null(*state);
}

static void more_data_than_fits_is_cut_at_whole_records(void **state)
{
    static char bytes[5][1000];
    static struct entry entries[5];
    static const struct policy_source sources[] = {{.name = "zone", .given = true}};
    for (size_t i = 0; i < COUNT(entries); i++) {
        memset(bytes[i], 'a' + (int)i, sizeof bytes[i]);
        entries[i] = (struct entry){
            .source = "zone", .text = "a.example", .answer = RECORD_ANSWER_DATA, .data = {bytes[i], sizeof bytes[i]}};
    }
    open_policy(sources, 1, entries, COUNT(entries));
    judge(SUBJECT_NAME, "a.example", NULL);
    assert_int_equal(policy_data(reader).length, 4000);
    close_policy();
    assert_null(*state);
}

static void a_group_whose_names_are_off_has_no_rules_for_clients(void **state)
{
    static const struct entry entries[] = {{.source = "zone", .text = "10.0.0.0/8", .trigger = TRIGGER_CLIENT}};
    static const enum part_mode modes[] = {PART_OFF, PART_LOG, PART_BLOCK};
    static const enum action actions[] = {ACTION_ALLOW, ACTION_LOG, ACTION_BLOCK};
    for (size_t i = 0; i < COUNT(modes); i++) {
        struct policy_settings settings = default_settings();
        settings.default_group.names = modes[i];
        policy = policy_over(&settings, entries, 1);
        assert_int_equal(policy_reader_new(policy, &reader), ST_OK);
        assert_int_equal(judge(SUBJECT_CLIENT, NULL, NULL).action, actions[i]);
        close_policy();
    }
    assert_null(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_trigger_is_compared_with_its_subject_alone),
        cmocka_unit_test(a_policy_without_such_rules_says_so),
        cmocka_unit_test(a_zone_is_answered_as_configured_or_as_given),
        cmocka_unit_test(what_is_only_recorded_is_answered_as_if_nothing_were_there),
        cmocka_unit_test(addresses_of_a_zone_whose_word_is_taken_are_blocked),
        cmocka_unit_test(blocking_stands_above_tcp_only_and_that_above_recording),
        cmocka_unit_test(of_equal_entries_the_one_with_an_answer_decides_then_the_first_in_the_settings),
        cmocka_unit_test(what_a_zone_lets_pass_ends_its_search_and_no_others),
        cmocka_unit_test(what_passes_by_tcp_has_passed_its_zone),
        cmocka_unit_test(what_passed_is_known_in_the_next_policy_too),
        cmocka_unit_test(of_more_that_pass_than_fit_the_last_act_on),
        cmocka_unit_test(only_who_stands_above_feeds_exempts_what_a_name_leads_to),
        cmocka_unit_test(the_user_approves_what_a_zone_drops),
        cmocka_unit_test(the_data_of_a_rule_is_gathered_from_its_records),
        cmocka_unit_test(more_data_than_fits_is_cut_at_whole_records),
        cmocka_unit_test(a_group_whose_names_are_off_has_no_rules_for_clients),
    };
    return cmocka_run_group_tests_name("policy zones", tests, NULL, NULL);
}
