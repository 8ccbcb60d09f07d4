#include "net_fixture.h"

#include "message/dns_message.h"
#include "net/query_mask.h"

static const struct query_style mixed = {.mix_case = true}, plain = {0};

static size_t make_query(uint8_t out[512], const char *name_text, uint16_t id)
{
    struct dns_question question = {.type = DNS_TYPE_A, .class = DNS_CLASS_IN};
    assert_int_equal(dname_from_text(str_of(name_text), &question.name), ST_OK);
    struct dns_build build = dns_build_query(out, 512, id, &question, 0);
    dns_build_opt(&build, 1232, false, 0, -1, (struct str){0});
    size_t n = dns_build_finish(&build);
    assert_true(n > 0);
    return n;
}

static void a_draw_changes_id_and_case_and_nothing_else(void **state)
{
    (void)state;
    struct random_pool pool = {0};
    struct query_mask mask;
    struct query_original original;
    uint8_t query[512];
    size_t n = make_query(query, "mIxEd-09_@[`{.x.eXample", 0xabcd);
    unsigned ids = 0, cases = 0;
    uint32_t ever = 0, always = 0xffffffff;
    assert_int_equal(query_original_set(&original, query, n), ST_OK);
    for (int i = 0; i < 200; i++) {
        query_mask_draw(&mask, &original, &pool, &mixed);
        assert_int_equal(mask.length, n);
        ids += memcmp(mask.bytes, query, 2) != 0;
        uint32_t flipped = 0;
        for (size_t at = 2; at < n; at++) {
            uint8_t changed = mask.bytes[at] ^ query[at];
            assert_true(changed == 0 || (changed == 0x20 && ascii_alpha((char)query[at]) && at < mask.question_end));
            flipped |= changed ? 1u << (at - 12) % 32 : 0;
        }
        cases += flipped != 0;
        ever |= flipped;
        always &= flipped;
    }
    assert_true(ids > 190 && cases > 190);
    assert_int_equal(__builtin_popcount(ever), 5 + 1 + 7); /* every letter, now and then */
    assert_int_equal(always, 0);
    query_mask_draw(&mask, &original, &pool, &plain);
    assert_memory_equal(mask.bytes + 2, query + 2, n - 2);
}

static void a_reply_is_undone_to_what_the_caller_wrote(void **state)
{
    (void)state;
    struct random_pool pool = {0};
    struct query_mask mask;
    struct query_original original;
    struct query_reply info;
    uint8_t query[512], reply[512];
    size_t n = make_query(query, "wWw.ExAmPlE.test", 0x0102);
    assert_int_equal(query_original_set(&original, query, n), ST_OK);
    query_mask_draw(&mask, &original, &pool, &mixed);
    memcpy(reply, mask.bytes, n);
    assert_int_equal(query_mask_match(&mask, reply, n, &info), MATCH_NONE); /* the query itself, thrown back */
    reply[2] |= 0x80;
    assert_int_equal(query_mask_match(&mask, reply, n, &info), MATCH_ANSWER);
    reply[13] ^= 0x20;
    assert_int_equal(query_mask_match(&mask, reply, n, &info), MATCH_CASE_ONLY);
    reply[13] ^= 0x20;
    query_original_restore(&original, reply);
    reply[2] &= 0x7f;
    assert_memory_equal(reply, query, n);
}

static void a_truncated_reply_needs_its_question_alone(void **state)
{
    (void)state;
    struct random_pool pool = {0};
    struct query_mask mask;
    struct query_original original;
    struct query_reply info;
    uint8_t query[512], reply[512];
    size_t n = make_query(query, ".", 7);
    assert_int_equal(query_original_set(&original, query, n), ST_OK);
    query_mask_draw(&mask, &original, &pool, &mixed);
    memcpy(reply, mask.bytes, n);
    reply[2] |= 0x82;
    assert_int_equal(query_mask_match(&mask, reply, mask.question_end, &info), MATCH_TRUNCATED);
    for (size_t cut = 0; cut < mask.question_end; cut++)
        assert_int_equal(query_mask_match(&mask, reply, cut, &info), MATCH_NONE);
}

static void the_pool_never_gives_the_same_bytes_twice(void **state)
{
    (void)state;
    struct random_pool pool = {0};
    uint8_t last[32] = {0}, now[32];
    for (int i = 0; i < 100; i++) {
        random_pool_take(&pool, now, sizeof now);
        assert_memory_not_equal(now, last, sizeof now);
        memcpy(last, now, sizeof now);
    }
    random_pool_take(&pool, now, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_draw_changes_id_and_case_and_nothing_else),
        cmocka_unit_test(a_reply_is_undone_to_what_the_caller_wrote),
        cmocka_unit_test(a_truncated_reply_needs_its_question_alone),
        cmocka_unit_test(the_pool_never_gives_the_same_bytes_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
