/* The real policy over a source in memory: what a client may write must not lead round it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "reputation/source_writer.h"

static struct policy *policy;

static struct source *make_source(void)
{
    struct source_writer_settings settings = {.name = "feed", .format = "test", .category = CATEGORY_C2};
    struct source_writer *writer;
    struct source *source;
    struct fault fault = {0};
    struct indicator name = {.kind = INDICATOR_NAME}, url = {.kind = INDICATOR_URL}, net = {.kind = INDICATOR_NETWORK};
    assert_int_equal(source_writer_new(&settings, &writer), ST_OK);
    assert_int_equal(dname_from_text(STR("evil.example"), &name.name), ST_OK);
    url.url = STR("http://shared.example/bad/");
    assert_int_equal(network_parse(STR("127.0.0.66"), &net.network), ST_OK);
    assert_int_equal(source_writer_add(writer, &name), ST_OK);
    assert_int_equal(source_writer_add(writer, &url), ST_OK);
    assert_int_equal(source_writer_add(writer, &net), ST_OK);
    assert_int_equal(source_writer_finish_memory(writer, &source, &fault), ST_OK);
    source_writer_free(writer);
    return source;
}

/* A policy zone beside the feed, which blocks what has not passed it. */
static struct source *make_zone(void)
{
    static const struct {
        const char *text;
        enum record_trigger trigger;
        enum record_answer answer;
        uint8_t flags;
    } rules[] = {
        {"127.0.0.9", TRIGGER_CLIENT, RECORD_ANSWER_NXDOMAIN, 0},
        {"127.0.0.10", TRIGGER_CLIENT, RECORD_ANSWER_CONFIGURED, RECORD_ALLOW},
        {"127.0.0.11", TRIGGER_CLIENT, RECORD_ANSWER_TCP_ONLY, 0},
        {"walled.test", TRIGGER_SUBJECT, RECORD_ANSWER_DATA, 0},
        {"dropped.test", TRIGGER_SUBJECT, RECORD_ANSWER_DROP, 0},
        {"slow.test", TRIGGER_SUBJECT, RECORD_ANSWER_TCP_ONLY, 0},
        {"passed.test", TRIGGER_SUBJECT, RECORD_ANSWER_CONFIGURED, RECORD_ALLOW},
        {"ns.bad.test", TRIGGER_NS_NAME, RECORD_ANSWER_NXDOMAIN, 0},
        {"192.0.2.53", TRIGGER_NS_ADDRESS, RECORD_ANSWER_NXDOMAIN, 0},
    };
    struct source_writer_settings settings = {.name = "zone", .format = "test", .category = CATEGORY_C2};
    struct source_writer *writer;
    struct source *source;
    struct fault fault = {0};
    assert_int_equal(source_writer_new(&settings, &writer), ST_OK);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct indicator rule_entry = {
            .record = {.trigger = rules[i].trigger, .answer = rules[i].answer, .flags = rules[i].flags}};
        bool network = network_parse(str_of(rules[i].text), &rule_entry.network) == ST_OK;
        rule_entry.kind = network ? INDICATOR_NETWORK : INDICATOR_NAME;
        if (!network)
            assert_int_equal(dname_from_text(str_of(rules[i].text), &rule_entry.name), ST_OK);
        assert_int_equal(source_writer_add(writer, &rule_entry), ST_OK);
    }
    assert_int_equal(source_writer_finish_memory(writer, &source, &fault), ST_OK);
    source_writer_free(writer);
    return source;
}

static int set_up_policy(void **state)
{
    struct policy_settings settings = {
        .default_group = {.name = "default", .names = PART_BLOCK, .urls = PART_BLOCK, .addresses = PART_LOG},
        .sources = &(struct policy_source){.name = "zone", .given = true},
        .source_count = 1};
    struct store *store = store_new();
    settings.categories[CATEGORY_C2] = ACTION_BLOCK;
    assert_int_equal(store_add_own(store, make_source()), ST_OK);
    assert_int_equal(store_add_own(store, make_zone()), ST_OK);
    assert_int_equal(policy_new_own(&settings, store, &policy), ST_OK);
    set_up_closed(state);
    struct fixture *f = *state;
    assert_int_equal(policy_reader_new(policy, &f->judge.policy), ST_OK);
    fixture_open(f);
    return 0;
}

static int tear_down_policy(void **state)
{
    struct fixture *f = *state;
    policy_reader_free(f->judge.policy);
    policy_unref(policy);
    return tear_down(state);
}

