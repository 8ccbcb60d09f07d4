/* What the tests of net/ share: a loop that runs until something is so, and plain sockets at its other end. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "net/loop.h"

static inline void fixture_tick(void *arg)
{
    *(bool *)arg = true;
}

/* Runs the loop until *DONE or for MS real milliseconds; says whether it got there. */
static inline bool run_until(struct loop *loop, const bool *done, int64_t ms)
{
    bool late = false;
    struct timer *timer = timer_new(loop, fixture_tick, &late);
    assert_non_null(timer);
    timer_start(timer, ms);
    while (!*done && !late)
        loop_run_once(loop, true);
    timer_free(timer);
    return *done;
}

static inline void run_for(struct loop *loop, int64_t ms)
{
    bool never = false;
    run_until(loop, &never, ms);
}

/* One of the short turns in which a test waits for sockets. The fake clock goes on by 1 ms in five of them, so that on
 * a busy machine nothing is late that only had to wait for its turn. */
static inline void pass_time(void)
{
    static unsigned turns;
    usleep(100);
    if (++turns % 5 == 0)
        clock_fake_advance(1);
}

static inline struct addr loopback(uint16_t port)
{
    return addr_v4(INADDR_LOOPBACK, port);
}

/* A plain blocking socket, given up on after two seconds. */
static inline int plain_socket(int family, int type)
{
    struct timeval limit = {.tv_sec = 2};
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    return fd;
}

static inline int plain_bound(int type, const struct addr *addr)
{
    struct sockaddr_storage sa;
    socklen_t length = addr_to_sockaddr(addr, &sa);
    int fd = plain_socket(sa.ss_family, type);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, length), 0);
    return fd;
}

static inline int plain_connected(int type, const struct addr *addr)
{
    struct sockaddr_storage sa;
    socklen_t length = addr_to_sockaddr(addr, &sa);
    int fd = plain_socket(sa.ss_family, type);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, length), 0);
    return fd;
}

static inline struct addr plain_addr(int fd)
{
    struct sockaddr_storage sa;
    socklen_t length = sizeof sa;
    struct addr addr = {0};
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &length), 0);
    assert_true(addr_from_sockaddr((struct sockaddr *)&sa, &addr));
    return addr;
}

static inline int new_loop(void **state)
{
    *state = loop_new();
    return *state ? 0 : -1;
}

static inline int free_loop(void **state)
{
    loop_free(*state);
    clock_real();
    return 0;
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, new_loop, free_loop)
