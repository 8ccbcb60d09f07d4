#include "net/upstream_loops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SLOTS = 40, NOW_MS = 5000000 };

static struct dname named(const char *text)
{
    struct dname name;
    assert_int_equal(dname_from_text(str_of(text), &name), ST_OK);
    return name;
}

static struct dname name_of(const struct upstream_loops *loops, size_t slot, const char *domain)
{
    struct dname below = named(domain), name;
    assert_int_equal(upstream_loops_name(loops, slot, &below, NOW_MS, &name), ST_OK);
    assert_true(upstream_loops_may_be(&name));
    return name;
}

static bool comes_in(struct upstream_loops *loops, const struct dname *name, int64_t now_ms, size_t slot)
{
    size_t found = SIZE_MAX;
    if (!upstream_loops_may_be(name) || !upstream_loops_came_in(loops, name, now_ms, &found))
        return false;
    assert_int_equal(found, slot);
    return true;
}

static void a_name_tells_of_which_server_it_was_asked(void **state)
{
    struct upstream_loops *loops = *state;
    struct dname first = name_of(loops, 0, "."), other = name_of(loops, SLOTS - 1, "lan");
    char text[DNAME_TEXT_SIZE];
    assert_true(comes_in(loops, &first, NOW_MS, 0));
    assert_true(comes_in(loops, &other, NOW_MS + 59000, SLOTS - 1));
    dname_to_text(&first, text);
    assert_string_equal(text + LOOP_LABEL_CHARS, ".ccward-loop.internal");
    dname_to_text(&other, text);
    assert_string_equal(text + LOOP_LABEL_CHARS, ".ccward-loop.lan");
}

static void it_is_known_in_any_case_of_its_letters_and_a_second_early(void **state)
{
    struct upstream_loops *loops = *state;
    struct dname name = name_of(loops, 7, ".");
    for (size_t i = 1; i < name.length; i++)
        if (name.wire[i] >= 'a' && name.wire[i] <= 'z')
            name.wire[i] ^= 0x20;
    assert_true(comes_in(loops, &name, NOW_MS - 1000, 7));
}

static void no_other_name_is_taken_for_it(void **state)
{
    struct upstream_loops *loops = *state, *others = upstream_loops_new(SLOTS);
    assert_non_null(others);
    struct dname name = name_of(loops, 7, ".");
    assert_false(comes_in(others, &name, NOW_MS, 7));
    for (size_t i = 1; i <= LOOP_LABEL_CHARS; i++) { /* whichever digit is another */
        struct dname wrong = name;
        wrong.wire[i] = wrong.wire[i] == '0' ? '1' : '0';
        assert_false(comes_in(loops, &wrong, NOW_MS, 7));
        wrong.wire[i] = 'g';
        assert_false(upstream_loops_may_be(&wrong));
    }
    struct dname far = name_of(others, SLOTS - 1, ".");
    struct upstream_loops *few = upstream_loops_new(1);
    assert_false(comes_in(few, &far, NOW_MS, SLOTS - 1));
    static const char *const alike[] = {".",
                                        "internal",
                                        "ccward-loop.internal",
                                        "ffffffffffffffffffffffffffff",
                                        "ffffffffffffffffffffffffffff.ccward-loop",
                                        "ffffffffffffffffffffffffffff.ccward-look.internal",
                                        "fffffffffffffffffffffffffff.ccward-loop.internal"};
    for (size_t i = 0; i < sizeof alike / sizeof alike[0]; i++) {
        name = named(alike[i]);
        assert_false(comes_in(loops, &name, NOW_MS, 7));
    }
    upstream_loops_free(others);
    upstream_loops_free(few);
}

static void only_a_name_right_below_internal_is_asked_of_servers_for_all_names(void **state)
{
    struct dname name = name_of(*state, 7, ".");
    assert_true(upstream_loops_is_for_all(&name));
    name.wire[name.length - 2] ^= 0x20;
    assert_true(upstream_loops_is_for_all(&name));
    static const char *const domains[] = {"localhost", "foo.onion", "corp.internal", "internal.example", "interval"};
    for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++) {
        name = name_of(*state, 7, domains[i]);
        assert_false(upstream_loops_is_for_all(&name));
    }
}

static void what_someone_repeats_later_says_nothing(void **state)
{
    struct upstream_loops *loops = *state;
    struct dname name = name_of(loops, 7, ".");
    assert_false(comes_in(loops, &name, NOW_MS + 61000, 7));
    assert_false(comes_in(loops, &name, NOW_MS - 60000, 7));
}

static void a_domain_that_leaves_no_room_is_too_long(void **state)
{
    char text[250];
    memset(text, 'a', sizeof text);
    for (size_t i = 50; i < sizeof text; i += 50)
        text[i] = '.';
    struct dname name;
    for (size_t length = 200; length < 250; length += 13) {
        struct dname domain;
        assert_int_equal(dname_from_text((struct str){text, length}, &domain), ST_OK);
        bool fits = domain.length + LOOP_WORD_AT + sizeof LOOP_WORD - 1 <= DNAME_MAX_BYTES;
        assert_int_equal(upstream_loops_name(*state, 0, &domain, NOW_MS, &name), fits ? ST_OK : ST_TOO_LARGE);
    }
}

