/* A snapshot is swapped while workers decide: also built with the thread sanitizer. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>

struct shared {
    pthread_mutex_t lock;
    struct policy *policy; /* under the lock, as the control thread hands it over */
    atomic_bool stop;
    atomic_uint wrong, decided;
};

static struct policy *current(struct shared *shared)
{
    pthread_mutex_lock(&shared->lock);
    struct policy *policy = policy_ref(shared->policy);
    pthread_mutex_unlock(&shared->lock);
    return policy;
}

/* Every snapshot lists the same name. */
static void *decide_on(void *context)
{
    struct shared *shared = context;
    struct dname name;
    struct subject subject = {.kind = SUBJECT_NAME, .client = addr_v4(0x7f000001, 0), .name = &name};
    assert_int_equal(dname_from_text(STR("evil.example"), &name), ST_OK);
    while (!atomic_load(&shared->stop)) {
        struct policy *policy = current(shared);
        struct policy_reader *reader;
        struct verdict verdict;
        if (policy_reader_new(policy, &reader) != ST_OK) {
            atomic_fetch_add(&shared->wrong, 1);
            policy_unref(policy);
            continue;
        }
        policy_unref(policy); /* the reader holds its own */
        for (int i = 0; i < 20; i++) {
            policy_decide(reader, &subject, &verdict);
            if (verdict.action != ACTION_BLOCK || strcmp(verdict.indicator, "evil.example"))
                atomic_fetch_add(&shared->wrong, 1);
            atomic_fetch_add(&shared->decided, 1);
        }
        policy_reader_free(reader);
    }
    return NULL;
}

static void workers_decide_while_snapshots_are_swapped(void **state)
{
    static const struct entry entries[] = {{"feed", "evil.example", 0, CATEGORY_C2, ""}};
    struct policy_settings settings = default_settings();
    struct shared shared = {.lock = PTHREAD_MUTEX_INITIALIZER, .policy = policy_over(&settings, entries, 1)};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, decide_on, &shared), 0);
    for (unsigned i = 0; i < 50 || atomic_load(&shared.decided) < 500; i++) {
        struct policy *fresh = policy_over(&settings, entries, 1);
        pthread_mutex_lock(&shared.lock);
        struct policy *old = shared.policy;
        shared.policy = fresh;
        pthread_mutex_unlock(&shared.lock);
        policy_unref(old);
    }
    atomic_store(&shared.stop, true);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    policy_unref(shared.policy);
    assert_int_equal(atomic_load(&shared.wrong), 0);
    assert_null(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(workers_decide_while_snapshots_are_swapped)};
    return cmocka_run_group_tests_name("policy_swap", tests, NULL, NULL);
}
