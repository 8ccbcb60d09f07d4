#include "fixture.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "callbacks/contacts.h"

static void a_hit_is_a_line_after_one_step(void **state)
{
    struct fixture *fixture = *state;
    record(fixture, 7, "evil.example", "www.evil.example");
    step_after(fixture, 100);
    fixture_read(fixture);
    assert_int_equal(fixture->line_count, 1);
    char *line = json_dumps(fixture->lines[0], JSON_COMPACT);
    char expected[1024];
    snprintf(expected, sizeof expected,
             "{\"schema\":1,\"time\":\"2026-01-31T12:00:00.000Z\",\"id\":\"%s\",\"client\":{\"ip\":\"192.0.2.7\","
             "\"port\":4321,\"group\":\"home\"},\"channel\":\"dns\",\"subject\":\"www.evil.example\",\"indicator\":"
             "\"evil.example\",\"match\":\"qname\",\"action\":\"block\",\"category\":\"c2\",\"family\":\"Emotet\","
             "\"risk\":\"high\",\"sources\":[\"feed-a\",\"feed-b\"],\"incident\":\"%s\",\"count\":1,"
             "\"last\":\"2026-01-31T12:00:00.000Z\"}",
             text(fixture, 0, "id"), text(fixture, 0, "incident"));
    assert_string_equal(line, expected);
    assert_int_equal(strlen(text(fixture, 0, "incident")), 11);
    free(line);
}

static void http_hits_tell_method_and_status(void **state)
{
    struct fixture *fixture = *state;
    struct callback callback = a_callback(1, "evil.example/x", "http://evil.example/x");
    callback.channel = CHANNEL_HTTP;
    callback.match = MATCH_URL;
    callback.status = 403;
    set_text(callback.method, sizeof callback.method, "GET");
    recorder_record(fixture->recorder, &callback);
    step_after(fixture, 100);
    fixture_read(fixture);
    assert_string_equal(text(fixture, 0, "method"), "GET");
    assert_int_equal(json_integer_value(field(fixture, 0, "status")), 403);
    assert_null(field(fixture, 0, "unseen"));
}

static void what_is_encrypted_tells_that_its_path_was_not_seen(void **state)
{
    static const enum channel channels[] = {CHANNEL_CONNECT, CHANNEL_TLS, CHANNEL_SOCKS};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++) {
        struct callback callback = a_callback(1, "evil.example", "evil.example");
        callback.channel = channels[i];
        recorder_record(fixture->recorder, &callback);
    }
    step_after(fixture, 100);
    fixture_read(fixture);
    assert_int_equal(fixture->line_count, 3);
    for (size_t i = 0; i < fixture->line_count; i++)
        assert_string_equal(text(fixture, i, "unseen"), "path");
}

static void what_is_unknown_is_null(void **state)
{
    struct fixture *fixture = *state;
    struct callback callback = a_callback(1, "evil.example", "evil.example");
    callback.verdict.family[0] = callback.verdict.sources[0] = '\0';
    recorder_record(fixture->recorder, &callback);
    step_after(fixture, 100);
    fixture_read(fixture);
    assert_true(json_is_null(field(fixture, 0, "family")));
    assert_int_equal(json_array_size(field(fixture, 0, "sources")), 0);
    assert_null(field(fixture, 0, "method"));
    assert_non_null(text(fixture, 0, "incident"));
}

static void repeats_within_ten_seconds_are_one_callback(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 99; i++) {
        record(fixture, 1, "evil.example", "evil.example");
        step_after(fixture, 100);
    }
    assert_int_equal(collector_counters(fixture->collector)->callbacks, 1);
    step_after(fixture, 200);
    fixture_read(fixture);
    assert_in_range(fixture->line_count, 9, 12);
    assert_int_equal(sum_of(fixture), 99);
    for (size_t i = 1; i < fixture->line_count; i++) {
        assert_string_equal(text(fixture, i, "id"), text(fixture, 0, "id"));
        assert_string_equal(text(fixture, i, "time"), text(fixture, 0, "time"));
        assert_true(strcmp(text(fixture, i, "last"), text(fixture, i - 1, "last")) > 0);
    }
}

static void after_ten_seconds_it_is_another_callback(void **state)
{
    struct fixture *fixture = *state;
    record(fixture, 1, "evil.example", "evil.example");
    step_after(fixture, 100);
    record(fixture, 1, "evil.example", "evil.example"); /* waits for its line when the next one comes */
    step_after(fixture, 100);
    clock_fake_advance(10000);
    record(fixture, 1, "evil.example", "evil.example");
    step_after(fixture, 100);
    fixture_read(fixture);
    assert_int_equal(fixture->line_count, 3);
    assert_string_equal(text(fixture, 0, "id"), text(fixture, 1, "id"));
    assert_string_not_equal(text(fixture, 0, "id"), text(fixture, 2, "id"));
    assert_string_equal(text(fixture, 0, "incident"), text(fixture, 2, "incident"));
    assert_int_equal(collector_counters(fixture->collector)->callbacks, 2);
}

