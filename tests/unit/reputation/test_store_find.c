#include "fixture.h"

/* A store with one source, and a reader of it. */
struct bench {
    struct store *store;
    struct store_reader *reader;
    struct store_hit hits[STORE_MAX_HITS];
};

static void open_bench_own(struct bench *bench, struct source_writer *writer)
{
    bench->store = store_new();
    assert_non_null(bench->store);
    add_source_own(bench->store, writer);
    bench->reader = new_reader(bench->store);
}

static void close_bench(struct bench *bench)
{
    store_reader_free(bench->reader);
    store_free(bench->store);
}

static void a_name_covers_itself_and_what_is_below(void **state)
{
    (void)state;
    struct bench b;
    struct source_writer *writer = new_writer("names");
    add_name(writer, "evil.example", plain_record);
    open_bench_own(&b, writer);
    assert_int_equal(find_name(b.reader, "evil.example", b.hits), 1);
    assert_int_equal(b.hits[0].labels, 2);
    assert_int_equal(b.hits[0].record.category, CATEGORY_MALWARE);
    assert_int_equal(find_name(b.reader, "a.b.c.evil.example", b.hits), 1);
    assert_int_equal(b.hits[0].specificity, 2);
    assert_int_equal(find_name(b.reader, "example", b.hits), 0);
    assert_int_equal(find_name(b.reader, "notevil.example", b.hits), 0);
    assert_int_equal(find_name(b.reader, "evil.example.org", b.hits), 0);
    close_bench(&b);
}

static void the_most_specific_name_comes_first(void **state)
{
    (void)state;
    struct bench b;
    struct source_writer *writer = new_writer("names");
    add_name(writer, "example", plain_record);
    add_name(writer, "a.b.c.evil.example", plain_record);
    add_name(writer, "evil.example", plain_record);
    open_bench_own(&b, writer);
    assert_int_equal(find_name(b.reader, "x.a.b.c.evil.example", b.hits), 3);
    assert_int_equal(b.hits[0].labels, 5);
    assert_int_equal(b.hits[1].labels, 2);
    assert_int_equal(b.hits[2].labels, 1);
    assert_int_equal(find_name(b.reader, "b.c.evil.example", b.hits), 2);
    close_bench(&b);
}

static void an_exact_name_does_not_cover_what_is_below(void **state)
{
    (void)state;
    struct bench b;
    struct source_writer *writer = new_writer("names");
    struct record exact = plain_record, below = plain_record;
    exact.flags = RECORD_EXACT;
    below.flags = RECORD_BELOW_ONLY;
    add_name(writer, "exact.example", exact);
    add_name(writer, "below.example", below);
    open_bench_own(&b, writer);
    assert_int_equal(find_name(b.reader, "exact.example", b.hits), 1);
    assert_int_equal(find_name(b.reader, "www.exact.example", b.hits), 0);
    assert_int_equal(find_name(b.reader, "below.example", b.hits), 0);
    assert_int_equal(find_name(b.reader, "www.below.example", b.hits), 1);
    close_bench(&b);
}

static void expired_records_are_left_out(void **state)
{
    (void)state;
    struct bench b;
    struct source_writer *writer = new_writer("names");
    struct record record = plain_record;
    record.expires = 1000; /* the fixture's now */
    add_name(writer, "old.example", record);
    record.expires = 1001;
    add_name(writer, "old.example", record);
    open_bench_own(&b, writer);
    assert_int_equal(find_name(b.reader, "old.example", b.hits), 1);
    assert_int_equal(b.hits[0].record.expires, 1001);
    close_bench(&b);
}

static void every_record_of_a_key_is_found_and_equal_ones_once(void **state)
{
    (void)state;
    struct bench b;
    struct source_writer *writer = new_writer("names");
    struct record record = plain_record;
    add_name(writer, "evil.example", record);
    add_name(writer, "evil.example", record);
    record.family = STR("Emotet");
    record.reference = STR("https://reference.example/1");
    record.confidence = 75;
    record.first_seen = 5;
    record.last_seen = 6;
    add_name(writer, "evil.example", record);
    open_bench_own(&b, writer);
    assert_int_equal(find_name(b.reader, "evil.example", b.hits), 2);
    const struct record *with_family = &b.hits[b.hits[0].record.family.length ? 0 : 1].record;
    assert_true(str_eq(with_family->family, STR("Emotet")));
    assert_true(str_eq(with_family->reference, STR("https://reference.example/1")));
    assert_int_equal(with_family->confidence, 75);
    assert_int_equal(with_family->first_seen, 5);
    assert_int_equal(with_family->last_seen, 6);
    close_bench(&b);
}