static void h21_a_blocked_name_is_blocked_however_it_is_written(void **state)
{
    static const char *const requests[] = {
        "GET http://evil.example:%P/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "GET http://EVIL.Example:%P/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://evil.example.:%P/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://evil.example HTTP/1.1\r\nHost: good.example\r\n\r\n",
        "GET HTTP://a.b.evil.example:%P/x HTTP/1.1\r\nHost: x\r\n\r\n",
        "HEAD http://evil.example?q HTTP/1.0\r\n\r\n",
        "CONNECT evil.example:%P HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT Evil.Example.:443 HTTP/1.1\r\nHost: good.example:443\r\n\r\n",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct peer *client = ask(f, requests[i]);
        wait_for(f, client, "HTTP/1.1 403 ");
        assert_no_origin(f);
        assert_int_equal(recorded_count, i + 1);
        assert_string_equal(recorded[i].verdict.indicator, "evil.example");
        assert_string_equal(recorded[i].verdict.sources, "feed");
    }
    assert_int_equal(f->lookups, 0);
}

static void h21_a_host_that_hides_a_name_is_refused(void **state)
{
    static const char *const hosts[] = {
        "evil%2eexample", "evil.example%00",          "evil.example\\@good.example", "good.example@evil.example",
        "evil..example",  "evil.example,good.example"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct peer *client = new_client(f);
        say(f, client, "GET http://");
        say(f, client, hosts[i]);
        say(f, client, "/ HTTP/1.1\r\nHost: x\r\n\r\n");
        wait_for(f, client, "HTTP/1.1 400 ");
    }
    assert_no_origin(f);
    assert_int_equal(f->lookups, 0);
}

static void a_blocked_url_is_blocked_however_its_path_is_written(void **state)
{
    static const char *const paths[] = {"/bad/",      "/bad/x?y", "/bad//x",  "/./bad/x",
                                        "/a/../bad/", "/%62ad/",  "/%2562ad/"};
    struct fixture *f = *state;
    char request[256];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        text_copy(request, sizeof request, str_of("GET http://shared.example:"));
        strcat(request, with_port(f, "%P"));
        strncat(request, paths[i], 64);
        strncat(request, " HTTP/1.1\r\nHost: x\r\n\r\n", 64);
        struct peer *client = new_client(f);
        say(f, client, request);
        wait_for(f, client, "HTTP/1.1 403 ");
        assert_int_equal(recorded[i].match, MATCH_URL);
    }
    assert_no_origin(f);
    ask(f, "GET http://shared.example:%P/good HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, accept_origin(f), "GET /good ");
}

static void an_address_that_is_listed_is_recorded_and_reached(void **state)
{
    struct fixture *f = *state;
    struct addr addr = addr_v4(0x7f000042, f->origin_port);
    close(f->origin_fd);
    f->origin_fd = make_listener(&addr);
    f->lookup_addrs[0] = addr_v4(0x7f000042, 0);
    ask(f, "GET http://named.example:%P/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, accept_origin(f), "GET /1 ");
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].channel, CHANNEL_IP);
    assert_int_equal(recorded[0].match, MATCH_ORIGIN_IP);
    assert_int_equal(recorded[0].verdict.action, ACTION_LOG);
    ask(f, "GET http://127.0.0.66:%P/2 HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, accept_origin(f), "GET /2 ");
    assert_int_equal(recorded_count, 2); /* once, though the host and the address are both judged */
}

static void an_alias_of_a_name_below_a_blocked_one_is_blocked(void **state)
{
    struct fixture *f = *state;
    fixture_add_alias(f, "Tracker.EVIL.example");
    struct peer *client = ask(f, "GET http://cloaked.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, client, "HTTP/1.1 403 ");
    assert_no_origin(f);
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].match, MATCH_CNAME);
    assert_string_equal(recorded[0].verdict.indicator, "evil.example");
}

static struct peer *ask_from(struct fixture *f, uint32_t address, const char *host)
{
    char request[256];
    struct peer *client = new_client_from(f, address);
    snprintf(request, sizeof request, "GET http://%s:%u/ HTTP/1.1\r\nHost: x\r\n\r\n", host, f->origin_port);
    say(f, client, request);
    return client;
}

