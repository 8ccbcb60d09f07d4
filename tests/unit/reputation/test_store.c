#include <pthread.h>

#include "fixture.h"

/* Small alphabets, so that names collide, nest and share suffixes. */
static uint64_t seed;

static unsigned pick(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed % n);
}

static void random_name(char out[128])
{
    unsigned labels = 1 + pick(6);
    size_t used = 0;
    for (unsigned i = 0; i < labels; i++) {
        if (i)
            out[used++] = '.';
        for (unsigned n = 1 + pick(i + 1 == labels ? 1 : 3); n; n--)
            out[used++] = (char)('a' + pick(i + 1 == labels ? 3 : 6));
    }
    out[used] = '\0';
}

struct listed_name {
    struct dname name;
    uint8_t flags;
};

static unsigned expected_hits(const struct listed_name *list, size_t count, const struct dname *name)
{
    unsigned hits = 0;
    for (size_t i = 0; i < count; i++) {
        bool same = dname_equal(name, &list[i].name);
        bool covers = list[i].flags == RECORD_EXACT        ? same
                      : list[i].flags == RECORD_BELOW_ONLY ? !same && dname_is_within(name, &list[i].name)
                                                           : dname_is_within(name, &list[i].name);
        bool again = false; /* equal entries count once */
        for (size_t k = 0; covers && k < i && !again; k++)
            again = list[k].flags == list[i].flags && dname_equal(&list[k].name, &list[i].name);
        hits += covers && !again;
    }
    return hits;
}

static void random_names_are_judged_as_a_plain_search_does(void **state)
{
    (void)state;
    enum { LISTED = 1500, ASKED = 10000 };
    static struct listed_name list[LISTED];
    static struct store_hit hits[STORE_MAX_HITS];
    char text[128];
    unsigned found = 0;
    seed = 0x9e3779b97f4a7c15;
    struct source_writer *writer = new_writer("random");
    for (size_t i = 0; i < LISTED; i++) {
        static const uint8_t flags[] = {0, RECORD_EXACT, RECORD_BELOW_ONLY};
        do
            random_name(text);
        while (!strchr(text, '.') && pick(200)); /* few that cover a third of all */
        list[i] = (struct listed_name){name_of(text), flags[pick(3)]};
        struct record record = plain_record;
        record.flags = list[i].flags;
        add_name(writer, text, record);
    }
    struct store *store = store_new();
    add_source_own(store, writer);
    struct store_reader *reader = new_reader(store);
    for (unsigned i = 0; i < ASKED; i++) {
        random_name(text);
        struct dname name = name_of(text);
        size_t n = store_find_name(reader, &name, 0, hits, STORE_MAX_HITS);
        assert_int_equal(n, expected_hits(list, LISTED, &name));
        for (size_t k = 1; k < n; k++)
            assert_true(hits[k - 1].specificity >= hits[k].specificity);
        found += n > 0;
    }
    assert_in_range(found, ASKED / 10, ASKED - ASKED / 10); /* both outcomes were tried */
    store_reader_free(reader);
    store_free(store);
}

static struct source *random_source(unsigned number)
{
    char text[128];
    struct fault fault = {0};
    struct source *source = NULL;
    snprintf(text, sizeof text, "random-%u", number);
    struct source_writer *writer = new_writer(text);
    for (unsigned i = 0; i < 30; i++) {
        do
            random_name(text);
        while (!strchr(text, '.') && (number || pick(10))); /* labels that stand alone in one of them */
        add_name(writer, text, plain_record);
    }
    assert_int_equal(source_writer_finish_memory(writer, &source, &fault), ST_OK);
    source_writer_free(writer);
    return source;
}

