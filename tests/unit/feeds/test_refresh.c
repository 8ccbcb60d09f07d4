#include "refresh_test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/file.h>
#include <zlib.h>

#include "base/clock.h"

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
    assert_non_null(strstr(server_last_request(), "If-None-Match: \"v1\""));

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
    assert_null(strstr(server_last_request(), "If-None-Match"));
    assert_int_equal(entries_in_force(), 2);
}

static void other_settings_fetch_in_full(void **state)
{
    (void)state;
    assert_int_equal(refresh("/feed"), ST_OK);
    struct feed feed = feed_at("/feed");
    feed.category = CATEGORY_PHISHING;
    assert_int_equal(feed_refresh(&site, &feed, 0, false, &report, &fault), ST_OK);
    assert_null(strstr(server_last_request(), "If-None-Match"));
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

/* Inode and time of modification: they change with any writing. */
static struct stat about(const char *name)
{
    struct stat st;
    assert_int_equal(stat(in_scratch(name), &st), 0);
    return st;
}

static void assert_untouched(const char *name, const struct stat *before)
{
    struct stat now = about(name);
    assert_int_equal(now.st_ino, before->st_ino);
    assert_int_equal(now.st_mtim.tv_sec, before->st_mtim.tv_sec);
    assert_int_equal(now.st_mtim.tv_nsec, before->st_mtim.tv_nsec);
}

static void the_same_body_is_neither_read_nor_written_again(void **state)
{
    (void)state;
    serve_names("n", 300);
    assert_int_equal(refresh("/body"), ST_OK); /* which has no validators */
    struct stat raw = about("feeds/mine.raw"), store = about("reputation");
    int64_t changed_ms = state_now().last_change_ms;
    usleep(2000);
    assert_int_equal(refresh("/body"), ST_OK);
    assert_true(report.unchanged);
    assert_int_equal(report.entries[INDICATOR_NAME], 300);
    assert_string_equal(report.source.name, "mine");
    assert_untouched("feeds/mine.raw", &raw);
    assert_untouched("reputation", &store);
    assert_true(state_now().last_success_ms > changed_ms);
    assert_int_equal(state_now().last_change_ms, changed_ms);
    assert_no_leftovers();
}

static void other_settings_or_a_damaged_source_read_the_same_body_again(void **state)
{
    struct feed feed = feed_at("/body");
    char path[300];
    (void)state;
    serve_names("n", 300);
    assert_int_equal(refresh("/body"), ST_OK);
    feed.category = CATEGORY_PHISHING;
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    assert_false(report.unchanged);
    uint64_t generation = generation_in_force();
    snprintf(path, sizeof path, "%s/mine.%u.mdb", in_scratch("reputation"), (unsigned)generation);
    assert_int_equal(truncate(path, 5000), 0);
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    assert_false(report.unchanged);
    assert_int_equal(entries_in_force(), 300);
}

static void another_body_with_the_same_entries_makes_no_new_generation(void **state)
{
    (void)state;
    serve_text("# of monday\nevil.example\n");
    assert_int_equal(refresh("/body"), ST_OK);
    uint64_t generation = generation_in_force();
    serve_text("# of tuesday\nevil.example\n");
    assert_int_equal(refresh("/body"), ST_OK);
    assert_true(report.unchanged);
    assert_int_equal(generation_in_force(), generation);
    assert_true(file_holds("feeds/mine.raw", "# of tuesday\nevil.example\n")); /* which is what is known */
}

static void a_list_that_lost_most_is_held_back_until_it_is_believed(void **state)
{
    int64_t wall_ms = INT64_C(1800000000000);
    (void)state;
    clock_fake(1000, wall_ms);
    serve_names("n", 400);
    assert_int_equal(refresh("/body"), ST_OK);
    serve_names("n", 150);
    for (unsigned tries = 1; tries <= 2; tries++) {
        assert_int_equal(refresh("/body"), ST_DENIED);
        assert_non_null(strstr(fault.text, "mine: it has 150 entries now, 400 before: too few"));
        assert_int_equal(entries_in_force(), 400);
        assert_int_equal(state_now().held.times, tries);
        assert_true(state_now().held_back);
        assert_int_equal(state_now().refused.entries[INDICATOR_NAME], 150);
        assert_int_equal(state_now().report.entries[INDICATOR_NAME], 400);
        struct feed feed = feed_at("/body");
        assert_in_range(feed_due_in_s(scratch, &feed), 3600, 3600 + 180); /* no sooner than usual */
        clock_fake_advance(12 * 3600 * 1000);
    }
    assert_int_equal(refresh("/body"), ST_OK);
    assert_int_equal(entries_in_force(), 150);
    assert_int_equal(state_now().held.times, 0);
    assert_false(state_now().held_back);
    assert_int_equal(state_now().refused.lines, 0);
    clock_real();
}

static void a_list_that_recovers_forgets_what_was_held_back(void **state)
{
    (void)state;
    serve_names("n", 400);
    assert_int_equal(refresh("/body"), ST_OK);
    serve_names("n", 150);
    assert_int_equal(refresh("/body"), ST_DENIED);
    serve_names("m", 390);
    assert_int_equal(refresh("/body"), ST_OK);
    assert_int_equal(state_now().held.times, 0);
    serve_names("n", 150);
    assert_int_equal(refresh("/body"), ST_DENIED);
    assert_int_equal(state_now().held.times, 1);
}

static void a_list_that_explodes_is_held_back(void **state)
{
    (void)state;
    serve_names("n", 250);
    assert_int_equal(refresh("/body"), ST_OK);
    serve_names("n", 2501);
    assert_int_equal(refresh("/body"), ST_DENIED);
    assert_non_null(strstr(fault.text, "too many"));
    assert_int_equal(entries_in_force(), 250);
}

static void a_person_can_accept_what_is_held_back(void **state)
{
    struct feed feed = feed_at("/body");
    (void)state;
    serve_names("n", 400);
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    serve_names("n", 10);
    assert_int_equal(refresh_as(&feed, 0), ST_DENIED);
    assert_int_equal(refresh_as(&feed, FEED_ACCEPT), ST_OK);
    assert_int_equal(entries_in_force(), 10);
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    assert_true(report.unchanged);
}

static void another_list_under_the_same_name_is_not_compared(void **state)
{
    struct feed feed = feed_at("/body?other");
    (void)state;
    serve_names("n", 400);
    assert_int_equal(refresh("/body"), ST_OK);
    serve_names("n", 10);
    feed.url = server_url("/body?other");
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    assert_int_equal(entries_in_force(), 10);
}

static void the_count_is_known_without_the_state_of_an_older_version(void **state)
{
    char text[600];
    (void)state;
    serve_names("n", 400);
    assert_int_equal(refresh("/body"), ST_OK);
    snprintf(text, sizeof text,
             "{\"schema\": 1, \"url\": \"%s\", \"format\": \"auto\", \"category\": \"c2\", \"risk\": \"high\", "
             "\"last_try_ms\": 1, \"etag\": \"x\"}",
             url);
    write_text("feeds/mine.json", text);
    serve_names("n", 10);
    assert_int_equal(refresh("/body"), ST_DENIED);
    assert_non_null(strstr(fault.text, "10 entries now, 400 before"));
    assert_null(strstr(server_last_request(), "If-None-Match"));
}

static void an_empty_list_is_taken_where_that_may_be(void **state)
{
    static const struct {
        const char *format, *text;
    } lists[] = {{"auto", ""},         {"auto", "# nothing today\n"}, {"ips", "# nothing today\n"},
                 {"feodo-json", "[]"}, {"threatfox-json", "{}"},      {"hosts", ""}};
    struct feed feed = feed_at("/body");
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        feed.format = "auto";
        feed.can_be_empty = false;
        serve_names("n", 300);
        assert_int_equal(refresh_as(&feed, 0), ST_OK);
        serve_text(lists[i].text);
        feed.format = lists[i].format;
        assert_int_equal(refresh_as(&feed, 0), ST_INVALID);
        assert_int_equal(entries_in_force(), 300);
        feed.can_be_empty = true;
        assert_int_equal(refresh_as(&feed, 0), ST_OK);
        assert_int_equal(entries_in_force(), 0);
        assert_true(generation_in_force() > 0);
    }
    serve_text("<html>");
    assert_int_equal(refresh_as(&feed, 0), ST_INVALID);
    serve_text("# Number of entries: 5\n");
    feed.format = "ips";
    assert_int_equal(refresh_as(&feed, 0), ST_INVALID);
}

