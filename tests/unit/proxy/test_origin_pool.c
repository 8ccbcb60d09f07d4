#include "proxy/origin_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

enum { MAX = 3, IDLE_MS = 30000 };

struct fixture {
    struct loop *loop;
    struct origin_pool *pool;
    int far[8]; /* the servers' ends */
    size_t far_count;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    clock_fake(1000, 1000000);
    f->loop = loop_new();
    f->pool = origin_pool_new(MAX, IDLE_MS);
    *state = f;
    return !f->loop || !f->pool;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    origin_pool_free(f->pool);
    for (size_t i = 0; i < f->far_count; i++)
        close(f->far[i]);
    loop_free(f->loop);
    free(f);
    clock_real();
    return 0;
}

static void on_data(void *arg)
{
    (void)arg;
}

static void on_failed(void *arg, enum status status)
{
    (void)arg, (void)status;
}

static struct stream *put(struct fixture *f, uint32_t address, const char *host)
{
    static const struct stream_ops ops = {.on_data = on_data, .on_failed = on_failed};
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    f->far[f->far_count++] = ends[1];
    struct stream *stream = stream_new_own(f->loop, ends[0], &ops, NULL);
    assert_non_null(stream);
    struct addr addr = addr_v4(address, 80);
    origin_pool_put_own(f->pool, stream, &addr, str_of(host));
    return stream;
}

static struct stream *take(struct fixture *f, uint32_t address, const char *host)
{
    struct addr addr = addr_v4(address, 80);
    return origin_pool_take(f->pool, &addr, str_of(host));
}

static void turn(struct fixture *f)
{
    for (int i = 0; i < 5; i++)
        loop_run_once(f->loop, false);
}

static void a_connection_is_found_by_address_port_and_host(void **state)
{
    struct fixture *f = *state;
    struct stream *stream = put(f, 1, "a.test");
    struct addr other_port = addr_v4(1, 81);
    assert_null(take(f, 2, "a.test"));
    assert_null(take(f, 1, "b.test"));
    assert_null(take(f, 1, "a.tes"));
    assert_null(origin_pool_take(f->pool, &other_port, STR("a.test")));
    assert_ptr_equal(take(f, 1, "A.TEST"), stream);
    assert_null(take(f, 1, "a.test"));
    assert_int_equal(origin_pool_count(f->pool), 0);
    stream_free(stream);
}

static void the_one_used_last_is_taken_first(void **state)
{
    struct fixture *f = *state;
    struct stream *first = put(f, 1, "a"), *second = put(f, 1, "a");
    assert_ptr_equal(take(f, 1, "a"), second);
    assert_ptr_equal(take(f, 1, "a"), first);
    stream_free(first);
    stream_free(second);
}

static void a_full_pool_drops_the_one_unused_for_longest(void **state)
{
    struct fixture *f = *state;
    put(f, 1, "a");
    put(f, 2, "a");
    put(f, 3, "a");
    put(f, 4, "a");
    assert_int_equal(origin_pool_count(f->pool), MAX);
    assert_null(take(f, 1, "a"));
    struct stream *second = take(f, 2, "a");
    assert_non_null(second);
    stream_free(second);
}

static void a_connection_that_ends_or_speaks_is_dropped(void **state)
{
    struct fixture *f = *state;
    put(f, 1, "a");
    put(f, 2, "a");
    put(f, 3, "a");
    shutdown(f->far[0], SHUT_WR);
    assert_int_equal(send(f->far[1], "HTTP/1.1 408 ", 13, 0), 13);
    turn(f);
    assert_int_equal(origin_pool_count(f->pool), 1);
    assert_null(take(f, 1, "a"));
    assert_null(take(f, 2, "a"));
}

static void h27_what_a_server_said_or_did_before_it_is_asked_is_seen_before_the_loop_tells(void **state)
{
    struct fixture *f = *state;
    struct stream *silent = put(f, 1, "a");
    put(f, 1, "a");
    put(f, 1, "a");
    shutdown(f->far[1], SHUT_WR);
    assert_int_equal(send(f->far[2], "HTTP/1.1 200 ", 13, 0), 13);
    assert_ptr_equal(take(f, 1, "a"), silent);
    assert_int_equal(origin_pool_count(f->pool), 0);
    stream_free(silent);
}

static void a_connection_unused_for_long_is_dropped(void **state)
{
    struct fixture *f = *state;
    put(f, 1, "a");
    clock_fake_advance(IDLE_MS - 100);
    turn(f);
    assert_int_equal(origin_pool_count(f->pool), 1);
    clock_fake_advance(200);
    turn(f);
    assert_int_equal(origin_pool_count(f->pool), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_connection_is_found_by_address_port_and_host, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_one_used_last_is_taken_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_pool_drops_the_one_unused_for_longest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_connection_that_ends_or_speaks_is_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(h27_what_a_server_said_or_did_before_it_is_asked_is_seen_before_the_loop_tells,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_connection_unused_for_long_is_dropped, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