static void every_source_is_asked(void **state)
{
    (void)state;
    struct bench b = {.store = store_new()};
    char name[32];
    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "source-%u", i);
        struct source_writer *writer = new_writer(name);
        if (i % 2)
            add_name(writer, "evil.example", plain_record);
        else
            add_name(writer, "other.example", plain_record);
        add_source_own(b.store, writer);
    }
    b.reader = new_reader(b.store);
    assert_int_equal(find_name(b.reader, "www.evil.example", b.hits), 20);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(b.hits[i].source, 2 * i + 1);
    close_bench(&b);
}

static void no_more_hits_are_given_than_there_is_room_for(void **state)
{
    (void)state;
    struct bench b;
    struct source_writer *writer = new_writer("names");
    struct record record = plain_record;
    for (uint8_t i = 1; i <= 100; i++) {
        record.confidence = i;
        add_name(writer, "evil.example", record);
    }
    add_name(writer, "www.evil.example", plain_record);
    open_bench_own(&b, writer);
    assert_int_equal(find_name(b.reader, "www.evil.example", b.hits), STORE_MAX_HITS);
    assert_int_equal(b.hits[0].labels, 3); /* found last, and most specific */
    struct dname name = name_of("www.evil.example");
    assert_int_equal(store_find_name(b.reader, &name, 0, b.hits, 1), 1);
    assert_int_equal(b.hits[0].labels, 3);
    assert_int_equal(store_find_name(b.reader, &name, 0, b.hits, 0), 0);
    close_bench(&b);
}

static void the_longest_names_have_keys(void **state)
{
    (void)state;
    struct bench b;
    struct source_writer *writer = new_writer("names");
    char longest[254], deepest[254];
    for (unsigned i = 0; i < 253; i++) {
        longest[i] = i % 64 == 63 ? '.' : 'a';
        deepest[i] = i % 2 ? '.' : 'b';
    }
    longest[253] = deepest[253] = '\0';
    add_name(writer, longest, plain_record);
    add_name(writer, deepest, plain_record);
    open_bench_own(&b, writer);
    assert_int_equal(find_name(b.reader, longest, b.hits), 1);
    assert_int_equal(b.hits[0].labels, 4);
    assert_int_equal(find_name(b.reader, deepest, b.hits), 1);
    assert_int_equal(b.hits[0].labels, 127);
    assert_int_equal(find_name(b.reader, deepest + 2, b.hits), 0);
    close_bench(&b);
}

static void the_root_is_no_indicator(void **state)
{
    (void)state;
    struct source_writer *writer = new_writer("names");
    struct indicator indicator = {.kind = INDICATOR_NAME, .record = plain_record};
    assert_int_equal(dname_from_text(STR("."), &indicator.name), ST_OK);
    assert_int_equal(source_writer_add(writer, &indicator), ST_INVALID);
    struct bench b;
    open_bench_own(&b, writer);
    assert_int_equal(store_find_name(b.reader, &indicator.name, 0, b.hits, 1), 0);
    assert_int_equal(find_name(b.reader, "anything.example", b.hits), 0);
    close_bench(&b);
}

static void a_url_prefix_covers_what_lies_under_it(void **state)
{
    (void)state;
    struct bench b;
    struct source_writer *writer = new_writer("urls");
    add_url(writer, "http://evil.example/a/", plain_record);
    add_url(writer, "http://php.example/a/x.php", plain_record);
    add_url(writer, "http://query.example/a/x.php?id=1", plain_record);
    open_bench_own(&b, writer);
    assert_int_equal(find_url(b.reader, "https://evil.example/a/b?c", b.hits), 1);
    assert_int_equal(b.hits[0].path_length, 3);
    assert_int_equal(find_url(b.reader, "http://www.sub.evil.example/a/", b.hits), 1);
    assert_int_equal(b.hits[0].host_skip, 2);
    assert_int_equal(find_url(b.reader, "http://evil.example/a", b.hits), 0);
    assert_int_equal(find_url(b.reader, "http://evil.example/", b.hits), 0);
    assert_int_equal(find_url(b.reader, "http://php.example/a/x.php?any", b.hits), 1);
    assert_int_equal(find_url(b.reader, "http://php.example/a/x.php/more", b.hits), 0);
    assert_int_equal(find_url(b.reader, "http://query.example/a/x.php?id=1", b.hits), 1);
    assert_int_equal(find_url(b.reader, "http://query.example/a/x.php?id=2", b.hits), 0);
    assert_int_equal(find_url(b.reader, "http://query.example/a/x.php", b.hits), 0);
    close_bench(&b);
}