static void a_server_leads_back_until_it_answers_what_was_asked_later(void **state)
{
    struct upstream_loops *loops = *state;
    assert_false(upstream_loops_leads_back(loops, 3));
    assert_true(upstream_loops_note(loops, 3, NOW_MS));
    assert_false(upstream_loops_note(loops, 3, NOW_MS + 50)); /* no news */
    assert_true(upstream_loops_leads_back(loops, 3));
    assert_false(upstream_loops_leads_back(loops, 4));
    assert_int_equal(upstream_loops_count(loops), 1);
    assert_false(upstream_loops_note_answer(loops, 3, NOW_MS + 50)); /* what came in may be just that */
    assert_true(upstream_loops_leads_back(loops, 3));
    assert_true(upstream_loops_note_answer(loops, 3, NOW_MS + 51));
    assert_false(upstream_loops_leads_back(loops, 3));
    assert_false(upstream_loops_note_answer(loops, 3, NOW_MS + 60));
    assert_int_equal(upstream_loops_count(loops), 0);
}

static void what_leads_back_is_looked_at_each_10_s_by_one_of_all_who_ask(void **state)
{
    struct upstream_loops *loops = *state;
    assert_false(upstream_loops_any_due(loops, NOW_MS)); /* nothing was asked yet */
    upstream_loops_note_asked(loops, 3, NOW_MS);
    upstream_loops_note(loops, 3, NOW_MS);
    assert_false(upstream_loops_take_look(loops, 3, NOW_MS + 9999));
    assert_true(upstream_loops_any_due(loops, NOW_MS + 10000));
    assert_true(upstream_loops_take_look(loops, 3, NOW_MS + 10000));
    assert_false(upstream_loops_take_look(loops, 3, NOW_MS + 10000));
    assert_false(upstream_loops_any_due(loops, NOW_MS + 19999));
    assert_true(upstream_loops_take_look(loops, 3, NOW_MS + 20000));
    upstream_loops_note_answer(loops, 3, NOW_MS + 20000);
    assert_false(upstream_loops_any_due(loops, NOW_MS + 9000000));
}

static void what_has_never_answered_is_looked_at_ever_more_seldom(void **state)
{
    struct upstream_loops *loops = *state;
    int64_t now_ms = NOW_MS;
    for (int64_t wait_ms = 1000, i = 0; i < 14; i++, wait_ms = wait_ms * 2 < 600000 ? wait_ms * 2 : 600000) {
        upstream_loops_note_asked(loops, 3, now_ms);
        assert_false(upstream_loops_take_look(loops, 3, now_ms + wait_ms - 1));
        assert_false(upstream_loops_is_due(loops, 4, now_ms + wait_ms));
        now_ms += wait_ms;
        assert_true(upstream_loops_take_look(loops, 3, now_ms));
    }
    upstream_loops_note_answer(loops, 3, now_ms);
    upstream_loops_note_asked(loops, 3, now_ms); /* for another reason */
    assert_false(upstream_loops_any_due(loops, now_ms + 9000000));
}

static void what_there_was_no_place_for_is_looked_at_after_a_second(void **state)
{
    struct upstream_loops *loops = *state;
    for (int64_t i = 0, now_ms = NOW_MS; i < 3; i++, now_ms += 1000) { /* however often */
        upstream_loops_note_unsent(loops, 3, now_ms);
        assert_false(upstream_loops_any_due(loops, now_ms + 999));
        assert_true(upstream_loops_take_look(loops, 3, now_ms + 1000));
    }
}

static int set_up(void **state)
{
    *state = upstream_loops_new(SLOTS);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    upstream_loops_free(*state);
    return 0;
}

#define SLOTS_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SLOTS_TEST(a_name_tells_of_which_server_it_was_asked),
        SLOTS_TEST(it_is_known_in_any_case_of_its_letters_and_a_second_early),
        SLOTS_TEST(no_other_name_is_taken_for_it),
        SLOTS_TEST(only_a_name_right_below_internal_is_asked_of_servers_for_all_names),
        SLOTS_TEST(what_someone_repeats_later_says_nothing),
        SLOTS_TEST(a_domain_that_leaves_no_room_is_too_long),
        SLOTS_TEST(a_server_leads_back_until_it_answers_what_was_asked_later),
        SLOTS_TEST(what_leads_back_is_looked_at_each_10_s_by_one_of_all_who_ask),
        SLOTS_TEST(what_has_never_answered_is_looked_at_ever_more_seldom),
        SLOTS_TEST(what_there_was_no_place_for_is_looked_at_after_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
