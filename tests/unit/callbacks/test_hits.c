#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "callbacks/hits.h"

#define LINE(id, time, count, last)                                                                                    \
    "{\"schema\":1,\"time\":\"" time "\",\"id\":\"" id "\",\"client\":{\"ip\":\"192.0.2.1\",\"port\":9,\"group\":"     \
    "\"home\",\"pid\":42,\"process\":\"firefox\",\"user\":\"eva\"},\"channel\":\"dns\",\"subject\":\"www." id          \
    "\",\"indicator\":\"" id "\",\"match\":\"qname\",\"action\":\"block\",\"category\":\"c2\",\"family\":\"Emotet\","  \
    "\"risk\":\"high\",\"sources\":[\"a\",\"b\"],\"incident\":\"CC-00000001\",\"count\":" count ",\"last\":\"" last    \
    "\"}\n"
#define NOON(s) "2026-01-31T12:00:" s ".000Z"

static void write_log(const struct fixture *fixture, const char *name, const char *lines)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", fixture->dir, name);
    FILE *file = fopen(path, "ae");
    assert_non_null(file);
    fputs(lines, file);
    fclose(file);
}

static int truncate_log(const struct fixture *fixture)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", fixture->dir, LOG_FILE_NAME);
    return truncate(path, 0);
}

static char *printed_errors;

static char *print(const struct fixture *fixture, enum hits_form form, int64_t since_ms)
{
    char *text = NULL;
    size_t size = 0, error_size = 0;
    struct fault fault = {0};
    struct hits_settings settings = {.state_dir = fixture->dir, .form = form, .since_ms = since_ms};
    free(printed_errors);
    FILE *out = open_memstream(&text, &size), *errors = open_memstream(&printed_errors, &error_size);
    assert_int_equal(hits_print_to(&settings, out, errors, &fault), ST_OK);
    fclose(out);
    fclose(errors);
    return text;
}

static void assert_prints(const struct fixture *fixture, enum hits_form form, int64_t since_ms, const char *expected)
{
    char *text = print(fixture, form, since_ms);
    assert_string_equal(text, expected);
    free(text);
}

static int close_collector(void **state)
{
    fixture_setup(state);
    struct fixture *fixture = *state;
    char path[128];
    fixture_close(fixture);
    snprintf(path, sizeof path, "%s/%s", fixture->dir, LOG_FILE_NAME);
    unlink(path);
    setenv("TZ", "UTC", 1);
    tzset();
    return 0;
}

static int forget_errors(void **state)
{
    free(printed_errors);
    printed_errors = NULL;
    return fixture_teardown(state);
}

static void no_log_yet_is_no_error(void **state)
{
    assert_prints(*state, HITS_TABLE, 0, "TIME  CLIENT  PROCESS  ACTION  CATEGORY  COUNT  SUBJECT\n");
    assert_string_equal(printed_errors, "ccward: no callbacks yet\n");
    assert_prints(*state, HITS_JSON, 0, "");
    assert_string_equal(printed_errors, "");
    char *csv = print(*state, HITS_CSV, 0);
    assert_int_equal(strcspn(csv, "\n") + 1, strlen(csv));
    assert_string_equal(printed_errors, "");
    free(csv);
}

static void an_empty_log_holds_no_callbacks_yet(void **state)
{
    write_log(*state, LOG_FILE_NAME, "");
    assert_prints(*state, HITS_TABLE, 0, "TIME  CLIENT  PROCESS  ACTION  CATEGORY  COUNT  SUBJECT\n");
    assert_string_equal(printed_errors, "ccward: no callbacks yet\n");
}

static void callbacks_that_are_left_out_are_not_denied(void **state)
{
    static const char head[] = "TIME  CLIENT  PROCESS  ACTION  CATEGORY  COUNT  SUBJECT\n";
    write_log(*state, LOG_FILE_NAME, LINE("a", NOON("00"), "1", NOON("00")));
    assert_prints(*state, HITS_TABLE, fixture_start_ms + 1000, head); /* too old */
    assert_string_equal(printed_errors, "");
    assert_prints(*state, HITS_TABLE, INT64_MAX, head); /* not even opened */
    assert_string_equal(printed_errors, "");
    write_log(*state, "callbacks.jsonl.1", "{\"cut\":");
    assert_int_equal(truncate_log(*state), 0);
    assert_prints(*state, HITS_TABLE, 0, head);
    assert_string_equal(printed_errors, "ccward: callbacks.jsonl.1:1: line skipped: cut off\n");
}