static void a_list_without_its_marker_is_refused(void **state)
{
    struct feed feed = feed_at("/body");
    (void)state;
    feed.must_contain = "URLhaus";
    serve_text("# URLhaus\nevil.example\n");
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    serve_text("innocent.example\n");
    assert_int_equal(refresh_as(&feed, FEED_ACCEPT), ST_INVALID);
    assert_non_null(strstr(fault.text, "must-contain"));
    assert_int_equal(entries_in_force(), 1);
}

static void what_was_refused_is_told_with_its_reasons(void **state)
{
    (void)state;
    assert_int_equal(refresh("/feed"), ST_OK);
    serve_text("1x\n2x\n3x\n4x\n5x\n6x\n7x\n8x\n9x\n10x\n11x\n12x\n13x\n14x\n15x\n16x\n17x\n18x\n19x\n20x\n"
               "ok.example\n");
    struct feed feed = feed_at("/body");
    feed.format = "domains";
    assert_int_equal(refresh_as(&feed, 0), ST_INVALID);
    struct feed_state now = state_now();
    assert_int_equal(skipped_for(&now.refused, "single label"), 20);
    assert_int_equal(now.refused.example_count, FEED_EXAMPLES);
    assert_false(now.held_back);
    assert_int_equal(now.report.entries[INDICATOR_NAME], 2); /* of what is in force */
}

