#include "upstream_fixture.h"

static void a_query_goes_out_masked_and_comes_back_as_it_was(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_well);
    open_client(*state, fakes, 1, 2, 4);
    for (int i = 0; i < 20; i++) {
        ask();
        wait_for_done(*state, fakes, 1);
        expect_answer();
    }
    assert_int_equal(fake.seen, 20);
    assert_in_range(fake.mixed, 10, 20); /* 7 in 8 expected */
    assert_int_equal(upstream_counters(client.upstream)->queries, 20);
    assert_int_equal(upstream_counters(client.upstream)->replies, 20);
    assert_int_equal(upstream_counters(client.upstream)->unwanted, 0);
    upstream_free(client.upstream);
    close_fake(&fake);
}

/* Servers that fail */

static void a_silent_server_is_left_for_the_next_and_then_alone(void **state)
{
    struct fake silent, good, *fakes[] = {&silent, &good};
    open_fake(&silent, answer_not);
    open_fake(&good, answer_well);
    open_client(*state, fakes, 2, 3, 4);
    for (int i = 0; i < 2; i++) {
        ask();
        int64_t took_ms = wait_for_done(*state, fakes, 2);
        expect_answer();
        assert_in_range(took_ms, TRY_MS - 2, 3 * TRY_MS);
    }
    for (int i = 0; i < 5; i++) {
        ask();
        assert_true(wait_for_done(*state, fakes, 2) < TRY_MS);
        expect_answer();
    }
    assert_int_equal(silent.seen, 2);
    upstream_free(client.upstream);
    close_fake(&silent);
    close_fake(&good);
}

static void a_server_that_came_back_is_asked_again(void **state)
{
    struct fake first, second, *fakes[] = {&first, &second};
    open_fake(&first, answer_not);
    open_fake(&second, answer_well);
    open_client(*state, fakes, 2, 3, 4);
    for (int i = 0; i < 3; i++) {
        ask();
        wait_for_done(*state, fakes, 2);
    }
    assert_int_equal(first.seen, 2);
    first.answer = answer_well;
    clock_fake_advance(1100);
    loop_run_once(*state, false);
    for (int i = 0; i < 3; i++) {
        ask();
        wait_for_done(*state, fakes, 2);
        expect_answer();
    }
    assert_int_equal(first.seen, 5);
    assert_int_equal(upstream_outlook(client.upstream).down_ms, 0); /* one was up all the time */
    assert_true(upstream_outlook(client.upstream).answered_ms > 0);
    upstream_free(client.upstream);
    close_fake(&first);
    close_fake(&second);
}

static void others_see_when_all_are_down_and_when_one_answers_again(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_not);
    open_client(*state, fakes, 1, 2, 4);
    ask();
    wait_for_done(*state, fakes, 1);
    int64_t down_ms = upstream_outlook(client.upstream).down_ms;
    assert_true(down_ms > 0);
    ask();
    wait_for_done(*state, fakes, 1);
    assert_int_equal(upstream_outlook(client.upstream).down_ms, down_ms); /* since when, not when last */
    fake.answer = answer_well;
    ask();
    wait_for_done(*state, fakes, 1);
    expect_answer();
    assert_int_equal(upstream_outlook(client.upstream).down_ms, 0);
    assert_true(upstream_outlook(client.upstream).answered_ms > down_ms);
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void a_refusing_server_is_left_at_once(void **state)
{
    struct fake dead, good, *fakes[] = {&dead, &good};
    open_fake(&dead, answer_not);
    close_fake(&dead);
    open_fake(&good, answer_well);
    open_client(*state, fakes, 2, 2, 4);
    ask();
    assert_true(wait_for_done(*state, fakes, 2) < TRY_MS / 2);
    expect_answer();
    upstream_free(client.upstream);
    close_fake(&good);
}