static void lines_of_one_callback_are_one_object(void **state)
{
    write_log(*state, LOG_FILE_NAME, LINE("a", NOON("00"), "1", NOON("00")));
    write_log(*state, LOG_FILE_NAME, LINE("b", NOON("01"), "2", NOON("01")));
    write_log(*state, LOG_FILE_NAME, LINE("a", NOON("00"), "5", NOON("03")));
    write_log(*state, LOG_FILE_NAME, LINE("c", NOON("59"), "1", NOON("59")));
    assert_prints(*state, HITS_JSON, 0,
                  LINE("a", NOON("00"), "6", NOON("03")) LINE("b", NOON("01"), "2", NOON("01"))
                      LINE("c", NOON("59"), "1", NOON("59")));
}

static void rotated_files_come_first_oldest_first(void **state)
{
    write_log(*state, LOG_FILE_NAME, LINE("a", NOON("02"), "1", NOON("04")));
    write_log(*state, "callbacks.jsonl.1", LINE("a", NOON("02"), "1", NOON("02")));
    write_log(*state, "callbacks.jsonl.2", LINE("b", NOON("01"), "1", NOON("01")));
    assert_prints(*state, HITS_JSON, 0, LINE("b", NOON("01"), "1", NOON("01")) LINE("a", NOON("02"), "2", NOON("04")));
}

static void since_leaves_older_ones_out(void **state)
{
    write_log(*state, LOG_FILE_NAME, LINE("a", NOON("00"), "1", NOON("00")));
    write_log(*state, LOG_FILE_NAME, LINE("b", NOON("01"), "1", NOON("01")));
    assert_prints(*state, HITS_JSON, fixture_start_ms + 1000, LINE("b", NOON("01"), "1", NOON("01")));
}

static void damaged_lines_are_skipped_and_told(void **state)
{
    static char longest[70000];
    memset(longest, 'x', sizeof longest - 2);
    longest[sizeof longest - 2] = '\n';
    write_log(*state, "callbacks.jsonl.1", "{\"schema\":1,\"ti\n");
    write_log(*state, "callbacks.jsonl.1", LINE("a", NOON("00"), "1", NOON("00")) "{\"cut\":");
    write_log(*state, LOG_FILE_NAME, "\n[]\nnull\n{\"schema\":2}\n");
    write_log(*state, LOG_FILE_NAME, longest);
    write_log(*state, LOG_FILE_NAME, LINE("b", NOON("01"), "-1", NOON("01")));
    write_log(*state, LOG_FILE_NAME, LINE("b", NOON("61"), "1", NOON("01")));
    write_log(*state, LOG_FILE_NAME, LINE("b", "yesterday", "1", NOON("01")));
    write_log(*state, LOG_FILE_NAME, LINE("b", NOON("01"), "99999999999999999999", NOON("01")));
    write_log(*state, LOG_FILE_NAME, LINE("c", NOON("01"), "1", NOON("01")));
    assert_prints(*state, HITS_JSON, 0, LINE("a", NOON("00"), "1", NOON("00")) LINE("c", NOON("01"), "1", NOON("01")));
    assert_string_equal(printed_errors, "ccward: callbacks.jsonl.1:1: line skipped: damaged\n"
                                        "ccward: callbacks.jsonl.1:3: line skipped: cut off\n"
                                        "ccward: callbacks.jsonl:1: line skipped: damaged\n"
                                        "ccward: callbacks.jsonl:2: line skipped: damaged\n"
                                        "ccward: callbacks.jsonl:3: line skipped: damaged\n"
                                        "ccward: callbacks.jsonl:4: line skipped: of a newer version\n"
                                        "ccward: callbacks.jsonl:5: line skipped: too long\n"
                                        "ccward: callbacks.jsonl:6: line skipped: damaged\n"
                                        "ccward: callbacks.jsonl:7: line skipped: damaged\n"
                                        "ccward: callbacks.jsonl:8: line skipped: damaged\n"
                                        "ccward: callbacks.jsonl:9: line skipped: damaged\n");
}