static void mirrors_are_tried_one_after_the_other(void **state)
{
    char broken[128], page[128], good[128];
    const char *mirrors[] = {broken, page, good};
    struct feed feed = feed_at("/500");
    (void)state;
    snprintf(broken, sizeof broken, "http://127.0.0.1:1/");
    snprintf(page, sizeof page, "%s", server_url("/html"));
    snprintf(good, sizeof good, "%s", server_url("/feed"));
    feed.mirrors = mirrors;
    feed.mirror_count = 3;
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    assert_int_equal(entries_in_force(), 2);
    assert_string_equal(state_now().from, good);
    assert_int_equal(refresh_as(&feed, 0), ST_OK); /* what it calls the body is its own word */
    assert_true(report.unchanged);
    assert_non_null(strstr(server_last_request(), "If-None-Match: \"v1\""));
    feed.mirror_count = 2;
    assert_int_not_equal(refresh_as(&feed, 0), ST_OK);
    assert_non_null(strstr(fault.text, "mine: the server answers with status 500; mirror 1: "));
    assert_non_null(strstr(fault.text, "; mirror 2: "));
    assert_int_equal(entries_in_force(), 2);
}

static void validators_go_to_the_address_that_gave_them_alone(void **state)
{
    char mirror[128];
    const char *mirrors[] = {mirror};
    struct feed feed = feed_at("/500");
    (void)state;
    snprintf(mirror, sizeof mirror, "%s", server_url("/feed"));
    feed.mirrors = mirrors;
    feed.mirror_count = 1;
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    serve_text("version1.example\nevil.example\n");
    atomic_store(&server.version, 1);
    struct feed home = feed_at("/500");
    assert_int_not_equal(refresh_as(&home, 0), ST_OK);
    assert_null(strstr(server_last_request(), "If-None-Match"));
}