static void when_all_are_dead_it_fails_within_its_time(void **state)
{
    struct fake silent, dead, *fakes[] = {&silent, &dead};
    open_fake(&silent, answer_not);
    open_fake(&dead, answer_not);
    close_fake(&dead);
    open_client(*state, fakes, 2, 3, 4);
    ask();
    int64_t took_ms = wait_for_done(*state, fakes, 2);
    assert_int_equal(client.status, ST_TIMEOUT);
    assert_in_range(took_ms, 2 * TRY_MS - 4, 3 * TRY_MS);
    assert_int_equal(silent.seen, 2);
    upstream_free(client.upstream);

    open_client(*state, fakes + 1, 1, 3, 4);
    assert_int_equal(upstream_outlook(client.upstream).down_ms, 0);
    ask();
    assert_true(wait_for_done(*state, fakes, 1) < TRY_MS);
    assert_int_equal(client.status, ST_UNAVAILABLE);
    assert_int_equal(client.n, 0);
    assert_true(upstream_outlook(client.upstream).down_ms > 0);
    assert_int_equal(upstream_outlook(client.upstream).answered_ms, 0);
    upstream_free(client.upstream);
    close_fake(&silent);
}

static void a_server_that_cannot_even_be_sent_to_fails_from_the_loop(void **state)
{
    struct fake nowhere = {.addr = addr_v4(0xffffffff, 53), .udp = -1, .tcp = -1}, *fakes[] = {&nowhere};
    open_client(*state, fakes, 1, 3, 4);
    ask(); /* connect(2) refuses a broadcast address; nothing is sent */
    wait_for_done(*state, fakes, 0);
    assert_int_equal(client.status, ST_UNAVAILABLE);
    upstream_free(client.upstream);
}

/* Answers well so often that its time is known, and then not any more. */
static void answer_ten_times(struct fake *fake, uint8_t *query, size_t n)
{
    if (fake->step++ < 10)
        answer_well(fake, query, n);
}

static void d20_a_late_server_is_joined_by_the_next_before_its_time_is_over(void **state)
{
    struct fake first, second, *fakes[] = {&first, &second};
    open_fake(&first, answer_ten_times);
    open_fake(&second, answer_well);
    try_ms = 2500;
    open_client(*state, fakes, 2, 3, 4);
    try_ms = TRY_MS;
    for (int i = 0; i < 10; i++) {
        ask();
        wait_for_done(*state, fakes, 2);
    }
    assert_int_equal(second.seen, 0);
    ask();
    int64_t took_ms = wait_for_done(*state, fakes, 2);
    expect_answer();
    assert_in_range(took_ms, 198, 1500);
    assert_int_equal(second.seen, 1);
    upstream_free(client.upstream);
    close_fake(&first);
    close_fake(&second);
}

static void d20_an_answer_that_comes_after_another_try_has_begun_counts_all_the_same(void **state)
{
    struct fake slow, *fakes[] = {&slow};
    open_fake(&slow, hold_query);
    open_client(*state, fakes, 1, 3, 4);
    ask();
    while (slow.seen < 2) {
        serve(&slow);
        if (slow.seen == 1)
            slow.answer = answer_not;
        loop_run_once(*state, false);
        pass_time();
    }
    assert_false(client.done);
    answer_well(&slow, slow.held, slow.held_length); /* to the socket of the second: not its id */
    struct addr first = loopback(slow.ports[0]);
    slow.client_length = addr_to_sockaddr(&first, &slow.client);
    answer_well(&slow, slow.held, slow.held_length);
    wait_for_done(*state, fakes, 1);
    expect_answer();
    assert_int_equal(slow.seen, 2);
    assert_int_equal(upstream_counters(client.upstream)->unwanted, 1);
    upstream_free(client.upstream);
    close_fake(&slow);
}

/* Lets loop and servers take turns until FAKE was asked COUNT times. */
static void wait_for_seen(struct loop *loop, struct fake *const *fakes, size_t count, const struct fake *fake,
                          unsigned seen)
{
    for (int turns = 0; turns < 20000 && fake->seen < seen; turns++) {
        loop_run_once(loop, false);
        for (size_t i = 0; i < count; i++)
            serve(fakes[i]);
        pass_time();
    }
    assert_int_equal(fake->seen, seen);
}

