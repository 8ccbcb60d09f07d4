/* With a clock and a checker of passwords that the test has in its hand. */
#include "proxy/proxy_auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/clock.h"

enum { MAX_JOBS = 64, MAX_ASKS = 64 };

struct fixture {
    struct loop *loop;
    struct proxy_users *users, *later;
    struct login_strikes *strikes;
    struct proxy_auth *auth, *other; /* of two workers */
    struct auth_ask asks[MAX_ASKS];
    enum auth_verdict verdicts[MAX_ASKS];
    unsigned told;
};

static struct fixture *the;
static struct addr client;

/* The double: jobs stay until check_all() answers them. */
static void (*give_back)(void *arg, struct password_job *job);
static struct password_job *jobs[MAX_JOBS];
static size_t job_count, jobs_ever;
static bool is_full;

enum status password_desk_open(struct password_checker *checker, struct loop *loop,
                               void (*on_checked)(void *arg, struct password_job *job), void *arg,
                               struct password_desk **desk)
{
    (void)checker, (void)loop;
    give_back = on_checked;
    *desk = arg;
    return ST_OK;
}

enum status password_desk_submit(struct password_desk *desk, struct password_job *job)
{
    if (is_full)
        return ST_BUSY;
    job->desk = desk;
    assert_true(job_count < MAX_JOBS);
    jobs[job_count++] = job;
    jobs_ever++;
    return ST_OK;
}

void password_desk_close(struct password_desk *desk)
{
    (void)desk;
}

/* "right" is everybody's password. */
static void check_all(void)
{
    size_t count = job_count;
    struct password_job *now[MAX_JOBS];
    memcpy(now, jobs, sizeof now);
    job_count = 0;
    for (size_t i = 0; i < count; i++) {
        now[i]->right = !strcmp(now[i]->password, "right");
        give_back(now[i]->desk, now[i]);
    }
}

static const char text[] = "me:$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy\n";

static int set_up(void **state)
{
    struct fixture *f = the = calloc(1, sizeof *f);
    *state = f;
    job_count = jobs_ever = 0;
    is_full = false;
    clock_fake(1000, 1000000);
    client = addr_v4(0xc0a80107, 50000);
    f->loop = loop_new();
    return !f->loop || proxy_users_parse(str_of(text), "users", &f->users, NULL) != ST_OK ||
           proxy_users_parse(str_of(text), "users", &f->later, NULL) != ST_OK ||
           login_strikes_new(&f->strikes) != ST_OK ||
           proxy_auth_new(f->loop, NULL, f->strikes, f->users, &f->auth) != ST_OK ||
           proxy_auth_new(f->loop, NULL, f->strikes, f->users, &f->other) != ST_OK;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    proxy_auth_free(f->auth);
    proxy_auth_free(f->other);
    login_strikes_free(f->strikes);
    proxy_users_unref(f->users);
    proxy_users_unref(f->later);
    loop_free(f->loop);
    free(f);
    clock_real();
    return 0;
}

static void on_verdict(void *arg, enum auth_verdict verdict)
{
    *(enum auth_verdict *)arg = verdict;
    the->told++;
}

/* The clock of the loop stands still within a round. */
static void wait_ms(struct fixture *f, int64_t ms)
{
    clock_fake_advance(ms);
    loop_run_once(f->loop, false);
}

static enum auth_verdict ask(struct fixture *f, size_t i, const char *user, const char *password)
{
    f->verdicts[i] = AUTH_PENDING;
    f->asks[i] = (struct auth_ask){.on_verdict = on_verdict, .arg = &f->verdicts[i]};
    return proxy_auth_ask(f->auth, &client, str_of(user), str_of(password), &f->asks[i]);
}

/* Asks and has it checked. */
static enum auth_verdict log_in(struct fixture *f, const char *user, const char *password)
{
    enum auth_verdict verdict = ask(f, 0, user, password);
    if (verdict != AUTH_PENDING)
        return verdict;
    check_all();
    return f->verdicts[0];
}

