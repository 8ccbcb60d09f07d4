#include "fixture.h"
#include "reputation/candidates.h"

struct told {
    char text[8192]; /* each with a line break after it */
    size_t used;
};

static void note(void *context, const char *text)
{
    struct told *told = context;
    int n = snprintf(told->text + told->used, sizeof told->text - told->used, "%s\n", text);
    assert_in_range(n, 1, sizeof told->text - told->used - 1);
    told->used += (size_t)n;
}

struct bench {
    struct store *store;
    struct store_reader *reader;
};

/* Two sources: names of two labels with networks, and what WRITER has. */
static struct bench open_bench_own(struct source_writer *writer)
{
    struct bench bench = {.store = store_new()};
    struct source_writer *other = new_writer("other");
    add_name(other, "evil.example", plain_record);
    add_network(other, "192.0.2.1", plain_record);
    add_network(other, "198.51.0.0/16", plain_record);
    add_network(other, "2001:db8::/32", plain_record);
    add_source_own(bench.store, other);
    add_source_own(bench.store, writer);
    bench.reader = new_reader(bench.store);
    return bench;
}

static void close_bench(struct bench *bench)
{
    store_reader_free(bench->reader);
    store_free(bench->store);
}

static void a_name_is_tried_with_each_of_its_ancestors(void **state)
{
    (void)state;
    struct bench bench = open_bench_own(new_writer("more"));
    struct dname name = name_of("www.sub.evil.example");
    struct told told = {0};
    candidates_of_name(bench.reader, &name, note, &told);
    assert_string_equal(told.text, "www.sub.evil.example\nsub.evil.example\nevil.example\n");
    close_bench(&bench);
}

static void a_name_of_one_label_is_tried_where_a_source_has_such(void **state)
{
    (void)state;
    struct source_writer *writer = new_writer("more");
    add_name(writer, "zip", plain_record);
    struct bench bench = open_bench_own(writer);
    struct dname name = name_of("www.evil.example"), root;
    struct told told = {0}, nothing = {0};
    candidates_of_name(bench.reader, &name, note, &told);
    assert_string_equal(told.text, "www.evil.example\nevil.example\nexample\n");
    assert_int_equal(dname_from_text(STR("."), &root), ST_OK);
    candidates_of_name(bench.reader, &root, note, &nothing);
    assert_int_equal(nothing.used, 0);
    close_bench(&bench);
}

static void a_url_is_tried_as_safe_browsing_does(void **state)
{
    (void)state;
    static struct canonical_url url;
    struct told told = {0}, address = {0};
    assert_int_equal(canonical_url(STR("http://a.b.c.d.e.f.g:81/1/2.html?param=1"), &url), ST_OK);
    candidates_of_url(&url, note, &told);
    assert_int_equal(told.used, strlen(told.text));
    assert_true(str_starts(str_of(told.text), STR("a.b.c.d.e.f.g/1/2.html?param=1\na.b.c.d.e.f.g/1/2.html\n"
                                                  "a.b.c.d.e.f.g/\na.b.c.d.e.f.g/1/\nc.d.e.f.g/1/2.html?param=1\n")));
    assert_non_null(strstr(told.text, "\nf.g/\nf.g/1/\n"));
    assert_null(strstr(told.text, "\nb.c.d.e.f.g/"));
    assert_int_equal(canonical_url(STR("http://3279880203/bin.sh"), &url), ST_OK);
    candidates_of_url(&url, note, &address);
    assert_string_equal(address.text, "195.127.0.11/bin.sh\n195.127.0.11/\n");
}

static void keep_longest(void *context, const char *text)
{
    size_t *longest = context;
    if (strlen(text) > *longest)
        *longest = strlen(text);
}

static void the_longest_url_is_told_whole(void **state)
{
    (void)state;
    static struct canonical_url url;
    static char text[CANONICAL_URL_MAX + 1];
    size_t longest = 0;
    memcpy(text, "http://evil.example/", 20);
    memset(text + 20, '%', sizeof text - 21); /* each becomes three bytes */
    assert_int_equal(canonical_url(str_of(text), &url), ST_OK);
    candidates_of_url(&url, keep_longest, &longest);
    assert_int_equal(longest, url.host.length + 1 + 3 * (CANONICAL_URL_MAX - 20));
}

static void an_address_is_tried_with_each_prefix_in_use_of_either_form(void **state)
{
    (void)state;
    struct source_writer *writer = new_writer("more");
    add_network(writer, "203.0.113.0/24", plain_record);
    struct bench bench = open_bench_own(writer);
    struct addr addr;
    struct told v4 = {0}, mapped = {0}, v6 = {0}, nat64 = {0};
    assert_int_equal(addr_parse_ip(STR("192.0.2.7"), &addr), ST_OK);
    candidates_of_addr(bench.reader, &addr, note, &v4);
    assert_string_equal(v4.text, "192.0.2.7\n192.0.2.0/24\n192.0.0.0/16\n");
    assert_int_equal(addr_parse_ip(STR("::ffff:192.0.2.7"), &addr), ST_OK);
    candidates_of_addr(bench.reader, &addr, note, &mapped);
    assert_string_equal(mapped.text, v4.text);
    assert_int_equal(addr_parse_ip(STR("2001:db8::7"), &addr), ST_OK);
    candidates_of_addr(bench.reader, &addr, note, &v6);
    assert_string_equal(v6.text, "2001:db8::7\n2001:db8::/120\n2001:db8::/112\n2001:db8::/32\n");
    assert_int_equal(addr_parse_ip(STR("64:ff9b::192.0.2.7"), &addr), ST_OK);
    candidates_of_addr(bench.reader, &addr, note, &nat64);
    assert_string_equal(nat64.text, "64:ff9b::c000:207\n64:ff9b::c000:200/120\n64:ff9b::c000:0/112\n64:ff9b::/32\n"
                                    "192.0.2.7\n192.0.2.0/24\n192.0.0.0/16\n");
    close_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_tried_with_each_of_its_ancestors),
        cmocka_unit_test(a_name_of_one_label_is_tried_where_a_source_has_such),
        cmocka_unit_test(a_url_is_tried_as_safe_browsing_does),
        cmocka_unit_test(the_longest_url_is_told_whole),
        cmocka_unit_test(an_address_is_tried_with_each_prefix_in_use_of_either_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