static void a_url_entry_says_nothing_of_its_host(void **state)
{
    (void)state;
    struct bench b;
    struct source_writer *writer = new_writer("urls");
    add_url(writer, "http://shared.example/bad", plain_record);
    open_bench_own(&b, writer);
    assert_int_equal(find_name(b.reader, "shared.example", b.hits), 0);
    close_bench(&b);
}

static void a_port_of_its_own_is_kept_beside_the_key(void **state)
{
    (void)state;
    struct bench b;
    struct source_writer *writer = new_writer("ports");
    struct record record = plain_record;
    add_url(writer, "http://evil.example:8080/a", plain_record);
    add_url(writer, "http://any.example:80/a", plain_record);
    record.port = 4443;
    add_network(writer, "192.0.2.1", record);
    add_name(writer, "port.example", record);
    open_bench_own(&b, writer);
    assert_int_equal(find_url(b.reader, "http://evil.example:8080/a", b.hits), 1);
    assert_int_equal(b.hits[0].record.port, 8080);
    assert_int_equal(find_url(b.reader, "http://evil.example/a", b.hits), 0);
    assert_int_equal(find_url(b.reader, "https://any.example:9999/a", b.hits), 1);
    assert_int_equal(find_addr(b.reader, "192.0.2.1", 4443, b.hits), 1);
    assert_int_equal(find_addr(b.reader, "192.0.2.1", 80, b.hits), 0);
    assert_int_equal(find_addr(b.reader, "192.0.2.1", 0, b.hits), 0);
    assert_int_equal(find_name(b.reader, "port.example", b.hits), 0);
    close_bench(&b);
}

static void urls_with_long_paths_are_told_apart(void **state)
{
    (void)state;
    struct bench b;
    struct source_writer *writer = new_writer("urls");
    char url[2048] = "http://evil.example/", other[2048];
    memset(url + strlen(url), 'a', 1500);
    text_copy(other, sizeof other, str_of(url));
    other[strlen(other) - 1] = 'b';
    add_url(writer, url, plain_record);
    open_bench_own(&b, writer);
    assert_int_equal(find_url(b.reader, url, b.hits), 1);
    assert_int_equal(find_url(b.reader, other, b.hits), 0);
    url[strlen(url) - 1] = '\0';
    assert_int_equal(find_url(b.reader, url, b.hits), 0);
    close_bench(&b);
}

static void an_address_host_is_found_in_any_spelling(void **state)
{
    (void)state;
    struct bench b;
    struct source_writer *writer = new_writer("urls");
    add_url(writer, "http://195.127.0.11/bin.sh", plain_record);
    add_url(writer, "http://[2001:db8::1]/bin.sh", plain_record);
    open_bench_own(&b, writer);
    assert_int_equal(find_url(b.reader, "http://3279880203/bin.sh", b.hits), 1);
    assert_int_equal(find_url(b.reader, "http://[::ffff:195.127.0.11]/bin.sh", b.hits), 1);
    assert_int_equal(find_url(b.reader, "http://[2001:DB8:0::1]/bin.sh", b.hits), 1);
    assert_int_equal(find_url(b.reader, "http://127.0.11/bin.sh", b.hits), 0);
    close_bench(&b);
}

static void the_longest_network_comes_first(void **state)
{
    (void)state;
    struct bench b;
    struct source_writer *writer = new_writer("nets");
    add_network(writer, "192.0.2.0/24", plain_record);
    add_network(writer, "192.0.2.128/25", plain_record);
    add_network(writer, "192.0.2.200", plain_record);
    add_network(writer, "2001:db8::/32", plain_record);
    add_network(writer, "::/0", plain_record);
    open_bench_own(&b, writer);
    assert_int_equal(find_addr(b.reader, "192.0.2.200", 0, b.hits), 3);
    assert_int_equal(b.hits[0].prefix, 128);
    assert_int_equal(b.hits[1].prefix, 96 + 25);
    assert_int_equal(b.hits[2].prefix, 96 + 24);
    assert_int_equal(find_addr(b.reader, "192.0.2.1", 0, b.hits), 1);
    assert_int_equal(find_addr(b.reader, "192.0.3.1", 0, b.hits), 0);
    assert_int_equal(find_addr(b.reader, "::ffff:192.0.2.200", 0, b.hits), 3);
    assert_int_equal(find_addr(b.reader, "2001:db8:1::", 0, b.hits), 2);
    close_bench(&b);
}

