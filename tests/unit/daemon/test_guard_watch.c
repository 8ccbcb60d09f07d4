#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/site.h"
#include "daemon/guard_watch.h"

static char dir[64];
static struct config config;

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *place)
{
    (void)about, (void)type, (void)place;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/ccward-guards-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    config_free(&config);
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void load(const char *feeds)
{
    struct config_faults faults = {0};
    char text[1024];
    snprintf(text, sizeof text, "state: {directory: %s}\ndns: {upstreams: [192.0.2.53]}\nfeeds: [%s]\n", dir, feeds);
    config_free(&config);
    assert_int_equal(config_load_memory("test.yaml", text, strlen(text), &config, &faults), ST_OK);
    config_faults_free(&faults);
}

/* Reads the INDEXth feed from a file that has TEXT. */
static void import(size_t index, const char *text)
{
    struct config_site site;
    struct feed_report report;
    struct fault fault = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/list", dir);
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    struct feed feed = feed_of_config(&config.feeds[index]);
    assert_int_equal(config_site(&config, &site), ST_OK);
    assert_int_equal(feed_import(&site.site, path, &feed, false, &report, &fault), ST_OK);
    config_site_fini(&site);
}

static bool wants(struct guard_watch *watch, size_t index, bool changed)
{
    guard_watch_look(watch, &config, changed);
    return guard_watch_wants(watch, &config, &config.feeds[index]);
}

static void a_feed_is_to_be_built_again_when_something_else_is_guarded(void **state)
{
    struct guard_watch watch = {0};
    (void)state;
    load("{name: mine, url: 'https://a.example/', format: domains}");
    assert_false(wants(&watch, 0, false)); /* it was never read */
    import(0, "evil.example\n");
    assert_false(wants(&watch, 0, false));
    /* Another host to fetch from. */
    load("{name: mine, url: 'https://a.example/', format: domains}, {name: list, url: 'https://b.example/', action: "
         "guard}");
    assert_true(wants(&watch, 0, true));
    import(0, "evil.example\nworse.example\n");
    assert_false(wants(&watch, 0, false));
    /* A list that guards, which shows by the store. */
    import(1, "evil.example\n");
    assert_true(wants(&watch, 0, false));
    assert_false(wants(&watch, 1, false)); /* it is not guarded itself */
}

static void without_a_copy_there_is_nothing_to_build_from(void **state)
{
    struct guard_watch watch = {0};
    char raw[128];
    (void)state;
    load("{name: mine, url: 'https://a.example/', format: domains}");
    import(0, "evil.example\n");
    load("{name: mine, url: 'https://a.example/', format: domains}, {name: more, url: 'https://b.example/'}");
    assert_true(wants(&watch, 0, true));
    snprintf(raw, sizeof raw, "%s/feeds/mine.raw", dir);
    assert_int_equal(unlink(raw), 0);
    assert_false(wants(&watch, 0, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_feed_is_to_be_built_again_when_something_else_is_guarded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_copy_there_is_nothing_to_build_from, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
