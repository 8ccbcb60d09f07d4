#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/dname.h"

static struct dname name_of(const char *text)
{
    struct dname name;
    assert_int_equal(dname_from_text(str_of(text), &name), ST_OK);
    return name;
}

static void text_becomes_labels(void **state)
{
    (void)state;
    struct dname name = name_of("wWw.example.com");
    assert_int_equal(name.length, 17);
    assert_int_equal(name.labels, 3);
    assert_memory_equal(name.wire, "\3wWw\7example\3com\0", 17);
    name = name_of("com.");
    assert_memory_equal(name.wire, "\3com\0", 5);
    name = name_of(".");
    assert_int_equal(name.length, 1);
    assert_int_equal(name.labels, 0);
}

static void escapes_stand_for_bytes(void **state)
{
    (void)state;
    struct dname name = name_of("a\\.b.\\000\\255\\\\");
    assert_int_equal(name.length, 9);
    assert_memory_equal(name.wire, "\3a.b\3\0\xff\\\0", 9);
}

static void malformed_text_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "..", ".a", "a..b", "a..", "a\\", "a\\25", "a\\256", "a\\2.5", "\\1"};
    struct dname name;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (dname_from_text(str_of(texts[i]), &name) != ST_INVALID)
            fail_msg("taken: %s", texts[i]);
}

static void lengths_are_bounded(void **state)
{
    (void)state;
    char text[600];
    struct dname name;
    memset(text, 'a', sizeof text);
    assert_int_equal(dname_from_text((struct str){text, 63}, &name), ST_OK);
    assert_int_equal(dname_from_text((struct str){text, 64}, &name), ST_TOO_LARGE);
    for (size_t i = 63; i < sizeof text; i += 64)
        text[i] = '.';
    assert_int_equal(dname_from_text((struct str){text, 253}, &name), ST_OK);
    assert_int_equal(name.length, 255);
    assert_int_equal(dname_from_text((struct str){text, 254}, &name), ST_TOO_LARGE);
    for (size_t i = 1; i < sizeof text; i += 2) {
        text[i - 1] = 'a';
        text[i] = '.';
    }
    assert_int_equal(dname_from_text((struct str){text, 254}, &name), ST_OK); /* with the trailing dot */
    assert_int_equal(name.labels, DNAME_MAX_LABELS);
    assert_int_equal(dname_from_text((struct str){text, 255}, &name), ST_TOO_LARGE);
}

static void any_name_comes_back_from_its_text(void **state)
{
    (void)state;
    char text[DNAME_TEXT_SIZE];
    struct dname name, again;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t wire[256];
        size_t n = 0;
        for (unsigned label = 0; label < 4; label++) { /* the longest text: every byte may need four */
            unsigned count = label < 3 ? 63 : 61;
            wire[n++] = (uint8_t)count;
            memset(wire + n, (int)c, count);
            n += count;
        }
        wire[n++] = 0;
        assert_int_equal(dname_from_wire(wire, n, &name), ST_OK);
        dname_to_text(&name, text);
        assert_true(strlen(text) < DNAME_TEXT_SIZE);
        assert_int_equal(dname_from_text(str_of(text), &again), ST_OK);
        assert_int_equal(again.length, name.length);
        assert_memory_equal(again.wire, name.wire, name.length);
    }
}

static void text_of_the_root_and_of_no_name(void **state)
{
    (void)state;
    char text[DNAME_TEXT_SIZE] = "x";
    struct dname name = name_of(".");
    dname_to_text(&name, text);
    assert_string_equal(text, ".");
    name = (struct dname){0};
    dname_to_text(&name, text);
    assert_string_equal(text, "");
    name = name_of("a\\.b.x y.\\\"c");
    dname_to_text(&name, text);
    assert_string_equal(text, "a\\.b.x\\032y.\\\"c");
}

static void wire_must_be_exactly_one_name(void **state)
{
    (void)state;
    struct dname name;
    static const struct {
        const char *wire;
        size_t n;
    } refused[] = {{"", 0}, {"\1a", 2}, {"\1a\0\0", 4}, {"\2a\0", 3}, {"\x40", 1}, {"\xc0\x0c", 2}, {"\0a", 2}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_equal(dname_from_wire((const uint8_t *)refused[i].wire, refused[i].n, &name), ST_INVALID);
    uint8_t wire[257];
    for (size_t i = 0; i < sizeof wire; i++)
        wire[i] = i % 2 ? 'a' : 1;
    wire[254] = 0;
    assert_int_equal(dname_from_wire(wire, 255, &name), ST_OK);
    assert_int_equal(name.labels, DNAME_MAX_LABELS);
    wire[254] = 1;
    wire[256] = 0;
    assert_int_equal(dname_from_wire(wire, 257, &name), ST_INVALID);
}

static void case_does_not_tell_names_apart(void **state)
{
    (void)state;
    struct dname a = name_of("WWW.Example.COM"), b = name_of("www.example.com");
    assert_true(dname_equal(&a, &b));
    dname_lower(&a);
    assert_memory_equal(a.wire, b.wire, b.length);
    b = name_of("www.example.con");
    assert_false(dname_equal(&a, &b));
    a = name_of("[.com");
    b = name_of("{.com"); /* 32 apart, but no letters */
    assert_false(dname_equal(&a, &b));
}

static void being_within_goes_by_labels(void **state)
{
    (void)state;
    static const struct {
        const char *name, *parent;
        bool within;
    } cases[] = {
        {"example.com", "example.com", true},
        {"a.b.EXAMPLE.com", "example.COM", true},
        {"notexample.com", "example.com", false},
        {"com", "example.com", false},
        {"example.com", ".", true},
        {".", ".", true},
        {".", "com", false},
        {"a.com.example", "com", false},
        {"x\\003com", "com", false}, /* a label that looks like one on the wire */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dname name = name_of(cases[i].name), parent = name_of(cases[i].parent);
        assert_int_equal(dname_is_within(&name, &parent), cases[i].within);
    }
}

static void every_byte_at_every_place_becomes_lower_case(void **state)
{
    (void)state;
    for (unsigned length = 1; length <= 40; length++)
        for (unsigned byte = 0; byte < 256; byte++) {
            struct dname name = {.length = (uint8_t)length, .labels = 3};
            memset(name.wire, (int)byte, sizeof name.wire);
            dname_lower(&name);
            unsigned lower = byte >= 'A' && byte <= 'Z' ? byte + 32 : byte;
            for (unsigned i = 0; i < sizeof name.wire; i++)
                assert_int_equal(name.wire[i], i < length ? lower : byte);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_at_every_place_becomes_lower_case),
        cmocka_unit_test(text_becomes_labels),
        cmocka_unit_test(escapes_stand_for_bytes),
        cmocka_unit_test(malformed_text_is_refused),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(any_name_comes_back_from_its_text),
        cmocka_unit_test(text_of_the_root_and_of_no_name),
        cmocka_unit_test(wire_must_be_exactly_one_name),
        cmocka_unit_test(case_does_not_tell_names_apart),
        cmocka_unit_test(being_within_goes_by_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
