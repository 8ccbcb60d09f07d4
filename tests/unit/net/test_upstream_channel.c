/* Channels that carry one query at a time each, and what becomes of them. */
#include "upstream_fixture.h"

#include <sys/resource.h>

#include "net/upstream_channel.h"

enum { MOST = 100, KEPT = 8, SHRINK_MS = 30000 };

struct asker {
    struct channel_query query;
    struct query_mask mask;
    unsigned datagrams, wanted; /* the datagram of this number ends the query */
    size_t length;
    bool done;
    enum status status;
};

static uint8_t received[CHANNEL_DATAGRAM_MAX];

static bool on_datagram(void *arg, size_t n)
{
    struct asker *asker = arg;
    assert_false(asker->done);
    asker->length = n;
    return ++asker->datagrams == asker->wanted;
}

static void on_asked(void *arg, enum status status)
{
    struct asker *asker = arg;
    assert_false(asker->done);
    assert_null(asker->query.channel);
    asker->done = true;
    asker->status = status;
}

static void asker_init(struct asker *asker)
{
    static struct random_pool pool;
    struct query_original original;
    *asker = (struct asker){.wanted = 1};
    asker->query =
        (struct channel_query){.mask = &asker->mask, .on_datagram = on_datagram, .on_done = on_asked, .arg = asker};
    assert_int_equal(query_original_set(&original, question, sizeof question), ST_OK);
    query_mask_draw(&asker->mask, &original, &pool, &(struct query_style){.mix_case = true});
}

static struct upstream_channels *open_channels(struct loop *loop, size_t max)
{
    struct upstream_channels *channels = upstream_channels_new(loop, max, received);
    clock_fake(1000000, 0);
    loop_run_once(loop, false);
    assert_non_null(channels);
    return channels;
}

static void expect_told(struct loop *loop, struct fake *fake, struct asker *asker, enum status status)
{
    for (int i = 0; i < 1000 && !asker->done; i++) {
        if (fake)
            serve(fake);
        loop_run_once(loop, false);
        pass_time();
    }
    assert_true(asker->done);
    assert_int_equal(asker->status, status);
}

static void d13_one_channel_serves_query_after_query_each_from_another_port(void **state)
{
    struct fake fake;
    struct asker asker;
    unsigned same = 0;
    struct upstream_channels *channels = open_channels(*state, MOST);
    open_fake(&fake, answer_well);
    for (unsigned i = 0; i < MOST; i++) {
        asker_init(&asker);
        assert_int_equal(upstream_channels_send(channels, &fake.addr, &asker.query), ST_OK);
        assert_false(asker.done);
        expect_told(*state, &fake, &asker, ST_OK);
        assert_int_equal(asker.length, sizeof question + 16);
        assert_memory_equal(received, asker.mask.bytes, 2);
        same += i && fake.ports[i] == fake.ports[i - 1];
    }
    assert_int_equal(upstream_channels_made(channels), 1);
    assert_true(same < 3); /* once in 28,000 by chance */
    upstream_channels_free(channels);
    close_fake(&fake);
}

static void a_channel_may_ask_another_server_next(void **state)
{
    struct fake fakes[2];
    struct asker asker;
    struct upstream_channels *channels = open_channels(*state, 1);
    for (unsigned i = 0; i < 2; i++)
        open_fake(&fakes[i], answer_well);
    for (unsigned i = 0; i < 10; i++) {
        asker_init(&asker);
        assert_int_equal(upstream_channels_send(channels, &fakes[i % 2].addr, &asker.query), ST_OK);
        expect_told(*state, &fakes[i % 2], &asker, ST_OK);
    }
    assert_int_equal(fakes[0].seen, 5);
    assert_int_equal(fakes[1].seen, 5);
    upstream_channels_free(channels);
    for (unsigned i = 0; i < 2; i++)
        close_fake(&fakes[i]);
}

static void answer_thrice(struct fake *fake, uint8_t *query, size_t n)
{
    static uint8_t large[CHANNEL_DATAGRAM_MAX + 1];
    reply(fake, large, sizeof large);
    reply(fake, query, 0);
    answer_well(fake, query, n);
}

static void d12_what_does_not_end_a_query_leaves_it_waiting(void **state)
{
    struct fake fake;
    struct asker asker;
    struct upstream_channels *channels = open_channels(*state, 1);
    open_fake(&fake, answer_thrice);
    asker_init(&asker);
    asker.wanted = 3;
    assert_int_equal(upstream_channels_send(channels, &fake.addr, &asker.query), ST_OK);
    expect_told(*state, &fake, &asker, ST_OK);
    assert_int_equal(asker.datagrams, 3);
    assert_int_equal(asker.length, sizeof question + 16);

    asker_init(&asker);
    asker.wanted = 4;
    assert_int_equal(upstream_channels_send(channels, &fake.addr, &asker.query), ST_OK);
    for (int i = 0; i < 10; i++) {
        serve(&fake);
        loop_run_once(*state, false);
    }
    assert_int_equal(asker.datagrams, 3);
    assert_false(asker.done);
    upstream_channels_cancel(&asker.query);
    upstream_channels_free(channels);
    close_fake(&fake);
}

