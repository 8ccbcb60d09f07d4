#include "proxy/origin_dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

enum { TIMEOUT_MS = 10000, MAX_SERVERS = 8, MAX_FILL = 8, WAIT_MS = 30000 };

/* A listening socket; a silent one has a full queue, so that the system answers no connection to it. */
struct server {
    int fd, fill[MAX_FILL];
    struct addr addr;
};

struct fixture {
    struct loop *loop;
    struct origin_dial dial;
    struct server servers[MAX_SERVERS];
    size_t server_count;
    struct addr addrs[RESOLVER_MAX_ADDRS];
    size_t addr_count;
    unsigned done;
    enum status status;
    struct stream *stream;
    struct addr addr;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    clock_fake(1000, 1000000);
    f->loop = loop_new();
    *state = f;
    return !f->loop;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    origin_dial_stop(&f->dial);
    stream_free(f->stream);
    for (struct server *server = f->servers; server < f->servers + f->server_count; server++) {
        close(server->fd);
        for (size_t i = 0; i < MAX_FILL; i++)
            if (server->fill[i] > 0)
                close(server->fill[i]);
    }
    loop_free(f->loop);
    free(f);
    clock_real();
    return 0;
}

static int connect_to(const struct addr *addr)
{
    struct sockaddr_storage sa;
    socklen_t length = addr_to_sockaddr(addr, &sa);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_true(connect(fd, (struct sockaddr *)&sa, length) == 0 || errno == EINPROGRESS);
    return fd;
}

static struct server *add_server(struct fixture *f, int backlog)
{
    struct server *server = &f->servers[f->server_count++];
    struct sockaddr_storage sa;
    struct addr any = addr_v4(0x7f000001, 0);
    socklen_t length = addr_to_sockaddr(&any, &sa);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(server->fd >= 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&sa, length), 0);
    assert_int_equal(listen(server->fd, backlog), 0);
    length = sizeof sa;
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&sa, &length), 0);
    assert_true(addr_from_sockaddr((struct sockaddr *)&sa, &server->addr));
    f->addrs[f->addr_count++] = server->addr;
    return server;
}

static struct server *add_silent(struct fixture *f)
{
    struct server *server = add_server(f, 0);
    for (size_t i = 0; i < MAX_FILL; i++)
        server->fill[i] = connect_to(&server->addr);
    return server;
}

/* Refuses: nobody listens there. */
static void add_refusing(struct fixture *f)
{
    struct server *server = add_server(f, 1);
    close(server->fd);
    f->server_count--;
}

static void on_done(void *arg, enum status status, struct stream *stream, const struct addr *addr)
{
    struct fixture *f = arg;
    f->done++;
    f->status = status;
    f->stream = stream;
    if (addr)
        f->addr = *addr;
}

static void start(struct fixture *f)
{
    assert_int_equal(origin_dial_start(&f->dial, f->loop, f->addrs, f->addr_count, TIMEOUT_MS, on_done, f), ST_OK);
    assert_int_equal(f->done, 0);
}

static void turn(struct fixture *f)
{
    for (int i = 0; i < 10; i++) {
        loop_run_once(f->loop, false);
        if (i > 5)
            poll(NULL, 0, 1);
    }
}

static int64_t real_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The clock stands still meanwhile. */
static void wait_done(struct fixture *f)
{
    int64_t end = real_ms() + WAIT_MS;
    while (!f->done) {
        turn(f);
        assert_true(real_ms() < end);
    }
}

static void expect_connected(struct fixture *f, const struct server *server)
{
    assert_int_equal(f->done, 1);
    assert_int_equal(f->status, ST_OK);
    assert_non_null(f->stream);
    assert_int_equal(f->addr.port, server->addr.port);
}

static size_t under_way(const struct fixture *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->dial.begun; i++)
        n += f->dial.attempts[i].stream != NULL;
    return n;
}

static void the_first_address_is_enough_where_it_answers(void **state)
{
    struct fixture *f = *state;
    struct server *first = add_server(f, 8), *second = add_server(f, 8);
    start(f);
    wait_done(f);
    expect_connected(f, first);
    turn(f);
    assert_true(accept(second->fd, NULL, NULL) < 0);
}

static void a_silent_address_is_joined_by_the_next_after_250_ms(void **state)
{
    struct fixture *f = *state;
    add_silent(f);
    struct server *second = add_server(f, 8);
    start(f);
    clock_fake_advance(249);
    turn(f);
    assert_int_equal(f->dial.begun, 1);
    clock_fake_advance(1);
    wait_done(f);
    expect_connected(f, second);
}