/* Both stores have the same sources: they must find the same. Returns how many names were found. */
static unsigned compare_stores(const struct store *a, const struct store *b, unsigned asked)
{
    static struct store_hit hits[2][STORE_MAX_HITS];
    struct store_reader *readers[] = {new_reader(a), new_reader(b)};
    unsigned found = 0;
    char text[128];
    for (unsigned i = 0; i < asked; i++) {
        random_name(text);
        size_t n = find_name(readers[0], text, hits[0]);
        assert_int_equal(find_name(readers[1], text, hits[1]), n);
        for (size_t k = 0; k < n; k++) {
            assert_int_equal(hits[0][k].source, hits[1][k].source);
            assert_int_equal(hits[0][k].labels, hits[1][k].labels);
        }
        found += n > 0;
    }
    store_reader_free(readers[0]);
    store_reader_free(readers[1]);
    return found;
}

static struct store *store_of(struct source **sources, size_t count, const struct store *previous)
{
    struct store *store = previous ? store_new_after(previous) : store_new();
    for (size_t i = 0; i < count; i++)
        assert_int_equal(store_add_own(store, source_ref(sources[i])), ST_OK);
    return store;
}

static void a_prepared_store_finds_the_same(void **state)
{
    (void)state;
    enum { SOURCES = 6, ASKED = 20000 };
    struct source *sources[SOURCES];
    seed = 0x9e3779b97f4a7c15;
    for (unsigned i = 0; i < SOURCES; i++)
        sources[i] = random_source(i);
    struct store *plain = store_of(sources, SOURCES, NULL), *prepared = store_of(sources, SOURCES, NULL);
    assert_int_equal(store_prepare(prepared), ST_OK);
    unsigned found = compare_stores(plain, prepared, ASKED);
    assert_in_range(found, ASKED / 10, ASKED - ASKED / 10); /* both outcomes were tried */
    store_free(plain);
    store_free(prepared);
    for (unsigned i = 0; i < SOURCES; i++)
        source_close(sources[i]);
}

static void a_store_that_was_prepared_after_another_finds_the_same(void **state)
{
    (void)state;
    enum { SOURCES = 80, ROUNDS = 30, ASKED = 300 }; /* more than there are groups of roots */
    struct source *sources[SOURCES];
    size_t count = SOURCES / 2;
    seed = 0x9e3779b97f4a7c15;
    for (unsigned i = 0; i < count; i++)
        sources[i] = random_source(i);
    struct store *before = store_of(sources, count, NULL);
    assert_int_equal(store_prepare(before), ST_OK);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned changed = pick((unsigned)count);
        source_close(sources[changed]);
        if (round % 3 == 0 && count < SOURCES) { /* one goes, two come */
            sources[changed] = random_source(1000 + round);
            sources[count++] = random_source(2000 + round);
        } else if (round % 3 == 1) {
            sources[changed] = sources[--count];
        } else { /* another generation */
            unsigned number = 0;
            struct source *kept = sources[changed == 0];
            assert_int_equal(sscanf(source_info(kept)->name, "random-%u", &number), 1);
            sources[changed] = random_source(3000 + round);
            source_close(sources[changed == 0]);
            sources[changed == 0] = random_source(number);
        }
        struct store *plain = store_of(sources, count, NULL), *after = store_of(sources, count, before);
        assert_int_equal(store_prepare(after), ST_OK);
        compare_stores(plain, after, ASKED);
        store_free(plain);
        store_free(before);
        before = after;
    }
    for (; count < SOURCES; count++)
        sources[count] = random_source(4000 + (unsigned)count);
    struct store *plain = store_of(sources, count, NULL), *after = store_of(sources, count, before);
    assert_int_equal(store_prepare(after), ST_OK);
    compare_stores(plain, after, ASKED);
    store_free(plain);
    store_free(before);
    store_free(after);
    for (unsigned i = 0; i < count; i++)
        source_close(sources[i]);
}

