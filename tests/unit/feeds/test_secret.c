#include "feed_test.h"

#include "feeds/secret.h"

static struct secret key;
static struct fault fault;

static enum status read_key(const char *place)
{
    fault = (struct fault){0};
    enum status st = secret_read(place, &key, &fault);
    assert_int_equal(st == ST_OK, fault.text[0] == '\0');
    assert_null(strstr(fault.text, "s3cret"));
    return st;
}

static const char *key_file(const char *text, mode_t mode)
{
    static char place[300];
    (void)unlink(in_scratch("key")); /* it may be someone else's now */
    const char *path = write_text("key", text);
    assert_int_equal(chmod(path, mode), 0);
    snprintf(place, sizeof place, "file:%s", path);
    return place;
}

static void a_key_comes_from_the_environment(void **state)
{
    (void)state;
    assert_int_equal(setenv("CCWARD_TEST_KEY", "s3cret", 1), 0);
    assert_int_equal(read_key("env:CCWARD_TEST_KEY"), ST_OK);
    assert_string_equal(key.text, "s3cret");
    unsetenv("CCWARD_TEST_KEY");
    assert_int_equal(read_key("env:CCWARD_TEST_KEY"), ST_NOT_FOUND);
    assert_non_null(strstr(fault.text, "CCWARD_TEST_KEY"));
}

static void a_key_is_the_first_line_of_a_file(void **state)
{
    static const char *const texts[] = {"s3cret", "s3cret\n", " s3cret \r\n", "s3cret\nmore\n"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(read_key(key_file(texts[i], i % 2 ? 0600 : 0400)), ST_OK);
        assert_string_equal(key.text, "s3cret");
    }
}

static void a_text_of_several_lines_is_read_whole(void **state)
{
    static const char text[] = "key \"s3cret\" {\n\talgorithm x;\r\n};";
    char with_end[64];
    (void)state;
    snprintf(with_end, sizeof with_end, "%s\r\n\n", text);
    fault = (struct fault){0};
    assert_int_equal(secret_read_lines(key_file(with_end, 0600), &key, &fault), ST_OK);
    assert_string_equal(key.text, text);
    assert_int_equal(setenv("CCWARD_TEST_KEY", text, 1), 0);
    assert_int_equal(secret_read_lines("env:CCWARD_TEST_KEY", &key, &fault), ST_OK);
    assert_string_equal(key.text, text);
    unsetenv("CCWARD_TEST_KEY");
    assert_int_equal(secret_read_lines(key_file("s3cret\b\n", 0600), &key, &fault), ST_INVALID);
    fault = (struct fault){0};
    assert_int_equal(secret_read_lines(key_file("\n\n", 0600), &key, &fault), ST_INVALID);
    fault = (struct fault){0};
    assert_int_equal(secret_read_lines(key_file(text, 0640), &key, &fault), ST_DENIED);
}

static void a_file_that_others_can_read_is_refused(void **state)
{
    static const mode_t modes[] = {0644, 0640, 0660, 0604, 0601, 0700};
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(read_key(key_file("s3cret\n", modes[i])), ST_DENIED);
        assert_non_null(strstr(fault.text, "chmod 600 /"));
        assert_string_equal(key.text, "");
    }
}

static void a_file_of_someone_else_is_refused(void **state)
{
    (void)state;
    if (geteuid())
        skip(); /* only root can give a file away */
    const char *place = key_file("s3cret\n", 0600);
    assert_int_equal(chown(place + 5, 12345, 12345), 0);
    assert_int_equal(read_key(place), ST_DENIED);
    assert_non_null(strstr(fault.text, "12345"));
}

static void what_is_no_file_is_refused_at_once(void **state)
{
    char place[300];
    (void)state;
    snprintf(place, sizeof place, "file:%s", in_scratch("pipe"));
    assert_int_equal(mkfifo(place + 5, 0600), 0);
    assert_int_equal(read_key(place), ST_DENIED);
    snprintf(place, sizeof place, "file:%s", scratch);
    assert_int_equal(read_key(place), ST_DENIED);
    snprintf(place, sizeof place, "file:%s", in_scratch("missing"));
    assert_int_equal(read_key(place), ST_NOT_FOUND);
}

static void a_key_that_would_hurt_a_header_is_refused(void **state)
{
    static char long_key[SECRET_SIZE + 1];
    const char *const texts[] = {"", "\n", " \n", "s3cret\rX-Other: 1\n", "s3\001cret", "s3\177cret", long_key};
    (void)state;
    memset(long_key, 'x', SECRET_SIZE);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(read_key(key_file(texts[i], 0600)), ST_INVALID);
        assert_string_equal(key.text, "");
    }
}

static void no_place_is_no_key(void **state)
{
    (void)state;
    assert_int_equal(read_key(NULL), ST_OK);
    assert_int_equal(read_key(""), ST_OK);
    assert_string_equal(key.text, "");
    assert_int_equal(read_key("s3c"), ST_INVALID);
}

static void a_key_is_hidden_wherever_it_stands(void **state)
{
    char text[64] = "s3cret at s3crets3cret, not s3cre";
    (void)state;
    struct secret mine = {"s3cret"}, none = {""};
    secret_hide(&mine, text);
    assert_string_equal(text, "*** at ******, not s3cre");
    secret_hide(&none, text);
    secret_hide(NULL, text);
    assert_string_equal(text, "*** at ******, not s3cre");
    secret_wipe(&mine);
    assert_string_equal(mine.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_comes_from_the_environment),
        cmocka_unit_test(a_key_is_the_first_line_of_a_file),
        cmocka_unit_test(a_text_of_several_lines_is_read_whole),
        cmocka_unit_test(a_file_that_others_can_read_is_refused),
        cmocka_unit_test(a_file_of_someone_else_is_refused),
        cmocka_unit_test(what_is_no_file_is_refused_at_once),
        cmocka_unit_test(a_key_that_would_hurt_a_header_is_refused),
        cmocka_unit_test(no_place_is_no_key),
        cmocka_unit_test(a_key_is_hidden_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
