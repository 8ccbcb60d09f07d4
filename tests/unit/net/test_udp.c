#include "net_fixture.h"

#include <linux/ipv6.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "net/udp.h"

struct echo {
    struct udp *udp;
    unsigned seen;
    bool done;
    unsigned wanted;
    bool later, close_at_first;
    struct udp_peer last;
    char announced[64]; /* the first bytes of what on_batch() was told of */
};

static void on_batch(void *arg, const struct str *datagrams, size_t count)
{
    struct echo *echo = arg;
    assert_true(count > 1);
    assert_int_equal(echo->seen, 0); /* of this batch, in these tests */
    for (size_t i = 0; i < count; i++)
        strncat(echo->announced, datagrams[i].data, 1);
}

/* Answers with the datagram; one that starts with '-' gets no answer. */
static size_t on_datagram(void *arg, const struct udp_peer *peer, const uint8_t *data, size_t n, uint8_t *reply,
                          size_t reply_size)
{
    struct echo *echo = arg;
    echo->last = *peer;
    echo->done = ++echo->seen >= echo->wanted;
    assert_true(n <= reply_size);
    if (echo->close_at_first)
        udp_close(echo->udp);
    if (n && data[0] == '-')
        return 0;
    if (echo->later) {
        udp_send(echo->udp, peer, data, n);
        return 0;
    }
    memcpy(reply, data, n);
    return n;
}

static const struct udp_ops ops = {.on_datagram = on_datagram};
static const struct udp_ops batch_ops = {.on_batch = on_batch, .on_datagram = on_datagram};

static void open_echo_with(struct loop *loop, const char *address, const struct udp_ops *with, struct echo *echo)
{
    struct fault fault = {0};
    struct addr addr;
    assert_int_equal(addr_parse_ip(str_of(address), &addr), ST_OK);
    assert_int_equal(udp_open(loop, &addr, with, echo, &echo->udp, &fault), ST_OK);
    assert_true(udp_addr(echo->udp).port != 0);
}

static void open_echo(struct loop *loop, const char *address, struct echo *echo)
{
    open_echo_with(loop, address, &ops, echo);
}

static void every_datagram_of_many_batches_is_answered(void **state)
{
    enum { COUNT = 150 }; /* as many as the client's buffer holds */
    struct echo echo = {.wanted = COUNT};
    open_echo(*state, "127.0.0.1", &echo);
    struct addr addr = udp_addr(echo.udp);
    int fd = plain_connected(SOCK_DGRAM, &addr);
    for (uint8_t i = 0; i < COUNT; i++)
        assert_int_equal(send(fd, (uint8_t[]){'#', i}, 2, 0), 2);
    assert_true(run_until(*state, &echo.done, 20000));
    for (uint8_t i = 0; i < COUNT; i++) {
        uint8_t got[2];
        assert_int_equal(recv(fd, got, sizeof got, 0), sizeof got);
        assert_int_equal(got[1], i);
    }
    assert_int_equal(udp_counters(echo.udp)->received, COUNT);
    struct addr me = plain_addr(fd), to = udp_addr(echo.udp);
    assert_memory_equal(&echo.last.remote, &me, sizeof me);
    assert_memory_equal(&echo.last.local, &to, sizeof to);
    udp_close(echo.udp);
    close(fd);
}

static void a_datagram_without_an_answer_does_not_shift_the_others(void **state)
{
    struct echo echo = {.wanted = 3};
    open_echo(*state, "127.0.0.1", &echo);
    struct addr addr = udp_addr(echo.udp);
    int fd = plain_connected(SOCK_DGRAM, &addr);
    char text[16];
    send(fd, "one", 3, 0);
    send(fd, "-two", 4, 0);
    send(fd, "three", 5, 0);
    assert_true(run_until(*state, &echo.done, 20000));
    assert_int_equal(recv(fd, text, sizeof text, 0), 3);
    assert_int_equal(recv(fd, text, sizeof text, 0), 5);
    assert_memory_equal(text, "three", 5);
    assert_int_equal(recv(fd, text, sizeof text, MSG_DONTWAIT), -1);
    udp_close(echo.udp);
    close(fd);
}

