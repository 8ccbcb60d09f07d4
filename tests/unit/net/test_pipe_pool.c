#include "net_fixture.h"

#include <fcntl.h>
#include <sys/resource.h>

#include "net/pipe_pool.h"

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void so_many_are_lent_and_few_are_kept(void **state)
{
    (void)state;
    struct pipe_pool pool = {0};
    struct pipe pipes[PIPE_POOL_MOST + 1];
    unsigned before = open_descriptors();
    for (unsigned i = 0; i < PIPE_POOL_MOST; i++)
        assert_true(pipe_pool_take(&pool, &pipes[i]));
    assert_false(pipe_pool_take(&pool, &pipes[PIPE_POOL_MOST]));
    for (unsigned i = 0; i < PIPE_POOL_MOST; i++)
        pipe_pool_put_own(&pool, &pipes[i], true);
    assert_int_equal(open_descriptors(), before + 2 * PIPE_POOL_SPARE);
    assert_true(pipe_pool_take(&pool, &pipes[0]));
    assert_int_equal(open_descriptors(), before + 2 * PIPE_POOL_SPARE);
    pipe_pool_put_own(&pool, &pipes[0], true);
    pipe_pool_fini(&pool);
    assert_int_equal(open_descriptors(), before);
}

static void one_with_bytes_left_in_it_is_not_lent_again(void **state)
{
    (void)state;
    struct pipe_pool pool = {0};
    struct pipe pipe;
    char byte;
    assert_true(pipe_pool_take(&pool, &pipe));
    assert_int_equal(write(pipe.in, "x", 1), 1);
    pipe_pool_put_own(&pool, &pipe, false);
    assert_true(pipe_pool_take(&pool, &pipe));
    assert_int_equal(read(pipe.out, &byte, 1), -1); /* nothing, and it does not block */
    pipe_pool_put_own(&pool, &pipe, true);
    pipe_pool_fini(&pool);
}

static void without_descriptors_there_is_none(void **state)
{
    (void)state;
    struct pipe_pool pool = {0};
    struct pipe pipe;
    struct rlimit before, none;
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    assert_false(pipe_pool_take(&pool, &pipe));
    setrlimit(RLIMIT_NOFILE, &before);
    assert_true(pipe_pool_take(&pool, &pipe));
    pipe_pool_put_own(&pool, &pipe, true);
    pipe_pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_are_lent_and_few_are_kept),
        cmocka_unit_test(one_with_bytes_left_in_it_is_not_lent_again),
        cmocka_unit_test(without_descriptors_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
