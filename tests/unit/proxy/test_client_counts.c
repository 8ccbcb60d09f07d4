#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "proxy/client_counts.h"

static void one_address_and_all_of_them_have_a_limit(void **state)
{
    (void)state;
    struct client_counts *counts = client_counts_new(3, 2);
    struct addr a = addr_v4(0x0a000001, 1), a_again = addr_v4(0x0a000001, 2), b = addr_v4(0x0a000002, 1);
    assert_non_null(counts);
    assert_int_equal(client_counts_add(counts, &a), ST_OK);
    assert_int_equal(client_counts_add(counts, &a_again), ST_OK);
    assert_int_equal(client_counts_add(counts, &a), ST_DENIED);
    assert_int_equal(client_counts_add(counts, &b), ST_OK);
    assert_int_equal(client_counts_add(counts, &b), ST_DENIED); /* three in all */
    client_counts_remove(counts, &a);
    assert_int_equal(client_counts_add(counts, &b), ST_OK);
    client_counts_remove(counts, &a);
    client_counts_remove(counts, &b);
    client_counts_remove(counts, &b);
    client_counts_free(counts);
}

enum { THREADS = 4, ROUNDS = 20000, ADDRESSES = 50, MOST = 6 };

struct user {
    pthread_t thread;
    struct client_counts *counts;
    unsigned seed, denied;
};

static void *come_and_go(void *arg)
{
    struct user *user = arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        user->seed = user->seed * 1103515245 + 12345;
        struct addr addr = addr_v4(0x0a000000 + (user->seed >> 16) % ADDRESSES, (uint16_t)i);
        enum status status = client_counts_add(user->counts, &addr);
        if (status == ST_OK)
            client_counts_remove(user->counts, &addr);
        else
            user->denied++;
    }
    return NULL;
}

static void workers_share_them(void **state)
{
    (void)state;
    struct client_counts *counts = client_counts_new(MOST, MOST);
    struct addr addr = addr_v4(0x0a000001, 1);
    struct user users[THREADS];
    assert_non_null(counts);
    for (unsigned i = 0; i < THREADS; i++) {
        users[i] = (struct user){.counts = counts, .seed = i};
        assert_int_equal(pthread_create(&users[i].thread, NULL, come_and_go, &users[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(users[i].thread, NULL);
        assert_int_equal(users[i].denied, 0); /* there are fewer threads than places */
    }
    for (unsigned i = 0; i < MOST; i++) /* and none was lost */
        assert_int_equal(client_counts_add(counts, &addr), ST_OK);
    assert_int_equal(client_counts_add(counts, &addr), ST_DENIED);
    for (unsigned i = 0; i < MOST; i++)
        client_counts_remove(counts, &addr);
    client_counts_free(counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_address_and_all_of_them_have_a_limit),
        cmocka_unit_test(workers_share_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