static void a_list_that_is_not_believed_is_not_looked_for_elsewhere(void **state)
{
    char mirror[128];
    const char *mirrors[] = {mirror};
    struct feed feed = feed_at("/body");
    (void)state;
    snprintf(mirror, sizeof mirror, "%s", server_url("/body"));
    feed.mirrors = mirrors;
    feed.mirror_count = 1;
    serve_names("n", 400);
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    serve_names("n", 10);
    unsigned before = atomic_load(&server.requests);
    assert_int_equal(refresh_as(&feed, 0), ST_DENIED);
    assert_int_equal(atomic_load(&server.requests), before + 1);
    assert_int_equal(state_now().held.times, 1);
}

static void a_server_that_is_overloaded_is_left_alone(void **state)
{
    struct feed feed = feed_at("/busy");
    (void)state;
    clock_fake(1000, INT64_C(1800000000000));
    assert_int_not_equal(refresh_as(&feed, 0), ST_OK);
    assert_in_range(feed_due_in_s(scratch, &feed), 120, 120);
    clock_fake_advance(119 * 1000);
    assert_int_equal(feed_due_in_s(scratch, &feed), 1);
    feed = feed_at("/busy-for-years");
    assert_int_not_equal(refresh_as(&feed, 0), ST_OK);
    assert_in_range(feed_due_in_s(scratch, &feed), 86000, 86400);
    feed = feed_at("/feed");
    assert_int_equal(refresh_as(&feed, 0), ST_OK); /* a person may ask */
    assert_int_equal(state_now().retry_at_ms, 0);
    clock_real();
}

static void a_key_is_sent_and_kept_nowhere(void **state)
{
    static const char *const ways[] = {"header X-Key", "bearer", "basic", "query auth-key"};
    char place[300];
    (void)state;
    snprintf(place, sizeof place, "file:%s", write_text("key", "user:s3cret\n"));
    assert_int_equal(chmod(place + 5, 0600), 0);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct feed feed = feed_at(i == 3 ? "/body" : "/locked");
        feed.key = place;
        feed.key_as = ways[i];
        serve_text("evil.example\n");
        (void)!feed_refresh(&site, &feed, 0, false, &report, &fault);
        assert_non_null(strstr(server_last_request(), i == 2 ? "dXNlcjpzM2NyZXQ=" : "s3cret"));
    }
    assert_int_equal(unlink(place + 5), 0);
    assert_false(folder_mentions("", "s3cret"));
    struct feed feed = feed_at("/feed");
    feed.key = place;
    unsigned before = atomic_load(&server.requests);
    assert_int_equal(refresh_as(&feed, 0), ST_NOT_FOUND);
    assert_string_equal(state_now().reason, fault.text);
    assert_int_equal(atomic_load(&server.requests), before);
}

static void a_mirror_elsewhere_does_not_get_the_key(void **state)
{
    char mirror[128], place[300];
    const char *mirrors[] = {mirror};
    struct feed feed = feed_at("/500");
    (void)state;
    snprintf(place, sizeof place, "file:%s", write_text("key", "s3cret\n"));
    assert_int_equal(chmod(place + 5, 0600), 0);
    snprintf(mirror, sizeof mirror, "http://localhost:%u/locked", server.port);
    feed.key = place;
    feed.key_as = "header X-Key";
    feed.mirrors = mirrors;
    feed.mirror_count = 1;
    assert_int_not_equal(refresh_as(&feed, 0), ST_OK);
    assert_non_null(strstr(server_last_request(), "Host: localhost"));
    assert_null(strstr(server_last_request(), "s3cret"));
    snprintf(mirror, sizeof mirror, "%s", server_url("/locked"));
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
}

static void passwords_in_addresses_are_kept_nowhere(void **state)
{
    struct feed feed = feed_at("/feed");
    char with_password[128];
    (void)state;
    snprintf(with_password, sizeof with_password, "http://user:s3cret@127.0.0.1:%u/feed", server.port);
    feed.url = with_password;
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    assert_non_null(strstr(server_last_request(), "Authorization: Basic"));
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    assert_true(report.unchanged);
    assert_false(folder_mentions("", "s3cret"));
}

