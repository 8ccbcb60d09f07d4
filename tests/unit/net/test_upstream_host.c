#include "upstream_fixture.h"

#include "net/upstream_host.h"

/* Answers for dns.example: two IPv4 addresses and one IPv6 address, behind an alias, for 300 s. */
static void answer_addresses(struct fake *fake, uint8_t *query, size_t n)
{
    static const uint8_t v6[16] = {0x20, 1, 0x0d, 0xb8, [15] = 1};
    struct dns_message message;
    struct dname alias;
    uint8_t out[600];
    assert_int_equal(dns_query_parse(query, n, &message), ST_OK);
    assert_int_equal(dname_from_text(STR("edge.example"), &alias), ST_OK);
    struct dns_build build = dns_build_response(out, sizeof out, &message, 0);
    dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_CNAME, 3600, alias.wire, alias.length);
    if (message.question.type == DNS_TYPE_AAAA) {
        dns_build_record(&build, DNS_ANSWER, &alias, DNS_TYPE_AAAA, 300, v6, sizeof v6);
    } else {
        dns_build_record(&build, DNS_ANSWER, &alias, DNS_TYPE_A, 300, "\xc0\0\2\1", 4);
        dns_build_record(&build, DNS_ANSWER, &alias, DNS_TYPE_A, 300, "\xc0\0\2\2", 4);
        dns_build_record(&build, DNS_ANSWER, &alias, DNS_TYPE_A, 300, "\0\0\0\0", 4); /* no address of anybody */
    }
    reply(fake, out, dns_build_finish(&build));
}

static void answer_nothing(struct fake *fake, uint8_t *query, size_t n)
{
    struct dns_message message;
    uint8_t out[600];
    assert_int_equal(dns_query_parse(query, n, &message), ST_OK);
    struct dns_build build = dns_build_response(out, sizeof out, &message, DNS_RCODE_NXDOMAIN);
    reply(fake, out, dns_build_finish(&build));
}

struct asker {
    struct host_waiter waiter;
    unsigned told;
    bool known;
    struct upstream_host *free_host;
};

static void on_known(void *arg, bool known)
{
    struct asker *asker = arg;
    asker->told++;
    asker->known = known;
    if (asker->free_host)
        upstream_host_fini(asker->free_host);
}

static struct fake fake;
static struct upstream_hosts *hosts;
static struct upstream_host host;
static struct asker asker;

static void open_host(struct loop *loop, void (*answer)(struct fake *, uint8_t *, size_t))
{
    struct fake *fakes[] = {&fake};
    struct upstream_set *set;
    open_fake(&fake, answer);
    clock_fake(1000000, 0);
    loop_run_once(loop, false); /* takes the time */
    hosts = upstream_hosts_new(loop);
    assert_non_null(hosts);
    use_servers(&set, fakes, 1);
    assert_int_equal(upstream_hosts_use(hosts, set), ST_OK);
    upstream_set_unref(set);
    upstream_host_init(&host, hosts, "dns.example", 853);
    asker = (struct asker){.waiter = {.on_known = on_known, .arg = &asker}};
}

static void turn_until_told(struct loop *loop, unsigned told)
{
    for (int i = 0; i < 30000 && asker.told < told; i++) {
        loop_run_once(loop, false);
        serve(&fake);
        pass_time();
    }
    assert_int_equal(asker.told, told);
}

static void turns(struct loop *loop, int count)
{
    for (int i = 0; i < count; i++) {
        loop_run_once(loop, false);
        serve(&fake);
        pass_time();
    }
}

static void done(void)
{
    upstream_host_fini(&host);
    upstream_hosts_free(hosts);
    close_fake(&fake);
}

static void expect_addr(const char *text)
{
    char got[ADDR_TEXT_SIZE];
    addr_format(upstream_host_addr(&host), got);
    assert_string_equal(got, text);
}

static void both_families_are_asked_and_take_turns(void **state)
{
    open_host(*state, answer_addresses);
    assert_false(upstream_host_ready(&host, &asker.waiter));
    assert_int_equal(asker.told, 0);
    turn_until_told(*state, 1);
    assert_true(asker.known);
    assert_int_equal(fake.seen, 2);
    assert_int_equal(host.count, 3);
    expect_addr("[2001:db8::1]:853");
    assert_true(upstream_host_missed(&host));
    expect_addr("192.0.2.1:853");
    assert_true(upstream_host_missed(&host));
    expect_addr("192.0.2.2:853");
    assert_false(upstream_host_missed(&host)); /* all were tried */
    expect_addr("[2001:db8::1]:853");
    assert_true(upstream_host_missed(&host));
    upstream_host_reached(&host);
    assert_true(upstream_host_missed(&host));
    assert_true(upstream_host_missed(&host));
    assert_true(upstream_host_ready(&host, &asker.waiter));
    done();
}