static void let_pass(struct loop *loop, int64_t ms)
{
    clock_fake_advance(ms);
    loop_run_once(loop, false);
}

static void d23_the_only_server_is_asked_once_while_it_is_slow_and_again_when_its_time_is_over(void **state)
{
    struct fake slow, *fakes[] = {&slow};
    open_fake(&slow, hold_query);
    try_ms = 1500;
    open_client(*state, fakes, 1, 3, 4);
    try_ms = TRY_MS;
    ask();
    wait_for_seen(*state, fakes, 1, &slow, 1);
    for (int i = 0; i < 14; i++) {
        let_pass(*state, 100);
        serve(&slow);
    }
    assert_int_equal(slow.seen, 1);
    slow.answer = answer_well; /* the first may have been lost */
    wait_for_done(*state, fakes, 1);
    expect_answer();
    assert_int_equal(slow.seen, 2);
    upstream_free(client.upstream);
    close_fake(&slow);
}

static void d23_two_servers_that_are_slow_are_asked_once_each(void **state)
{
    struct fake first, second, *fakes[] = {&first, &second};
    open_fake(&first, hold_query);
    open_fake(&second, hold_query);
    try_ms = 1500;
    open_client(*state, fakes, 2, 4, 4);
    try_ms = TRY_MS;
    ask();
    wait_for_seen(*state, fakes, 2, &second, 1);
    for (int i = 0; i < 9; i++) {
        let_pass(*state, 100);
        serve(&first);
        serve(&second);
    }
    assert_int_equal(first.seen, 1);
    assert_int_equal(second.seen, 1);
    answer_well(&second, second.held, second.held_length);
    wait_for_done(*state, fakes, 2);
    expect_answer();
    upstream_free(client.upstream);
    close_fake(&first);
    close_fake(&second);
}

static void answer_servfail(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600];
    size_t length = make_answer(query, n, out, 0);
    out[3] |= DNS_RCODE_SERVFAIL;
    reply(fake, out, length);
}

static void a_servfail_counts_only_when_no_other_has_an_answer(void **state)
{
    struct fake first, second, *fakes[] = {&first, &second};
    open_fake(&first, answer_servfail);
    open_fake(&second, answer_well);
    open_client(*state, fakes, 2, 3, 4);
    ask();
    assert_true(wait_for_done(*state, fakes, 2) < TRY_MS);
    expect_answer();
    assert_int_equal(client.reply[3] & 15, DNS_RCODE_NOERROR);
    second.answer = answer_servfail;
    ask();
    assert_true(wait_for_done(*state, fakes, 2) < TRY_MS);
    expect_answer();
    assert_int_equal(client.reply[3] & 15, DNS_RCODE_SERVFAIL);
    assert_int_equal(first.seen, 2); /* nobody is asked twice */
    assert_int_equal(second.seen, 2);
    second.answer = answer_not;
    ask();
    wait_for_done(*state, fakes, 2);
    expect_answer();
    assert_int_equal(client.reply[3] & 15, DNS_RCODE_SERVFAIL);
    upstream_free(client.upstream);
    close_fake(&first);
    close_fake(&second);
}

static void in_a_race_the_first_good_answer_counts(void **state)
{
    struct fake silent, failing, good, *fakes[] = {&silent, &failing, &good};
    open_fake(&silent, answer_not);
    open_fake(&failing, answer_servfail);
    open_fake(&good, answer_well);
    mode = UPSTREAM_PARALLEL;
    open_client(*state, fakes, 3, 3, 4);
    mode = UPSTREAM_ORDERED;
    ask();
    assert_true(wait_for_done(*state, fakes, 3) < TRY_MS);
    expect_answer();
    assert_int_equal(client.reply[3] & 15, DNS_RCODE_NOERROR);
    assert_int_equal(silent.seen + failing.seen + good.seen, 3);
    upstream_free(client.upstream);
    close_fake(&silent);
    close_fake(&failing);
    close_fake(&good);
}

