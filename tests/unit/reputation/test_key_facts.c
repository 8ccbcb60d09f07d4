#include "fixture.h"
#include "reputation/key.h"
#include "reputation/key_facts.h"

static struct key_facts facts;

static void next_name(const char *text)
{
    struct dname name = name_of(text);
    struct name_key key;
    name_key_from(&name, &key);
    key_facts_next(&facts, INDICATOR_NAME, (struct str){(const char *)key.bytes, key.end[key.labels]});
}

static uint64_t hash_of_name(const char *text)
{
    struct dname name = name_of(text);
    struct name_key key;
    name_key_from(&name, &key);
    return filter_hash(key.bytes, key.end[key.labels]);
}

/* The facts are that TEXT has an entry and that each of PARENTS, in this order and ended by NULL, has one below it. */
static void expect(const char *text, const char *const *parents)
{
    unsigned count = 1;
    assert_int_equal(facts.facts[0].hash, hash_of_name(text));
    assert_int_equal(facts.facts[0].fact, FILTER_ENTRY);
    for (; *parents; parents++, count++) {
        assert_true(count < facts.count);
        assert_int_equal(facts.facts[count].hash, hash_of_name(*parents));
        assert_int_equal(facts.facts[count].fact, FILTER_PARENT);
    }
    assert_int_equal(facts.count, count);
}

#define PARENTS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void names_tell_what_those_before_did_not(void **state)
{
    (void)state;
    facts = (struct key_facts){0};
    next_name("com");
    expect("com", PARENTS());
    assert_false(facts.has_root);
    next_name("evil.com");
    expect("evil.com", PARENTS());
    assert_true(facts.has_root);
    assert_int_equal(facts.root_hash, hash_of_name("evil.com"));
    next_name("a.evil.com"); /* its parent is an entry, but nobody has told that there is something below it */
    expect("a.evil.com", PARENTS("evil.com"));
    assert_false(facts.has_root);
    next_name("x.b.evil.com");
    expect("x.b.evil.com", PARENTS("b.evil.com"));
    next_name("y.b.evil.com");
    expect("y.b.evil.com", PARENTS());
    next_name("a.b.c.evil2.com");
    expect("a.b.c.evil2.com", PARENTS("evil2.com", "c.evil2.com", "b.c.evil2.com"));
    assert_true(facts.has_root);
    assert_int_equal(facts.root_hash, hash_of_name("evil2.com"));
}

static void the_deepest_name_tells_all_its_ancestors(void **state)
{
    (void)state;
    char deepest[254];
    for (unsigned i = 0; i < 253; i++)
        deepest[i] = i % 2 ? '.' : 'b';
    deepest[253] = '\0';
    facts = (struct key_facts){0};
    next_name(deepest);
    assert_int_equal(facts.count, 126);
    assert_int_equal(facts.facts[125].hash, hash_of_name(deepest + 2));
}

static void next_url(const char *text)
{
    static struct canonical_url url;
    struct name_key host;
    struct url_key key;
    assert_int_equal(canonical_url(str_of(text), &url), ST_OK);
    name_key_from_host(&url, &host);
    assert_int_equal(url_key_from(host.bytes, host.end[host.labels], url.path, &key), ST_OK);
    key_facts_next(&facts, INDICATOR_URL, (struct str){(const char *)key.bytes, key.length});
}

static void urls_tell_their_host_once(void **state)
{
    (void)state;
    facts = (struct key_facts){0};
    next_url("http://evil.example/a");
    assert_int_equal(facts.count, 1);
    assert_int_equal(facts.facts[0].hash, hash_of_name("evil.example"));
    assert_int_equal(facts.facts[0].fact, FILTER_URL_HOST);
    next_url("http://evil.example/b");
    assert_int_equal(facts.count, 0);
    next_url("http://www.evil.example/b");
    assert_int_equal(facts.facts[0].hash, hash_of_name("www.evil.example"));
    assert_false(facts.has_root);
}

static void bytes_that_are_no_name_do_no_harm(void **state)
{
    (void)state;
    static const char bytes[511] = {1, 'a', 63, 'b'};
    facts = (struct key_facts){0};
    key_facts_next(&facts, INDICATOR_NAME, (struct str){bytes, 4});
    key_facts_next(&facts, INDICATOR_NAME, (struct str){bytes + 4, sizeof bytes - 4});
    assert_in_range(facts.count, 1, DNAME_MAX_LABELS);
    key_facts_next(&facts, INDICATOR_URL, (struct str){bytes, 4});
    assert_int_equal(facts.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_tell_what_those_before_did_not),
        cmocka_unit_test(the_deepest_name_tells_all_its_ancestors),
        cmocka_unit_test(urls_tell_their_host_once),
        cmocka_unit_test(bytes_that_are_no_name_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