static void a_right_password_is_checked_once_in_five_minutes(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(log_in(f, "me", "right"), AUTH_GRANTED);
    assert_int_equal(ask(f, 0, "me", "right"), AUTH_GRANTED);
    client = addr_v4(0xc0a80108, 1); /* whoever has it */
    wait_ms(f, AUTH_REMEMBERED_MS - 1);
    assert_int_equal(ask(f, 0, "me", "right"), AUTH_GRANTED);
    assert_int_equal(jobs_ever, 1);
    wait_ms(f, 1);
    assert_int_equal(ask(f, 0, "me", "right"), AUTH_PENDING);
}

static void what_is_remembered_is_of_that_user_with_that_password(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(log_in(f, "me", "right"), AUTH_GRANTED);
    assert_int_equal(ask(f, 0, "mer", "ight"), AUTH_PENDING);
    assert_int_equal(ask(f, 1, "m", "eright"), AUTH_PENDING);
    assert_int_equal(ask(f, 2, "me", "right "), AUTH_PENDING);
    assert_int_equal(ask(f, 3, "you", "right"), AUTH_PENDING);
    assert_int_equal(jobs_ever, 5);
}

static void a_wrong_password_that_is_repeated_costs_no_work_and_no_second_strike(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(log_in(f, "me", "wrong"), AUTH_DENIED);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(ask(f, 0, "me", "wrong"), AUTH_DENIED);
    assert_int_equal(jobs_ever, 1);
    assert_int_equal(log_in(f, "me", "right"), AUTH_GRANTED);
    wait_ms(f, AUTH_WINDOW_MS);
    assert_int_equal(ask(f, 0, "me", "wrong"), AUTH_PENDING);
}

static void guesses_are_limited_for_each_address(void **state)
{
    struct fixture *f = *state;
    char guess[32];
    for (int i = 0; i < AUTH_MAX_FAILURES; i++) {
        snprintf(guess, sizeof guess, "guess%d", i);
        assert_int_equal(log_in(f, "me", guess), AUTH_DENIED);
    }
    assert_int_equal(log_in(f, "me", "one more"), AUTH_LIMITED);
    assert_int_equal(log_in(f, "me", "right"), AUTH_LIMITED);
    client.port++;
    assert_int_equal(log_in(f, "me", "right"), AUTH_LIMITED);
    client = addr_v4(0xc0a80108, 50000);
    assert_int_equal(log_in(f, "me", "right"), AUTH_GRANTED);
    client = addr_v4(0xc0a80107, 50000);
    assert_int_equal(ask(f, 0, "me", "right"), AUTH_GRANTED); /* known by now */
    assert_int_equal(log_in(f, "you", "right"), AUTH_LIMITED);
    wait_ms(f, AUTH_WINDOW_MS);
    assert_int_equal(log_in(f, "you", "right"), AUTH_GRANTED);
}

static void guesses_that_come_all_at_once_are_limited_too(void **state)
{
    struct fixture *f = *state;
    char guess[32];
    for (int i = 0; i < MAX_ASKS; i++) {
        snprintf(guess, sizeof guess, "guess%d", i);
        assert_int_equal(ask(f, (size_t)i, "me", guess), i < AUTH_MAX_FAILURES ? AUTH_PENDING : AUTH_BUSY);
    }
    assert_int_equal(jobs_ever, AUTH_MAX_FAILURES);
    check_all(); /* all are wrong */
    assert_int_equal(ask(f, 0, "me", "one more"), AUTH_LIMITED);
}

static void right_passwords_that_come_all_at_once_are_told_to_wait_and_no_failures(void **state)
{
    struct fixture *f = *state;
    char user[32];
    for (int i = 0; i < MAX_ASKS; i++) {
        snprintf(user, sizeof user, "user%d", i);
        assert_int_equal(ask(f, (size_t)i, user, "right"), i < AUTH_MAX_FAILURES ? AUTH_PENDING : AUTH_BUSY);
    }
    check_all();
    assert_int_equal(log_in(f, "one more", "right"), AUTH_GRANTED);
}

static void right_passwords_are_no_failures(void **state)
{
    struct fixture *f = *state;
    char user[32];
    for (int i = 0; i < 5 * AUTH_MAX_FAILURES; i++) {
        snprintf(user, sizeof user, "user%d", i);
        assert_int_equal(log_in(f, user, "right"), AUTH_GRANTED);
    }
}