static void one_attempt_is_begun_every_250_ms(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 4; i++)
        add_silent(f);
    start(f);
    for (size_t begun = 1; begun <= 4; begun++) {
        turn(f);
        assert_int_equal(f->dial.begun, begun);
        assert_int_equal(under_way(f), begun);
        clock_fake_advance(250);
    }
}

static void a_refusal_begins_the_next_attempt_at_once(void **state)
{
    struct fixture *f = *state;
    add_refusing(f);
    add_refusing(f);
    struct server *third = add_server(f, 8);
    start(f);
    wait_done(f); /* the clock does not move */
    expect_connected(f, third);
}

static void a_refusal_starts_the_delay_anew(void **state)
{
    struct fixture *f = *state;
    add_refusing(f);
    add_silent(f);
    struct server *third = add_server(f, 8);
    start(f);
    int64_t end = real_ms() + WAIT_MS;
    while (f->dial.begun < 2) {
        turn(f);
        assert_true(real_ms() < end);
    }
    clock_fake_advance(249);
    turn(f);
    assert_int_equal(f->dial.begun, 2);
    clock_fake_advance(1);
    wait_done(f);
    expect_connected(f, third);
}

static void the_first_to_connect_wins_though_it_was_asked_first_long_ago(void **state)
{
    struct fixture *f = *state;
    struct server *first = add_server(f, 8);
    add_silent(f);
    struct addr swapped = f->addrs[0];
    f->addrs[0] = f->addrs[1]; /* silent, then one that answers */
    f->addrs[1] = swapped;
    start(f);
    clock_fake_advance(250);
    wait_done(f);
    expect_connected(f, first);
    assert_int_equal(f->dial.begun, 0); /* nothing is left under way */
    turn(f);
    clock_fake_advance(TIMEOUT_MS);
    turn(f);
    assert_int_equal(f->done, 1);
}

static void all_refusing_is_told_once_with_the_reason(void **state)
{
    struct fixture *f = *state;
    add_refusing(f);
    add_refusing(f);
    add_refusing(f);
    start(f);
    wait_done(f);
    assert_int_equal(f->status, ST_UNAVAILABLE);
    assert_null(f->stream);
    turn(f);
    assert_int_equal(f->done, 1);
}

static void the_time_is_one_for_all_addresses(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++)
        add_silent(f);
    start(f);
    for (int i = 0; i < 3; i++) {
        clock_fake_advance(250);
        turn(f);
    }
    clock_fake_advance(TIMEOUT_MS - 751);
    turn(f);
    assert_int_equal(f->done, 0);
    assert_int_equal(under_way(f), 3);
    clock_fake_advance(1);
    wait_done(f);
    assert_int_equal(f->status, ST_TIMEOUT);
    assert_null(f->stream);
}

static void nothing_is_begun_when_the_time_is_over(void **state)
{
    struct fixture *f = *state;
    add_silent(f);
    struct server *second = add_server(f, 8);
    start(f);
    clock_fake_advance(TIMEOUT_MS); /* as after a machine's sleep: both timers are due */
    wait_done(f);
    assert_int_equal(f->status, ST_TIMEOUT);
    turn(f);
    assert_true(accept(second->fd, NULL, NULL) < 0);
}

static void stopping_ends_all_attempts_without_a_word(void **state)
{
    struct fixture *f = *state;
    add_silent(f);
    add_silent(f);
    add_server(f, 8);
    start(f);
    clock_fake_advance(250);
    turn(f);
    assert_int_equal(under_way(f), 2);
    origin_dial_stop(&f->dial);
    origin_dial_stop(&f->dial);
    clock_fake_advance(TIMEOUT_MS);
    turn(f);
    assert_int_equal(f->done, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_first_address_is_enough_where_it_answers),
        T(a_silent_address_is_joined_by_the_next_after_250_ms),
        T(one_attempt_is_begun_every_250_ms),
        T(a_refusal_begins_the_next_attempt_at_once),
        T(a_refusal_starts_the_delay_anew),
        T(the_first_to_connect_wins_though_it_was_asked_first_long_ago),
        T(all_refusing_is_told_once_with_the_reason),
        T(the_time_is_one_for_all_addresses),
        T(nothing_is_begun_when_the_time_is_over),
        T(stopping_ends_all_attempts_without_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
