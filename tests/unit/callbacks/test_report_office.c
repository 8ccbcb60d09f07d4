#include "callbacks/report_office.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static const int64_t start_ms = 7200000, wall_ms = 1767268800000;

struct fixture {
    struct report_office *office;
    struct report_box *box, *other;
    struct addr client;
};

static int set_up(void **state)
{
    static struct fixture f;
    struct fault fault = {0};
    clock_fake(start_ms, wall_ms);
    assert_int_equal(report_office_new(&f.office, &fault), ST_OK);
    f.box = report_office_add_box(f.office);
    f.other = report_office_add_box(f.office);
    assert_non_null(f.box);
    assert_non_null(f.other);
    f.client = addr_v4(0xc0000201, 1234);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    report_office_free(f->office);
    clock_real();
    return 0;
}

static bool knows(struct fixture *f, const char *host, const char *reference, const char *token)
{
    return report_box_knows(f->box, &f->client, str_of(host), str_of(reference), str_of(token));
}

static void a_token_is_good_for_its_client_host_and_reference_alone(void **state)
{
    struct fixture *f = *state;
    char token[REPORT_TOKEN_SIZE];
    report_box_token(f->other, &f->client, STR("Evil.example"), STR("CC-1"), token);
    f->client.port = 9; /* another connection, another worker */
    assert_true(knows(f, "evil.EXAMPLE", "CC-1", token));
    assert_false(knows(f, "evil.example", "CC-2", token));
    assert_false(knows(f, "vil.example", "CC-1", token));
    assert_false(knows(f, "evil.example|CC-1", "", token));
    f->client.ip[15]++;
    assert_false(knows(f, "evil.example", "CC-1", token));
}

static void a_token_is_good_for_half_an_hour(void **state)
{
    struct fixture *f = *state;
    char token[REPORT_TOKEN_SIZE];
    report_box_token(f->box, &f->client, STR("evil.example"), STR(""), token);
    clock_fake_advance(30 * 60000);
    assert_true(knows(f, "evil.example", "", token));
    clock_fake_advance(60000);
    assert_false(knows(f, "evil.example", "", token));
    clock_fake(start_ms - 60000, wall_ms); /* it is of the future */
    assert_false(knows(f, "evil.example", "", token));
}

static void no_other_text_is_a_token(void **state)
{
    struct fixture *f = *state;
    char token[REPORT_TOKEN_SIZE], text[REPORT_TOKEN_SIZE + 8];
    report_box_token(f->box, &f->client, STR("evil.example"), STR(""), token);
    size_t length = strlen(token);
    for (size_t i = 0; i < length; i++) {
        text_copy(text, sizeof text, str_of(token));
        text[i] = text[i] == '1' ? '2' : '1';
        assert_false(knows(f, "evil.example", "", text));
        text[i] = '\0';
        assert_false(knows(f, "evil.example", "", text));
    }
    text_copy(text, sizeof text, str_of(token));
    text[length] = '0';
    text[length + 1] = '\0';
    assert_false(knows(f, "evil.example", "", text));
    static const char *const others[] = {"", "-", "121", "-121", "121-", "99999999999999999999999-00", "+121-0"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(knows(f, "evil.example", "", others[i]));
}

static void another_start_has_another_key(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    struct report_office *office;
    char token[REPORT_TOKEN_SIZE];
    assert_int_equal(report_office_new(&office, &fault), ST_OK);
    report_box_token(report_office_add_box(office), &f->client, STR("evil.example"), STR(""), token);
    assert_false(knows(f, "evil.example", "", token));
    report_office_free(office);
    report_office_free(NULL);
}

static struct report report_from(const struct addr *client)
{
    return (struct report){.time_ms = wall_ms, .client = *client, .host = "evil.example", .comment = "please"};
}

static unsigned take_all(struct report_office *office, uint64_t *dropped)
{
    struct report report;
    unsigned count = 0;
    while (report_office_take(office, &report, dropped)) {
        assert_string_equal(report.host, "evil.example");
        assert_string_equal(report.comment, "please");
        count++;
    }
    return count;
}

static void reports_of_all_workers_come_out(void **state)
{
    struct fixture *f = *state;
    struct report report = report_from(&f->client);
    uint64_t dropped = 0;
    assert_false(report_office_has_any(f->office));
    assert_true(report_box_put(f->box, &report));
    assert_true(report_box_put(f->other, &report));
    assert_true(report_office_has_any(f->office));
    assert_int_equal(take_all(f->office, &dropped), 2);
    assert_false(report_office_has_any(f->office));
    assert_int_equal(dropped, 0);
}

static void a_client_has_five_an_hour_over_all_workers(void **state)
{
    struct fixture *f = *state;
    struct report report = report_from(&f->client);
    for (unsigned i = 0; i < REPORTS_PER_HOUR; i++)
        assert_true(report_box_put(i % 2 ? f->box : f->other, &report));
    assert_false(report_box_put(f->box, &report));
    assert_false(report_box_put(f->other, &report));
    struct report neighbour = report;
    neighbour.client.ip[15]++;
    assert_true(report_box_put(f->box, &neighbour));
    clock_fake_advance(59 * 60000);
    assert_false(report_box_put(f->box, &report));
    clock_fake_advance(60000);
    assert_true(report_box_put(f->box, &report));
}

static void an_ipv6_network_is_one_client(void **state)
{
    struct fixture *f = *state;
    struct addr client;
    assert_int_equal(addr_parse_ip(STR("2001:db8::1"), &client), ST_OK);
    for (unsigned i = 0; i < REPORTS_PER_HOUR; i++) {
        struct report report = report_from(&client);
        report.client.ip[15] = (uint8_t)i;
        report.client.ip[8] = (uint8_t)i;
        assert_true(report_box_put(f->box, &report));
    }
    struct report report = report_from(&client);
    assert_false(report_box_put(f->box, &report));
    report.client.ip[7] = 1;
    assert_true(report_box_put(f->box, &report));
}

static void more_than_waits_is_refused_and_counted(void **state)
{
    struct fixture *f = *state;
    uint64_t dropped = 0;
    unsigned taken = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        struct addr client = addr_v4(0x0a000000 + i, 0);
        struct report report = report_from(&client);
        taken += report_box_put(f->box, &report);
    }
    assert_true(taken >= 30 && taken < 1000);
    assert_int_equal(take_all(f->office, &dropped), taken);
    assert_int_equal(dropped, 1000 - taken);
}

struct sender {
    struct report_box *box;
    struct addr client;
    unsigned taken;
};

static void *send_many(void *arg)
{
    struct sender *sender = arg;
    struct report report = report_from(&sender->client);
    for (unsigned i = 0; i < 100; i++)
        sender->taken += report_box_put(sender->box, &report);
    return NULL;
}

static void two_workers_at_once_give_no_client_more(void **state)
{
    struct fixture *f = *state;
    struct sender senders[] = {{f->box, f->client, 0}, {f->other, f->client, 0}};
    pthread_t threads[2];
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(senders[0].taken + senders[1].taken, REPORTS_PER_HOUR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_is_good_for_its_client_host_and_reference_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_is_good_for_half_an_hour, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_other_text_is_a_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_start_has_another_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reports_of_all_workers_come_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_has_five_an_hour_over_all_workers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_ipv6_network_is_one_client, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_than_waits_is_refused_and_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_workers_at_once_give_no_client_more, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