static void what_a_zone_blocks_in_dns_is_refused_whatever_its_answer_there(void **state)
{
    static const char *const hosts[] = {"walled.test", "dropped.test"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        wait_for(f, ask_from(f, 0x7f000001, hosts[i]), "HTTP/1.1 403 ");
        assert_int_equal(recorded[i].match, MATCH_HOST);
        assert_int_equal(recorded[i].verdict.action, ACTION_BLOCK);
    }
    assert_no_origin(f);
    ask_from(f, 0x7f000001, "slow.test"); /* for TCP only, as this is */
    wait_for(f, accept_origin(f), "GET / ");
    assert_int_equal(recorded_count, 3);
    assert_int_equal(recorded[2].verdict.action, ACTION_LOG);
}

static void a_zones_rules_for_clients_hold_in_the_proxy_too(void **state)
{
    struct fixture *f = *state;
    wait_for(f, ask_from(f, 0x7f000009, "good.test"), "HTTP/1.1 403 ");
    assert_no_origin(f);
    assert_int_equal(f->lookups, 0);
    assert_int_equal(recorded[0].match, MATCH_CLIENT_IP);
    assert_string_equal(recorded[0].verdict.indicator, "127.0.0.9");
    ask_from(f, 0x7f00000a, "dropped.test"); /* this client is passed by the zone */
    wait_for(f, accept_origin(f), "GET / ");
    assert_int_equal(recorded_count, 1);
    wait_for(f, ask_from(f, 0x7f00000a, "evil.example"), "HTTP/1.1 403 "); /* and by no other source */
    assert_string_equal(recorded[1].verdict.sources, "feed");
    ask_from(f, 0x7f00000b, "good.test");
    wait_for(f, accept_origin(f), "GET / ");
    assert_int_equal(recorded_count, 3);
    assert_int_equal(recorded[2].match, MATCH_CLIENT_IP);
    assert_int_equal(recorded[2].verdict.action, ACTION_LOG);
    wait_for(f, ask_from(f, 0x7f00000b, "evil.example"), "HTTP/1.1 403 ");
    assert_int_equal(recorded[3].match, MATCH_HOST);
}

static void name_servers_are_judged_by_name_and_address(void **state)
{
    struct fixture *f = *state;
    struct resolver_servers *servers = &f->lookup_servers;
    servers->name_count = servers->addr_count = 1;
    assert_int_equal(dname_from_text(STR("a.NS.bad.test"), &servers->names[0]), ST_OK);
    servers->addrs[0] = addr_v4(0xc0000236, 0);
    wait_for(f, ask_from(f, 0x7f000001, "good.test"), "HTTP/1.1 403 ");
    assert_int_equal(recorded[0].match, MATCH_NS_NAME);
    assert_string_equal(recorded[0].verdict.indicator, "ns.bad.test");
    ask_from(f, 0x7f000001, "passed.test");
    wait_for(f, accept_origin(f), "GET / ");
    assert_int_equal(dname_from_text(STR("ns.good.test"), &servers->names[0]), ST_OK);
    ask_from(f, 0x7f000001, "good.test");
    wait_for(f, accept_origin(f), "GET / ");
    servers->addrs[0] = addr_v4(0xc0000235, 0);
    wait_for(f, ask_from(f, 0x7f000001, "good.test"), "HTTP/1.1 403 ");
    assert_no_origin(f);
    assert_int_equal(recorded_count, 2);
    assert_int_equal(recorded[1].match, MATCH_NS_IP);
    assert_string_equal(recorded[1].verdict.indicator, "192.0.2.53");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(h21_a_blocked_name_is_blocked_however_it_is_written, set_up_policy,
                                        tear_down_policy),
        cmocka_unit_test_setup_teardown(h21_a_host_that_hides_a_name_is_refused, set_up_policy, tear_down_policy),
        cmocka_unit_test_setup_teardown(a_blocked_url_is_blocked_however_its_path_is_written, set_up_policy,
                                        tear_down_policy),
        cmocka_unit_test_setup_teardown(an_address_that_is_listed_is_recorded_and_reached, set_up_policy,
                                        tear_down_policy),
        cmocka_unit_test_setup_teardown(an_alias_of_a_name_below_a_blocked_one_is_blocked, set_up_policy,
                                        tear_down_policy),
        cmocka_unit_test_setup_teardown(what_a_zone_blocks_in_dns_is_refused_whatever_its_answer_there, set_up_policy,
                                        tear_down_policy),
        cmocka_unit_test_setup_teardown(a_zones_rules_for_clients_hold_in_the_proxy_too, set_up_policy,
                                        tear_down_policy),
        cmocka_unit_test_setup_teardown(name_servers_are_judged_by_name_and_address, set_up_policy, tear_down_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