static void a_contact_differs_by_client_channel_action_indicator_and_subject(void **state)
{
    struct fixture *fixture = *state;
    struct callback all[6];
    for (size_t i = 0; i < 6; i++)
        all[i] = a_callback(1, "evil.example", "evil.example");
    all[1].client = addr_v4(0xc0000202, 4321);
    all[2].channel = CHANNEL_HTTP;
    all[3].verdict.action = ACTION_LOG;
    all[4].verdict.indicator_id++;
    all[5].subject[0] = 'E';
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < 6; i++)
            recorder_record(fixture->recorder, &all[i]);
    step_after(fixture, 100);
    fixture_read(fixture);
    assert_int_equal(fixture->line_count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(count_of(fixture, i), 2);
}

static void lines_of_one_step_stand_in_the_order_of_time(void **state)
{
    struct fixture *fixture = *state;
    char subject[32];
    for (int i = 0; i < 12; i++) {
        snprintf(subject, sizeof subject, "%d.example", i);
        record(fixture, 1, subject, subject);
        clock_fake_advance(1);
    }
    step_after(fixture, 100);
    fixture_read(fixture);
    assert_int_equal(fixture->line_count, 12);
    for (size_t i = 1; i < 12; i++)
        assert_true(strcmp(text(fixture, i, "time"), text(fixture, i - 1, "time")) > 0);
}

static void h24_hostile_text_never_reaches_a_line_raw(void **state)
{
    struct fixture *fixture = *state;
    static const char *const hostile[] = {
        "\x1b[2J\x1b]0;x\x07.example",
        "a\r\nb",
        "quote\"back\\slash",
        "sep\xe2\x80\xa8sep\xe2\x80\xa9",
        "bad\xff\xc0\xaf\xed\xa0\x80",
        "c1\xc2\x9b[0m",
        "del\x7f",
        "{\"count\":5}",
    };
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        struct callback callback = a_callback((unsigned)i, hostile[i], hostile[i]);
        set_text(callback.verdict.family, sizeof callback.verdict.family, hostile[i]);
        set_text(callback.verdict.sources, sizeof callback.verdict.sources, hostile[i]);
        set_text(callback.verdict.group, sizeof callback.verdict.group, hostile[i]);
        set_text(callback.method, sizeof callback.method, hostile[i]);
        recorder_record(fixture->recorder, &callback);
    }
    struct callback full = a_callback(200, "x", "x");
    memset(full.subject, 0xff, sizeof full.subject - 1);
    memset(full.verdict.indicator, '\\', sizeof full.verdict.indicator - 1);
    memset(full.verdict.family, 1, sizeof full.verdict.family - 1);
    recorder_record(fixture->recorder, &full);
    step_after(fixture, 100);
    fixture_read(fixture);
    assert_int_equal(fixture->line_count, 9);
    char path[128], bytes[65536], safe[65536];
    snprintf(path, sizeof path, "%s/%s", fixture->dir, LOG_FILE_NAME);
    FILE *file = fopen(path, "re");
    while (fgets(bytes, sizeof bytes, file)) {
        bytes[strcspn(bytes, "\n")] = '\0';
        text_printable(safe, sizeof safe, str_of(bytes));
        assert_string_equal(bytes, safe);
    }
    fclose(file);
    size_t kept = 0; /* what is printable stays as it is */
    for (size_t i = 0; i < fixture->line_count; i++)
        kept += !strcmp(text(fixture, i, "subject"), "quote\"back\\slash");
    assert_int_equal(kept, 1);
}

static void many_subjects_under_one_indicator_fold(void **state)
{
    struct fixture *fixture = *state;
    char subject[64];
    for (int i = 0; i < 100; i++) {
        snprintf(subject, sizeof subject, "%d.evil.example", i);
        record(fixture, 1, "evil.example", subject);
        if (i % 10 == 9)
            step_after(fixture, 10);
    }
    step_after(fixture, 11000);
    fixture_read(fixture);
    assert_int_equal(sum_of(fixture), 100);
    size_t summaries = 0;
    for (size_t i = 0; i < fixture->line_count; i++)
        if (field(fixture, i, "summary")) {
            summaries++;
            assert_string_equal(text(fixture, i, "subject"), "*.evil.example");
            assert_string_equal(text(fixture, i, "indicator"), "evil.example");
            assert_string_equal(text(fixture, i, "family"), "Emotet");
            assert_non_null(text(fixture, i, "incident"));
        }
    assert_int_equal(fixture->line_count - summaries, CONTACT_SUBJECTS_MAX);
    assert_in_range(summaries, 1, 12);
    /* Some fold before the log sees them, more when the recorder has one set for them instead of two. */
    assert_in_range(json_integer_value(field(fixture, fixture->line_count - 1, "subjects")), 60, 84);
}