static void the_fastest_is_asked_once_the_times_are_known(void **state)
{
    struct fake slow, fast, *fakes[] = {&slow, &fast};
    open_fake(&slow, hold_query);
    open_fake(&fast, answer_well);
    mode = UPSTREAM_FASTEST;
    open_client(*state, fakes, 2, 3, 4);
    mode = UPSTREAM_ORDERED;
    for (int i = 0; i < 20; i++) {
        ask();
        wait_for_done(*state, fakes, 2);
        expect_answer();
        clock_fake_advance(5);
        if (slow.held_length)
            answer_well(&slow, slow.held, slow.held_length);
        slow.held_length = 0;
        loop_run_once(*state, false);
    }
    assert_int_equal(fast.seen, 20);
    assert_int_equal(slow.seen, 1);
    upstream_free(client.upstream);
    close_fake(&slow);
    close_fake(&fast);
}

/* Routes and sets */

static void names_go_to_the_servers_of_their_domain(void **state)
{
    struct fake all, lan, *fakes[] = {&all, &lan};
    open_fake(&all, answer_well);
    open_fake(&lan, answer_well);
    open_client(*state, fakes, 1, 2, 4);
    struct upstream_address servers[] = {upstream_address_plain(&all.addr), upstream_address_plain(&lan.addr)};
    struct upstream_route routes[] = {{.servers = &servers[0], .server_count = 1},
                                      {.servers = &servers[1], .server_count = 1}};
    struct upstream_set *set;
    assert_int_equal(dname_from_text(STR("."), &routes[0].domain), ST_OK);
    assert_int_equal(dname_from_text(STR("example.test"), &routes[1].domain), ST_OK);
    assert_int_equal(upstream_set_new(&(struct upstream_set_settings){.routes = routes, .route_count = 2}, &set, NULL),
                     ST_OK);
    ask();
    wait_for_done(*state, fakes, 2);
    assert_int_equal(all.seen, 1);
    assert_int_equal(upstream_use(client.upstream, set), ST_OK);
    upstream_set_unref(set);
    ask();
    wait_for_done(*state, fakes, 2);
    expect_answer();
    assert_int_equal(all.seen, 1);
    assert_int_equal(lan.seen, 1);
    upstream_free(client.upstream);
    close_fake(&all);
    close_fake(&lan);
}

static void what_is_under_way_survives_a_change_of_servers(void **state)
{
    struct fake before, after, *fakes[] = {&before, &after};
    struct upstream_set *set;
    open_fake(&before, hold_query);
    open_fake(&after, answer_well);
    open_client(*state, fakes, 1, 3, 4);
    use_servers(&set, fakes + 1, 1);
    ask();
    while (!before.seen)
        serve(&before);
    assert_int_equal(upstream_use(client.upstream, set), ST_OK);
    answer_well(&before, before.held, before.held_length);
    wait_for_done(*state, fakes, 2);
    expect_answer();
    assert_int_equal(after.seen, 0);
    ask();
    wait_for_done(*state, fakes, 2);
    expect_answer();
    assert_int_equal(before.seen, 1);
    assert_int_equal(after.seen, 1);
    upstream_set_unref(set);

    use_servers(&set, NULL, 0); /* the network is gone */
    after.answer = answer_not;
    ask();
    assert_int_equal(upstream_use(client.upstream, set), ST_OK);
    upstream_set_unref(set);
    wait_for_done(*state, fakes, 2);
    assert_int_equal(client.status, ST_TIMEOUT);
    assert_int_equal(upstream_query(client.upstream, question, sizeof question, on_done, &client), ST_UNAVAILABLE);
    upstream_free(client.upstream);
    close_fake(&before);
    close_fake(&after);
}

static void a_late_query_goes_on_at_the_new_servers(void **state)
{
    struct fake before, after, *fakes[] = {&before, &after};
    struct upstream_set *set;
    open_fake(&before, answer_not);
    open_fake(&after, answer_well);
    open_client(*state, fakes, 1, 3, 4);
    use_servers(&set, fakes + 1, 1);
    ask();
    while (!before.seen)
        serve(&before);
    assert_int_equal(upstream_use(client.upstream, set), ST_OK);
    upstream_set_unref(set);
    wait_for_done(*state, fakes, 2);
    expect_answer();
    assert_int_equal(after.seen, 1);
    upstream_free(client.upstream);
    close_fake(&before);
    close_fake(&after);
}

