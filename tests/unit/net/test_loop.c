#include "net_fixture.h"

#include <pthread.h>

#include "net/timer.h"

struct trace {
    char text[64];
};

struct step {
    struct trace *trace;
    char mark;
    struct timer *timer, *victim;
    struct loop *loop;
    struct loop_task task, *next;
    unsigned again;
};

static void leave_mark(void *arg)
{
    struct step *step = arg;
    size_t length = strlen(step->trace->text);
    assert_true(length + 1 < sizeof step->trace->text);
    step->trace->text[length] = step->mark;
    if (step->again) {
        step->again--;
        timer_start(step->timer, 0);
    }
    if (step->victim) {
        timer_free(step->victim);
        step->victim = NULL;
    }
    if (step->next)
        loop_defer(step->loop, step->next);
}

static void timers_fire_in_order_of_their_due_time(void **state)
{
    struct loop *loop = *state;
    struct trace trace = {0};
    static const int64_t after[5] = {50, 10, 40, 20, 30};
    struct step steps[5];
    clock_fake(1000, 0);
    for (size_t i = 0; i < 5; i++) {
        steps[i] = (struct step){.trace = &trace, .mark = (char)('0' + after[i] / 10)};
        steps[i].timer = timer_new(loop, leave_mark, &steps[i]);
        timer_start(steps[i].timer, after[i]);
    }
    timer_start(steps[2].timer, 5); /* moved to the front */
    timer_stop(steps[4].timer);
    loop_run_once(loop, false);
    assert_string_equal(trace.text, "");
    clock_fake_advance(10);
    loop_run_once(loop, true);
    assert_string_equal(trace.text, "41");
    clock_fake_advance(100);
    loop_run_once(loop, true);
    assert_string_equal(trace.text, "4125");
    for (size_t i = 0; i < 5; i++)
        timer_free(steps[i].timer);
}

static void a_thousand_timers_keep_their_order(void **state)
{
    struct loop *loop = *state;
    enum { COUNT = 1000 };
    static struct step steps[COUNT];
    static struct trace trace;
    struct timers *timers = loop_timers(loop);
    clock_fake(0, 0);
    unsigned seed = 7;
    for (size_t i = 0; i < COUNT; i++) {
        seed = seed * 1103515245 + 12345;
        steps[i] = (struct step){.trace = &trace};
        steps[i].timer = timer_new(loop, leave_mark, &steps[i]);
        timer_start(steps[i].timer, seed >> 16 & 0xfff);
        if (i % 3 == 0)
            timer_stop(steps[i / 2].timer);
    }
    int64_t last = 0, due;
    while (timers_next(timers, &due)) {
        assert_true(due >= last);
        last = due;
        timer_stop(timers->heap[0]);
    }
    for (size_t i = 0; i < COUNT; i++)
        timer_free(steps[i].timer);
}

static void a_timer_that_starts_itself_again_waits_for_the_next_round(void **state)
{
    struct loop *loop = *state;
    struct trace trace = {0};
    struct step step = {.trace = &trace, .mark = 'x', .again = 3};
    step.timer = timer_new(loop, leave_mark, &step);
    timer_start(step.timer, 0);
    loop_run_once(loop, true);
    assert_string_equal(trace.text, "x");
    loop_run_once(loop, true);
    assert_string_equal(trace.text, "xx");
    timer_free(step.timer);
}

static void a_timer_may_free_another_that_is_due(void **state)
{
    struct loop *loop = *state;
    struct trace trace = {0};
    struct step first = {.trace = &trace, .mark = 'a'}, second = {.trace = &trace, .mark = 'b'};
    clock_fake(0, 0);
    first.timer = timer_new(loop, leave_mark, &first);
    first.victim = timer_new(loop, leave_mark, &second);
    timer_start(first.timer, 1);
    timer_start(first.victim, 2);
    clock_fake_advance(5);
    loop_run_once(loop, true);
    assert_string_equal(trace.text, "a");
    timer_free(first.timer);
}

static void the_loop_sleeps_until_a_timer_is_due(void **state)
{
    struct loop *loop = *state;
    bool done = false;
    struct timer *timer = timer_new(loop, fixture_tick, &done);
    int64_t start = clock_mono_ms();
    timer_start(timer, 60);
    unsigned rounds = 0;
    for (; !done && rounds < 100; rounds++)
        loop_run_once(loop, true);
    assert_true(done);
    assert_in_range(clock_mono_ms() - start, 59, 1000);
    assert_true(rounds <= 3);
    timer_free(timer);
}

static void a_task_runs_once_and_its_follower_in_the_next_round(void **state)
{
    struct loop *loop = *state;
    struct trace trace = {0};
    struct step a = {.trace = &trace, .mark = 'a', .loop = loop}, b = {.trace = &trace, .mark = 'b', .loop = loop};
    a.task = (struct loop_task){.run = leave_mark, .arg = &a};
    b.task = (struct loop_task){.run = leave_mark, .arg = &b};
    a.next = &b.task;
    loop_defer(loop, &a.task);
    loop_defer(loop, &a.task);
    loop_run_once(loop, true);
    assert_string_equal(trace.text, "a");
    loop_run_once(loop, true); /* must not wait while a task is queued */
    assert_string_equal(trace.text, "ab");
    loop_defer(loop, &a.task);
    loop_task_cancel(loop, &a.task);
    loop_run_once(loop, false);
    assert_string_equal(trace.text, "ab");
}

