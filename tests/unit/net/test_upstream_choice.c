/* Choices, replayed with simulated servers and time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/upstream_choice.h"

enum { SERVERS = 3 };

struct world {
    struct upstream_server servers[SERVERS], *list[SERVERS];
    struct upstream_candidates candidates;
};

static void set_up(struct world *world)
{
    for (size_t i = 0; i < SERVERS; i++) {
        struct addr addr = addr_v4(0xc0000201 + (uint32_t)i, 53);
        struct upstream_address address = upstream_address_plain(&addr);
        upstream_server_init(&world->servers[i], &address, NULL);
        world->list[i] = &world->servers[i];
    }
    world->candidates = (struct upstream_candidates){world->list, SERVERS};
}

static void put_down(struct upstream_server *server, int64_t now_ms)
{
    upstream_server_failed(server, now_ms);
    upstream_server_failed(server, now_ms);
}

static void in_order_the_first_that_is_up_is_asked(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    upstream_server_answered(&world.servers[0], 900);
    upstream_server_answered(&world.servers[1], 1);
    assert_int_equal(upstream_choose(&world.candidates, UPSTREAM_ORDERED, 0), 0);
    assert_int_equal(upstream_choose(&world.candidates, UPSTREAM_ORDERED, 1), 1);
    assert_int_equal(upstream_choose(&world.candidates, UPSTREAM_ORDERED, 1 | 2), 2);
    put_down(&world.servers[0], 0);
    assert_int_equal(upstream_choose(&world.candidates, UPSTREAM_ORDERED, 0), 1);
    assert_int_equal(upstream_choose(&world.candidates, UPSTREAM_ORDERED, 2 | 4), 0); /* better than nobody */
    put_down(&world.servers[1], 0);
    put_down(&world.servers[2], 0);
    assert_int_equal(upstream_choose(&world.candidates, UPSTREAM_ORDERED, 0), 0);
}

static void the_fastest_that_is_up_is_asked(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    assert_int_equal(upstream_choose(&world.candidates, UPSTREAM_FASTEST, 0), 0);
    upstream_server_answered(&world.servers[2], 20);
    assert_int_equal(upstream_choose(&world.candidates, UPSTREAM_FASTEST, 0), 2); /* a known time before unknown ones */
    upstream_server_answered(&world.servers[1], 10);
    upstream_server_answered(&world.servers[0], 30);
    assert_int_equal(upstream_choose(&world.candidates, UPSTREAM_FASTEST, 0), 1);
    assert_int_equal(upstream_choose(&world.candidates, UPSTREAM_FASTEST, 2), 2);
    put_down(&world.servers[1], 0);
    assert_int_equal(upstream_choose(&world.candidates, UPSTREAM_FASTEST, 0), 2);
}

static void d20_a_server_that_is_down_is_looked_at_beside_the_others(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    assert_int_equal(upstream_choose_probe(&world.candidates, UPSTREAM_ORDERED, 32, 5000), SERVERS);
    put_down(&world.servers[1], 5000);
    assert_int_equal(upstream_choose_probe(&world.candidates, UPSTREAM_ORDERED, 32, 5999), SERVERS);
    assert_int_equal(upstream_choose_probe(&world.candidates, UPSTREAM_ORDERED, 32, 6000), 1);
    assert_int_equal(upstream_choose_probe(&world.candidates, UPSTREAM_ORDERED, 32, 6001), SERVERS);
}

/* Plays QUERIES, one each 10 ms, to servers that take RTT_MS each; counts who was asked for the client's sake. */
static void play(struct world *world, const int64_t rtt_ms[SERVERS], unsigned queries, int64_t *now_ms,
                 unsigned chosen[SERVERS], unsigned *probes)
{
    for (size_t i = 0; i < SERVERS; i++)
        chosen[i] = 0;
    *probes = 0;
    for (unsigned query = 1; query <= queries; query++, *now_ms += 10) {
        size_t index = upstream_choose(&world->candidates, UPSTREAM_FASTEST, 0);
        size_t probe = upstream_choose_probe(&world->candidates, UPSTREAM_FASTEST, query, *now_ms);
        chosen[index]++;
        world->servers[index].asked_ms = *now_ms;
        upstream_server_answered(&world->servers[index], rtt_ms[index]);
        if (probe == SERVERS || probe == index)
            continue;
        ++*probes;
        world->servers[probe].asked_ms = *now_ms;
        upstream_server_answered(&world->servers[probe], rtt_ms[probe]);
    }
}

static void the_fastest_is_found_and_followed_when_speeds_change(void **state)
{
    (void)state;
    struct world world;
    unsigned chosen[SERVERS], probes;
    int64_t now_ms = 1000;
    set_up(&world);
    play(&world, (int64_t[]){30, 8, 12}, 1000, &now_ms, chosen, &probes);
    assert_true(chosen[1] > 980);
    assert_in_range(probes, 20, 40);
    play(&world, (int64_t[]){30, 80, 12}, 1000, &now_ms, chosen, &probes);
    assert_true(chosen[2] > 980);
    play(&world, (int64_t[]){3, 80, 12}, 4000, &now_ms, chosen, &probes); /* learned by asking it now and then */
    assert_true(chosen[0] > 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order_the_first_that_is_up_is_asked),
        cmocka_unit_test(the_fastest_that_is_up_is_asked),
        cmocka_unit_test(d20_a_server_that_is_down_is_looked_at_beside_the_others),
        cmocka_unit_test(the_fastest_is_found_and_followed_when_speeds_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
