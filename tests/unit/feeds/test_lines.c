#include "feed_test.h"

#include <fcntl.h>

#include "feeds/lines.h"

static void open_lines(struct lines *lines, const void *data, size_t n)
{
    int fd = open(write_file("lines", data, n), O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(lines_init(lines, fd), ST_OK);
}

static void close_lines(struct lines *lines)
{
    close(lines->fd);
    lines_fini(lines);
}

static void expect_line(struct lines *lines, const char *text)
{
    struct str line;
    assert_int_equal(lines_next(lines, &line), LINE_TEXT);
    assert_int_equal(line.length, strlen(text));
    assert_memory_equal(line.data, text, line.length);
}

static void expect_end(struct lines *lines)
{
    struct str line;
    assert_int_equal(lines_next(lines, &line), LINE_END);
    assert_int_equal(lines_next(lines, &line), LINE_END);
}

static void every_end_of_line_is_known(void **state)
{
    struct lines lines;
    (void)state;
    open_lines(&lines, "\xef\xbb\xbfone\r\ntwo\n\n\rthree\r\r\nlast", 26);
    expect_line(&lines, "one");
    expect_line(&lines, "two");
    expect_line(&lines, "");
    expect_line(&lines, "\rthree\r");
    expect_line(&lines, "last");
    expect_end(&lines);
    assert_int_equal(lines.number, 5);
    close_lines(&lines);

    open_lines(&lines, "one\rtwo\rthree", 13);
    expect_line(&lines, "one");
    expect_line(&lines, "two");
    expect_line(&lines, "three");
    expect_end(&lines);
    close_lines(&lines);

    open_lines(&lines, "", 0);
    expect_end(&lines);
    close_lines(&lines);

    open_lines(&lines, "\xef\xbb\xbf", 3);
    expect_end(&lines);
    close_lines(&lines);
}

/* Lines of LENGTH bytes, with a short one before and after. */
static void try_length(size_t length, enum line want)
{
    char *data = malloc(length + 16);
    assert_non_null(data);
    memcpy(data, "head\n", 5);
    memset(data + 5, 'x', length);
    memcpy(data + 5 + length, "\ntail", 5);
    struct lines lines;
    struct str line;
    open_lines(&lines, data, length + 10);
    expect_line(&lines, "head");
    assert_int_equal(lines_next(&lines, &line), want);
    if (want == LINE_TEXT)
        assert_int_equal(line.length, length);
    else
        assert_int_equal(line.length, sizeof lines.head - 1);
    assert_int_equal(line.data[0], 'x');
    assert_int_equal(lines.number, 2);
    expect_line(&lines, "tail");
    expect_end(&lines);
    close_lines(&lines);
    free(data);
}

static void a_line_is_bounded_and_the_rest_is_read(void **state)
{
    (void)state;
    try_length(LINE_MAX_BYTES - 1, LINE_TEXT);
    try_length(LINE_MAX_BYTES, LINE_TEXT);
    try_length(LINE_MAX_BYTES + 1, LINE_TOO_LONG);
    try_length(LINE_BUFFER_BYTES - 6, LINE_TOO_LONG);
    try_length(LINE_BUFFER_BYTES - 5, LINE_TOO_LONG);
    try_length(LINE_BUFFER_BYTES, LINE_TOO_LONG);
    try_length(5 * LINE_BUFFER_BYTES + 17, LINE_TOO_LONG);
}

static void a_long_line_without_an_end_is_the_last(void **state)
{
    static char data[3 * LINE_BUFFER_BYTES];
    struct lines lines;
    struct str line;
    (void)state;
    memset(data, 'y', sizeof data);
    open_lines(&lines, data, sizeof data);
    assert_int_equal(lines_next(&lines, &line), LINE_TOO_LONG);
    expect_end(&lines);
    assert_int_equal(lines.body.packed, sizeof data);
    close_lines(&lines);
}

static void lines_that_span_blocks_are_whole(void **state)
{
    enum { COUNT = 60000 };
    char *data = malloc(COUNT * 16), expected[16];
    size_t n = 0;
    (void)state;
    assert_non_null(data);
    for (unsigned i = 0; i < COUNT; i++)
        n += (size_t)snprintf(data + n, 16, "line %u\n", i);
    struct lines lines;
    open_lines(&lines, data, n);
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(expected, sizeof expected, "line %u", i);
        expect_line(&lines, expected);
    }
    expect_end(&lines);
    close_lines(&lines);
    free(data);
}

static void a_directory_is_a_failure(void **state)
{
    struct lines lines;
    (void)state;
    int fd = open(scratch, O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    assert_int_equal(lines_init(&lines, fd), ST_IO);
    lines_fini(&lines);
    close(fd);
}

static void a_pipe_is_read_to_its_end(void **state)
{
    int ends[2];
    struct lines lines;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "a\nb", 3), 3);
    close(ends[1]);
    assert_int_equal(lines_init(&lines, ends[0]), ST_OK);
    expect_line(&lines, "a");
    expect_line(&lines, "b");
    expect_end(&lines);
    close_lines(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_end_of_line_is_known),
        cmocka_unit_test(a_line_is_bounded_and_the_rest_is_read),
        cmocka_unit_test(a_long_line_without_an_end_is_the_last),
        cmocka_unit_test(lines_that_span_blocks_are_whole),
        cmocka_unit_test(a_directory_is_a_failure),
        cmocka_unit_test(a_pipe_is_read_to_its_end),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
