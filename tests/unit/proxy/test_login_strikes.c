#include "proxy/login_strikes.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct login_strikes *strikes;

static int set_up(void **state)
{
    (void)state;
    return login_strikes_new(&strikes) != ST_OK;
}

static int tear_down(void **state)
{
    (void)state;
    login_strikes_free(strikes);
    login_strikes_free(NULL);
    return 0;
}

static struct addr client_of(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse_ip(str_of(text), &addr), ST_OK);
    return addr;
}

/* A guess with a mark of its own that proves wrong or right at once. */
static enum status guess(const struct addr *client, int64_t now_ms, unsigned number, bool right)
{
    struct login_strike strike;
    uint8_t mark[DIGEST_BYTES] = {0};
    enum status status = login_strikes_begin(strikes, client, now_ms, &strike);
    memcpy(mark, &number, sizeof number);
    if (status == ST_OK)
        login_strikes_end(strikes, &strike, mark, right);
    return status;
}

static void ten_wrong_ones_in_a_minute_are_enough(void **state)
{
    (void)state;
    struct addr client = client_of("192.0.2.1"), other = client_of("192.0.2.2");
    for (unsigned i = 0; i < STRIKES_MAX; i++) {
        assert_int_equal(guess(&client, 1000 + i, 0, true), ST_OK);
        assert_int_equal(guess(&client, 1000 + i, i, false), ST_OK);
        assert_int_equal(guess(&client, 1000 + i, i, false), i + 1 < STRIKES_MAX ? ST_OK : ST_DENIED); /* the same */
    }
    assert_int_equal(guess(&client, 2000, 99, true), ST_DENIED);
    assert_int_equal(guess(&other, 2000, 99, true), ST_OK);
    assert_int_equal(guess(&client, 1000 + STRIKES_WINDOW_MS - 1, 99, true), ST_DENIED);
    assert_int_equal(guess(&client, 1000 + STRIKES_WINDOW_MS, 99, true), ST_OK);
}

static void guesses_under_way_are_bounded_as_well(void **state)
{
    (void)state;
    struct addr client = client_of("2001:db8::1"), neighbour = client_of("2001:db8::ffff:1");
    struct login_strike under_way[STRIKES_MAX], more;
    static const uint8_t mark[DIGEST_BYTES];
    for (size_t i = 0; i < STRIKES_MAX; i++)
        assert_int_equal(login_strikes_begin(strikes, i % 2 ? &client : &neighbour, 1000, &under_way[i]), ST_OK);
    assert_int_equal(login_strikes_begin(strikes, &client, 1000, &more), ST_BUSY);
    login_strikes_end(strikes, &under_way[0], mark, true);
    assert_int_equal(login_strikes_begin(strikes, &client, 1000, &more), ST_OK);
    /* What ends after its window does not count in the next. */
    assert_int_equal(guess(&client, 1000 + STRIKES_WINDOW_MS, 1, false), ST_OK);
    for (size_t i = 1; i < STRIKES_MAX; i++)
        login_strikes_end(strikes, &under_way[i], mark, false);
    for (unsigned i = 2; i <= STRIKES_MAX; i++)
        assert_int_equal(guess(&client, 1000 + STRIKES_WINDOW_MS, i, false), ST_OK);
    assert_int_equal(guess(&client, 1000 + STRIKES_WINDOW_MS, 99, false), ST_DENIED);
}

enum { THREADS = 4, GUESSES = 500 };

static void *guess_on(void *arg)
{
    unsigned *taken = arg, first = *taken;
    struct addr client = addr_v4(0xc0000203, 0);
    *taken = 0;
    for (unsigned i = 0; i < GUESSES; i++)
        *taken += guess(&client, 1000, first + i, false) == ST_OK;
    return NULL;
}

static void workers_that_count_at_once_count_together(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    unsigned taken[THREADS], sum = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        taken[i] = i * GUESSES;
        assert_int_equal(pthread_create(&threads[i], NULL, guess_on, &taken[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        sum += taken[i];
    }
    assert_int_equal(sum, STRIKES_MAX);
}

static void tables_have_keys_of_their_own(void **state)
{
    (void)state;
    struct login_strikes *other;
    assert_int_equal(login_strikes_new(&other), ST_OK);
    assert_memory_not_equal(login_strikes_key(strikes), login_strikes_key(other), DIGEST_BYTES);
    login_strikes_free(other);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ten_wrong_ones_in_a_minute_are_enough, set_up, tear_down),
        cmocka_unit_test_setup_teardown(guesses_under_way_are_bounded_as_well, set_up, tear_down),
        cmocka_unit_test_setup_teardown(workers_that_count_at_once_count_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tables_have_keys_of_their_own, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