static void several_datagrams_are_told_of_before_the_first_is_served(void **state)
{
    struct echo echo = {.wanted = 3};
    open_echo_with(*state, "127.0.0.1", &batch_ops, &echo);
    struct addr addr = udp_addr(echo.udp);
    int fd = plain_connected(SOCK_DGRAM, &addr);
    send(fd, "1st", 3, 0);
    send(fd, "2nd", 3, 0);
    send(fd, "3rd", 3, 0);
    assert_true(run_until(*state, &echo.done, 20000));
    assert_string_equal(echo.announced, "123");
    echo.done = false;
    echo.wanted = 4;
    send(fd, "alone", 5, 0);
    assert_true(run_until(*state, &echo.done, 20000));
    assert_string_equal(echo.announced, "123");
    udp_close(echo.udp);
    close(fd);
}

/* D9 */
static void a_datagram_that_is_too_long_is_dropped_and_counted(void **state)
{
    static uint8_t big[UDP_DATAGRAM_MAX + 1];
    struct echo echo = {.wanted = 2};
    open_echo(*state, "127.0.0.1", &echo);
    struct addr addr = udp_addr(echo.udp);
    int fd = plain_connected(SOCK_DGRAM, &addr);
    send(fd, big, sizeof big, 0);
    send(fd, big, UDP_DATAGRAM_MAX, 0);
    send(fd, "", 0, 0);
    assert_true(run_until(*state, &echo.done, 20000));
    assert_int_equal(udp_counters(echo.udp)->truncated, 1);
    assert_int_equal(recv(fd, big, sizeof big, 0), UDP_DATAGRAM_MAX);
    udp_close(echo.udp);
    close(fd);
}

/* The client is not connected, so it would take an answer from anywhere. */
static void expect_answer_from(struct loop *loop, const char *bind_to, const char *ask, bool later)
{
    struct echo echo = {.wanted = 1, .later = later};
    open_echo(loop, bind_to, &echo);
    struct addr to, from;
    assert_int_equal(addr_parse_ip(str_of(ask), &to), ST_OK);
    to.port = udp_addr(echo.udp).port;
    struct sockaddr_storage sa;
    socklen_t length = addr_to_sockaddr(&to, &sa);
    int fd = plain_socket(sa.ss_family, SOCK_DGRAM);
    assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&sa, length), 1);
    assert_true(run_until(loop, &echo.done, 20000));
    char byte;
    length = sizeof sa;
    assert_int_equal(recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&sa, &length), 1);
    assert_true(addr_from_sockaddr((struct sockaddr *)&sa, &from));
    assert_memory_equal(&from, &to, sizeof to);
    assert_memory_equal(&echo.last.local, &to, sizeof to);
    udp_close(echo.udp);
    close(fd);
}

/* D55 */
static void a_reply_leaves_from_the_address_that_was_asked(void **state)
{
    expect_answer_from(*state, "0.0.0.0", "127.0.0.3", false);
    expect_answer_from(*state, "0.0.0.0", "127.9.8.7", true);
    expect_answer_from(*state, "::", "::1", false);
    expect_answer_from(*state, "::", "::1", true);
    expect_answer_from(*state, "127.0.0.2", "127.0.0.2", false);
}

static void the_socket_may_be_closed_while_it_is_served(void **state)
{
    struct echo echo = {.wanted = 1, .close_at_first = true};
    open_echo(*state, "127.0.0.1", &echo);
    struct addr addr = udp_addr(echo.udp);
    int fd = plain_connected(SOCK_DGRAM, &addr);
    send(fd, "a", 1, 0);
    send(fd, "b", 1, 0);
    assert_true(run_until(*state, &echo.done, 20000));
    run_for(*state, 20);
    assert_int_equal(echo.seen, 1);
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 1);
    assert_int_equal(byte, 'a');
    close(fd);
}

static void an_answer_to_a_client_that_is_gone_hurts_nobody_else(void **state)
{
    struct echo echo = {.wanted = 20};
    open_echo(*state, "127.0.0.1", &echo);
    struct addr addr = udp_addr(echo.udp);
    int stays = plain_connected(SOCK_DGRAM, &addr);
    for (int i = 0; i < 10; i++) {
        int leaves = plain_connected(SOCK_DGRAM, &addr);
        send(leaves, "x", 1, 0);
        close(leaves);
        send(stays, "y", 1, 0);
    }
    assert_true(run_until(*state, &echo.done, 20000));
    char byte;
    for (int i = 0; i < 10; i++)
        assert_int_equal(recv(stays, &byte, 1, 0), 1);
    udp_close(echo.udp);
    close(stays);
}

