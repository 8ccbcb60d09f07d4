#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"

static char path[] = "/tmp/ccward-place-XXXXXX";
static struct config config;

static int set_up(void **state)
{
    (void)state;
    static const char yaml[] = "dns:\n"
                               "  listen: [\"127.0.0.1:5335\"]\n"
                               "proxy:\n"
                               "  # a comment\n"
                               "  users: /etc/ccward/users\n"
                               "feeds:\n"
                               "  - name: one\n"
                               "    url: https://feeds.example/a\n";
    struct config_faults faults = {0};
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, yaml, sizeof yaml - 1) != (ssize_t)sizeof yaml - 1 || close(fd))
        return -1;
    return config_load(path, &config, &faults) == ST_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    config_free(&config);
    return unlink(path);
}

static const char *place(const char *text)
{
    static struct fault fault;
    fault = (struct fault){0};
    fault_set(&fault, ST_INVALID, "%s", text);
    config_place_fault(&config, &fault);
    return fault.text;
}

static void a_fault_of_an_option_gets_file_and_line(void **state)
{
    (void)state;
    char expected[200];
    snprintf(expected, sizeof expected, "%s:5: proxy.users: /etc/ccward/users:3: is no line USER:HASH", path);
    assert_string_equal(place("proxy.users: /etc/ccward/users:3: is no line USER:HASH"), expected);
}

static void what_stands_nowhere_in_the_file_stays_as_it_is(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "out of memory",
                                        "proxy.users",
                                        "proxy.user: there is no such option",
                                        "proxy.access-log: a default",
                                        "feeds.name: of a list section",
                                        "categories.c2: of a map section",
                                        "...:: odd",
                                        "/etc/file: not found"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_string_equal(place(texts[i]), texts[i]);
}

static void a_file_that_is_gone_or_broken_since_is_no_trouble(void **state)
{
    (void)state;
    static const char text[] = "proxy.users: cannot be read";
    assert_int_equal(truncate(path, 0), 0);
    assert_string_equal(place(text), text);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("proxy: {users: [\n", file);
    fclose(file);
    assert_string_equal(place(text), text);
    char *kept = config.path;
    config.path = NULL;
    assert_string_equal(place(text), text);
    config.path = kept;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_of_an_option_gets_file_and_line),
        cmocka_unit_test(what_stands_nowhere_in_the_file_stays_as_it_is),
        cmocka_unit_test(a_file_that_is_gone_or_broken_since_is_no_trouble),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