/* The next is asked of the other worker. */
static void change_worker(struct fixture *f)
{
    struct proxy_auth *auth = f->auth;
    f->auth = f->other;
    f->other = auth;
}

static void guesses_are_limited_over_all_workers(void **state)
{
    struct fixture *f = *state;
    char guess[32];
    for (int i = 0; i < AUTH_MAX_FAILURES; i++) {
        snprintf(guess, sizeof guess, "guess%d", i);
        assert_int_equal(log_in(f, "me", guess), AUTH_DENIED);
        change_worker(f);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(log_in(f, "me", "right"), AUTH_LIMITED);
        change_worker(f);
    }
    wait_ms(f, AUTH_WINDOW_MS);
    assert_int_equal(log_in(f, "me", "right"), AUTH_GRANTED);
}

static void a_wrong_password_that_every_worker_hears_is_one_strike(void **state)
{
    struct fixture *f = *state;
    char guess[32];
    for (int i = 0; i < AUTH_MAX_FAILURES - 1; i++) {
        snprintf(guess, sizeof guess, "old%d", i);
        assert_int_equal(log_in(f, "me", guess), AUTH_DENIED);
        change_worker(f);
        assert_int_equal(log_in(f, "me", guess), AUTH_DENIED);
    }
    assert_int_equal(log_in(f, "me", "right"), AUTH_GRANTED);
}

static void what_ends_with_its_worker_is_no_strike(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < AUTH_MAX_FAILURES; i++) {
        char guess[32];
        snprintf(guess, sizeof guess, "guess%zu", i);
        assert_int_equal(ask(f, i, "me", guess), AUTH_PENDING);
    }
    job_count = 0;
    proxy_auth_free(f->auth);
    f->auth = NULL;
    change_worker(f);
    assert_int_equal(log_in(f, "me", "right"), AUTH_GRANTED);
}

static void an_ipv6_network_is_one_guesser(void **state)
{
    struct fixture *f = *state;
    char guess[64];
    for (int i = 0; i <= AUTH_MAX_FAILURES; i++) {
        snprintf(guess, sizeof guess, "2001:db8:1:2::%x", i + 1);
        assert_int_equal(addr_parse_ip(str_of(guess), &client), ST_OK);
        assert_int_equal(log_in(f, "me", guess), i < AUTH_MAX_FAILURES ? AUTH_DENIED : AUTH_LIMITED);
    }
}

static void those_who_ask_the_same_at_once_wait_for_one_check(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(ask(f, i, "me", "right"), AUTH_PENDING);
    auth_ask_cancel(&f->asks[7]);
    assert_int_equal(job_count, 1);
    check_all();
    assert_int_equal(f->told, 19);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(f->verdicts[i], i == 7 ? AUTH_PENDING : AUTH_GRANTED);
}

static void a_full_queue_is_busy_and_no_failure(void **state)
{
    struct fixture *f = *state;
    is_full = true;
    for (int i = 0; i < 2 * AUTH_MAX_FAILURES; i++)
        assert_int_equal(ask(f, 0, "me", "right"), AUTH_BUSY);
    is_full = false;
    assert_int_equal(log_in(f, "me", "right"), AUTH_GRANTED);
}

static void new_users_are_asked_for_anew(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(log_in(f, "me", "right"), AUTH_GRANTED);
    proxy_auth_set_users(f->auth, f->later);
    assert_int_equal(log_in(f, "me", "right"), AUTH_GRANTED);
    assert_int_equal(jobs_ever, 2);
}

static void an_answer_from_before_the_users_changed_does_not_count(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, 0, "me", "right"), AUTH_PENDING);
    proxy_auth_set_users(f->auth, f->later);
    check_all();
    assert_int_equal(f->verdicts[0], AUTH_PENDING);
    assert_int_equal(job_count, 1);
    assert_ptr_equal(jobs[0]->users, f->later);
    check_all();
    assert_int_equal(f->verdicts[0], AUTH_GRANTED);
    assert_int_equal(ask(f, 1, "you", "right"), AUTH_PENDING);
    proxy_auth_set_users(f->auth, f->users);
    is_full = true;
    check_all();
    assert_int_equal(f->verdicts[1], AUTH_BUSY);
}

