#include "feed_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>

#include "bad_server.h"
#include "feeds/feed_state.h"

static struct feed_report report;
static struct fault fault;
static char url[256];

static struct feed feed_at(const char *path)
{
    snprintf(url, sizeof url, "%s", server_url(path));
    return (struct feed){
        .name = "mine", .url = url, .format = "auto", .category = CATEGORY_C2, .risk = RISK_HIGH, .interval_s = 3600};
}

static enum status refresh(const char *path)
{
    struct feed feed = feed_at(path);
    fault = (struct fault){0};
    return feed_refresh(&site, &feed, 0, false, &report, &fault);
}

static struct feed_state state_now(void)
{
    struct feed_state now;
    feed_state_load(scratch, "mine", &now);
    return now;
}

static uint64_t entries_in_force(void)
{
    struct store *store = store_new();
    struct fault why = {0};
    unsigned damaged = 0;
    uint64_t entries = 0;
    assert_int_equal(store_add_directory(store, in_scratch("reputation"), &damaged, &why), ST_OK);
    if (store_source_count(store))
        entries = store_source_info(store, 0)->counts[INDICATOR_NAME];
    store_free(store);
    return entries;
}

static bool file_holds(const char *name, const char *text)
{
    char got[256] = {0};
    int fd = open(in_scratch(name), O_RDONLY);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, got, sizeof got - 1);
    close(fd);
    return n >= 0 && !strcmp(got, text);
}

/* Nothing but the state and the last good body. */
static void assert_no_leftovers(void)
{
    DIR *folder = opendir(in_scratch("feeds"));
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        assert_null(strstr(entry->d_name, ".part"));
    closedir(folder);
}

static void a_feed_is_fetched_once_and_then_asked_for_changes(void **state)
{
    (void)state;
    assert_int_equal(refresh("/feed"), ST_OK);
    assert_false(report.unchanged);
    assert_int_equal(report.entries[INDICATOR_NAME], 2);
    assert_int_equal(entries_in_force(), 2);
    assert_true(file_holds("feeds/mine.raw", "version1.example\nevil.example\n"));
    assert_int_equal(state_now().failures, 0);
    assert_true(state_now().last_success_ms > 0);

    assert_int_equal(refresh("/feed"), ST_OK);
    assert_true(report.unchanged);
    assert_non_null(strstr(server.last_request, "If-None-Match: \"v1\""));

    atomic_store(&server.version, 2);
    assert_int_equal(refresh("/feed"), ST_OK);
    assert_false(report.unchanged);
    assert_true(file_holds("feeds/mine.raw", "version2.example\nevil.example\n"));
    assert_no_leftovers();
    atomic_store(&server.version, 1);
}

static void a_source_that_is_gone_is_fetched_in_full(void **state)
{
    struct fault why = {0};
    (void)state;
    assert_int_equal(refresh("/feed"), ST_OK);
    assert_int_equal(source_remove(in_scratch("reputation"), "mine", &why), ST_OK);
    assert_int_equal(refresh("/feed"), ST_OK);
    assert_null(strstr(server.last_request, "If-None-Match"));
    assert_int_equal(entries_in_force(), 2);
}

static void other_settings_fetch_in_full(void **state)
{
    (void)state;
    assert_int_equal(refresh("/feed"), ST_OK);
    struct feed feed = feed_at("/feed");
    feed.category = CATEGORY_PHISHING;
    assert_int_equal(feed_refresh(&site, &feed, 0, false, &report, &fault), ST_OK);
    assert_null(strstr(server.last_request, "If-None-Match"));
    assert_false(report.unchanged);
}

static void a_failure_keeps_the_last_good_one_and_its_reason(void **state)
{
    static const struct {
        const char *path, *reason;
    } failures[] = {{"/404", "404"},        {"/500", "500"},      {"/html", "web page"}, {"/empty", "no entries"},
                    {"/loop", "redirects"}, {"/short", "mine: "}, {"/to-file", "file"},  {"/garbage", "mine: "}};
    (void)state;
    assert_int_equal(refresh("/feed"), ST_OK);
    int64_t good_ms = state_now().last_success_ms;
    for (unsigned i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        assert_int_not_equal(refresh(failures[i].path), ST_OK);
        assert_non_null(strstr(fault.text, failures[i].reason));
        assert_string_equal(state_now().reason, fault.text);
        assert_int_equal(state_now().failures, i + 1);
        assert_int_equal(state_now().last_success_ms, good_ms);
        assert_int_equal(entries_in_force(), 2);
        assert_true(file_holds("feeds/mine.raw", "version1.example\nevil.example\n"));
        assert_no_leftovers();
    }
    assert_int_equal(refresh("/feed"), ST_OK);
    assert_int_equal(state_now().failures, 0);
    assert_string_equal(state_now().reason, "");
}