static void an_ipv4_address_is_found_inside_an_ipv6_one(void **state)
{
    (void)state;
    struct bench b;
    char text[STORE_KEY_TEXT_SIZE];
    struct addr addr;
    struct source_writer *writer = new_writer("nets");
    add_network(writer, "192.0.2.0/24", plain_record);
    open_bench_own(&b, writer);
    assert_int_equal(find_addr(b.reader, "64:ff9b::c000:201", 0, b.hits), 1);
    assert_true(b.hits[0].embedded_v4);
    assert_int_equal(addr_parse_ip(STR("64:ff9b::c000:201"), &addr), ST_OK);
    store_hit_text(&b.hits[0], NULL, NULL, &addr, text, sizeof text);
    assert_string_equal(text, "192.0.2.0/24");
    assert_int_equal(find_addr(b.reader, "2002:c000:201::1", 0, b.hits), 1);
    assert_int_equal(find_addr(b.reader, "64:ff9b::c000:301", 0, b.hits), 0);
    assert_int_equal(find_addr(b.reader, "64:ff9b:1::c000:201", 0, b.hits), 1);
    assert_int_equal(find_addr(b.reader, "64:ff9b:2::c000:201", 0, b.hits), 0);
    assert_int_equal(find_addr(b.reader, "64:ff9b:1:c000:2:100::", 0, b.hits), 1); /* the last that may be meant */
    assert_int_equal(addr_parse_ip(STR("64:ff9b:1:c000:2:100::"), &addr), ST_OK);
    store_hit_text(&b.hits[0], NULL, NULL, &addr, text, sizeof text);
    assert_string_equal(text, "192.0.2.0/24");
    close_bench(&b);
}

static void ipv6_and_embedded_networks_are_ordered_by_length_together(void **state)
{
    (void)state;
    struct bench b;
    struct source_writer *writer = new_writer("nets");
    add_network(writer, "64:ff9b::/96", plain_record);
    add_network(writer, "192.0.2.0/24", plain_record);
    add_network(writer, "192.0.2.1", plain_record);
    add_network(writer, "64:ff9b::c000:201", plain_record);
    open_bench_own(&b, writer);
    assert_int_equal(find_addr(b.reader, "64:ff9b::c000:201", 0, b.hits), 4);
    assert_int_equal(b.hits[0].prefix, 128);
    assert_int_equal(b.hits[1].prefix, 128);
    assert_int_equal(b.hits[2].prefix, 96 + 24);
    assert_int_equal(b.hits[3].prefix, 96);
    assert_int_equal(b.hits[3].embedded_v4, 0);
    assert_int_equal(find_addr(b.reader, "192.0.2.1", 0, b.hits), 2);
    close_bench(&b);
}

static void hits_have_the_text_of_their_indicator(void **state)
{
    (void)state;
    struct bench b;
    char text[STORE_KEY_TEXT_SIZE], tiny[8];
    static struct canonical_url url;
    struct record record = plain_record;
    struct source_writer *writer = new_writer("all");
    add_name(writer, "evil.example", plain_record);
    add_url(writer, "http://evil.example:8080/a/", plain_record);
    record.port = 443;
    add_network(writer, "192.0.2.1", record);
    add_network(writer, "2001:db8::/32", plain_record);
    open_bench_own(&b, writer);

    struct dname name = name_of("www.evil.example");
    assert_int_equal(find_name(b.reader, "www.evil.example", b.hits), 1);
    store_hit_text(&b.hits[0], &name, NULL, NULL, text, sizeof text);
    assert_string_equal(text, "evil.example");
    store_hit_text(&b.hits[0], &name, NULL, NULL, tiny, sizeof tiny);
    assert_string_equal(tiny, "evil.ex");

    assert_int_equal(canonical_url(STR("http://x.evil.example:8080/a/b"), &url), ST_OK);
    assert_int_equal(store_find_url(b.reader, &url, 0, b.hits, 1), 1);
    store_hit_text(&b.hits[0], NULL, &url, NULL, text, sizeof text);
    assert_string_equal(text, "evil.example:8080/a/");

    struct addr addr = addr_v4(0xc0000201, 443);
    assert_int_equal(store_find_addr(b.reader, &addr, 0, b.hits, 1), 1);
    store_hit_text(&b.hits[0], NULL, NULL, &addr, text, sizeof text);
    assert_string_equal(text, "192.0.2.1:443");
    assert_int_equal(addr_parse_ip(STR("2001:db8::7"), &addr), ST_OK);
    assert_int_equal(store_find_addr(b.reader, &addr, 0, b.hits, 1), 1);
    store_hit_text(&b.hits[0], NULL, NULL, &addr, text, sizeof text);
    assert_string_equal(text, "2001:db8::/32");
    close_bench(&b);
}