static void fields_of_the_wrong_type_damage_a_line(void **state)
{
    static const char *const lines[] = {
        "{\"schema\":1,\"time\":\"" NOON("00") "\",\"id\":7,\"client\":null,\"count\":1,\"last\":\"" NOON("00") "\"}\n",
        "{\"schema\":1,\"time\":\"" NOON("00") "\",\"id\":\"a\",\"client\":[],\"count\":1,\"last\":\"" NOON(
            "00") "\"}\n",
        "{\"schema\":1,\"time\":\"" NOON("00") "\",\"id\":\"a\",\"client\":{\"ip\":1},\"count\":1,\"last\":\"" NOON(
            "00") "\"}\n",
        "{\"schema\":1,\"time\":\"" NOON(
            "00") "\",\"id\":\"a\",\"client\":null,\"subject\":{},\"count\":1,\"last\":\"" NOON("00") "\"}\n",
        "{\"schema\":1,\"time\":\"" NOON(
            "00") "\",\"id\":\"a\",\"client\":null,\"sources\":[1],\"count\":1,\"last\":\"" NOON("00") "\"}\n",
        "{\"schema\":1,\"schema\":1,\"time\":\"" NOON(
            "00") "\",\"id\":\"a\",\"client\":null,\"count\":1,\"last\":\"" NOON("00") "\"}\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        write_log(*state, LOG_FILE_NAME, lines[i]);
    assert_prints(*state, HITS_JSON, 0, "");
    size_t told = 0;
    for (const char *at = printed_errors; (at = strchr(at, '\n')); at++)
        told++;
    assert_int_equal(told, sizeof lines / sizeof *lines);
}

static void a_table_lines_up(void **state)
{
    write_log(*state, LOG_FILE_NAME, LINE("a.example", NOON("00"), "1", NOON("00")));
    write_log(*state, LOG_FILE_NAME,
              "{\"schema\":1,\"time\":\"" NOON("01") "\",\"id\":\"x\",\"client\":{\"ip\":\"2001:db8::1\"},\"action\":"
                                                     "\"log\",\"category\":\"c2\",\"family\":null,\"subject\":\"b."
                                                     "example\",\"count\":12345,\"last\":\"" NOON("01") "\"}\n");
    write_log(*state, LOG_FILE_NAME,
              "{\"schema\":1,\"time\":\"" NOON("02") "\",\"id\":\"y\",\"client\":null,\"action\":\"block\",\"count\":3,"
                                                     "\"last\":\"" NOON("02") "\",\"summary\":true}\n");
    assert_prints(*state, HITS_TABLE, 0,
                  "TIME                 CLIENT       PROCESS      ACTION  CATEGORY   COUNT  SUBJECT\n"
                  "2026-01-31 12:00:00  192.0.2.1    firefox[42]  block   c2/Emotet      1  www.a.example\n"
                  "2026-01-31 12:00:01  2001:db8::1  -            log     c2         12345  b.example\n"
                  "2026-01-31 12:00:02  (several)    -            block   -              3  (several)\n");
}

static void csv_is_quoted_and_no_formula(void **state)
{
    write_log(
        *state, LOG_FILE_NAME,
        "{\"schema\":1,\"time\":\"" NOON(
            "00") "\",\"id\":\"x\",\"client\":{\"ip\":\"192.0.2.1\",\"login\":\"mika\"},\"channel\":"
                  "\"http\",\"subject\":\"=cmd|' /C calc'!A0\",\"indicator\":\"a,\\\"b\\\"\\r\\n\",\"match\":\"url\","
                  "\"action\":\"block\",\"category\":\"c2\",\"family\":\"@x\",\"risk\":\"high\",\"sources\":[\"a\",\"-"
                  "b\"],"
                  "\"incident\":\"CC-00000001\",\"method\":\"GET\",\"status\":403,\"count\":2,\"last\":\"" NOON(
                      "00") "\"}\n");
    assert_prints(
        *state, HITS_CSV, 0,
        "time,id,client_ip,client_port,client_name,group,pid,process,user,channel,subject,indicator,match,"
        "action,category,family,risk,sources,incident,method,status,count,last,summary,subjects,login\r\n" NOON(
            "00") ",x,192.0.2.1,,,,,,,http,'=cmd|' /C calc'!A0,\"a,\"\"b\"\"\\x0d\\x0a\",url,block,c2,'@x,"
                  "high,a -b,CC-00000001,GET,403,2," NOON("00") ",,,mika\r\n");
}

static void h24_control_characters_of_others_never_reach_the_output(void **state)
{
    write_log(
        *state, LOG_FILE_NAME,
        "{\"schema\":1,\"time\":\"" NOON(
            "00") "\",\"id\":\"x\",\"client\":{\"ip\":\"1\\u001b[2J\"},\"subject\":"
                  "\"\\u001b]0;x\\u0007\\u009b\\u2028\xc2\x9b\",\"family\":\"\\u001b\",\"count\":2,\"last\":\"" NOON(
                      "00") "\"}\n");
    for (enum hits_form form = HITS_TABLE; form <= HITS_CSV; form++) {
        char *text = print(*state, form, 0), safe[4096];
        text_printable(safe, sizeof safe, str_of(text));
        assert_null(strstr(safe, "\\x1b\\x5b"));
        for (const char *at = text; *at; at++)
            assert_true((unsigned char)*at >= 0x20 || *at == '\n' || *at == '\r');
        assert_null(strstr(text, "\xc2\x9b"));
        free(text);
    }
}

static void what_the_collector_wrote_is_read_back(void **state)
{
    struct fixture *fixture = *state;
    struct collector_settings settings = fixture_settings(fixture);
    settings.rotate_bytes = 3000;
    settings.rotate_keep = 20;
    fixture_open(fixture, &settings);
    for (unsigned i = 0; i < 30; i++) {
        record(fixture, 1, "evil.example", "evil.example");
        record(fixture, i % 3, "other.example", "other.example");
        step_after(fixture, 1000);
    }
    fixture_close(fixture);
    char *text = print(fixture, HITS_JSON, 0), *line = text;
    long long sum = 0;
    size_t objects = 0;
    for (char *end; (end = strchr(line, '\n')); line = end + 1, objects++) {
        json_t *object = json_loadb(line, (size_t)(end - line), 0, NULL);
        sum += json_integer_value(json_object_get(object, "count"));
        json_decref(object);
    }
    free(text);
    assert_int_equal(sum, 60);
    assert_in_range(objects, 11, 14); /* 3 of one contact, 3 times 3 of the other, and what a step's edge divides */
    assert_string_equal(printed_errors, "");
}

static FILE *a_pipe_without_reader(void)
{
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    return fdopen(ends[1], "w");
}

static FILE *a_closed_output(void)
{
    FILE *out = fopen("/dev/null", "we");
    close(fileno(out));
    return out;
}

static void an_output_that_can_not_be_written_is_told_with_its_reason(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 2000; i++) /* more than stdio holds */
        write_log(fixture, LOG_FILE_NAME,
                  LINE("a", NOON("00"), "1", NOON("00")) LINE("b", NOON("50"), "1", NOON("50")));
    for (enum hits_form form = HITS_TABLE; form <= HITS_CSV; form++) {
        const struct {
            FILE *out;
            enum status status;
            const char *text;
        } outputs[] = {
            {fopen("/dev/full", "we"), ST_IO, "the output cannot be written: No space left on device"},
            {a_closed_output(), ST_IO, "the output cannot be written: Bad file descriptor"},
            {a_pipe_without_reader(), ST_CLOSED, "callback log: closed by the other side"},
        };
        for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
            struct hits_settings settings = {.state_dir = fixture->dir, .form = form};
            struct fault fault = {0};
            assert_int_equal(hits_print_to(&settings, outputs[i].out, stderr, &fault), outputs[i].status);
            assert_string_equal(fault.text, outputs[i].text);
        }
        for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
            fclose(outputs[i].out);
    }
}

