/* Adblock rules: what each is, and what rules of one list say of each other. */
#include "feed_test.h"

#include "feeds/adblock_list.h"

static void rules_that_are_names_are_taken(void **state)
{
    const char *text = "[Adblock Plus 3.13]\n! c\n# c\n||Evil.example^\n||two.example^|\n||three.example^$important\n"
                       "@@||good.example^\nbare.example\n|start.example^\n|whole.example|\n||*.below.example^\n"
                       "||192.0.2.1^\n198.51.100.1\n||trailing.example.^\n||b\xc3\xbc"
                       "cher.example^\n";
    (void)state;
    expect("adblock", text, FEED_DUMP_ALLOW_NAMES, "good.example\n");
    expect("adblock", text, FEED_DUMP_EXACT_NAMES, "bare.example\nstart.example\nwhole.example\n");
    expect("adblock", text, FEED_DUMP_BELOW_NAMES, "below.example\n");
    expect("adblock", text, FEED_DUMP_IPS, "192.0.2.1\n198.51.100.1\n");
    struct feed_report report =
        expect("adblock", text, FEED_DUMP_NAMES,
               "evil.example\nthree.example\ntrailing.example\ntwo.example\nxn--bcher-kva.example\n");
    assert_int_equal(report.comments, 3);
    assert_int_equal(report.faulty_lines, 0);
    assert_int_equal(report.skipped_count, 0);
}

static void what_is_no_name_is_counted_by_its_reason(void **state)
{
    const char *text =
        "||evil.example^\n||evil.example^$third-party\n||e.example^$client=1.2.3.4\n||ads.*^\n"
        "||e.example^$dnsrewrite=NXDOMAIN;;\n||x.example/path^\n||prefix.example\nsuffix.example^\n"
        "/ads[0-9]/\n@@/x/$script\n/y/$important\nexample.com##.ad\n##.ad\n[$path=/x]##.ad\n"
        "example.com#@#.ad\n||loan^\n||*.top^\n||begin.^\ntwo words here\n||192.0.2.1^$dnstype=A\n"
        "||e.example^$\n||e.example^$dnstype=NONE\n||e.example^$denyallow=\n@@||e.example^$denyallow=a.e\n"
        "||^\n|\n||\n$important\n";
    (void)state;
    struct feed_report report = expect("adblock", text, FEED_DUMP_NAMES, "evil.example\n");
    assert_int_equal(report.faulty_lines, 1);
    assert_int_equal(skipped_for(&report, "rule with modifiers"), 8);
    assert_int_equal(skipped_for(&report, "pattern that is no name"), 9);
    assert_int_equal(skipped_for(&report, "regular expression"), 3);
    assert_int_equal(skipped_for(&report, "cosmetic rule"), 4);
    assert_int_equal(skipped_for(&report, "whole top-level domain"), 2);
    assert_int_equal(skipped_for(&report, "not a rule of this format"), 1);
}

static void lines_of_hosts_files_stand_among_rules(void **state)
{
    const char *text = "||evil.example^\n0.0.0.0 hosts.example other.example # c\n127.0.0.1\tlocalhost\n"
                       "192.0.2.1 rewritten.example\n";
    (void)state;
    struct feed_report report = expect("adblock", text, FEED_DUMP_EXACT_NAMES, "hosts.example\nother.example\n");
    assert_int_equal(skipped_for(&report, "local name of a hosts file"), 1);
    assert_int_equal(skipped_for(&report, "redirection to another address"), 1);
}

struct typed {
    unsigned flags;
    size_t length;
    uint8_t types[RECORD_TYPES_MAX];
};

static enum status keep_types(void *user, const struct indicator *indicator, bool guarded)
{
    struct typed *typed = user;
    (void)guarded;
    typed->flags = indicator->record.flags;
    typed->length = indicator->record.types.length;
    assert_true(typed->length <= sizeof typed->types);
    if (typed->length)
        memcpy(typed->types, indicator->record.types.data, typed->length);
    return ST_OK;
}

