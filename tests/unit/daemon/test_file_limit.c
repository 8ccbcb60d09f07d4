#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "daemon/file_limit.h"

static void set_limit(rlim_t files)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = files;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void clients_get_half_of_the_files_but_64(void **state)
{
    (void)state;
    set_limit(1000);
    assert_int_equal(file_limit_clients(10000), 436);
    assert_int_equal(file_limit_clients(437), 436);
    assert_int_equal(file_limit_clients(436), 436);
    assert_int_equal(file_limit_clients(1), 1);
    set_limit(256);
    assert_int_equal(file_limit_clients(10000), 64);
}

static void a_few_clients_are_served_whatever_the_limit(void **state)
{
    (void)state;
    set_limit(64);
    assert_int_equal(file_limit_clients(10000), 16);
    assert_int_equal(file_limit_clients(5), 5);
    set_limit(161);
    assert_int_equal(file_limit_clients(10000), 16);
    set_limit(162);
    assert_int_equal(file_limit_clients(10000), 17);
}

static void the_limit_is_raised_as_far_as_the_system_lets_us(void **state)
{
    struct rlimit limit;
    (void)state;
    set_limit(100);
    file_limit_raise();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(limit.rlim_cur, limit.rlim_max < 65536 ? limit.rlim_max : 65536);
    file_limit_raise();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(limit.rlim_cur > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_get_half_of_the_files_but_64),
        cmocka_unit_test(a_few_clients_are_served_whatever_the_limit),
        cmocka_unit_test(the_limit_is_raised_as_far_as_the_system_lets_us),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