static void a_full_output_is_told_also_when_little_is_printed(void **state)
{
    struct fixture *fixture = *state;
    write_log(fixture, LOG_FILE_NAME, LINE("a", NOON("00"), "1", NOON("00")));
    for (enum hits_form form = HITS_TABLE; form <= HITS_CSV; form++) {
        struct hits_settings settings = {.state_dir = fixture->dir, .form = form};
        struct fault fault = {0};
        FILE *out = fopen("/dev/full", "we");
        assert_int_equal(hits_print_to(&settings, out, stderr, &fault), ST_IO);
        assert_string_equal(fault.text, "the output cannot be written: No space left on device");
        fclose(out);
    }
}

static volatile int stop;

static void on_term(int signal)
{
    (void)signal;
    stop = 1;
}

/* A reader of its own process, as `ccward hits --follow` is; without the descriptor NOT_INHERITED (-1: none). */
static pid_t start_follower(const struct fixture *fixture, FILE *file, int not_inherited)
{
    struct hits_settings settings = {.state_dir = fixture->dir, .form = HITS_JSON, .follow = true, .stop = &stop};
    struct fault fault = {0};
    signal(SIGTERM, on_term);
    pid_t child = fork();
    if (!child) {
        close(not_inherited);
        _exit(hits_print_to(&settings, file, stderr, &fault) == ST_OK ? 0 : 1);
    }
    fclose(file);
    signal(SIGTERM, SIG_DFL);
    return child;
}

