#include "feed_test.h"

#include <fcntl.h>
#include <jansson.h>

static unsigned damaged;
static struct fault fault;

static int fill(void **state)
{
    struct feed_report report;
    if (make_scratch(state))
        return -1;
    static const char *const names[] = {"first", "second"};
    for (size_t i = 0; i < 2; i++) {
        struct feed feed = {.name = names[i], .format = "domains", .category = CATEGORY_C2};
        assert_int_equal(
            feed_import(&site, write_text("list", "a.example\nb.example\n"), &feed, false, &report, &fault), ST_OK);
    }
    return 0;
}

/* What is printed; freed by the caller. */
static char *verify(const char *name, bool json, enum status *st)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    fault = (struct fault){0};
    *st = feeds_verify(&site, name, json, out, &damaged, &fault);
    fclose(out);
    return text;
}

/* In the middle of the file, keeping its times, so that only reading it all can tell. */
static void damage_second(void)
{
    char path[300];
    struct stat st;
    snprintf(path, sizeof path, "%s/second.1.mdb", in_scratch("reputation"));
    int fd = open(path, O_WRONLY);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(pwrite(fd, "damage", 6, st.st_size / 2), 6);
    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
}

static void what_is_whole_is_called_so(void **state)
{
    enum status st;
    (void)state;
    char *text = verify(NULL, false, &st);
    assert_int_equal(st, ST_OK);
    assert_int_equal(damaged, 0);
    assert_non_null(strstr(text, "first"));
    assert_non_null(strstr(text, "second"));
    assert_null(strstr(text, "DAMAGED"));
    free(text);
}

static void damage_is_found_and_counted(void **state)
{
    enum status st;
    (void)state;
    damage_second();
    char *text = verify(NULL, false, &st);
    assert_int_equal(st, ST_OK);
    assert_int_equal(damaged, 1);
    assert_non_null(strstr(text, "DAMAGED: "));
    assert_non_null(strstr(text, "feeds rebuild"));
    free(text);
    free(verify("first", false, &st));
    assert_int_equal(damaged, 0);
}

static void programs_get_json(void **state)
{
    enum status st;
    (void)state;
    damage_second();
    char *text = verify(NULL, true, &st);
    json_t *all = json_loads(text, 0, NULL);
    json_t *sources = json_object_get(all, "sources");
    assert_int_equal(json_integer_value(json_object_get(all, "damaged")), 1);
    assert_int_equal(json_array_size(sources), 2);
    assert_true(json_is_true(json_object_get(json_array_get(sources, 0), "ok")));
    assert_int_equal(json_integer_value(json_object_get(json_array_get(sources, 0), "entries")), 2);
    assert_true(json_is_false(json_object_get(json_array_get(sources, 1), "ok")));
    assert_true(json_is_string(json_object_get(json_array_get(sources, 1), "reason")));
    json_decref(all);
    free(text);
}

static void a_source_that_is_not_there_is_told(void **state)
{
    enum status st;
    (void)state;
    char *text = verify("third", false, &st);
    assert_int_equal(st, ST_NOT_FOUND);
    assert_string_equal(text, ""); /* no table without rows */
    free(text);
    assert_non_null(strstr(fault.text, "'third'"));
}

static void a_store_that_is_not_there_is_empty(void **state)
{
    enum status st;
    (void)state;
    free(verify(NULL, false, &st));
    assert_int_equal(st, ST_OK);
    free(verify("first", false, &st));
    assert_int_equal(st, ST_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_whole_is_called_so, fill, remove_scratch),
        cmocka_unit_test_setup_teardown(damage_is_found_and_counted, fill, remove_scratch),
        cmocka_unit_test_setup_teardown(programs_get_json, fill, remove_scratch),
        cmocka_unit_test_setup_teardown(a_source_that_is_not_there_is_told, fill, remove_scratch),
        cmocka_unit_test_setup_teardown(a_store_that_is_not_there_is_empty, make_scratch, remove_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