static struct typed typed_of(const char *rule)
{
    struct feed feed = {.name = "mine", .format = "adblock"};
    struct typed typed = {0};
    struct feed_report report;
    struct fault fault = {0};
    struct feed_sink sink = {.take = keep_types, .user = &typed};
    assert_int_equal(feed_parse(write_text("feed", rule), &feed, false, &sink, &report, &fault), ST_OK);
    return typed;
}

static void modifiers_say_how_a_rule_acts(void **state)
{
    (void)state;
    assert_int_equal(typed_of("||a.example^$important").flags, RECORD_IMPORTANT);
    assert_int_equal(typed_of("@@||a.example^$important").flags, RECORD_IMPORTANT | RECORD_ALLOW);
    assert_int_equal(typed_of("@@|a.example^").flags, RECORD_EXACT | RECORD_ALLOW);
    struct typed typed = typed_of("||a.example^$dnstype=AAAA|a|type65|A, important");
    assert_int_equal(typed.flags, RECORD_IMPORTANT);
    assert_int_equal(typed.length, 6);
    assert_memory_equal(typed.types, "\0\1\0\34\0\101", 6);
    typed = typed_of("||a.example^$dnstype=~CNAME");
    assert_int_equal(typed.flags, RECORD_TYPES_EXCEPT);
    assert_int_equal(typed.length, 2);
    assert_memory_equal(typed.types, "\0\5", 2);
    typed = typed_of("||a.example^$dnstype=~CNAME|TXT"); /* a type that is named makes the others meaningless */
    assert_int_equal(typed.flags, 0);
    assert_memory_equal(typed.types, "\0\20", 2);
    expect("adblock", "||a.example^$dnstype=A\n||b.example^\n", FEED_DUMP_TYPED_NAMES, "a.example\n");
}

static void badfilter_switches_a_rule_off_wherever_it_stands(void **state)
{
    const char *text = "||before.example^$badfilter\n||before.example^\n||after.example^\n||after.example^$badfilter\n"
                       "||important.example^$important\n||important.example^$badfilter\n"
                       "||both.example^$important,dnstype=A|AAAA\n||Both.example^$dnstype=AAAA|A,badfilter,important\n"
                       "@@||allowed.example^\n||allowed.example^$badfilter\n"
                       "||list.example^$denyallow=b.list.example|a.list.example\n"
                       "||list.example^$badfilter,denyallow=a.list.example|b.list.example\n"
                       "||amazonaws.example^$all,badfilter\n://x$badfilter\nplain.example\n|plain.example^$badfilter\n";
    (void)state;
    expect("adblock", text, FEED_DUMP_ALLOW_NAMES, "allowed.example\n");
    expect("adblock", text, FEED_DUMP_TYPED_NAMES, "");
    struct feed_report report = expect("adblock", text, FEED_DUMP_NAMES, "important.example\n");
    assert_int_equal(skipped_for(&report, "switched off by another rule"), 5);
    assert_int_equal(skipped_for(&report, "rule that switches off another"), 9);
}