static void a_port_in_use_is_told_with_its_holder(void **state)
{
    struct addr any = loopback(0);
    int fd = plain_bound(SOCK_DGRAM, &any);
    struct addr addr = plain_addr(fd);
    struct fault fault = {0};
    struct udp *udp;
    char pid[32];
    assert_int_equal(udp_open(*state, &addr, &ops, NULL, &udp, &fault), ST_BUSY);
    snprintf(pid, sizeof pid, "(process %d)", (int)getpid());
    assert_non_null(strstr(fault.text, " is in use by test_net_udp"));
    assert_non_null(strstr(fault.text, pid));
    close(fd);
}

/* A network of our own, whose loopback interface has a link-local address; false where that is not allowed. */
static bool enter_own_network(const struct sockaddr_in6 *address)
{
    struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    struct in6_ifreq add = {.ifr6_addr = address->sin6_addr, .ifr6_prefixlen = 64, .ifr6_ifindex = 1};
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    bool ready = ioctl(fd, SIOCSIFFLAGS, &up) == 0 && ioctl(fd, SIOCSIFADDR, &add) == 0;
    close(fd);
    return ready;
}

/* The last test: what follows would be in that network too. */
static void late_answers_reach_link_local_clients(void **state)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_scope_id = 1};
    assert_int_equal(inet_pton(AF_INET6, "fe80::1", &to.sin6_addr), 1);
    if (!enter_own_network(&to))
        skip();
    struct echo echo = {.wanted = 1, .later = true};
    open_echo(*state, "::", &echo);
    to.sin6_port = htons(udp_addr(echo.udp).port);
    int fd = plain_socket(AF_INET6, SOCK_DGRAM);
    usleep(10000);
    assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to), 1);
    assert_true(run_until(*state, &echo.done, 20000));
    assert_int_equal(echo.last.scope_id, 1);
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 1);
    assert_int_equal(udp_counters(echo.udp)->unsent, 0);
    udp_close(echo.udp);
    close(fd);
}

static void take_a_ms(void *arg)
{
    (void)arg;
    clock_fake_advance(1);
}

/* As many as fit between the events of others: the rest waits for its turn. */
static void datagrams_that_come_in_a_busy_round_are_answered_within_it(void **state)
{
    enum { COUNT = 40, TASKS = 3 };
    struct echo echo = {.wanted = COUNT};
    struct loop_task tasks[TASKS];
    clock_fake(1000, 0);
    open_echo(*state, "127.0.0.1", &echo);
    struct addr addr = udp_addr(echo.udp);
    int fd = plain_connected(SOCK_DGRAM, &addr);
    for (unsigned i = 0; i < TASKS; i++) {
        tasks[i] = (struct loop_task){.run = take_a_ms};
        loop_defer(*state, &tasks[i]);
    }
    loop_run_once(*state, false);
    assert_int_equal(echo.seen, 0);
    for (uint8_t i = 0; i < COUNT; i++)
        assert_int_equal(send(fd, &i, 1, 0), 1);
    loop_look(*state); /* no new work since the last one */
    assert_int_equal(echo.seen, 0);
    clock_fake_advance(1);
    loop_look(*state);
    assert_in_range(echo.seen, 1, COUNT / 2);
    assert_true(run_until(*state, &echo.done, 20000));
    for (uint8_t i = 0; i < COUNT; i++) {
        uint8_t got;
        assert_int_equal(recv(fd, &got, 1, 0), 1);
        assert_int_equal(got, i);
    }
    echo.close_at_first = true;
    assert_int_equal(send(fd, "x", 1, 0), 1);
    clock_fake_advance(1);
    loop_look(*state); /* closes it */
    clock_fake_advance(1);
    loop_look(*state);
    assert_int_equal(echo.seen, COUNT + 1);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(every_datagram_of_many_batches_is_answered),
        LOOP_TEST(a_datagram_without_an_answer_does_not_shift_the_others),
        LOOP_TEST(several_datagrams_are_told_of_before_the_first_is_served),
        LOOP_TEST(a_datagram_that_is_too_long_is_dropped_and_counted),
        LOOP_TEST(a_reply_leaves_from_the_address_that_was_asked),
        LOOP_TEST(the_socket_may_be_closed_while_it_is_served),
        LOOP_TEST(an_answer_to_a_client_that_is_gone_hurts_nobody_else),
        LOOP_TEST(a_port_in_use_is_told_with_its_holder),
        LOOP_TEST(late_answers_reach_link_local_clients),
        LOOP_TEST(datagrams_that_come_in_a_busy_round_are_answered_within_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