/* Callers */

static void a_cancelled_query_is_not_answered(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_well);
    open_client(*state, fakes, 1, 2, 1);
    ask();
    upstream_cancel(client.upstream, &client);
    for (int i = 0; i < 20; i++) {
        serve(&fake);
        loop_run_once(*state, false);
    }
    assert_int_equal(client.done_count, 0);
    ask(); /* its place is free again */
    wait_for_done(*state, fakes, 1);
    expect_answer();
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void over_its_bound_it_is_busy(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_well);
    open_client(*state, fakes, 1, 2, 3);
    for (int i = 0; i < 3; i++)
        ask();
    assert_int_equal(upstream_query(client.upstream, question, sizeof question, on_done, &client), ST_BUSY);
    while (client.done_count < 3)
        wait_for_done(*state, fakes, 1), client.done = client.done_count == 3;
    ask();
    wait_for_done(*state, fakes, 1);
    expect_answer();
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void freeing_it_answers_all_that_wait(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_not);
    open_client(*state, fakes, 1, 2, 3);
    ask();
    ask();
    upstream_free(client.upstream);
    assert_int_equal(client.done_count, 2);
    assert_int_equal(client.status, ST_CLOSED);
    close_fake(&fake);
}

static void the_answer_may_lead_to_another_query_or_to_the_end(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_well);
    open_client(*state, fakes, 1, 2, 1);
    client.ask_again = true;
    ask();
    wait_for_done(*state, fakes, 1);
    assert_int_equal(client.done_count, 2);
    expect_answer();
    client.free_upstream = true;
    ask();
    wait_for_done(*state, fakes, 1);
    assert_null(client.upstream);
    loop_run_once(*state, false);
    close_fake(&fake);
}

static void what_is_no_query_is_refused(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_well);
    open_client(*state, fakes, 1, 2, 1);
    assert_int_equal(upstream_query(client.upstream, question, 11, on_done, &client), ST_INVALID);
    assert_int_equal(upstream_query(client.upstream, question, sizeof question - 1, on_done, &client), ST_INVALID);
    uint8_t longer[sizeof question + 9] = {0};
    memcpy(longer, question, sizeof question);
    client.done = false;
    assert_int_equal(upstream_query(client.upstream, longer, sizeof longer, on_done, &client), ST_OK);
    wait_for_done(*state, fakes, 1);
    expect_answer();
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void without_servers_a_query_is_unavailable_at_once(void **state)
{
    open_client(*state, NULL, 0, 1, 4);
    assert_int_equal(upstream_query(client.upstream, question, sizeof question, on_done, &client), ST_UNAVAILABLE);
    assert_false(client.done);
    upstream_free(client.upstream);
}

/* Looking at servers without a query */

static struct dname held_name(const struct fake *fake)
{
    struct dns_message message;
    assert_int_equal(dns_query_parse(fake->held, fake->held_length, &message), ST_OK);
    return message.question.name;
}

