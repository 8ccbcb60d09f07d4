#include "fixture.h"

static void names_of_every_length_may_be_looked_ahead_for(void **state)
{
    (void)state;
    static const char *const texts[] = {"example", "evil.example", "a.b.c.d.evil.example", "other.example",
                                        "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.deep.example"};
    struct store *store = store_new();
    assert_non_null(store);
    for (unsigned i = 0; i < 4; i++) { /* more than are looked ahead in */
        char id[16];
        snprintf(id, sizeof id, "source-%u", i);
        struct source_writer *writer = new_writer(id);
        add_name(writer, "evil.example", plain_record);
        add_source_own(store, writer);
    }
    struct store_reader *reader = new_reader(store);
    struct dname names[STORE_AHEAD_MAX];
    size_t count = sizeof texts / sizeof texts[0];
    for (size_t i = 0; i < STORE_AHEAD_MAX; i++)
        names[i] = name_of(texts[i % count]);
    names[0] = (struct dname){.length = 1}; /* the root */
    for (size_t n = 0; n <= STORE_AHEAD_MAX; n++)
        store_look_ahead(reader, names, n);
    struct store_hit hits[STORE_MAX_HITS];
    assert_int_equal(find_name(reader, "a.b.c.d.evil.example", hits), 4);
    assert_int_equal(find_name(reader, "other.example", hits), 0);
    store_reader_free(reader);
    store_free(store);
}

static void an_empty_store_is_looked_ahead_in(void **state)
{
    (void)state;
    struct store *store = store_new();
    assert_non_null(store);
    struct store_reader *reader = new_reader(store);
    struct dname name = name_of("evil.example");
    store_look_ahead(reader, &name, 1);
    store_reader_free(reader);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_every_length_may_be_looked_ahead_for),
        cmocka_unit_test(an_empty_store_is_looked_ahead_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