static void addresses_are_asked_again_after_their_time_and_used_meanwhile(void **state)
{
    open_host(*state, answer_addresses);
    assert_false(upstream_host_ready(&host, &asker.waiter));
    turn_until_told(*state, 1);
    upstream_host_missed(&host);
    clock_fake_advance(298000);
    loop_run_once(*state, false);
    assert_true(upstream_host_ready(&host, &asker.waiter));
    turns(*state, 20);
    assert_int_equal(fake.seen, 2);
    clock_fake_advance(2000);
    loop_run_once(*state, false);
    assert_true(upstream_host_ready(&host, &asker.waiter));
    assert_true(upstream_host_ready(&host, &asker.waiter));
    turns(*state, 50);
    assert_int_equal(fake.seen, 4);
    expect_addr("192.0.2.1:853"); /* the same addresses: what works stays in use */
    fake.answer = answer_not;
    clock_fake_advance(301000);
    loop_run_once(*state, false);
    assert_true(upstream_host_ready(&host, &asker.waiter));
    assert_int_equal(asker.told, 1);
    done();
}

static void where_nothing_is_found_it_is_told_and_not_asked_at_once_again(void **state)
{
    open_host(*state, answer_nothing);
    for (unsigned i = 1; i <= 3; i++) {
        assert_false(upstream_host_ready(&host, &asker.waiter));
        turn_until_told(*state, i);
        assert_false(asker.known);
    }
    assert_int_equal(fake.seen, 2);
    clock_fake_advance(2000);
    loop_run_once(*state, false);
    fake.answer = answer_addresses;
    assert_false(upstream_host_ready(&host, &asker.waiter));
    turn_until_told(*state, 4);
    assert_true(asker.known);
    done();
}

static void many_wait_for_one_look_up_and_may_leave(void **state)
{
    struct asker others[3];
    open_host(*state, answer_addresses);
    assert_false(upstream_host_ready(&host, &asker.waiter));
    for (size_t i = 0; i < 3; i++) {
        others[i] = (struct asker){.waiter = {.on_known = on_known, .arg = &others[i]}};
        assert_false(upstream_host_ready(&host, &others[i].waiter));
    }
    upstream_host_leave(&others[1].waiter);
    upstream_host_leave(&others[1].waiter);
    turn_until_told(*state, 1);
    assert_int_equal(others[0].told + others[2].told, 2);
    assert_int_equal(others[1].told, 0);
    assert_int_equal(fake.seen, 2);
    done();
}

static void without_servers_to_ask_nothing_is_known(void **state)
{
    open_host(*state, answer_addresses);
    upstream_hosts_free(hosts);
    hosts = upstream_hosts_new(*state);
    upstream_host_init(&host, hosts, "dns.example", 853);
    assert_int_equal(upstream_hosts_use(hosts, NULL), ST_OK);
    assert_false(upstream_host_ready(&host, &asker.waiter));
    assert_int_equal(asker.told, 0);
    turn_until_told(*state, 1);
    assert_false(asker.known);
    done();
}

static void it_may_be_freed_while_it_is_looked_up_and_when_it_is_told(void **state)
{
    open_host(*state, answer_addresses);
    assert_false(upstream_host_ready(&host, &asker.waiter));
    upstream_host_leave(&asker.waiter);
    done();
    open_host(*state, answer_addresses);
    asker.free_host = &host;
    assert_false(upstream_host_ready(&host, &asker.waiter));
    turn_until_told(*state, 1);
    upstream_hosts_free(hosts);
    close_fake(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(both_families_are_asked_and_take_turns),
        LOOP_TEST(addresses_are_asked_again_after_their_time_and_used_meanwhile),
        LOOP_TEST(where_nothing_is_found_it_is_told_and_not_asked_at_once_again),
        LOOP_TEST(many_wait_for_one_look_up_and_may_leave),
        LOOP_TEST(without_servers_to_ask_nothing_is_known),
        LOOP_TEST(it_may_be_freed_while_it_is_looked_up_and_when_it_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