static void a_rule_excepts_names_from_itself_alone(void **state)
{
    (void)state;
    expect("adblock", "||a.example^$denyallow=good.a.example|Deep.b.a.example.|other.example|com\n",
           FEED_DUMP_ALLOW_NAMES, "deep.b.a.example\ngood.a.example\n");
    /* Whatever stands where, a name that another rule blocks is not exempted. */
    expect("adblock", "||a.example^$denyallow=x.a.example|y.a.example\n||x.a.example^\n", FEED_DUMP_ALLOW_NAMES,
           "y.a.example\n");
    expect("adblock", "||c.a.example^\n||a.example^$denyallow=b.c.a.example|y.a.example\n", FEED_DUMP_ALLOW_NAMES,
           "y.a.example\n");
    expect("adblock", "||b.a.example^$denyallow=y.b.a.example\n||a.example^\n", FEED_DUMP_ALLOW_NAMES, "");
    expect("adblock", "||a.example^$denyallow=y.a.example\n||a.example^\n", FEED_DUMP_ALLOW_NAMES, "");
    expect("adblock", "||a.example^$denyallow=x.a.example\n||a.example^$denyallow=y.a.example\n", FEED_DUMP_ALLOW_NAMES,
           "");
    expect("adblock", "||a.example^$denyallow=x.a.example\n||a.example^$denyallow=x.a.example|y.a.example\n",
           FEED_DUMP_ALLOW_NAMES, "x.a.example\n");
    /* But not by a rule that is switched off, or holds for some types. */
    expect("adblock", "||a.example^$denyallow=x.a.example\n||x.a.example^\n||x.a.example^$badfilter\n",
           FEED_DUMP_ALLOW_NAMES, "x.a.example\n");
    expect("adblock", "||a.example^$denyallow=x.a.example\n||x.a.example^$dnstype=TXT\n", FEED_DUMP_ALLOW_NAMES,
           "x.a.example\n");
    struct feed_report report =
        expect("adblock", "||a.example^$denyallow=*.x\n||b.example^$denyallow=b.example\n||c.example^\n",
               FEED_DUMP_NAMES, "c.example\n");
    assert_int_equal(skipped_for(&report, "rule with modifiers"), 2);
}

static void an_exemption_acts_as_its_rule_does(void **state)
{
    (void)state;
    struct typed typed = typed_of("||a.example^$important,dnstype=~CNAME,denyallow=x.a.example");
    assert_int_equal(typed.flags, RECORD_IMPORTANT | RECORD_TYPES_EXCEPT | RECORD_ALLOW);
    assert_memory_equal(typed.types, "\0\5", 2);
}

static void a_list_from_a_pipe_is_read_twice_too(void **state)
{
    const char *text = "||evil.example^\n||fine.example^\n||fine.example^$badfilter\n";
    char path[32];
    struct feed_report report;
    struct fault fault = {0};
    enum status st;
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    close(ends[1]);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    char *got = dump_of(path, "auto", FEED_DUMP_NAMES, &st, &report, &fault);
    close(ends[0]);
    assert_int_equal(st, ST_OK);
    assert_string_equal(got, "evil.example\n");
    free(got);
}

/* Too much is left out, whole: memory is bounded, and no name is blocked that a rule means to except. */
static void what_rules_say_of_each_other_is_bounded(void **state)
{
    size_t room = (ADBLOCK_MAX_EXCEPTIONS + 1000) * 40, n = 0;
    char *text = malloc(room);
    (void)state;
    assert_non_null(text);
    n += (size_t)snprintf(text, room, "||a.example^$denyallow=x.a.example\n||b.example^$denyallow=");
    for (unsigned i = 0; i < 1000; i++)
        n += (size_t)snprintf(text + n, room - n, "n%u.b.example|", i);
    n += (size_t)snprintf(text + n - 1, room - n, "\n") - 1;
    for (unsigned i = 0; i < ADBLOCK_MAX_EXCEPTIONS; i++)
        n += (size_t)snprintf(text + n, room - n, "||c%u.d^$denyallow=e.c%u.d\n", i, i);
    struct feed feed = {.name = "mine", .format = "adblock"};
    struct feed_report report;
    struct fault fault = {0};
    assert_int_equal(feed_parse(write_text("feed", text), &feed, false, NULL, &report, &fault), ST_OK);
    assert_int_equal(skipped_for(&report, "rule with modifiers"), 1001);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_that_are_names_are_taken),
        cmocka_unit_test(what_is_no_name_is_counted_by_its_reason),
        cmocka_unit_test(lines_of_hosts_files_stand_among_rules),
        cmocka_unit_test(modifiers_say_how_a_rule_acts),
        cmocka_unit_test(badfilter_switches_a_rule_off_wherever_it_stands),
        cmocka_unit_test(a_rule_excepts_names_from_itself_alone),
        cmocka_unit_test(an_exemption_acts_as_its_rule_does),
        cmocka_unit_test(a_list_from_a_pipe_is_read_twice_too),
        cmocka_unit_test(what_rules_say_of_each_other_is_bounded),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