static void servers_that_are_down_are_looked_at_though_nobody_asks(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_not);
    open_client(*state, fakes, 1, 2, 4);
    upstream_look(client.upstream, false); /* nothing to look at */
    ask();
    wait_for_done(*state, fakes, 1);
    assert_true(upstream_outlook(client.upstream).some_down);
    assert_int_equal(fake.seen, 2);
    upstream_look(client.upstream, false); /* not yet */
    let_pass(*state, 1000);
    upstream_look(client.upstream, false);
    upstream_look(client.upstream, false); /* the next after 2 s */
    wait_for_seen(*state, fakes, 1, &fake, 3);
    fake.answer = answer_well;
    let_pass(*state, 2000);
    upstream_look(client.upstream, false);
    wait_for_seen(*state, fakes, 1, &fake, 4);
    for (int turns = 0; turns < 20000 && upstream_outlook(client.upstream).some_down; turns++) {
        loop_run_once(*state, false);
        pass_time();
    }
    struct upstream_outlook outlook = upstream_outlook(client.upstream);
    assert_false(outlook.some_down);
    assert_true(!outlook.down_ms && outlook.answered_ms);
    let_pass(*state, 60000);
    upstream_look(client.upstream, false);
    wait_for_seen(*state, fakes, 1, &fake, 4);
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void all_servers_are_looked_at_by_a_name_that_nobody_else_knows(void **state)
{
    struct fake one, other, *fakes[] = {&one, &other};
    open_fake(&one, hold_query);
    open_fake(&other, hold_query);
    open_client(*state, fakes, 2, 2, 4);
    upstream_look(client.upstream, true);
    wait_for_seen(*state, fakes, 2, &one, 1);
    wait_for_seen(*state, fakes, 2, &other, 1);
    struct dname of_one = held_name(&one), of_other = held_name(&other);
    assert_true(upstream_loops_may_be(&of_one) && upstream_loops_may_be(&of_other));
    assert_false(dname_equal(&of_one, &of_other));
    upstream_free(client.upstream);
    close_fake(&one);
    close_fake(&other);
}

/* LOOP is a server that leads back: what it was asked has come in here. */
static void find_loop(struct loop *loop, struct fake *const *fakes, size_t count, struct fake *looped)
{
    looped->answer = hold_query;
    upstream_look(client.upstream, true);
    wait_for_seen(loop, fakes, count, looped, 1);
    struct dname name = held_name(looped);
    assert_true(upstream_is_own_probe(client.upstream, &name));
    answer_well(looped, looped->held, looped->held_length); /* our own answer, by way of others */
    for (int turns = 0; turns < 50; turns++) {
        loop_run_once(loop, false);
        pass_time();
    }
}

static void d24_a_server_that_leads_back_is_left_out(void **state)
{
    struct fake looped, good, *fakes[] = {&looped, &good};
    open_fake(&looped, answer_not);
    open_fake(&good, answer_well);
    open_client(*state, fakes, 2, 4, 4);
    find_loop(*state, fakes, 2, &looped);
    for (int i = 0; i < 3; i++) {
        ask();
        wait_for_done(*state, fakes, 2);
        expect_answer();
    }
    good.answer = answer_not; /* not even for want of others */
    ask();
    wait_for_done(*state, fakes, 2);
    assert_int_equal(client.status, ST_TIMEOUT);
    assert_int_equal(looped.seen, 1);
    upstream_free(client.upstream);
    close_fake(&looped);
    close_fake(&good);
}

