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

#include "config/chosen_feeds.h"
#include "config/config_schema.h"

static char dir[64];
static struct config config;
static struct config_faults faults;

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *place)
{
    (void)about, (void)type, (void)place;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/ccward-chosen-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    config_free(&config);
    config_faults_free(&faults);
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The configuration YAML, its state in DIR. */
static void load(const char *yaml)
{
    char text[4096];
    snprintf(text, sizeof text, "state: {directory: %s}\n%s", dir, yaml);
    config_free(&config);
    config_faults_free(&faults);
    assert_int_equal(config_load_memory("test.yaml", text, strlen(text), &config, &faults), ST_OK);
}

static void write_chosen(const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/feeds.yaml", dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static char *read_chosen(void)
{
    static char text[8192];
    char path[128];
    snprintf(path, sizeof path, "%s/feeds.yaml", dir);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static const char two_own[] = "feeds:\n"
                              "  - {name: ours, url: 'http://x/', action: monitor}\n"
                              "  - {name: other, url: 'http://y/'}\n";

static void without_a_file_nothing_is_chosen(void **state)
{
    (void)state;
    load(two_own);
    assert_false(config_chosen_changed(&config));
    config_take_chosen(&config, &faults);
    assert_int_equal(config.feed_count, 2);
    assert_int_equal(faults.warnings, 0);
}

static void chosen_feeds_stand_behind_those_of_the_configuration(void **state)
{
    (void)state;
    load(two_own);
    write_chosen("feeds: [{name: taken, url: 'https://z/', action: guard, top: 1000, mirrors: ['http://m/']}]\n"
                 "actions: [{name: ours, action: block}, {name: gone, action: block}]\n");
    assert_true(config_chosen_changed(&config));
    config_take_chosen(&config, &faults);
    assert_false(config_chosen_changed(&config));
    assert_int_equal(config.feed_count, 3);
    assert_int_equal(config.own_feed_count, 2);
    assert_string_equal(config.feeds[2].name, "taken");
    assert_int_equal(config.feeds[2].action, FEED_GUARDS);
    assert_int_equal(config.feeds[2].top, 1000);
    assert_string_equal(config.feeds[2].mirrors.items[0], "http://m/");
    assert_int_equal(config.feeds[0].action, FEED_BLOCKS);
    assert_int_equal(config.feeds[0].own_action, FEED_MONITORS);
    assert_int_equal(faults.warnings, 0);
    /* A new choice takes the place of the old one, whole. */
    write_chosen("feeds: []\n");
    config_take_chosen(&config, &faults);
    assert_int_equal(config.feed_count, 2);
    assert_int_equal(config.feeds[0].action, FEED_MONITORS);
}

static void the_configuration_holds_where_both_have_a_feed(void **state)
{
    (void)state;
    load(two_own);
    write_chosen("feeds: [{name: ours, url: 'https://z/'}, {name: taken, url: 'https://z/'}]\n");
    config_take_chosen(&config, &faults);
    assert_int_equal(config.feed_count, 3);
    assert_string_equal(config.feeds[0].url, "http://x/");
    assert_int_equal(faults.warnings, 1);
    assert_non_null(strstr(buf_text(&faults.text), "feed ours was enabled, but the configuration has it as well"));
}

static void a_file_with_faults_is_left_out_whole_with_its_line(void **state)
{
    (void)state;
    load(two_own);
    write_chosen("feeds: [{name: taken, url: 'https://z/'}]\n");
    config_take_chosen(&config, &faults);
    write_chosen("feeds:\n  - {name: new, url: 'https://z/'}\n  - {name: bad, url: 'gopher://z/'}\n");
    config_take_chosen(&config, &faults);
    assert_int_equal(faults.errors, 0); /* the daemon starts all the same */
    assert_non_null(strstr(buf_text(&faults.text), "feeds.yaml:3: feeds[1].url: 'gopher://z/' is no address"));
    assert_non_null(strstr(buf_text(&faults.text), "what is chosen there does not act"));
    assert_int_equal(config.feed_count, 3); /* what was chosen before stays */
    assert_string_equal(config.feeds[2].name, "taken");
    assert_false(config_chosen_changed(&config)); /* it is not read ten times a second */
}

static void what_is_saved_reads_back_to_the_same(void **state)
{
    struct chosen_feeds chosen = {0}, again;
    struct config_feed feed;
    struct fault fault = {0};
    (void)state;
    load("feeds:\n"
         "  - {name: a, url: 'http://x/?a=b&c#d', mirrors: ['http://m/ä', 'http://n/'], key: 'file:/etc/k \"q\"', top: "
         "7,\n"
         "     min-confidence: 75, retain: window, expire: 14d, can-be-empty: 'yes', must-contain: '# x: \\y', risk: "
         "low}\n");
    assert_int_equal(config_feed_copy(&config.feeds[0], &feed), ST_OK);
    assert_int_equal(chosen_feed_put_own(&chosen, &feed), ST_OK);
    assert_int_equal(config_feed_copy(&config.feeds[0], &feed), ST_OK);
    assert_int_equal(chosen_feed_put_own(&chosen, &feed), ST_OK); /* in its own place */
    assert_int_equal(chosen.feed_count, 1);
    assert_int_equal(chosen_action_put(&chosen, "ours", FEED_BLOCKS, FEED_MONITORS), ST_OK);
    assert_int_equal(chosen_feeds_save(dir, &chosen, &fault), ST_OK);
    assert_non_null(strstr(read_chosen(), "# Feeds that were chosen"));
    assert_null(strstr(read_chosen(), "interval")); /* what is as by default is not written */
    assert_non_null(strstr(read_chosen(), "action: block"));
    assert_int_equal(chosen_feeds_load(dir, &again, &faults), ST_OK);
    assert_int_equal(again.feed_count, 1);
    for (size_t k = 0; k < config_feed_option_count; k++) {
        const struct config_option *option = &config_feed_options[k];
        assert_int_equal(option_elements(option, &config.feeds[0]), option_elements(option, &again.feeds[0]));
        for (size_t i = 0; i < option_elements(option, &again.feeds[0]); i++) {
            struct buf before = {0}, after = {0};
            option_format(option, &config.feeds[0], i, &before);
            option_format(option, &again.feeds[0], i, &after);
            assert_string_equal(buf_text(&before), buf_text(&after));
            buf_free(&before);
            buf_free(&after);
        }
    }
    assert_string_equal(again.actions[0].name, "ours");
    assert_int_equal(again.actions[0].action, FEED_BLOCKS);
    chosen_feeds_free(&chosen);
    chosen_feeds_free(&again);
}

static void an_action_that_is_the_configurations_own_is_no_choice(void **state)
{
    struct chosen_feeds chosen = {0};
    (void)state;
    assert_int_equal(chosen_action_put(&chosen, "a", FEED_BLOCKS, FEED_MONITORS), ST_OK);
    assert_int_equal(chosen_action_put(&chosen, "b", FEED_MONITORS, FEED_BLOCKS), ST_OK);
    assert_int_equal(chosen.action_count, 2);
    assert_int_equal(chosen_action_put(&chosen, "a", FEED_MONITORS, FEED_MONITORS), ST_OK);
    assert_int_equal(chosen.action_count, 1);
    assert_string_equal(chosen.actions[0].name, "b");
    assert_int_equal(chosen_action_put(&chosen, "c", FEED_BLOCKS, FEED_BLOCKS), ST_OK);
    assert_int_equal(chosen.action_count, 1);
    chosen_feeds_free(&chosen);
}

static void a_feed_is_taken_out_by_its_name(void **state)
{
    struct chosen_feeds chosen;
    (void)state;
    write_chosen("feeds: [{name: a, url: 'https://a/'}, {name: b, url: 'https://b/'}, {name: c, url: 'https://c/'}]\n");
    assert_int_equal(chosen_feeds_load(dir, &chosen, &faults), ST_OK);
    assert_true(chosen_feed_remove(&chosen, "b"));
    assert_false(chosen_feed_remove(&chosen, "b"));
    assert_int_equal(chosen.feed_count, 2);
    assert_string_equal(chosen.feeds[1].name, "c");
    assert_null(chosen_feed_find(&chosen, "b"));
    chosen_feeds_free(&chosen);
}

static void what_is_reloaded_takes_the_choice_along(void **state)
{
    struct config other;
    struct config_faults none = {0};
    char text[256];
    (void)state;
    load(two_own);
    write_chosen("feeds: [{name: taken, url: 'https://z/'}]\n");
    config_take_chosen(&config, &faults);
    snprintf(text, sizeof text, "state: {directory: %s}\nfeeds: [{name: taken2, url: 'http://x/'}]\n", dir);
    assert_int_equal(config_load_memory("test.yaml", text, strlen(text), &other, &none), ST_OK);
    config_take_chosen(&other, &none);
    config_take_reloadable(&config, &other);
    config_free(&other);
    assert_int_equal(config.own_feed_count, 1);
    assert_int_equal(config.feed_count, 2);
    assert_string_equal(config.feeds[1].name, "taken");
    assert_false(config_chosen_changed(&config));
    config_faults_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_file_nothing_is_chosen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(chosen_feeds_stand_behind_those_of_the_configuration, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_configuration_holds_where_both_have_a_feed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_with_faults_is_left_out_whole_with_its_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_saved_reads_back_to_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_action_that_is_the_configurations_own_is_no_choice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_feed_is_taken_out_by_its_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_reloaded_takes_the_choice_along, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