/* A hundred clients with a thousand indicators each, many more than there are lines for. */
static void what_has_no_line_folds_by_client_and_then_into_one(void **state)
{
    struct fixture *fixture = *state;
    size_t levels[4] = {0};
    char name[64];
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(name, sizeof name, "%u.example", i);
        record(fixture, i % 100, name, name);
        if (i % 1000 == 999)
            step_after(fixture, 10);
    }
    step_after(fixture, 11000);
    step_after(fixture, 11000);
    fixture_read(fixture);
    assert_int_equal(sum_of(fixture), 100000);
    assert_int_equal(collector_counters(fixture->collector)->hits, 100000);
    for (size_t i = 0; i < fixture->line_count; i++) {
        bool summary = json_is_true(field(fixture, i, "summary"));
        bool client = json_is_object(field(fixture, i, "client")), indicator = text(fixture, i, "indicator") != NULL;
        assert_true(summary == (!client || !text(fixture, i, "subject") || text(fixture, i, "subject")[0] == '*'));
        assert_true(client || !indicator);
        assert_string_equal(text(fixture, i, "action"), "block");
        levels[!summary ? 0 : indicator ? 1 : client ? 2 : 3]++;
    }
    assert_true(levels[0] > 100);
    assert_true(levels[2] > 10);
    assert_true(levels[3] > 0);
    assert_in_range(fixture->line_count, 1, 500 * 3 + 500 * 11 + 50); /* 23 s with a burst at the start */
}

static void a_flood_of_one_contact_makes_one_line_a_second(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned step = 0; step < 50; step++) {
        for (unsigned i = 0; i < 10000; i++)
            record(fixture, 1, "evil.example", "evil.example");
        step_after(fixture, 100);
    }
    step_after(fixture, 10000);
    fixture_read(fixture);
    assert_int_equal(sum_of(fixture), 500000);
    assert_in_range(fixture->line_count, 5, 7);
}

static void block_and_log_are_never_counted_together(void **state)
{
    struct fixture *fixture = *state;
    char name[64];
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "%u.example", i);
        struct callback callback = a_callback(i % 200, name, name);
        callback.verdict.action = i % 4 ? ACTION_BLOCK : ACTION_LOG;
        recorder_record(fixture->recorder, &callback);
        if (i % 5000 == 4999)
            step_after(fixture, 10);
    }
    step_after(fixture, 11000);
    fixture_read(fixture);
    long long blocked = 0, logged = 0;
    for (size_t i = 0; i < fixture->line_count; i++) {
        bool block = !strcmp(text(fixture, i, "action"), "block");
        *(block ? &blocked : &logged) += count_of(fixture, i);
    }
    assert_int_equal(blocked, 15000);
    assert_int_equal(logged, 5000);
}

static void counts_that_a_record_brings_are_added(void **state)
{
    struct fixture *fixture = *state;
    struct callback callback = a_callback(1, "evil.example", "evil.example");
    callback.count = 7;
    recorder_record(fixture->recorder, &callback);
    recorder_record(fixture->recorder, &callback);
    step_after(fixture, 100);
    fixture_read(fixture);
    assert_int_equal(count_of(fixture, 0), 14);
}

static void closing_writes_what_is_left(void **state)
{
    struct fixture *fixture = *state;
    record(fixture, 1, "evil.example", "evil.example");
    step_after(fixture, 100);
    for (int i = 0; i < 5; i++)
        record(fixture, 1, "evil.example", "evil.example");
    fixture_close(fixture);
    fixture_read(fixture);
    assert_int_equal(fixture->line_count, 2);
    assert_int_equal(sum_of(fixture), 6);
}

static void a_small_budget_still_counts_everything(void **state)
{
    struct fixture *fixture = *state;
    struct collector_settings settings = fixture_settings(fixture);
    char name[64];
    fixture_close(fixture);
    settings.max_lines_per_s = 1;
    fixture_open(fixture, &settings);
    for (unsigned i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "%u.example", i);
        record(fixture, i % 5, name, name);
        step_after(fixture, 100);
    }
    fixture_close(fixture);
    fixture_read(fixture);
    assert_int_equal(sum_of(fixture), 300);
    assert_in_range(fixture->line_count, 20, 70); /* 30 s */
}