static void what_cannot_be_a_login_is_denied_unchecked(void **state)
{
    struct fixture *f = *state;
    char large[300];
    memset(large, 'x', sizeof large);
    large[256] = '\0';
    assert_int_equal(ask(f, 0, "", "right"), AUTH_DENIED);
    assert_int_equal(ask(f, 0, "me", ""), AUTH_DENIED);
    assert_int_equal(ask(f, 0, "me", "a\nb"), AUTH_DENIED);
    assert_int_equal(ask(f, 0, "m\x7f", "right"), AUTH_DENIED);
    assert_int_equal(ask(f, 0, "me", large), AUTH_DENIED);
    assert_int_equal(ask(f, 0, large, "right"), AUTH_DENIED);
    assert_int_equal(proxy_auth_ask(f->auth, &client, STR("me"), STR("right\0x"), &f->asks[0]), AUTH_DENIED);
    assert_int_equal(jobs_ever, 0);
    large[255] = '\0';
    assert_int_equal(ask(f, 0, large, large), AUTH_PENDING);
}

static void a_field_of_basic_credentials_is_read_strictly(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "Basic",
                                        "Basic ",
                                        "Bearer bWU6cmlnaHQ=",
                                        "Basic:",
                                        "Basic bWU=",
                                        "Basic bWU6cmlnaHQ= x",
                                        "Basic bWU6cmlnaHQ",
                                        "BasicbWU6cmlnaHQ=",
                                        "Basic bWU6cmln\x80",
                                        "Digest username=\"me\""};
    uint8_t plain[LOGIN_MAX_BYTES];
    struct str user, password;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (basic_login_parse(str_of(wrong[i]), plain, &user, &password) == ST_OK)
            fail_msg("\"%s\" was taken", wrong[i]);
    assert_int_equal(basic_login_parse(STR("bAsIc   bWU6cmk6Z2h0"), plain, &user, &password), ST_OK);
    assert_true(str_eq(user, STR("me")));
    assert_true(str_eq(password, STR("ri:ght")));
    struct buf value = {0};
    char bytes[LOGIN_MAX_BYTES + 1] = "me:";
    buf_add_text(&value, "Basic ");
    base64_encode(&value, bytes, sizeof bytes);
    assert_int_equal(basic_login_parse((struct str){value.data, value.length}, plain, &user, &password), ST_INVALID);
    buf_free(&value);
}

static void an_end_with_checks_under_way_frees_them(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, 0, "me", "right"), AUTH_PENDING);
    assert_int_equal(ask(f, 1, "me", "wrong"), AUTH_PENDING);
    proxy_auth_free(f->auth);
    f->auth = NULL;
    assert_int_equal(f->told, 0);
    assert_false(f->asks[0].waiting);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_right_password_is_checked_once_in_five_minutes),
        T(what_is_remembered_is_of_that_user_with_that_password),
        T(a_wrong_password_that_is_repeated_costs_no_work_and_no_second_strike),
        T(guesses_are_limited_for_each_address),
        T(guesses_that_come_all_at_once_are_limited_too),
        T(right_passwords_that_come_all_at_once_are_told_to_wait_and_no_failures),
        T(right_passwords_are_no_failures),
        T(guesses_are_limited_over_all_workers),
        T(a_wrong_password_that_every_worker_hears_is_one_strike),
        T(what_ends_with_its_worker_is_no_strike),
        T(an_ipv6_network_is_one_guesser),
        T(those_who_ask_the_same_at_once_wait_for_one_check),
        T(a_full_queue_is_busy_and_no_failure),
        T(new_users_are_asked_for_anew),
        T(an_answer_from_before_the_users_changed_does_not_count),
        T(what_cannot_be_a_login_is_denied_unchecked),
        T(a_field_of_basic_credentials_is_read_strictly),
        T(an_end_with_checks_under_way_frees_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