static void over_its_bound_there_is_none_until_one_is_cancelled(void **state)
{
    struct fake fake;
    static struct asker askers[4];
    struct upstream_channels *channels = open_channels(*state, 3);
    open_fake(&fake, answer_well);
    for (unsigned i = 0; i < 4; i++) {
        asker_init(&askers[i]);
        assert_int_equal(upstream_channels_send(channels, &fake.addr, &askers[i].query), i < 3 ? ST_OK : ST_NOMEM);
    }
    upstream_channels_cancel(&askers[3].query); /* nothing */
    upstream_channels_cancel(&askers[0].query);
    assert_int_equal(upstream_channels_send(channels, &fake.addr, &askers[3].query), ST_OK);
    for (unsigned i = 1; i < 4; i++)
        expect_told(*state, &fake, &askers[i], ST_OK);
    assert_false(askers[0].done);
    assert_int_equal(upstream_channels_made(channels), 3);
    upstream_channels_free(channels);
    close_fake(&fake);
}

static void what_was_not_needed_for_a_while_is_freed(void **state)
{
    struct fake fake;
    static struct asker askers[MOST];
    struct upstream_channels *channels = open_channels(*state, MOST);
    open_fake(&fake, answer_well);
    for (unsigned i = 0; i < MOST; i++) {
        asker_init(&askers[i]);
        assert_int_equal(upstream_channels_send(channels, &fake.addr, &askers[i].query), ST_OK);
    }
    for (unsigned i = 0; i < MOST; i++)
        expect_told(*state, &fake, &askers[i], ST_OK);
    clock_fake_advance(SHRINK_MS - 1000);
    loop_run_once(*state, false);
    assert_int_equal(upstream_channels_made(channels), MOST);
    for (unsigned i = 0; i < 3; i++) {
        clock_fake_advance(SHRINK_MS);
        loop_run_once(*state, false);
    }
    assert_int_equal(upstream_channels_made(channels), KEPT);
    asker_init(&askers[0]);
    assert_int_equal(upstream_channels_send(channels, &fake.addr, &askers[0].query), ST_OK);
    expect_told(*state, &fake, &askers[0], ST_OK);
    assert_int_equal(upstream_channels_made(channels), KEPT);
    upstream_channels_free(channels);
    close_fake(&fake);
}

static void a_query_goes_from_no_other_address_than_its_cookie_is_for(void **state)
{
    struct fake fake;
    struct asker asker;
    struct upstream_channels *channels = open_channels(*state, 1);
    open_fake(&fake, answer_well);
    for (unsigned i = 0; i < 3; i++) {
        asker_init(&asker);
        asker.query.from = addr_v4(i % 2 ? 0x7f000001 : 0x7f000009, 0);
        assert_int_equal(upstream_channels_send(channels, &fake.addr, &asker.query), ST_OK);
        assert_false(asker.done);
        expect_told(*state, &fake, &asker, i % 2 ? ST_OK : ST_UNAVAILABLE);
        assert_int_equal(asker.query.moved, i % 2 == 0);
    }
    assert_int_equal(fake.seen, 1);
    upstream_channels_free(channels);
    close_fake(&fake);
}

static void d20_that_nobody_listens_is_told_at_once(void **state)
{
    struct fake fake;
    struct asker asker;
    struct upstream_channels *channels = open_channels(*state, 1);
    open_fake(&fake, answer_well);
    close_fake(&fake);
    for (unsigned i = 0; i < 3; i++) {
        asker_init(&asker);
        assert_int_equal(upstream_channels_send(channels, &fake.addr, &asker.query), ST_OK);
        expect_told(*state, NULL, &asker, ST_UNAVAILABLE);
        assert_int_equal(asker.datagrams, 0);
        assert_false(asker.query.moved);
    }
    upstream_channels_free(channels);
}

static void without_descriptors_it_fails_and_works_again_once_there_are_some(void **state)
{
    struct fake fake;
    struct asker asker;
    struct rlimit limit, none;
    struct upstream_channels *channels = open_channels(*state, 1);
    open_fake(&fake, answer_well);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    for (unsigned i = 0; i < 2; i++) {
        asker_init(&asker);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, i ? &limit : &none), 0);
        assert_int_equal(upstream_channels_send(channels, &fake.addr, &asker.query), ST_OK);
        expect_told(*state, &fake, &asker, i ? ST_OK : ST_NOMEM);
    }
    upstream_channels_free(channels);
    close_fake(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(d13_one_channel_serves_query_after_query_each_from_another_port),
        LOOP_TEST(a_channel_may_ask_another_server_next),
        LOOP_TEST(d12_what_does_not_end_a_query_leaves_it_waiting),
        LOOP_TEST(over_its_bound_there_is_none_until_one_is_cancelled),
        LOOP_TEST(what_was_not_needed_for_a_while_is_freed),
        LOOP_TEST(a_query_goes_from_no_other_address_than_its_cookie_is_for),
        LOOP_TEST(d20_that_nobody_listens_is_told_at_once),
        LOOP_TEST(without_descriptors_it_fails_and_works_again_once_there_are_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
