#include "daemon/names_watch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "log_capture.h"

static char dir[64], path[80], link_path[80], yaml[400];
static struct config config;
static struct names_watch watch;

static int make(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/ccward-names-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/hosts", dir);
    snprintf(link_path, sizeof link_path, "%s/link", dir);
    if (symlink("hosts", link_path) != 0)
        return -1;
    clock_fake(1000, 1768000000000);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    names_watch_end(&watch);
    config_free(&config);
    clock_real();
    unlink(path);
    unlink(link_path);
    return rmdir(dir);
}

static void load(const char *more)
{
    struct config_faults faults = {0};
    snprintf(yaml, sizeof yaml, "names: {hosts-file: '%s'}\n%s", link_path, more);
    assert_int_equal(config_load_memory("test.yaml", yaml, strlen(yaml), &config, &faults), ST_OK);
    config_faults_free(&faults);
}

/* Times of files tick slowly: another length of time than any tick. */
static void write_hosts(const char *text)
{
    struct fault fault = {0};
    static time_t second = 1700000000;
    const struct timespec times[] = {{.tv_sec = second}, {.tv_sec = second}};
    second += 10;
    assert_int_equal(file_replace(path, str_of(text), &fault), ST_OK);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static bool has_records(const char *text)
{
    struct dns_question question = {.type = DNS_TYPE_A, .class = DNS_CLASS_IN};
    struct dns_place place;
    assert_int_equal(dname_from_text(str_of(text), &question.name), ST_OK);
    dns_names_find(watch.names, &question, true, &place);
    return place.kind == DNS_PLACE_RECORDS;
}

static void the_hosts_file_is_followed_when_it_appears_changes_and_goes(void **state)
{
    (void)state;
    load("");
    assert_int_equal(names_watch_start(&watch, &config), ST_OK);
    assert_false(has_records("a.lan"));
    write_hosts("192.0.2.1 a.lan\n");
    assert_false(names_watch_step(&watch, &config)); /* whoever writes may not be done */
    assert_false(has_records("a.lan"));
    clock_fake_advance(250);
    assert_true(names_watch_step(&watch, &config));
    assert_true(has_records("a.lan"));
    assert_false(names_watch_step(&watch, &config));
    write_hosts("192.0.2.1 b.lan\n");
    (void)!names_watch_step(&watch, &config);
    clock_fake_advance(250);
    assert_true(names_watch_step(&watch, &config));
    assert_false(has_records("a.lan"));
    assert_true(has_records("b.lan"));
    unlink(path);
    (void)!names_watch_step(&watch, &config);
    clock_fake_advance(250);
    assert_true(names_watch_step(&watch, &config));
    assert_false(has_records("b.lan"));
}

static void a_file_that_keeps_changing_is_read_when_it_rests(void **state)
{
    (void)state;
    load("");
    assert_int_equal(names_watch_start(&watch, &config), ST_OK);
    for (int i = 0; i < 5; i++) {
        write_hosts("192.0.2.1 a.lan\n");
        assert_false(names_watch_step(&watch, &config));
        clock_fake_advance(150);
    }
    clock_fake_advance(100);
    assert_true(names_watch_step(&watch, &config));
}

static void bad_lines_are_told_once_with_the_first(void **state)
{
    (void)state;
    load("");
    write_hosts("192.0.2.1 a.lan\nx\ny\n");
    struct log_capture capture;
    log_capture_begin(&capture);
    enum status status = names_watch_start(&watch, &config);
    assert_int_equal(
        log_capture_end(&capture, "2 line(s) are no entry, or have a name that is none; the first is line 2"), 1);
    assert_int_equal(status, ST_OK);
    assert_true(has_records("a.lan"));
}

static void what_is_no_plain_file_is_told_and_not_used(void **state)
{
    (void)state;
    load("");
    assert_int_equal(mkdir(path, 0700), 0);
    struct log_capture capture;
    log_capture_begin(&capture);
    enum status status = names_watch_start(&watch, &config);
    assert_int_equal(log_capture_end(&capture, "names.hosts-file"), 1);
    assert_int_equal(status, ST_OK);
    assert_int_equal(rmdir(path), 0);
}

static void hosts_of_the_configuration_stand_beside_the_file(void **state)
{
    (void)state;
    load("hosts:\n  - {name: nas.lan, addresses: [192.0.2.5, '2001:db8::5']}\n  - {name: '*.dev.lan', addresses: "
         "[192.0.2.6]}\n");
    write_hosts("192.0.2.1 a.lan\n");
    assert_int_equal(names_watch_start(&watch, &config), ST_OK);
    assert_true(has_records("nas.lan"));
    assert_true(has_records("x.dev.lan"));
    assert_false(has_records("dev.lan"));
    assert_true(has_records("a.lan"));
}

static void a_domain_that_is_forwarded_is_not_special(void **state)
{
    (void)state;
    struct dns_question question = {.type = DNS_TYPE_A, .class = DNS_CLASS_IN};
    struct dns_place place;
    load("forwards: [{domains: [home.arpa], upstreams: [192.0.2.53]}]\n");
    assert_int_equal(names_watch_start(&watch, &config), ST_OK);
    assert_int_equal(dname_from_text(STR("nas.home.arpa"), &question.name), ST_OK);
    dns_names_find(watch.names, &question, true, &place);
    assert_int_equal(place.kind, DNS_PLACE_WORLD);
    assert_int_equal(dname_from_text(STR("a.internal"), &question.name), ST_OK);
    dns_names_find(watch.names, &question, true, &place);
    assert_int_equal(place.kind, DNS_PLACE_SPECIAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_hosts_file_is_followed_when_it_appears_changes_and_goes, make, clean),
        cmocka_unit_test_setup_teardown(a_file_that_keeps_changing_is_read_when_it_rests, make, clean),
        cmocka_unit_test_setup_teardown(bad_lines_are_told_once_with_the_first, make, clean),
        cmocka_unit_test_setup_teardown(what_is_no_plain_file_is_told_and_not_used, make, clean),
        cmocka_unit_test_setup_teardown(a_domain_that_is_forwarded_is_not_special, make, clean),
        cmocka_unit_test_setup_teardown(hosts_of_the_configuration_stand_beside_the_file, make, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