/* Waits until the file at PATH holds TEXT, at most five seconds. */
static void wait_for(const char *path, const char *wanted)
{
    char text[8192];
    const struct timespec pause = {.tv_nsec = 20000000};
    for (int i = 0; i < 250; i++) {
        FILE *file = fopen(path, "re");
        size_t n = fread(text, 1, sizeof text - 1, file);
        fclose(file);
        text[n] = '\0';
        if (strstr(text, wanted))
            return;
        nanosleep(&pause, NULL);
    }
    fail_msg("%s not in %s", wanted, text);
}

static void following_goes_on_over_a_rotation(void **state)
{
    struct fixture *fixture = *state;
    char out[128], from[128], to[128];
    int result = -1;
    snprintf(out, sizeof out, "%s/out", fixture->dir);
    snprintf(from, sizeof from, "%s/%s", fixture->dir, LOG_FILE_NAME);
    snprintf(to, sizeof to, "%s/%s.1", fixture->dir, LOG_FILE_NAME);
    pid_t follower = start_follower(fixture, fopen(out, "we"), -1);
    write_log(fixture, LOG_FILE_NAME, LINE("first", NOON("00"), "1", NOON("00")));
    wait_for(out, "www.first");
    write_log(fixture, LOG_FILE_NAME, LINE("second", NOON("01"), "1", NOON("01")));
    assert_int_equal(rename(from, to), 0);
    write_log(fixture, LOG_FILE_NAME, LINE("third", NOON("02"), "1", NOON("02")));
    wait_for(out, "www.third");
    wait_for(out, "www.second");
    write_log(fixture, LOG_FILE_NAME, LINE("third", NOON("02"), "7", NOON("03")));
    wait_for(out, "\"count\":7");
    assert_int_equal(truncate(from, 0), 0);
    const struct timespec pause = {.tv_nsec = 600000000};
    nanosleep(&pause, NULL);
    write_log(fixture, LOG_FILE_NAME, LINE("fourth", NOON("04"), "1", NOON("04")));
    wait_for(out, "www.fourth");
    kill(follower, SIGTERM);
    assert_int_equal(waitpid(follower, &result, 0), follower);
    assert_int_equal(result, 0);
}

/* The exit status of a follower that ends by itself within five seconds. */
static int wait_for_end(pid_t follower)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    int result = -1;
    for (int i = 0; i < 250; i++) {
        if (waitpid(follower, &result, WNOHANG) == follower)
            return result;
        nanosleep(&pause, NULL);
    }
    kill(follower, SIGKILL);
    waitpid(follower, &result, 0);
    fail_msg("still follows");
    return -1;
}

static void following_ends_with_its_reader(void **state)
{
    struct fixture *fixture = *state;
    char text[4096];
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    write_log(fixture, LOG_FILE_NAME, LINE("first", NOON("00"), "1", NOON("00")));
    pid_t follower = start_follower(fixture, fdopen(ends[1], "w"), ends[0]);
    assert_true(read(ends[0], text, sizeof text) > 0);
    const struct timespec pause = {.tv_nsec = 600000000};
    nanosleep(&pause, NULL);
    assert_int_equal(waitpid(follower, NULL, WNOHANG), 0); /* as long as it is read, it goes on */
    close(ends[0]);
    assert_int_equal(wait_for_end(follower), 0);
}

static void following_to_a_closed_output_ends(void **state)
{
    struct fixture *fixture = *state;
    pid_t follower = start_follower(fixture, a_closed_output(), -1);
    int result = wait_for_end(follower);
    assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, close_collector, forget_errors)
    const struct CMUnitTest tests[] = {
        TEST(no_log_yet_is_no_error),
        TEST(an_empty_log_holds_no_callbacks_yet),
        TEST(callbacks_that_are_left_out_are_not_denied),
        TEST(lines_of_one_callback_are_one_object),
        TEST(rotated_files_come_first_oldest_first),
        TEST(since_leaves_older_ones_out),
        TEST(damaged_lines_are_skipped_and_told),
        TEST(fields_of_the_wrong_type_damage_a_line),
        TEST(a_table_lines_up),
        TEST(csv_is_quoted_and_no_formula),
        TEST(h24_control_characters_of_others_never_reach_the_output),
        TEST(what_the_collector_wrote_is_read_back),
        TEST(an_output_that_can_not_be_written_is_told_with_its_reason),
        TEST(a_full_output_is_told_also_when_little_is_printed),
        TEST(following_goes_on_over_a_rotation),
        TEST(following_ends_with_its_reader),
        TEST(following_to_a_closed_output_ends),
    };
    return cmocka_run_group_tests_name("hits", tests, NULL, NULL);
}
