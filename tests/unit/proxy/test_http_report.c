/* The block page's form, sent through the proxy to a host that is blocked. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "blockpage/report_form.h"

static struct report_office *office;

static int set_up_reports(void **state)
{
    struct fault fault = {0};
    assert_int_equal(set_up(state), 0);
    struct fixture *f = *state;
    assert_int_equal(report_office_new(&office, &fault), ST_OK);
    f->judge.reports = report_office_add_box(office);
    snprintf(rule.host, sizeof rule.host, "evil.example");
    rule.action = ACTION_BLOCK;
    return 0;
}

static int tear_down_reports(void **state)
{
    int result = tear_down(state);
    report_office_free(office);
    return result;
}

/* The body that the form of a page sends. */
static void form_body(struct fixture *f, const char *comment, char *out, size_t size)
{
    static const char before[] = "name=\"token\" value=\"", reference[] = "name=\"ref\" value=\"";
    struct peer *peer = new_client(f);
    say(f, peer, "GET http://evil.example/x HTTP/1.1\r\nHost: evil.example\r\nAccept: text/html\r\n\r\n");
    wait_for(f, peer, "</html>");
    const char *token = strstr(buf_text(&peer->got), before), *ref = strstr(buf_text(&peer->got), reference);
    assert_non_null(token);
    assert_non_null(ref);
    token += sizeof before - 1;
    ref += sizeof reference - 1;
    snprintf(out, size, "token=%.*s&ref=%.*s&comment=%s", (int)strcspn(token, "\""), token, (int)strcspn(ref, "\""),
             ref, comment);
}

static struct peer *post(struct fixture *f, const char *host, size_t length)
{
    char head[512];
    struct peer *peer = new_client(f);
    snprintf(head, sizeof head,
             "POST http://%s" REPORT_PATH " HTTP/1.1\r\nHost: %s\r\nAccept: text/html\r\n"
             "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n",
             host, host, length);
    say(f, peer, head);
    return peer;
}

static unsigned reports_taken(void)
{
    struct report report;
    uint64_t dropped = 0;
    unsigned count = 0;
    while (report_office_take(office, &report, &dropped)) {
        assert_string_equal(report.host, "evil.example");
        assert_string_equal(report.comment, "please");
        count++;
    }
    return count;
}

static void a_form_that_comes_byte_by_byte_is_a_report_and_no_contact(void **state)
{
    struct fixture *f = *state;
    char body[512];
    form_body(f, "please", body, sizeof body);
    unsigned contacts = recorded_count;
    struct peer *peer = post(f, "evil.example", strlen(body));
    for (size_t i = 0; body[i]; i++)
        say_bytes(f, peer, body + i, 1);
    wait_for(f, peer, "HTTP/1.1 202 ");
    wait_closed(f, peer);
    assert_int_equal(reports_taken(), 1);
    assert_int_equal(recorded_count, contacts);
    assert_int_equal(f->lookups, 0);
    assert_no_origin(f);
}

static void a_forged_form_is_a_contact(void **state)
{
    struct fixture *f = *state;
    static const char body[] = "token=1-00&ref=&comment=please";
    struct peer *peer = post(f, "evil.example", sizeof body - 1);
    say(f, peer, body);
    wait_for(f, peer, "HTTP/1.1 403 ");
    wait_closed(f, peer);
    assert_int_equal(reports_taken(), 0);
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].status, 403);
}

static void what_is_over_two_kilobytes_is_not_read(void **state)
{
    struct fixture *f = *state;
    static char body[REPORT_BODY_MAX_BYTES + 1];
    memset(body, 'a', sizeof body);
    struct peer *peer = post(f, "evil.example", 1 << 30);
    say_bytes(f, peer, body, sizeof body);
    wait_for(f, peer, "HTTP/1.1 413 ");
    wait_closed(f, peer);
}

static void a_client_that_goes_in_the_middle_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct peer *peer = post(f, "evil.example", 100);
    say(f, peer, "token=");
    settle(f);
    hang_up(peer);
    settle(f);
    peer = post(f, "evil.example", 100);
    hang_up_hard(peer);
    settle(f);
    assert_int_equal(reports_taken(), 0);
}

static void of_a_host_that_is_not_blocked_it_is_the_origins(void **state)
{
    struct fixture *f = *state;
    struct peer *client = ask(f, "POST http://www.example:%P" REPORT_PATH " HTTP/1.1\r\nHost: www.example:%P\r\n"
                                 "Content-Length: 2\r\n\r\nab");
    struct peer *origin = accept_origin(f);
    wait_for(f, origin, "POST " REPORT_PATH " HTTP/1.1\r\n");
    wait_for(f, origin, "\r\n\r\nab");
    say(f, origin, "HTTP/1.1 204 No Content\r\n\r\n");
    wait_for(f, client, "HTTP/1.1 204 ");
    assert_int_equal(reports_taken(), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up_reports, tear_down_reports)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_form_that_comes_byte_by_byte_is_a_report_and_no_contact),
        T(a_forged_form_is_a_contact),
        T(what_is_over_two_kilobytes_is_not_read),
        T(a_client_that_goes_in_the_middle_leaves_nothing),
        T(of_a_host_that_is_not_blocked_it_is_the_origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