static void a_store_without_names_can_be_prepared(void **state)
{
    (void)state;
    static struct store_hit hits[STORE_MAX_HITS];
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    struct store *store = store_new();
    for (unsigned i = 0; i < 5; i++) {
        struct source_writer *writer = new_writer(names[i]);
        add_url(writer, "http://url.example/a", plain_record);
        add_source_own(store, writer);
    }
    assert_int_equal(store_prepare(store), ST_OK);
    struct store_reader *reader = new_reader(store);
    assert_int_equal(find_name(reader, "url.example", hits), 0);
    assert_int_equal(find_url(reader, "http://url.example/a", hits), 5);
    store_reader_free(reader);
    store_free(store);
    store = store_new();
    assert_int_equal(store_prepare(store), ST_OK);
    store_free(store);
}

enum { SHARED_NAMES = 2000, THREADS = 4 };

static void *look_up(void *arg)
{
    const struct store *store = arg;
    struct store_reader *reader = NULL;
    struct store_hit hits[4];
    char text[64];
    uintptr_t found = 0;
    if (store_reader_new(store, &reader) != ST_OK)
        return NULL;
    for (unsigned i = 0; i < 2 * SHARED_NAMES; i++) {
        struct dname name;
        snprintf(text, sizeof text, "www.n%u.example", i);
        if (canonical_host_name(str_of(text), &name) == ST_OK)
            found += store_find_name(reader, &name, 0, hits, 4);
    }
    store_reader_free(reader);
    return (void *)found;
}

static void threads_look_up_at_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct store *store = store_new();
    for (unsigned s = 0; s < 3; s++) {
        char text[64];
        snprintf(text, sizeof text, "source-%u", s);
        struct source_writer *writer = new_writer(text);
        for (unsigned i = 0; i < SHARED_NAMES; i++) {
            snprintf(text, sizeof text, "n%u.example", i);
            add_name(writer, text, plain_record);
        }
        add_source_own(store, writer);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up, store), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *found;
        assert_int_equal(pthread_join(threads[i], &found), 0);
        assert_int_equal((uintptr_t)found, 3 * SHARED_NAMES);
    }
    store_free(store);
}

static struct source *memory_source(const char *name)
{
    struct source *source = NULL;
    struct source_writer *writer = new_writer(name);
    add_name(writer, "evil.example", plain_record);
    assert_int_equal(source_writer_finish_memory(writer, &source, NULL), ST_OK);
    source_writer_free(writer);
    return source;
}

static void a_source_is_in_a_store_once(void **state)
{
    (void)state;
    struct store *store = store_new();
    assert_int_equal(store_add_own(store, memory_source("one")), ST_OK);
    assert_int_equal(store_add_own(store, memory_source("one")), ST_EXISTS);
    assert_int_equal(store_source_count(store), 1);
    assert_string_equal(store_source_info(store, 0)->name, "one");
    assert_int_equal(store_source_info(store, 0)->counts[INDICATOR_NAME], 1);
    store_free(store);
}

static void a_store_has_a_bound(void **state)
{
    (void)state;
    struct store *store = store_new();
    char name[32];
    for (unsigned i = 0; i < STORE_MAX_SOURCES; i++) {
        snprintf(name, sizeof name, "s%u", i);
        assert_int_equal(store_add_own(store, memory_source(name)), ST_OK);
    }
    assert_int_equal(store_add_own(store, memory_source("more")), ST_TOO_LARGE);
    store_free(store);
}

static void a_directory_that_is_not_there_is_an_empty_one(void **state)
{
    (void)state;
    struct store *store = store_new();
    unsigned damaged = 7;
    assert_int_equal(store_add_directory(store, "/nonexistent/reputation", &damaged, NULL), ST_OK);
    assert_int_equal(damaged, 0);
    assert_int_equal(store_source_count(store), 0);
    struct store_reader *reader = new_reader(store);
    struct store_hit hit;
    assert_int_equal(find_name(reader, "evil.example", &hit), 0);
    store_reader_free(reader);
    store_free(store);
}

