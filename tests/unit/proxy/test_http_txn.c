#include "fixture.h"

static void a_get_is_passed_on_and_its_answer_comes_back(void **state)
{
    struct fixture *f = *state;
    struct peer *client = ask(f, "GET http://a.test:%P/x?y=%20&z HTTP/1.1\r\nHost: a.test:%P\r\nX-A: 1\r\n\r\n");
    struct peer *origin = accept_origin(f);
    wait_for(f, origin, "\r\n\r\n");
    assert_true(has(origin, with_port(f, "GET /x?y=%20&z HTTP/1.1\r\nHost: a.test:%P\r\nX-A: 1\r\nVia: 1.1 ccward (")));
    say(f, origin, "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\n\r\nhello");
    wait_for(f, client, "hello");
    assert_string_equal(buf_text(&client->got),
                        "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\nVia: 1.1 ccward\r\n\r\nhello");
    assert_open(f, client);
    assert_int_equal(f->lookups, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_get_is_passed_on_and_its_answer_comes_back, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