static void d24_where_all_lead_back_a_query_fails_at_once_but_others_may_look_for_their_loop(void **state)
{
    struct fake looped, *fakes[] = {&looped};
    open_fake(&looped, answer_not);
    open_client(*state, fakes, 1, 2, 4);
    find_loop(*state, fakes, 1, &looped);
    assert_int_equal(upstream_query(client.upstream, question, sizeof question, on_done, &client), ST_LOOP);
    static const uint8_t probe[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\x1c"
                                   "0123456789abcdef0123456789ab\x0b"
                                   "ccward-loop\3lan\0\0\1\0";
    client.done = false;
    assert_int_equal(upstream_query(client.upstream, probe, sizeof probe, on_done, &client), ST_OK);
    looped.answer = answer_well;
    wait_for_done(*state, fakes, 1);
    assert_int_equal(client.status, ST_OK);
    assert_int_equal(looped.seen, 2);
    upstream_free(client.upstream);
    close_fake(&looped);
}

static void d24_what_is_under_way_when_the_loop_is_found_says_so(void **state)
{
    struct fake looped, *fakes[] = {&looped};
    open_fake(&looped, answer_not);
    open_client(*state, fakes, 1, 3, 4);
    ask();
    wait_for_seen(*state, fakes, 1, &looped, 1);
    looped.answer = hold_query;
    upstream_look(client.upstream, true);
    wait_for_seen(*state, fakes, 1, &looped, 2);
    struct dname name = held_name(&looped);
    assert_true(upstream_is_own_probe(client.upstream, &name));
    wait_for_done(*state, fakes, 1);
    assert_int_equal(client.status, ST_LOOP);
    assert_int_equal(looped.seen, 2);
    upstream_free(client.upstream);
    close_fake(&looped);
}

static void d24_a_server_that_leads_back_is_looked_at_again_and_asked_when_it_does_no_more(void **state)
{
    struct fake looped, *fakes[] = {&looped};
    open_fake(&looped, answer_not);
    open_client(*state, fakes, 1, 2, 4);
    find_loop(*state, fakes, 1, &looped);
    looped.answer = answer_well;
    upstream_look(client.upstream, false); /* not yet */
    let_pass(*state, 10000);
    upstream_look(client.upstream, false);
    wait_for_seen(*state, fakes, 1, &looped, 2);
    enum status status = ST_LOOP;
    for (int turns = 0; turns < 20000 && status == ST_LOOP; turns++) {
        loop_run_once(*state, false);
        pass_time();
        client.done = false;
        status = upstream_query(client.upstream, question, sizeof question, on_done, &client);
    }
    assert_int_equal(status, ST_OK);
    wait_for_done(*state, fakes, 1);
    expect_answer();
    upstream_free(client.upstream);
    close_fake(&looped);
}

static void d24_the_server_of_a_domain_is_asked_for_what_it_knows_though_it_leads_back_with_the_rest(void **state)
{
    struct fake world, router, *fakes[] = {&world, &router};
    open_fake(&world, answer_well);
    open_fake(&router, answer_not);
    open_client(*state, fakes, 1, 2, 4);
    struct upstream_address to_world = upstream_address_plain(&world.addr),
                            to_router = upstream_address_plain(&router.addr);
    struct upstream_route routes[2] = {{.servers = &to_router, .server_count = 1},
                                       {.servers = &to_world, .server_count = 1}};
    assert_int_equal(dname_from_text(STR("example.test"), &routes[0].domain), ST_OK);
    assert_int_equal(dname_from_text(STR("."), &routes[1].domain), ST_OK);
    struct upstream_set *set;
    struct upstream_set_settings settings = {.routes = routes, .route_count = 2};
    assert_int_equal(upstream_set_new(&settings, &set, NULL), ST_OK);
    assert_int_equal(upstream_use(client.upstream, set), ST_OK);
    find_loop(*state, fakes, 2, &router);
    struct dname name = held_name(&router), domain = routes[0].domain;
    assert_true(dname_is_within(&name, &domain));
    assert_int_equal(upstream_loops_count(set->loops), 1);
    router.answer = answer_well;
    ask(); /* www.example.test */
    wait_for_done(*state, fakes, 2);
    expect_answer();
    assert_int_equal(router.seen, 2);
    upstream_set_unref(set);
    upstream_free(client.upstream);
    close_fake(&world);
    close_fake(&router);
}

/* Five domains with 16 servers each that say nothing, and FAKE for all other names. */
static struct upstream_set *use_many_servers(const struct fake *fake)
{
    static struct upstream_address silent[5][UPSTREAM_MAX_SERVERS];
    struct upstream_address good = upstream_address_plain(&fake->addr);
    struct upstream_route routes[6] = {{.servers = &good, .server_count = 1}};
    assert_int_equal(dname_from_text(STR("."), &routes[0].domain), ST_OK);
    for (uint32_t i = 0; i < 5; i++) {
        char text[] = "a.example";
        text[0] = (char)('a' + i);
        for (uint32_t k = 0; k < UPSTREAM_MAX_SERVERS; k++) {
            struct addr addr = addr_v4(0x7f000100u + i * UPSTREAM_MAX_SERVERS + k, 9);
            silent[i][k] = upstream_address_plain(&addr);
        }
        routes[i + 1] = (struct upstream_route){.servers = silent[i], .server_count = UPSTREAM_MAX_SERVERS};
        assert_int_equal(dname_from_text(str_of(text), &routes[i + 1].domain), ST_OK);
    }
    struct upstream_set *set;
    struct upstream_set_settings settings = {.routes = routes, .route_count = 6};
    assert_int_equal(upstream_set_new(&settings, &set, NULL), ST_OK);
    assert_int_equal(upstream_use(client.upstream, set), ST_OK);
    return set;
}

static void of_more_servers_than_can_be_looked_at_at_once_the_default_ones_are_first_and_none_is_forgotten(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, hold_query);
    open_client(*state, fakes, 1, 2, 4);
    struct upstream_set *set = use_many_servers(&fake);
    int64_t now_ms = loop_now_ms(*state);
    upstream_look(client.upstream, true);
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < UPSTREAM_MAX_SERVERS; k++)
            assert_true(upstream_loops_is_due(set->loops, upstream_set_slot(i, k), now_ms + 1000));
    wait_for_seen(*state, fakes, 1, &fake, 1);
    struct dname name = held_name(&fake);
    assert_true(upstream_is_own_probe(client.upstream, &name));
    assert_true(upstream_loops_leads_back(set->loops, upstream_set_slot(5, 0)));
    upstream_set_unref(set);
    upstream_free(client.upstream);
    close_fake(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_query_goes_out_masked_and_comes_back_as_it_was),
        LOOP_TEST(without_servers_a_query_is_unavailable_at_once),
        LOOP_TEST(a_silent_server_is_left_for_the_next_and_then_alone),
        LOOP_TEST(a_server_that_came_back_is_asked_again),
        LOOP_TEST(others_see_when_all_are_down_and_when_one_answers_again),
        LOOP_TEST(a_refusing_server_is_left_at_once),
        LOOP_TEST(when_all_are_dead_it_fails_within_its_time),
        LOOP_TEST(a_server_that_cannot_even_be_sent_to_fails_from_the_loop),
        LOOP_TEST(d20_a_late_server_is_joined_by_the_next_before_its_time_is_over),
        LOOP_TEST(d20_an_answer_that_comes_after_another_try_has_begun_counts_all_the_same),
        LOOP_TEST(d23_the_only_server_is_asked_once_while_it_is_slow_and_again_when_its_time_is_over),
        LOOP_TEST(d23_two_servers_that_are_slow_are_asked_once_each),
        LOOP_TEST(a_servfail_counts_only_when_no_other_has_an_answer),
        LOOP_TEST(in_a_race_the_first_good_answer_counts),
        LOOP_TEST(the_fastest_is_asked_once_the_times_are_known),
        LOOP_TEST(names_go_to_the_servers_of_their_domain),
        LOOP_TEST(what_is_under_way_survives_a_change_of_servers),
        LOOP_TEST(a_late_query_goes_on_at_the_new_servers),
        LOOP_TEST(a_cancelled_query_is_not_answered),
        LOOP_TEST(over_its_bound_it_is_busy),
        LOOP_TEST(freeing_it_answers_all_that_wait),
        LOOP_TEST(the_answer_may_lead_to_another_query_or_to_the_end),
        LOOP_TEST(what_is_no_query_is_refused),
        LOOP_TEST(servers_that_are_down_are_looked_at_though_nobody_asks),
        LOOP_TEST(all_servers_are_looked_at_by_a_name_that_nobody_else_knows),
        LOOP_TEST(d24_a_server_that_leads_back_is_left_out),
        LOOP_TEST(d24_where_all_lead_back_a_query_fails_at_once_but_others_may_look_for_their_loop),
        LOOP_TEST(d24_what_is_under_way_when_the_loop_is_found_says_so),
        LOOP_TEST(d24_a_server_that_leads_back_is_looked_at_again_and_asked_when_it_does_no_more),
        LOOP_TEST(of_more_servers_than_can_be_looked_at_at_once_the_default_ones_are_first_and_none_is_forgotten),
        LOOP_TEST(d24_the_server_of_a_domain_is_asked_for_what_it_knows_though_it_leads_back_with_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
