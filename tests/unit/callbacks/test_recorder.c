/* Workers and the control thread at the same time: also built with the thread sanitizer. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "callbacks/drain.h"

enum { PRODUCERS = 2 };

enum flood { ONE_CONTACT, MANY_SUBJECTS, MANY_INDICATORS, MANY_CLIENTS };

struct producer {
    struct recorder *recorder;
    enum flood flood;
    unsigned hits;
    atomic_bool done;
};

static void *produce(void *context)
{
    struct producer *producer = context;
    struct callback callback = a_callback(1, "evil.example", "evil.example");
    for (unsigned i = 0; i < producer->hits; i++) {
        if (producer->flood != ONE_CONTACT)
            snprintf(callback.subject, sizeof callback.subject, "%u.evil.example", i);
        if (producer->flood >= MANY_INDICATORS)
            callback.verdict.indicator_id = i;
        if (producer->flood == MANY_CLIENTS)
            callback.client = addr_v4(0x0a000000 + i, 0);
        recorder_record(producer->recorder, &callback);
    }
    atomic_store(&producer->done, true);
    return NULL;
}

static void flood(struct fixture *fixture, enum flood kind, unsigned hits)
{
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS];
    clock_real();
    for (size_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.flood = kind, .hits = hits / PRODUCERS};
        assert_int_equal(collector_add_recorder(fixture->collector, &producers[i].recorder), ST_OK);
    }
    for (size_t i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
    for (bool done = false; !done;) {
        done = true;
        for (size_t i = 0; i < PRODUCERS; i++)
            done = done && atomic_load(&producers[i].done);
        collector_step(fixture->collector);
    }
    for (size_t i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    fixture_close(fixture);
    fixture_read(fixture);
    assert_int_equal(sum_of(fixture), hits);
    assert_in_range(fixture->line_count, 1, 60000);
}

static void no_hit_on_one_contact_is_lost_between_threads(void **state)
{
    flood(*state, ONE_CONTACT, 1000000);
}

static void no_hit_on_many_subjects_is_lost_between_threads(void **state)
{
    flood(*state, MANY_SUBJECTS, 400000);
}

static void no_hit_on_many_indicators_is_lost_between_threads(void **state)
{
    flood(*state, MANY_INDICATORS, 200000);
}

static void no_hit_of_many_clients_is_lost_between_threads(void **state)
{
    flood(*state, MANY_CLIENTS, 200000);
}

struct taken {
    unsigned calls;
    uint64_t sum;
    enum fold deepest;
    struct callback last;
    int64_t last_ms;
};

static void take(void *context, enum fold level, const struct callback *callback, int64_t last_ms)
{
    struct taken *taken = context;
    taken->calls++;
    taken->sum += callback->count;
    taken->deepest = level > taken->deepest ? level : taken->deepest;
    taken->last = *callback;
    taken->last_ms = last_ms;
}

static void what_was_taken_is_not_taken_again(void **state)
{
    struct fixture *fixture = *state;
    struct taken taken = {0};
    struct recorder *recorder = recorder_new(1);
    struct callback callback = a_callback(1, "evil.example", "evil.example");
    recorder_record(recorder, &callback);
    callback.time_ms += 5;
    recorder_record(recorder, &callback);
    recorder_drain(recorder, take, &taken);
    assert_int_equal(taken.calls, 1);
    assert_int_equal(taken.sum, 2);
    assert_int_equal(taken.last.time_ms, callback.time_ms - 5);
    assert_int_equal(taken.last_ms, callback.time_ms);
    recorder_drain(recorder, take, &taken);
    assert_int_equal(taken.calls, 1);
    callback.time_ms += 5; /* the first hit after it was taken is a first hit again */
    recorder_record(recorder, &callback);
    recorder_drain(recorder, take, &taken);
    assert_int_equal(taken.sum, 3);
    assert_int_equal(taken.last.time_ms, callback.time_ms);
    recorder_free(recorder);
    assert_non_null(fixture);
}

static void fixed_memory_holds_any_number_of_hits(void **state)
{
    struct taken taken = {0};
    struct recorder *recorder = recorder_new(1);
    struct callback callback = a_callback(1, "evil.example", "evil.example");
    for (unsigned i = 0; i < 200000; i++) {
        callback.client = addr_v4(i, 0);
        callback.verdict.indicator_id = i;
        recorder_record(recorder, &callback);
    }
    recorder_drain(recorder, take, &taken);
    assert_int_equal(taken.sum, 200000);
    assert_int_equal(taken.deepest, FOLD_CLIENTS);
    assert_in_range(taken.calls, 500, 1000);
    recorder_free(recorder);
    assert_non_null(state);
}

struct sought {
    const char *subject;
    unsigned found;
};

static void seek(void *context, enum fold level, const struct callback *callback, int64_t last_ms)
{
    struct sought *sought = context;
    sought->found += level == FOLD_NONE && !strcmp(callback->subject, sought->subject) && last_ms;
}

static void other_clients_keep_their_subject_in_a_flood_of_subjects(void **state)
{
    struct sought sought = {.subject = "www.other.example"};
    struct recorder *recorder = recorder_new(1);
    struct callback callback = a_callback(1, "evil.example", "");
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(callback.subject, sizeof callback.subject, "%u.evil.example", i);
        recorder_record(recorder, &callback);
    }
    for (unsigned client = 2; client < 42; client++) {
        callback = a_callback(client, "other.example", sought.subject);
        recorder_record(recorder, &callback);
    }
    recorder_drain(recorder, seek, &sought);
    assert_int_equal(sought.found, 40);
    recorder_free(recorder);
    assert_non_null(*state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(no_hit_on_one_contact_is_lost_between_threads),
        TEST(no_hit_on_many_subjects_is_lost_between_threads),
        TEST(no_hit_on_many_indicators_is_lost_between_threads),
        TEST(no_hit_of_many_clients_is_lost_between_threads),
        TEST(what_was_taken_is_not_taken_again),
        TEST(other_clients_keep_their_subject_in_a_flood_of_subjects),
        TEST(fixed_memory_holds_any_number_of_hits),
    };
    return cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
}
