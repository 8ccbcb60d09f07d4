#include "feed_test.h"

#include <fcntl.h>

#include "feeds/zone_changes.h"

static const char old_zone[] = "rpz. 60 IN SOA ns. h. 1 2 3 4 5\n"
                               "a.rpz. 60 IN CNAME .\n"
                               "b.rpz. 60 IN CNAME .\n"
                               "b.rpz. 60 IN TXT \"x\"\n";
static const char new_soa[] = "rpz. 60 IN SOA ns. h. 9 2 3 4 5";

static struct zone_changes changes;
static struct fault fault;
static char got[4096];

/* Each change is a line with '+' or '-' before it. */
static enum status apply_to(const char *old, const char *const *lines)
{
    int old_fd = open(write_text("old", old), O_RDONLY);
    int new_fd = open(in_scratch("new"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct zone_file file = {.fd = new_fd, .max_bytes = sizeof got - 1, .max_records = 100};
    assert_true(old_fd >= 0 && new_fd >= 0);
    fault = (struct fault){0};
    changes = (struct zone_changes){0};
    for (; *lines; lines++)
        assert_int_equal(zone_changes_add(&changes, **lines == '+', str_of(*lines + 1)), ST_OK);
    enum status st = zone_changes_apply(&changes, old_fd, str_of(new_soa), &file, &fault);
    assert_int_equal(st == ST_OK, !fault.text[0]);
    ssize_t n = pread(new_fd, got, sizeof got - 1, 0);
    assert_true(n >= 0);
    got[n] = '\0';
    zone_changes_free(&changes);
    zone_file_free(&file);
    close(old_fd);
    close(new_fd);
    return st;
}

#define APPLY(...) apply_to(old_zone, (const char *const[]){__VA_ARGS__, NULL})

static void what_goes_goes_and_what_comes_comes(void **state)
{
    (void)state;
    assert_int_equal(APPLY("-a.rpz. 60 IN CNAME .", "+c.rpz. 60 IN CNAME ."), ST_OK);
    assert_string_equal(got, "rpz. 60 IN SOA ns. h. 9 2 3 4 5\n"
                             "b.rpz. 60 IN CNAME .\nb.rpz. 60 IN TXT \"x\"\n"
                             "c.rpz. 60 IN CNAME .\n");
}

static void only_what_comes_out_of_many_changes_counts(void **state)
{
    (void)state;
    assert_int_equal(APPLY("-a.rpz. 60 IN CNAME .", "+c.rpz. 60 IN CNAME .", "-c.rpz. 60 IN CNAME .",
                           "+a.rpz. 60 IN CNAME .", "-b.rpz. 60 IN TXT \"x\"", "+b.rpz. 60 IN TXT \"x\"",
                           "-b.rpz. 60 IN TXT \"x\""),
                     ST_OK);
    assert_string_equal(got, "rpz. 60 IN SOA ns. h. 9 2 3 4 5\nb.rpz. 60 IN CNAME .\na.rpz. 60 IN CNAME .\n");
}

static void another_ttl_is_the_same_record(void **state)
{
    (void)state;
    assert_int_equal(APPLY("-a.rpz. 1 IN CNAME .", "+a.rpz. 99 IN CNAME .", "-b.rpz. 7 IN CNAME ."), ST_OK);
    assert_string_equal(got, "rpz. 60 IN SOA ns. h. 9 2 3 4 5\nb.rpz. 60 IN TXT \"x\"\na.rpz. 99 IN CNAME .\n");
}

static void no_changes_leave_all_but_the_soa(void **state)
{
    (void)state;
    assert_int_equal(apply_to(old_zone, (const char *const[]){NULL}), ST_OK);
    assert_string_equal(strchr(got, '\n'), strchr(old_zone, '\n'));
    assert_true(!strncmp(got, new_soa, strlen(new_soa)));
}

static void changes_that_do_not_fit_are_told(void **state)
{
    (void)state;
    assert_int_equal(APPLY("-d.rpz. 60 IN CNAME ."), ST_UNSUPPORTED);
    assert_non_null(strstr(fault.text, "'d.rpz. 60 IN CNAME .' is taken away and not there"));
    assert_int_equal(APPLY("+a.rpz. 5 IN CNAME ."), ST_UNSUPPORTED);
    assert_non_null(strstr(fault.text, "is added and there already"));
    assert_int_equal(APPLY("-a.rpz. 60 IN CNAME .", "-a.rpz. 60 IN CNAME ."), ST_UNSUPPORTED);
    assert_non_null(strstr(fault.text, "contradict"));
    assert_int_equal(APPLY("+d.rpz. 60 IN CNAME .", "+d.rpz. 60 IN CNAME ."), ST_UNSUPPORTED);
}

static void an_old_zone_that_is_cut_does_not_fit(void **state)
{
    (void)state;
    assert_int_equal(
        apply_to("rpz. 60 IN SOA ns. h. 1 2 3 4 5\n", (const char *const[]){"-a.rpz. 60 IN CNAME .", NULL}),
        ST_UNSUPPORTED);
}

static void many_changes_are_found_in_any_order(void **state)
{
    static char old[64000], line[64];
    struct zone_file file = {
        .fd = open(in_scratch("new"), O_RDWR | O_CREAT | O_TRUNC, 0600), .max_bytes = 1 << 20, .max_records = 10000};
    size_t n = (size_t)snprintf(old, sizeof old, "rpz. 60 IN SOA ns. h. 1 2 3 4 5\n");
    (void)state;
    for (unsigned i = 0; i < 2000; i++)
        n += (size_t)snprintf(old + n, sizeof old - n, "n%u.rpz. 60 IN CNAME .\n", i);
    int old_fd = open(write_text("old", old), O_RDONLY);
    changes = (struct zone_changes){0};
    for (unsigned i = 0; i < 2000; i++) { /* 7 and 2000 share no factor: every second of all, out of order */
        unsigned at = i * 7 % 2000;
        snprintf(line, sizeof line, "n%u.rpz. 60 IN CNAME .", at % 2 ? at : at + 2000);
        assert_int_equal(zone_changes_add(&changes, at % 2 == 0, str_of(line)), ST_OK);
    }
    fault = (struct fault){0};
    assert_int_equal(zone_changes_apply(&changes, old_fd, str_of(new_soa), &file, &fault), ST_OK);
    assert_int_equal(file.records, 1 + 1000 + 1000);
    zone_changes_free(&changes);
    zone_file_free(&file);
    close(old_fd);
    close(file.fd);
}

static void too_many_changes_are_refused(void **state)
{
    (void)state;
    changes = (struct zone_changes){0};
    for (unsigned i = 0; i < ZONE_CHANGES_MAX; i++)
        assert_int_equal(zone_changes_add(&changes, true, STR("a")), ST_OK);
    assert_int_equal(zone_changes_add(&changes, true, STR("a")), ST_TOO_LARGE);
    zone_changes_free(&changes);
}

static void the_bounds_of_the_file_hold(void **state)
{
    struct zone_file file = {
        .fd = open(in_scratch("new"), O_RDWR | O_CREAT | O_TRUNC, 0600), .max_bytes = 10, .max_records = 2};
    (void)state;
    fault = (struct fault){0};
    assert_int_equal(zone_file_add(&file, STR("12345678"), &fault), ST_OK);
    assert_int_equal(zone_file_add(&file, STR("1"), &fault), ST_TOO_LARGE);
    assert_int_equal(zone_file_reset(&file, &fault), ST_OK);
    assert_int_equal(zone_file_add(&file, STR("1"), &fault), ST_OK);
    assert_int_equal(zone_file_add(&file, STR("2"), &fault), ST_OK);
    assert_int_equal(zone_file_add(&file, STR("3"), &fault), ST_TOO_LARGE);
    zone_file_free(&file);
    close(file.fd);
    file = (struct zone_file){.fd = open("/dev/full", O_WRONLY), .max_bytes = 10, .max_records = 2};
    fault = (struct fault){0};
    assert_int_equal(zone_file_add(&file, STR("1"), &fault), ST_OK);
    assert_int_equal(zone_file_flush(&file, &fault), ST_FULL);
    zone_file_free(&file);
    close(file.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_goes_and_what_comes_comes),
        cmocka_unit_test(only_what_comes_out_of_many_changes_counts),
        cmocka_unit_test(another_ttl_is_the_same_record),
        cmocka_unit_test(no_changes_leave_all_but_the_soa),
        cmocka_unit_test(changes_that_do_not_fit_are_told),
        cmocka_unit_test(an_old_zone_that_is_cut_does_not_fit),
        cmocka_unit_test(many_changes_are_found_in_any_order),
        cmocka_unit_test(too_many_changes_are_refused),
        cmocka_unit_test(the_bounds_of_the_file_hold),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
