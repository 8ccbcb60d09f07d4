#include "fixture.h"
#include "reputation/record_codec.h"

static uint8_t bytes[RECORD_MAX_BYTES];

static void a_plain_record_takes_one_byte(void **state)
{
    (void)state;
    struct record record = {.category = CATEGORY_OTHER, .risk = RISK_MEDIUM}, back;
    assert_int_equal(record_encode(&record, bytes), 1);
    struct cursor cursor = cursor_over(bytes, 1);
    assert_true(record_decode(&cursor, &back));
    assert_int_equal(back.category, CATEGORY_OTHER);
    assert_int_equal(back.risk, RISK_MEDIUM);
    assert_int_equal(back.flags, 0);
    assert_int_equal(back.family.length, 0);
}

static void every_part_comes_back(void **state)
{
    (void)state;
    struct record back, record = {
                            .category = CATEGORY_C2,
                            .risk = RISK_HIGH,
                            .confidence = 99,
                            .flags = RECORD_LOG,
                            .port = 4443,
                            .first_seen = 1,
                            .last_seen = 0x89abcdef,
                            .expires = UINT32_MAX,
                            .family = STR("Emotet"),
                            .reference = STR("https://reference.example/"),
                            .group = STR("lab"),
                            .types = {(const char *)"\0\1\0\34", 4},
                            .trigger = TRIGGER_NS_ADDRESS,
                            .answer = RECORD_ANSWER_DATA,
                            .data = STR("record"),
                            .tags = STR("elf,mirai"),
                        };
    size_t n = record_encode(&record, bytes);
    struct cursor cursor = cursor_over(bytes, n);
    assert_true(record_decode(&cursor, &back));
    assert_int_equal(cursor_left(&cursor), 0);
    assert_int_equal(back.confidence, 99);
    assert_int_equal(back.flags, RECORD_LOG);
    assert_int_equal(back.port, 4443);
    assert_int_equal(back.first_seen, 1);
    assert_int_equal(back.last_seen, 0x89abcdef);
    assert_int_equal(back.expires, UINT32_MAX);
    assert_true(str_eq(back.family, record.family));
    assert_true(str_eq(back.reference, record.reference));
    assert_true(str_eq(back.group, record.group));
    assert_true(str_eq(back.types, record.types));
    assert_int_equal(back.trigger, TRIGGER_NS_ADDRESS);
    assert_int_equal(back.answer, RECORD_ANSWER_DATA);
    assert_true(str_eq(back.data, record.data));
    assert_true(str_eq(back.tags, record.tags));
    for (size_t cut = 0; cut < n; cut++) {
        cursor = cursor_over(bytes, cut);
        assert_false(record_decode(&cursor, &back));
    }
}

static void long_texts_are_bounded(void **state)
{
    (void)state;
    char text[2000];
    struct record record = plain_record, back;
    memset(text, 'a', sizeof text);
    memcpy(text + RECORD_FAMILY_MAX - 1, "\xc3\xbc", 2); /* across the bound */
    record.family = (struct str){text, sizeof text};
    record.reference = (struct str){text, RECORD_REFERENCE_MAX};
    struct cursor cursor = cursor_over(bytes, record_encode(&record, bytes));
    assert_true(record_decode(&cursor, &back));
    assert_int_equal(back.family.length, RECORD_FAMILY_MAX - 1);
    assert_int_equal(back.reference.length, RECORD_REFERENCE_MAX);
    record.reference.length++;
    cursor = cursor_over(bytes, record_encode(&record, bytes));
    assert_true(record_decode(&cursor, &back));
    assert_int_equal(back.reference.length, 0);
    memset(text, 't', sizeof text);
    text[200] = text[255] = ',';
    record.tags = (struct str){text, 300};
    cursor = cursor_over(bytes, record_encode(&record, bytes));
    assert_true(record_decode(&cursor, &back));
    assert_int_equal(back.tags.length, 255);
    text[255] = 't';
    cursor = cursor_over(bytes, record_encode(&record, bytes));
    assert_true(record_decode(&cursor, &back));
    assert_int_equal(back.tags.length, 200);
    text[200] = 't';
    cursor = cursor_over(bytes, record_encode(&record, bytes));
    assert_true(record_decode(&cursor, &back));
    assert_int_equal(back.tags.length, 255);
}

static void bytes_that_are_no_record_are_refused(void **state)
{
    (void)state;
    struct record record;
    static const uint8_t category = 31, risk = 3 << 5;
    struct cursor cursor = cursor_over(&category, 1);
    assert_false(record_decode(&cursor, &record));
    cursor = cursor_over(&risk, 1);
    assert_false(record_decode(&cursor, &record));
    cursor = cursor_over(NULL, 0);
    assert_false(record_decode(&cursor, &record));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_record_takes_one_byte),
        cmocka_unit_test(every_part_comes_back),
        cmocka_unit_test(long_texts_are_bounded),
        cmocka_unit_test(bytes_that_are_no_record_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