static void a_directory_adds_each_source_once(void **state)
{
    const char *dir = *state;
    unsigned damaged;
    for (unsigned i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "feed%u", i);
        struct source_writer *writer = new_writer(name);
        add_name(writer, "evil.example", plain_record);
        assert_int_equal(source_writer_publish(writer, dir, NULL, NULL, NULL), ST_OK);
        source_writer_free(writer);
    }
    struct store *store = store_new();
    assert_int_equal(store_add_directory(store, dir, &damaged, NULL), ST_OK);
    assert_int_equal(damaged, 0);
    assert_int_equal(store_source_count(store), 3);
    assert_string_equal(store_source_info(store, 1)->name, "feed1");
    assert_int_equal(store_add_directory(store, dir, &damaged, NULL), ST_OK);
    assert_int_equal(store_source_count(store), 3);
    store_free(store);
}

static void publish_name(const char *dir, const char *source, const char *name)
{
    struct source_writer *writer = new_writer(source);
    add_name(writer, name, plain_record);
    assert_int_equal(source_writer_publish(writer, dir, NULL, NULL, NULL), ST_OK);
    source_writer_free(writer);
}

static void a_store_after_another_shares_what_has_not_changed(void **state)
{
    const char *dir = *state;
    unsigned damaged;
    publish_name(dir, "kept", "evil.example");
    publish_name(dir, "changed", "old.example");
    struct store *before = store_new();
    assert_int_equal(store_add_directory(before, dir, &damaged, NULL), ST_OK);
    publish_name(dir, "changed", "new.example");
    struct store *after = store_new_after(before);
    assert_int_equal(store_add_directory(after, dir, &damaged, NULL), ST_OK);
    assert_int_equal(store_source_count(after), 2);
    assert_string_equal(store_source_info(after, 1)->name, "kept");
    assert_ptr_equal(store_source_info(after, 1), store_source_info(before, 1));
    assert_ptr_not_equal(store_source_info(after, 0), store_source_info(before, 0));
    store_free(before);

    struct store_reader *reader = new_reader(after);
    struct store_hit hit;
    assert_int_equal(find_name(reader, "evil.example", &hit), 1);
    assert_int_equal(find_name(reader, "new.example", &hit), 1);
    assert_int_equal(find_name(reader, "old.example", &hit), 0);
    store_reader_free(reader);
    store_free(after);
}

static void a_source_that_was_removed_and_made_anew_is_not_taken_for_the_old_one(void **state)
{
    const char *dir = *state;
    unsigned damaged;
    publish_name(dir, "again", "old.example");
    struct store *before = store_new();
    assert_int_equal(store_add_directory(before, dir, &damaged, NULL), ST_OK);
    assert_int_equal(source_remove(dir, "again", NULL), ST_OK);
    publish_name(dir, "again", "new.example");
    struct store *after = store_new_after(before);
    assert_int_equal(store_add_directory(after, dir, &damaged, NULL), ST_OK);
    struct store_reader *reader = new_reader(after);
    struct store_hit hit;
    assert_int_equal(find_name(reader, "old.example", &hit), 0);
    assert_int_equal(find_name(reader, "new.example", &hit), 1);
    store_reader_free(reader);
    store_free(after);
    store_free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_names_are_judged_as_a_plain_search_does),
        cmocka_unit_test(a_prepared_store_finds_the_same),
        cmocka_unit_test(a_store_that_was_prepared_after_another_finds_the_same),
        cmocka_unit_test(a_store_without_names_can_be_prepared),
        cmocka_unit_test(threads_look_up_at_once),
        cmocka_unit_test(a_source_is_in_a_store_once),
        cmocka_unit_test(a_store_has_a_bound),
        cmocka_unit_test(a_directory_that_is_not_there_is_an_empty_one),
        cmocka_unit_test_setup_teardown(a_directory_adds_each_source_once, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(a_store_after_another_shares_what_has_not_changed, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(a_source_that_was_removed_and_made_anew_is_not_taken_for_the_old_one,
                                        make_directory, remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
