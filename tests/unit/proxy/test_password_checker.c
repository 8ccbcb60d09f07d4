#include "proxy/password_checker.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* "me", "open sesame": bcrypt of cost 4, which takes a millisecond; "slow": cost 8, which takes twenty. */
static const char users_text[] = "me:$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy\n"
                                 "slow:$2y$08$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy\n";

enum { MAX_WAITING = 4, MAX_JOBS = 16, WAIT_MS = 60000 };

struct fixture {
    struct loop *loop;
    struct proxy_users *users;
    struct password_checker *checker;
    struct password_desk *desk, *other;
    struct password_job jobs[MAX_JOBS];
    struct password_job *given_back[MAX_JOBS];
    size_t given_back_count;
};

static void on_checked(void *arg, struct password_job *job)
{
    struct fixture *f = arg;
    f->given_back[f->given_back_count++] = job;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    f->loop = loop_new();
    return !f->loop || proxy_users_parse(str_of(users_text), "users", &f->users, NULL) != ST_OK ||
           password_checker_new(MAX_WAITING, &f->checker, NULL) != ST_OK ||
           password_desk_open(f->checker, f->loop, on_checked, f, &f->desk) != ST_OK ||
           password_desk_open(f->checker, f->loop, on_checked, f, &f->other) != ST_OK;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    password_desk_close(f->desk);
    password_desk_close(f->other);
    password_checker_free(f->checker);
    proxy_users_unref(f->users);
    loop_free(f->loop);
    free(f);
    return 0;
}

static enum status submit(struct fixture *f, struct password_desk *desk, size_t i, const char *user,
                          const char *password)
{
    f->jobs[i] = (struct password_job){.users = f->users};
    text_copy(f->jobs[i].user, sizeof f->jobs[i].user, str_of(user));
    text_copy(f->jobs[i].password, sizeof f->jobs[i].password, str_of(password));
    return password_desk_submit(desk, &f->jobs[i]);
}

static int64_t real_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void wait_given_back(struct fixture *f, size_t count)
{
    int64_t end = real_ms() + WAIT_MS;
    while (f->given_back_count < count) {
        loop_run_once(f->loop, false);
        poll(NULL, 0, 1);
        assert_true(real_ms() < end);
    }
}

static void jobs_come_back_in_the_loop_with_their_answers(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(submit(f, f->desk, 0, "me", "open sesame"), ST_OK);
    assert_int_equal(submit(f, f->desk, 1, "me", "wrong"), ST_OK);
    assert_int_equal(submit(f, f->other, 2, "nobody", "open sesame"), ST_OK);
    assert_int_equal(f->given_back_count, 0);
    wait_given_back(f, 3);
    assert_true(f->jobs[0].right);
    assert_false(f->jobs[1].right);
    assert_false(f->jobs[2].right);
}

static void no_more_wait_than_there_is_room_for(void **state)
{
    struct fixture *f = *state;
    size_t taken = 0;
    while (taken < MAX_JOBS && submit(f, f->desk, taken, "slow", "x") == ST_OK)
        taken++;
    assert_in_range(taken, MAX_WAITING, MAX_JOBS - 1);
    wait_given_back(f, taken);
    assert_int_equal(submit(f, f->desk, 0, "me", "open sesame"), ST_OK);
    wait_given_back(f, taken + 1);
    assert_true(f->jobs[0].right);
}

static void a_desk_that_closes_takes_its_jobs_along_and_leaves_the_others(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(submit(f, f->desk, 0, "slow", "x"), ST_OK);
    assert_int_equal(submit(f, f->other, 1, "me", "open sesame"), ST_OK);
    assert_int_equal(submit(f, f->desk, 2, "slow", "x"), ST_OK);
    password_desk_close(f->desk);
    f->desk = NULL;
    memset(&f->jobs[0], 0xff, sizeof f->jobs[0]); /* ours again: nobody looks at them */
    memset(&f->jobs[2], 0xff, sizeof f->jobs[2]);
    wait_given_back(f, 1);
    assert_ptr_equal(f->given_back[0], &f->jobs[1]);
    assert_true(f->jobs[1].right);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(jobs_come_back_in_the_loop_with_their_answers),
        T(no_more_wait_than_there_is_room_for),
        T(a_desk_that_closes_takes_its_jobs_along_and_leaves_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