static void a_crash_leaves_nothing_that_is_in_the_way(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_scratch("feeds"), 0700), 0);
    write_text("feeds/mine.part", "half of a li");
    write_text("feeds/mine.json.part", "{\"sch");
    assert_int_equal(refresh("/feed"), ST_OK);
    assert_int_equal(entries_in_force(), 2);
    assert_no_leftovers();
}

static void two_refreshes_of_one_feed_do_not_meet(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_scratch("feeds"), 0700), 0);
    int fd = open(write_text("feeds/mine.part", ""), O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(refresh("/feed"), ST_BUSY);
    assert_int_equal(access(in_scratch("feeds/mine.part"), F_OK), 0);
    assert_int_equal(state_now().failures, 0);
    close(fd);
    assert_int_equal(refresh("/feed"), ST_OK);
}

static void a_link_in_the_place_of_the_body_is_not_followed(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_scratch("feeds"), 0700), 0);
    const char *target = write_text("precious", "precious");
    assert_int_equal(symlink(target, in_scratch("feeds/mine.part")), 0);
    assert_int_equal(refresh("/feed"), ST_IO);
    assert_true(file_holds("precious", "precious"));
}

static void names_and_urls_are_checked_first(void **state)
{
    struct feed feed = feed_at("/feed");
    (void)state;
    unsigned before = atomic_load(&server.requests);
    feed.name = "../mine";
    assert_int_equal(feed_refresh(&site, &feed, 0, false, &report, &fault), ST_INVALID);
    feed = feed_at("/feed");
    feed.url = "";
    assert_int_equal(feed_refresh(&site, &feed, 0, false, &report, &fault), ST_INVALID);
    assert_int_equal(atomic_load(&server.requests), before);
}

static void a_file_is_a_feed_too(void **state)
{
    struct feed feed = feed_at("/");
    char file_url[300];
    (void)state;
    snprintf(file_url, sizeof file_url, "file://%s", write_text("local", "local.example\n"));
    feed.url = file_url;
    fault = (struct fault){0};
    assert_int_equal(feed_refresh(&site, &feed, 0, false, &report, &fault), ST_OK);
    assert_int_equal(entries_in_force(), 1);
}

static void *interrupt_soon(void *user)
{
    (void)user;
    usleep(200000);
    kill(getpid(), SIGINT);
    return NULL;
}

static void an_interrupt_leaves_everything_as_it_was(void **state)
{
    pthread_t thread;
    (void)state;
    assert_int_equal(refresh("/feed"), ST_OK);
    struct feed_state before = state_now();
    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, NULL), 0);
    assert_int_equal(refresh("/hang"), ST_CLOSED);
    pthread_join(thread, NULL);
    struct feed_state after = state_now();
    assert_int_equal(after.last_try_ms, before.last_try_ms);
    assert_int_equal(after.failures, 0);
    assert_int_equal(entries_in_force(), 2);
    assert_true(file_holds("feeds/mine.raw", "version1.example\nevil.example\n"));
    assert_no_leftovers();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_feed_is_fetched_once_and_then_asked_for_changes, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(a_source_that_is_gone_is_fetched_in_full, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(other_settings_fetch_in_full, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_failure_keeps_the_last_good_one_and_its_reason, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_crash_leaves_nothing_that_is_in_the_way, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(two_refreshes_of_one_feed_do_not_meet, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_link_in_the_place_of_the_body_is_not_followed, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(names_and_urls_are_checked_first, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(an_interrupt_leaves_everything_as_it_was, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_file_is_a_feed_too, make_scratch, remove_scratch),
    };
    return cmocka_run_group_tests(tests, server_start, server_stop);
}
