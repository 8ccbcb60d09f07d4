#include "reputation/source_walk.h"

#include <fcntl.h>

#include "fixture.h"

/* A walk, as lines of text. */
struct listing {
    char text[4096];
    enum status after; /* what each call returns */
    unsigned calls;
};

static enum status list_entry(void *user, const struct stored_entry *entry)
{
    struct listing *listing = user;
    size_t n = strlen(listing->text), room = sizeof listing->text - n;
    char text[DNAME_TEXT_SIZE];
    listing->calls++;
    switch (entry->kind) {
    case INDICATOR_NAME:
        dname_to_text(&entry->name, text);
        break;
    case INDICATOR_URL:
        if (entry->host_is_address)
            addr_format_ip(&entry->addr, text);
        else
            dname_to_text(&entry->name, text);
        break;
    case INDICATOR_NETWORK:
        network_format(&entry->network, text);
        break;
    }
    snprintf(listing->text + n, room, "%d %s%s %u %.*s\n", entry->kind, text, entry->whole_host ? "/" : "",
             (unsigned)entry->record.expires, (int)entry->record.family.length, entry->record.family.data);
    return listing->after;
}

static struct source *finish(struct source_writer *writer)
{
    struct source *source = NULL;
    struct fault fault = {0};
    assert_int_equal(source_writer_finish_memory(writer, &source, &fault), ST_OK);
    source_writer_free(writer);
    return source;
}

static struct record record_with(const char *family, uint32_t expires)
{
    struct record record = plain_record;
    record.family = str_of(family);
    record.expires = expires;
    return record;
}

static void every_record_of_every_kind_is_walked_in_order(void **state)
{
    (void)state;
    struct source_writer *writer = new_writer("feed");
    struct listing listing = {.after = ST_OK};
    add_name(writer, "www.b.example", record_with("later", 7));
    add_name(writer, "a.example", record_with("", 0));
    add_name(writer, "www.b.example", record_with("early", 5));
    add_url(writer, "http://c.example/", record_with("root", 0));
    add_url(writer, "http://c.example/x?y", record_with("path", 0));
    add_url(writer, "http://c.example/?y", record_with("query", 0));
    add_url(writer, "http://192.0.2.1:8080/", record_with("address", 0));
    add_url(writer, "http://[2001:db8::1]/z", record_with("six", 0));
    add_network(writer, "192.0.2.0/24", record_with("net", 0));
    add_network(writer, "2001:db8::1", record_with("", 9));
    struct source *source = finish(writer);
    assert_int_equal(source_walk(source, list_entry, &listing), ST_OK);
    assert_string_equal(listing.text, "0 a.example 0 \n"
                                      "0 www.b.example 5 early\n"
                                      "0 www.b.example 7 later\n"
                                      "1 c.example/ 0 root\n"
                                      "1 c.example 0 query\n"
                                      "1 c.example 0 path\n"
                                      "1 192.0.2.1/ 0 address\n"
                                      "1 2001:db8::1 0 six\n"
                                      "2 192.0.2.0/24 0 net\n"
                                      "2 2001:db8::1/128 9 \n");
    source_close(source);
}

static void a_failure_ends_the_walk(void **state)
{
    (void)state;
    struct source_writer *writer = new_writer("feed");
    struct listing listing = {.after = ST_NOMEM};
    add_name(writer, "a.example", plain_record);
    add_name(writer, "b.example", plain_record);
    struct source *source = finish(writer);
    assert_int_equal(source_walk(source, list_entry, &listing), ST_NOMEM);
    assert_int_equal(listing.calls, 1);
    source_close(source);
}

static void an_empty_source_has_nothing_to_walk(void **state)
{
    (void)state;
    struct listing listing = {.after = ST_OK};
    struct source *source = finish(new_writer("feed"));
    assert_int_equal(source_walk(source, list_entry, &listing), ST_OK);
    assert_int_equal(listing.calls, 0);
    source_close(source);
}

struct carrying {
    struct source_writer *writer;
    unsigned taken;
};

static enum status carry(void *user, const struct stored_entry *entry)
{
    struct carrying *carrying = user;
    bool taken;
    enum status status = source_writer_carry(carrying->writer, entry, &taken);
    carrying->taken += taken;
    return status;
}