static void a_hit_is_on_disk_when_the_program_is_killed_a_moment_later(void **state)
{
    struct fixture *fixture = *state;
    int result;
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        record(fixture, 1, "evil.example", "evil.example");
        step_after(fixture, 100);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFSIGNALED(result) && WTERMSIG(result) == SIGKILL);
    fixture_read(fixture);
    assert_int_equal(sum_of(fixture), 1);
}

static void a_program_of_this_machine_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof to;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &length), 0);
    struct callback callback = a_callback(1, "evil.example", "evil.example");
    callback.client = addr_v4(INADDR_LOOPBACK, ntohs(to.sin_port));
    recorder_record(fixture->recorder, &callback);
    record(fixture, 2, "evil.example", "evil.example");
    step_after(fixture, 100);
    close(fd);
    fixture_read(fixture);
    assert_int_equal(fixture->line_count, 2);
    size_t local = !strcmp(json_string_value(json_object_get(field(fixture, 0, "client"), "ip")), "127.0.0.1") ? 0 : 1;
    const json_t *client = field(fixture, local, "client"), *other = field(fixture, 1 - local, "client");
    assert_int_equal(json_integer_value(json_object_get(client, "pid")), getpid());
    assert_string_equal(json_string_value(json_object_get(client, "process")), "test_callbacks_collector");
    assert_non_null(json_string_value(json_object_get(client, "user")));
    char name[256];
    assert_int_equal(gethostname(name, sizeof name), 0);
    assert_string_equal(json_string_value(json_object_get(client, "name")), name);
    assert_null(json_object_get(other, "name"));
    assert_null(json_object_get(other, "pid"));
    assert_null(json_object_get(other, "user"));
}

static void record_login(struct fixture *fixture, const char *login, const char *subject)
{
    struct callback callback = a_callback(1, "evil.example", subject);
    set_text(callback.login, sizeof callback.login, login);
    recorder_record(fixture->recorder, &callback);
}

static void two_logins_at_one_address_are_two_contacts(void **state)
{
    struct fixture *fixture = *state;
    record_login(fixture, "mika", "evil.example");
    record_login(fixture, "aoi", "evil.example");
    record_login(fixture, "mika", "evil.example");
    step_after(fixture, 100);
    fixture_read(fixture);
    assert_int_equal(fixture->line_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const char *login = json_string_value(json_object_get(field(fixture, i, "client"), "login"));
        assert_non_null(login);
        assert_int_equal(json_integer_value(field(fixture, i, "count")), strcmp(login, "mika") ? 1 : 2);
    }
}

static void what_folds_tells_no_login(void **state)
{
    struct fixture *fixture = *state;
    char subject[32];
    for (unsigned i = 0; i < 40; i++) {
        snprintf(subject, sizeof subject, "%u.evil.example", i);
        record_login(fixture, i % 2 ? "mika" : "aoi", subject);
    }
    step_after(fixture, 100);
    fixture_read(fixture);
    size_t summaries = 0;
    for (size_t i = 0; i < fixture->line_count; i++) {
        bool summary = field(fixture, i, "summary") != NULL;
        summaries += summary;
        assert_int_equal(json_object_get(field(fixture, i, "client"), "login") != NULL, !summary);
    }
    assert_int_equal(summaries, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_hit_is_a_line_after_one_step),
        TEST(http_hits_tell_method_and_status),
        TEST(what_is_encrypted_tells_that_its_path_was_not_seen),
        TEST(what_is_unknown_is_null),
        TEST(repeats_within_ten_seconds_are_one_callback),
        TEST(after_ten_seconds_it_is_another_callback),
        TEST(a_contact_differs_by_client_channel_action_indicator_and_subject),
        TEST(lines_of_one_step_stand_in_the_order_of_time),
        TEST(h24_hostile_text_never_reaches_a_line_raw),
        TEST(many_subjects_under_one_indicator_fold),
        TEST(what_has_no_line_folds_by_client_and_then_into_one),
        TEST(a_flood_of_one_contact_makes_one_line_a_second),
        TEST(block_and_log_are_never_counted_together),
        TEST(counts_that_a_record_brings_are_added),
        TEST(closing_writes_what_is_left),
        TEST(a_hit_is_on_disk_when_the_program_is_killed_a_moment_later),
        TEST(a_program_of_this_machine_is_named),
        TEST(two_logins_at_one_address_are_two_contacts),
        TEST(what_folds_tells_no_login),
        TEST(a_small_budget_still_counts_everything),
    };
    return cmocka_run_group_tests_name("collector", tests, NULL, NULL);
}