/* Urgent work, and tasks that take MS each. */
struct shift {
    struct loop *loop;
    unsigned looks, tasks_at_look[8], tasks;
    int64_t ms;
};

static void note_look(void *arg)
{
    struct shift *shift = arg;
    shift->tasks_at_look[shift->looks++] = shift->tasks;
    loop_look(shift->loop); /* whoever is being served is not interrupted */
}

static void work(void *arg)
{
    struct shift *shift = arg;
    shift->tasks++;
    clock_fake_advance(shift->ms);
}

static unsigned looks_during_tasks(struct loop *loop, int64_t ms, struct shift *shift)
{
    struct loop_task tasks[4];
    struct loop_urgent urgent = {.run = note_look, .arg = shift};
    clock_fake(1000, 0);
    *shift = (struct shift){.loop = loop, .ms = ms};
    loop_urgent_add(loop, &urgent);
    for (size_t i = 0; i < 4; i++) {
        tasks[i] = (struct loop_task){.run = work, .arg = shift};
        loop_defer(loop, &tasks[i]);
    }
    loop_run_once(loop, false);
    loop_urgent_remove(&urgent);
    loop_look(loop);
    assert_int_equal(shift->tasks, 4);
    return shift->looks;
}

static void urgent_work_is_done_between_long_tasks_and_not_between_short_ones(void **state)
{
    struct shift shift;
    assert_int_equal(looks_during_tasks(*state, 1, &shift), 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(shift.tasks_at_look[i], i + 2);
    assert_int_equal(looks_during_tasks(*state, 0, &shift), 0);
}

static void an_orphan_is_freed_with_its_loop(void **state)
{
    (void)state;
    bool freed = false;
    struct loop *loop = loop_new();
    struct loop_orphan kept = {.free = fixture_tick, .arg = &freed}, gone = kept;
    loop_adopt(loop, &kept);
    loop_adopt(loop, &gone);
    loop_orphan_gone(&gone);
    loop_free(loop);
    assert_true(freed);
}

/* Calls from other threads */

enum { CALLERS = 3, CALLS = 500 };

struct ledger {
    struct loop *loop;
    pthread_t owner;
    unsigned next[CALLERS], total, wrong;
};

struct posted {
    struct ledger *ledger;
    unsigned caller, number;
};

static void enter_posted(void *arg)
{
    struct posted *posted = arg;
    struct ledger *ledger = posted->ledger;
    ledger->wrong += !pthread_equal(pthread_self(), ledger->owner);
    ledger->wrong += ledger->next[posted->caller]++ != posted->number;
    free(posted);
    if (++ledger->total == CALLERS * CALLS)
        loop_stop(ledger->loop);
}

struct caller {
    struct ledger *ledger;
    unsigned number;
};

static void *post_many(void *arg)
{
    struct caller *caller = arg;
    for (unsigned i = 0; i < CALLS; i++) {
        struct posted *posted = malloc(sizeof *posted);
        *posted = (struct posted){.ledger = caller->ledger, .caller = caller->number, .number = i};
        if (loop_call(caller->ledger->loop, enter_posted, posted) != ST_OK)
            abort();
    }
    return NULL;
}

static void calls_from_other_threads_run_in_order_in_the_loops_thread(void **state)
{
    struct ledger ledger = {.loop = *state, .owner = pthread_self()};
    struct caller callers[CALLERS];
    pthread_t threads[CALLERS];
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){&ledger, i};
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &callers[i]), 0);
    }
    loop_run(ledger.loop);
    for (unsigned i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(ledger.total, CALLERS * CALLS);
    assert_int_equal(ledger.wrong, 0);
}

static void a_call_that_was_never_run_is_freed_with_the_loop(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    bool called = false;
    assert_int_equal(loop_call(loop, fixture_tick, &called), ST_OK);
    loop_free(loop);
    assert_false(called);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(timers_fire_in_order_of_their_due_time),
        LOOP_TEST(a_thousand_timers_keep_their_order),
        LOOP_TEST(a_timer_that_starts_itself_again_waits_for_the_next_round),
        LOOP_TEST(a_timer_may_free_another_that_is_due),
        LOOP_TEST(the_loop_sleeps_until_a_timer_is_due),
        LOOP_TEST(a_task_runs_once_and_its_follower_in_the_next_round),
        LOOP_TEST(urgent_work_is_done_between_long_tasks_and_not_between_short_ones),
        cmocka_unit_test(an_orphan_is_freed_with_its_loop),
        LOOP_TEST(calls_from_other_threads_run_in_order_in_the_loops_thread),
        cmocka_unit_test(a_call_that_was_never_run_is_freed_with_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