static struct record for_trigger(enum record_trigger trigger)
{
    struct record record = plain_record;
    record.trigger = trigger;
    return record;
}

static void entries_are_found_by_what_they_are_compared_with(void **state)
{
    (void)state;
    struct bench b;
    struct addr addr;
    struct dname name = name_of("ns.evil.example");
    struct source_writer *writer = new_writer("zone");
    add_name(writer, "evil.example", for_trigger(TRIGGER_NS_NAME));
    add_name(writer, "evil.example", plain_record);
    add_network(writer, "192.0.2.0/24", for_trigger(TRIGGER_CLIENT));
    add_network(writer, "192.0.2.1", for_trigger(TRIGGER_NS_ADDRESS));
    open_bench_own(&b, writer);
    for (enum record_trigger trigger = 0; trigger < TRIGGER_COUNT; trigger++)
        assert_true(store_has_trigger(b.reader, trigger));
    assert_int_equal(find_name(b.reader, "ns.evil.example", b.hits), 1);
    assert_int_equal(b.hits[0].record.trigger, TRIGGER_SUBJECT);
    assert_int_equal(store_find_trigger_name(b.reader, TRIGGER_NS_NAME, &name, 1, b.hits, STORE_MAX_HITS), 1);
    assert_int_equal(b.hits[0].record.trigger, TRIGGER_NS_NAME);
    assert_int_equal(addr_parse_ip(STR("192.0.2.1"), &addr), ST_OK);
    assert_int_equal(store_find_addr(b.reader, &addr, 1, b.hits, STORE_MAX_HITS), 0);
    assert_int_equal(store_find_trigger_addr(b.reader, TRIGGER_CLIENT, &addr, 1, b.hits, STORE_MAX_HITS), 1);
    assert_int_equal(b.hits[0].prefix, 96 + 24);
    assert_int_equal(store_find_trigger_addr(b.reader, TRIGGER_NS_ADDRESS, &addr, 1, b.hits, STORE_MAX_HITS), 1);
    assert_int_equal(b.hits[0].prefix, 128);
    close_bench(&b);
}

static void a_store_knows_which_triggers_none_of_its_sources_has(void **state)
{
    (void)state;
    struct bench b;
    struct dname name = name_of("ns.evil.example");
    struct source_writer *writer = new_writer("names");
    add_name(writer, "example", for_trigger(TRIGGER_NS_NAME));
    open_bench_own(&b, writer);
    assert_true(store_has_trigger(b.reader, TRIGGER_NS_NAME));
    assert_false(store_has_trigger(b.reader, TRIGGER_CLIENT));
    assert_false(store_has_trigger(b.reader, TRIGGER_NS_ADDRESS));
    assert_int_equal(find_name(b.reader, "example", b.hits), 0); /* a name of one label, but for another trigger */
    assert_int_equal(store_find_trigger_name(b.reader, TRIGGER_NS_NAME, &name, 1, b.hits, STORE_MAX_HITS), 1);
    assert_int_equal(store_find_trigger_name(b.reader, TRIGGER_CLIENT, &name, 1, b.hits, STORE_MAX_HITS), 0);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_covers_itself_and_what_is_below),
        cmocka_unit_test(the_most_specific_name_comes_first),
        cmocka_unit_test(an_exact_name_does_not_cover_what_is_below),
        cmocka_unit_test(expired_records_are_left_out),
        cmocka_unit_test(every_record_of_a_key_is_found_and_equal_ones_once),
        cmocka_unit_test(every_source_is_asked),
        cmocka_unit_test(no_more_hits_are_given_than_there_is_room_for),
        cmocka_unit_test(the_longest_names_have_keys),
        cmocka_unit_test(the_root_is_no_indicator),
        cmocka_unit_test(a_url_prefix_covers_what_lies_under_it),
        cmocka_unit_test(a_url_entry_says_nothing_of_its_host),
        cmocka_unit_test(a_port_of_its_own_is_kept_beside_the_key),
        cmocka_unit_test(urls_with_long_paths_are_told_apart),
        cmocka_unit_test(an_address_host_is_found_in_any_spelling),
        cmocka_unit_test(the_longest_network_comes_first),
        cmocka_unit_test(an_ipv4_address_is_found_inside_an_ipv6_one),
        cmocka_unit_test(ipv6_and_embedded_networks_are_ordered_by_length_together),
        cmocka_unit_test(entries_are_found_by_what_they_are_compared_with),
        cmocka_unit_test(a_store_knows_which_triggers_none_of_its_sources_has),
        cmocka_unit_test(hits_have_the_text_of_their_indicator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
