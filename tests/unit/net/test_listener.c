#include "net_fixture.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include "net/listener.h"

struct door {
    struct listener *listener;
    int fds[64];
    unsigned count, wanted;
    struct addr peer, local;
    bool done, close_at_first;
};

static void on_accept(void *arg, int fd, const struct addr *peer, const struct addr *local)
{
    struct door *door = arg;
    door->peer = *peer;
    door->local = *local;
    door->fds[door->count++] = fd;
    door->done = door->count >= door->wanted;
    if (door->close_at_first)
        listener_close(door->listener);
}

static const struct listener_ops ops = {on_accept};

static struct addr open_door(struct loop *loop, uint32_t ip, struct door *door)
{
    struct fault fault = {0};
    struct addr addr = addr_v4(ip, 0);
    assert_int_equal(listener_open(loop, &addr, &ops, door, &door->listener, &fault), ST_OK);
    return listener_addr(door->listener);
}

static void close_accepted(struct door *door)
{
    for (unsigned i = 0; i < door->count; i++)
        close(door->fds[i]);
}

static void a_connection_comes_ready_to_use(void **state)
{
    struct door door = {.wanted = 1};
    struct addr addr = open_door(*state, INADDR_ANY, &door);
    struct addr target = addr_v4(INADDR_LOOPBACK + 4, addr.port);
    int fd = plain_connected(SOCK_STREAM, &target);
    assert_true(run_until(*state, &door.done, 20000));
    struct addr me = plain_addr(fd);
    assert_memory_equal(&door.peer, &me, sizeof me);
    assert_memory_equal(&door.local, &target, sizeof target);
    int nodelay = 0;
    socklen_t length = sizeof nodelay;
    assert_int_equal(getsockopt(door.fds[0], IPPROTO_TCP, TCP_NODELAY, &nodelay, &length), 0);
    assert_int_equal(nodelay, 1);
    assert_true(fcntl(door.fds[0], F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(door.fds[0], F_GETFD) & FD_CLOEXEC);
    close(fd);
    close_accepted(&door);
    listener_close(door.listener);
}

static void two_workers_listen_at_one_port(void **state)
{
    struct door a = {.wanted = 1}, b = {.wanted = 1};
    struct addr addr = open_door(*state, INADDR_LOOPBACK, &a);
    struct fault fault = {0};
    assert_int_equal(listener_open(*state, &addr, &ops, &b, &b.listener, &fault), ST_OK);
    int fds[40];
    for (int i = 0; i < 40; i++)
        fds[i] = plain_connected(SOCK_STREAM, &addr);
    for (int i = 0; i < 50 && a.count + b.count < 40; i++)
        run_for(*state, 10);
    assert_int_equal(a.count + b.count, 40);
    assert_true(a.count > 0 && b.count > 0);
    for (int i = 0; i < 40; i++)
        close(fds[i]);
    close_accepted(&a);
    close_accepted(&b);
    listener_close(a.listener);
    listener_close(b.listener);
}

static void the_listener_may_be_closed_from_on_accept(void **state)
{
    struct door door = {.wanted = 1, .close_at_first = true};
    struct addr addr = open_door(*state, INADDR_LOOPBACK, &door);
    int one = plain_connected(SOCK_STREAM, &addr), two = plain_connected(SOCK_STREAM, &addr);
    assert_true(run_until(*state, &door.done, 20000));
    run_for(*state, 20);
    assert_int_equal(door.count, 1);
    close(one);
    close(two);
    close_accepted(&door);
}

static void a_port_held_by_another_is_told_with_its_holder(void **state)
{
    struct door door = {.wanted = 1};
    struct addr addr = open_door(*state, INADDR_LOOPBACK, &door);
    struct fault fault = {0};
    char expected[128], text[ADDR_TEXT_SIZE];
    addr_format(&addr, text);
    snprintf(expected, sizeof expected, "%s is in use by test_net_listen (process %d)", text, (int)getpid());
    /* SO_REUSEPORT alone would share it. */
    assert_int_equal(listener_probe(&addr, SOCK_STREAM, &fault), ST_BUSY);
    assert_string_equal(fault.text, expected);
    struct addr wildcard = addr_v4(INADDR_ANY, addr.port);
    assert_int_equal(listener_probe(&wildcard, SOCK_STREAM, NULL), ST_BUSY);
    assert_int_equal(listener_probe(&addr, SOCK_DGRAM, NULL), ST_OK);
    listener_close(door.listener);
    assert_int_equal(listener_probe(&addr, SOCK_STREAM, NULL), ST_OK);
}

static void an_address_that_is_not_ours_is_refused(void **state)
{
    struct fault fault = {0};
    struct addr addr = addr_v4(0xc0000201, 0); /* 192.0.2.1 */
    struct listener *listener;
    assert_int_equal(listener_open(*state, &addr, &ops, NULL, &listener, &fault), ST_UNAVAILABLE);
    assert_non_null(strstr(fault.text, "192.0.2.1:0"));
}

static void without_descriptors_it_pauses_instead_of_spinning(void **state)
{
    struct door door = {.wanted = 1};
    struct addr addr = open_door(*state, INADDR_LOOPBACK, &door);
    int fd = plain_connected(SOCK_STREAM, &addr);
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int64_t start = clock_mono_ms();
    unsigned rounds = 0;
    while (clock_mono_ms() - start < 350) {
        loop_run_once(*state, true); /* the pause's timer is what ends each wait */
        rounds++;
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(door.count, 0);
    assert_in_range(rounds, 3, 20);
    assert_true(run_until(*state, &door.done, 1000));
    close(fd);
    close_accepted(&door);
    listener_close(door.listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_connection_comes_ready_to_use),
        LOOP_TEST(two_workers_listen_at_one_port),
        LOOP_TEST(the_listener_may_be_closed_from_on_accept),
        LOOP_TEST(a_port_held_by_another_is_told_with_its_holder),
        LOOP_TEST(an_address_that_is_not_ours_is_refused),
        LOOP_TEST(without_descriptors_it_pauses_instead_of_spinning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