static void old_entries_are_carried_whole_where_there_are_no_new_ones(void **state)
{
    (void)state;
    struct source_writer *old = new_writer("feed");
    char longest[2000], url[2100];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    snprintf(url, sizeof url, "http://long.example/%s", longest);
    add_name(old, "both.example", record_with("old", 1));
    add_name(old, "old.example", record_with("one", 2));
    add_name(old, "old.example", record_with("two", 3));
    add_url(old, url, record_with("long", 4)); /* its key has a digest at the end */
    add_network(old, "192.0.2.0/24", record_with("net", 5));
    struct source *before = finish(old);

    struct carrying carrying = {.writer = new_writer("feed")};
    struct listing listing = {.after = ST_OK};
    add_name(carrying.writer, "both.example", record_with("new", 0));
    add_name(carrying.writer, "new.example", record_with("", 0));
    assert_int_equal(source_walk(before, carry, &carrying), ST_OK);
    assert_int_equal(carrying.taken, 4);
    struct source *after = finish(carrying.writer);
    assert_int_equal(source_walk(after, list_entry, &listing), ST_OK);
    assert_string_equal(listing.text, "0 new.example 0 \n"
                                      "0 old.example 2 one\n"
                                      "0 old.example 3 two\n"
                                      "0 both.example 0 new\n"
                                      "1 long.example 4 long\n"
                                      "2 192.0.2.0/24 5 net\n");
    struct store *store = store_new();
    struct store_hit hits[STORE_MAX_HITS];
    assert_non_null(store);
    source_close(before);
    assert_int_equal(store_add_own(store, after), ST_OK);
    struct store_reader *reader = new_reader(store);
    assert_int_equal(find_url(reader, url, hits), 0); /* it has expired */
    assert_int_equal(find_name(reader, "x.both.example", hits), 1);
    store_reader_free(reader);
    store_free(store);
}

static uint64_t publish(const char *dir, const char *name, const char *entry)
{
    struct source_writer *writer = new_writer(name);
    struct source_info info;
    struct fault fault = {0};
    add_name(writer, entry, plain_record);
    assert_int_equal(source_writer_publish(writer, dir, NULL, &info, &fault), ST_OK);
    source_writer_free(writer);
    return info.generation;
}

static enum status open_newest(const char *dir, const char *name, uint64_t *generation)
{
    struct source *source = NULL;
    struct fault fault = {0};
    enum status status = source_open_newest(dir, name, &source, &fault);
    *generation = status == ST_OK ? source_info(source)->generation : 0;
    assert_true(status == ST_OK || fault.text[0]);
    source_close(source);
    return status;
}

static void damage(const char *dir, const char *file)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    assert_int_equal(truncate(path, 100), 0);
}

static void the_newest_whole_generation_of_one_source_is_opened(void **state)
{
    const char *dir = *state;
    uint64_t generation;
    assert_int_equal(open_newest("/tmp/ccward-nowhere", "feed", &generation), ST_NOT_FOUND);
    assert_int_equal(open_newest(dir, "feed", &generation), ST_NOT_FOUND);
    publish(dir, "feed", "a.example");
    publish(dir, "feed", "b.example");
    publish(dir, "feed2", "c.example");
    assert_int_equal(open_newest(dir, "feed", &generation), ST_OK);
    assert_int_equal(generation, 2);
    damage(dir, "feed2.1.mdb"); /* what others have does not matter */
    assert_int_equal(open_newest(dir, "feed", &generation), ST_OK);
    damage(dir, "feed.2.mdb");
    assert_int_equal(open_newest(dir, "feed", &generation), ST_OK);
    assert_int_equal(generation, 1);
    damage(dir, "feed.1.mdb");
    assert_int_equal(open_newest(dir, "feed", &generation), ST_CORRUPT);
}

static struct network network_of(const char *text)
{
    struct network network;
    assert_int_equal(network_parse(str_of(text), &network), ST_OK);
    return network;
}

static void what_lies_below_a_name_or_inside_a_network_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool below;
    } names[] = {{"google.example", true},         {"docs.google.example", true},
                 {"a.docs.google.example", false}, {"b.docs.google.example", false},
                 {"oogle.example", false},         {"single.example", false},
                 {"xgoogle.example", false},       {"example", false}};
    static const struct {
        const char *text;
        bool within;
    } networks[] = {{"192.0.2.0/24", true},  {"192.0.2.0/25", true},   {"192.0.2.128/25", true},
                    {"192.0.0.0/16", true},  {"192.0.2.64/26", false}, {"192.0.2.7", true},
                    {"192.0.2.6", false},    {"192.0.3.0/24", false},  {"2001:db8::/32", true},
                    {"2001:db9::/32", false}};
    struct store *store = store_new();
    struct source_writer *writer = new_writer("one");
    add_name(writer, "a.docs.google.example", plain_record);
    add_name(writer, "docs.google.example", plain_record);
    add_name(writer, "single.example", plain_record);
    add_source_own(store, writer);
    writer = new_writer("two");
    add_network(writer, "192.0.2.7", plain_record);
    add_network(writer, "192.0.2.128/25", plain_record);
    add_network(writer, "2001:db8::1", plain_record);
    add_source_own(store, writer);
    struct store_reader *reader = new_reader(store);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct dname name = name_of(names[i].text);
        assert_int_equal(store_has_name_below(reader, &name), names[i].below);
    }
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        struct network network = network_of(networks[i].text);
        assert_int_equal(store_has_network_within(reader, &network), networks[i].within);
    }
    store_reader_free(reader);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_of_every_kind_is_walked_in_order),
        cmocka_unit_test(a_failure_ends_the_walk),
        cmocka_unit_test(an_empty_source_has_nothing_to_walk),
        cmocka_unit_test(old_entries_are_carried_whole_where_there_are_no_new_ones),
        cmocka_unit_test_setup_teardown(the_newest_whole_generation_of_one_source_is_opened, make_directory,
                                        remove_directory),
        cmocka_unit_test(what_lies_below_a_name_or_inside_a_network_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
