#include "feed_test.h"

#include <fcntl.h>

#include "feeds/document.h"

/* The documents in TEXT, each in compact form and a line feed; then "!" and what is wrong. Freed by the caller. */
static char *documents_of(const void *text, size_t n)
{
    struct buf out = {0};
    struct lines lines;
    struct document document;
    struct fault fault = {0};
    int fd = open(write_file("feed", text, n), O_RDONLY);
    assert_int_equal(lines_init(&lines, fd), ST_OK);
    enum status st = document_open(&document, &lines, "feed", &fault);
    while (st == ST_OK && document.root) {
        char *shown = json_dumps(document.root, JSON_COMPACT | JSON_ENCODE_ANY);
        buf_printf(&out, "%s\n", shown);
        free(shown);
        st = document_next(&document, &fault);
    }
    if (st != ST_OK)
        buf_printf(&out, "!%s", fault.text);
    document_close(&document);
    lines_fini(&lines);
    close(fd);
    char *all = strdup(buf_text(&out));
    buf_free(&out);
    return all;
}

static void expect_documents(const char *text, const char *want)
{
    char *got = documents_of(text, strlen(text));
    assert_string_equal(got, want);
    free(got);
}

static void expect_fault(const char *text, const char *part)
{
    char *got = documents_of(text, strlen(text));
    if (!strchr(got, '!') || !strstr(got, part))
        fail_msg("%s: '%s' instead of '%s'", text, got, part);
    free(got);
}

static void documents_stand_one_after_the_other(void **state)
{
    (void)state;
    expect_documents("", "");
    expect_documents(" \r\n\t", "");
    expect_documents("{\"a\":1}", "{\"a\":1}\n");
    expect_documents("{\"a\":1}\n{\"b\":[2]}\r\n\n{}", "{\"a\":1}\n{\"b\":[2]}\n{}\n");
    expect_documents("\x1e{\"a\":1}\n\x1e{\"b\":2}\n", "{\"a\":1}\n{\"b\":2}\n");
    expect_documents("{\"a\":\"}]\\\"{\\\\\"}{\"b\":2}", "{\"a\":\"}]\\\"{\\\\\"}\n{\"b\":2}\n");
}

static void the_elements_of_a_list_are_documents(void **state)
{
    (void)state;
    expect_documents("[]", "[]\n");
    expect_documents(" [ { \"a\" : 1 } , {\"b\":[{}]},[1,2] ] {\"c\":3}\n[{}]",
                     "{\"a\":1}\n{\"b\":[{}]}\n[1,2]\n{\"c\":3}\n{}\n");
    expect_documents("[\"x,]\",null,-1.5e3 ,true]", "\"x,]\"\nnull\n-1500.0\ntrue\n");
}

static void an_object_keyed_by_numbers_is_a_list_of_lists(void **state)
{
    (void)state;
    expect_documents("{\"17\": [ {\"a\":1} , {\"b\":2} ],\n\"18\":[],\"19\":{\"c\":3},\"x\":[{\"d\":4}]}",
                     "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n{\"d\":4}\n");
    expect_documents("{\"17\":{\"a\":1}}", "{\"17\":{\"a\":1}}\n");
    expect_documents("{\"x\":[{\"a\":1}]}", "{\"x\":[{\"a\":1}]}\n");
}

static void what_is_no_json_is_told_with_its_line(void **state)
{
    (void)state;
    expect_fault("\n\nx", "line 3: an object or a list is due");
    expect_fault("{\"a\":1}\n{\"a\":1}\nnull", "line 3");
    expect_fault("{\"a\":1}\n{\"a\":\n\nx}", "line 4");
    expect_fault("[{} {}]", "a comma is due");
    expect_fault("[{},]", "a value is due");
    expect_fault("[,{}]", "a value is due");
    expect_fault("[{}}", "a comma is due");
    expect_fault("[{},\n{}", "line 2: it ends within a list");
    expect_fault("{\"1\":[{}],2:[]}", "not whole JSON");
    expect_fault("{\"1\":[{}],\"2\" []}", "a key and a colon are due");
    expect_fault("{\"1\":[{}]]", "a comma is due");
    expect_fault("{\"1\":[{}]", "it ends within a list");
    expect_fault("{\"1\":[{}],\"2", "not whole JSON");
    expect_fault("[\"\xff\"]", "not whole JSON");
    expect_fault("{\"a\":1}]", "an object or a list is due");
}

static void what_is_cut_anywhere_is_noticed(void **state)
{
    static const char *const texts[] = {"{\"urls\":[{\"a\":\"b\\\"\"},{\"c\":null}]}", "[{\"a\":1},{\"b\":\"]\"}]",
                                        "{\"17\":[{\"a\":1}],\"18\":[{\"b\":2},{\"c\":3}]}"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (size_t n = 1; n < strlen(texts[i]); n++) {
            char *got = documents_of(texts[i], n);
            assert_non_null(strchr(got, '!'));
            free(got);
        }
}

/* Documents, and what stands between them, over the ends of what is read at once. */
static void a_large_list_is_read_element_by_element(void **state)
{
    enum { ELEMENTS = 5000, ELEMENT = 100 };
    struct buf text = {0};
    (void)state;
    buf_add_text(&text, "[");
    for (unsigned i = 0; i < ELEMENTS; i++)
        buf_printf(&text, "%s{\"n\":%u,\"pad\":\"%0*d\"}", i ? " ,\n" : "", i, ELEMENT, 0);
    buf_add_text(&text, "]");
    char *got = documents_of(text.data, text.length);
    unsigned lines = 0;
    for (const char *at = got; *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, ELEMENTS);
    assert_null(strchr(got, '!'));
    free(got);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_stand_one_after_the_other),
        cmocka_unit_test(the_elements_of_a_list_are_documents),
        cmocka_unit_test(an_object_keyed_by_numbers_is_a_list_of_lists),
        cmocka_unit_test(what_is_no_json_is_told_with_its_line),
        cmocka_unit_test(what_is_cut_anywhere_is_noticed),
        cmocka_unit_test(a_large_list_is_read_element_by_element),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