static void a_publisher_is_not_asked_more_often_than_it_wants(void **state)
{
    struct feed feed = feed_at("/feed");
    struct feed_state asked = {.asked_ms = INT64_C(1800000000000), .rejected_serial = -1};
    (void)state;
    clock_fake(1000, INT64_C(1800000000000) + 60 * 1000);
    feed.url = "http://www.spamhaus.org:1/drop/drop.txt";
    assert_int_equal(mkdir(in_scratch("feeds"), 0700), 0);
    feed_state_adopt(&asked, &feed);
    assert_int_equal(feed_state_save(scratch, "mine", &asked, &fault), ST_OK);
    assert_int_equal(feed_due_in_s(scratch, &feed), 3540);
    assert_int_equal(refresh_as(&feed, 0), ST_BUSY);
    assert_string_equal(fault.text,
                        "mine: www.spamhaus.org wants 60 min between two downloads, of which 3540 s are left; "
                        "`ccward feeds refresh mine --force` does not wait");
    assert_int_equal(state_now().failures, 0);                       /* it was not tried */
    assert_int_equal(refresh_as(&feed, FEED_FORCE), ST_UNAVAILABLE); /* it was: there is no one to ask for the host */
    assert_int_equal(state_now().failures, 1);
    clock_real();
}

static void damaged_downloads_are_refused_whole(void **state)
{
    static char packed[4096];
    (void)state;
    assert_int_equal(refresh("/feed"), ST_OK);
    const char *path = in_scratch("packed.gz");
    gzFile file = gzopen(path, "wb");
    for (unsigned i = 0; i < 500; i++)
        gzprintf(file, "n%u-%u.example\n", i, i * 7919u);
    assert_int_equal(gzclose(file), Z_OK);
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, packed, sizeof packed);
    close(fd);
    assert_true(n > 1000 && n < (ssize_t)sizeof packed);
    for (ssize_t cut = 1; cut < n; cut += 97) {
        server_serve(packed, (size_t)(n - cut));
        assert_int_not_equal(refresh("/body"), ST_OK);
        assert_int_equal(entries_in_force(), 2);
    }
    server_hold();
    packed[n - 6] ^= 1; /* of the checksum */
    server_let_go();
    server_serve(packed, (size_t)n);
    assert_int_not_equal(refresh("/body"), ST_OK);
    server_hold();
    packed[n - 6] ^= 1;
    server_let_go();
    assert_int_equal(refresh("/body"), ST_OK);
    assert_int_equal(entries_in_force(), 500);
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
        cmocka_unit_test_setup_teardown(the_same_body_is_neither_read_nor_written_again, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(other_settings_or_a_damaged_source_read_the_same_body_again, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(another_body_with_the_same_entries_makes_no_new_generation, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(a_list_that_lost_most_is_held_back_until_it_is_believed, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(a_list_that_recovers_forgets_what_was_held_back, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_list_that_explodes_is_held_back, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_person_can_accept_what_is_held_back, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(another_list_under_the_same_name_is_not_compared, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(the_count_is_known_without_the_state_of_an_older_version, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(an_empty_list_is_taken_where_that_may_be, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_list_without_its_marker_is_refused, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(what_was_refused_is_told_with_its_reasons, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(mirrors_are_tried_one_after_the_other, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(validators_go_to_the_address_that_gave_them_alone, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(a_list_that_is_not_believed_is_not_looked_for_elsewhere, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(a_server_that_is_overloaded_is_left_alone, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_key_is_sent_and_kept_nowhere, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_mirror_elsewhere_does_not_get_the_key, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(passwords_in_addresses_are_kept_nowhere, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_publisher_is_not_asked_more_often_than_it_wants, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(damaged_downloads_are_refused_whole, make_scratch, remove_scratch),
    };
    return cmocka_run_group_tests(tests, server_start, server_stop);
}
