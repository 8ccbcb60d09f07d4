#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "message/http_body.h"

struct outcome {
    enum status status;
    bool done;
    size_t taken;
    struct buf payload;
};

static struct http_body body_of(enum http_framing framing, uint64_t length)
{
    static struct http_head head;
    struct http_body body;
    head.framing = framing;
    head.content_length = length;
    http_body_init(&body, &head);
    return body;
}

/* Feeds INPUT in pieces of PIECE bytes, each from memory of its exact size. */
static struct outcome feed(struct http_body body, struct str input, size_t piece)
{
    struct outcome outcome = {0};
    while (outcome.taken < input.length && !body.done && outcome.status == ST_OK) {
        size_t n = input.length - outcome.taken < piece ? input.length - outcome.taken : piece;
        char *exact = malloc(n);
        memcpy(exact, input.data + outcome.taken, n);
        struct str rest = {exact, n}, data;
        size_t taken = 1;
        while (rest.length && taken && !body.done && outcome.status == ST_OK) {
            outcome.status = http_body_take(&body, rest, &taken, &data);
            buf_add(&outcome.payload, data.data, data.length);
            outcome.taken += taken;
            rest = str_from(rest, taken);
        }
        free(exact);
    }
    outcome.done = body.done;
    return outcome;
}

static void assert_outcome(struct http_body body, struct str input, enum status status, bool done, struct str payload,
                           size_t taken)
{
    for (size_t piece = 1; piece <= input.length; piece++) {
        struct outcome outcome = feed(body, input, piece);
        assert_int_equal(outcome.status, status);
        assert_int_equal(outcome.done, done);
        if (status == ST_OK) {
            assert_int_equal(outcome.taken, taken);
            assert_true(str_eq((struct str){outcome.payload.data, outcome.payload.length}, payload));
        }
        buf_free(&outcome.payload);
    }
}

/* REST is what must be left of INPUT. */
static void assert_chunked(struct str input, struct str payload, struct str rest)
{
    assert_outcome(body_of(HTTP_BODY_CHUNKED, 0), input, ST_OK, true, payload, input.length - rest.length);
}

static void assert_chunks_refused(struct str input)
{
    assert_outcome(body_of(HTTP_BODY_CHUNKED, 0), input, ST_INVALID, false, STR(""), 0);
}

static void no_body_and_length_0_are_done_at_once(void **state)
{
    (void)state;
    struct http_body body = body_of(HTTP_BODY_NONE, 5);
    assert_true(body.done);
    size_t taken;
    struct str data;
    assert_int_equal(http_body_take(&body, STR("GET /"), &taken, &data), ST_OK);
    assert_int_equal(taken, 0);
    assert_int_equal(data.length, 0);
    assert_true(body_of(HTTP_BODY_LENGTH, 0).done);
}

static void a_length_takes_just_that(void **state)
{
    (void)state;
    assert_outcome(body_of(HTTP_BODY_LENGTH, 5), STR("helloGET /"), ST_OK, true, STR("hello"), 5);
    assert_outcome(body_of(HTTP_BODY_LENGTH, 5), STR("hell"), ST_OK, false, STR("hell"), 4);
    assert_outcome(body_of(HTTP_BODY_LENGTH, INT64_MAX), STR("hell"), ST_OK, false, STR("hell"), 4);
}

static void until_close_takes_everything_and_is_never_done(void **state)
{
    (void)state;
    assert_outcome(body_of(HTTP_BODY_UNTIL_CLOSE, 0), STR("0\r\n\r\n"), ST_OK, false, STR("0\r\n\r\n"), 5);
}

static void chunks_are_unwrapped_and_what_follows_is_left(void **state)
{
    (void)state;
    assert_chunked(STR("5\r\nhello\r\n0\r\n\r\nGET /"), STR("hello"), STR("GET /"));
    assert_chunked(STR("0\r\n\r\n"), STR(""), STR(""));
    assert_chunked(STR("1\r\na\r\n0A\r\n0123456789\r\na\r\n\r\n\r\n\r\n\r\n\r\n\r\n000\r\n\r\n"),
                   STR("a0123456789\r\n\r\n\r\n\r\n\r\n"), STR(""));
    assert_chunked(STR("0000000000000005\r\nhello\r\n0\r\n\r\n"), STR("hello"), STR(""));
}

static void well_formed_extensions_are_skipped(void **state)
{
    (void)state;
    assert_chunked(STR("5;a\r\nhello\r\n0;b=c;d=\"e;\\\" \xff\t\";f\r\n\r\n"), STR("hello"), STR(""));
    assert_chunked(STR("5;a=\"\"\r\nhello\r\n0\r\n\r\n"), STR("hello"), STR(""));
}

static void malformed_extensions_are_refused(void **state)
{
    (void)state;
    assert_chunks_refused(STR("5;\r\nhello"));
    assert_chunks_refused(STR("5;=a\r\nhello"));
    assert_chunks_refused(STR("5;a=\r\nhello"));
    assert_chunks_refused(STR("5;a b\r\nhello"));
    assert_chunks_refused(STR("5; a\r\nhello"));
    assert_chunks_refused(STR("5;a[\r\nhello"));
    assert_chunks_refused(STR("5;a=\"b\r\nhello"));
    assert_chunks_refused(STR("5;a=\"b\"c\r\nhello"));
    assert_chunks_refused(STR("5;a=\"\\\x01\"\r\nhello"));
    assert_chunks_refused(STR("5;a\nhello"));
}

static void malformed_sizes_are_refused(void **state)
{
    (void)state;
    assert_chunks_refused(STR("\r\nhello"));
    assert_chunks_refused(STR("+5\r\nhello"));
    assert_chunks_refused(STR("-5\r\nhello"));
    assert_chunks_refused(STR(" 5\r\nhello"));
    assert_chunks_refused(STR("5 \r\nhello"));
    assert_chunks_refused(STR("5\t\r\nhello"));
    assert_chunks_refused(STR("0x5\r\nhello"));
    assert_chunks_refused(STR("1_0\r\nhello"));
    assert_chunks_refused(STR("g\r\nhello"));
    assert_chunks_refused(STR(";a\r\nhello"));
    assert_chunks_refused(STR("5\nhello"));
    assert_chunks_refused(STR("5\rhello"));
    assert_chunks_refused(STR("00000000000000005\r\nhello"));
}

static void a_size_of_2_to_the_32_and_5_is_not_read_as_5(void **state)
{
    (void)state;
    assert_outcome(body_of(HTTP_BODY_CHUNKED, 0), STR("100000005\r\nhello\r\n0\r\n\r\n"), ST_OK, false,
                   STR("hello\r\n0\r\n\r\n"), 23);
    assert_outcome(body_of(HTTP_BODY_CHUNKED, 0), STR("ffffffffffffffff\r\nhello"), ST_OK, false, STR("hello"), 23);
}

static void chunk_data_must_end_in_crlf(void **state)
{
    (void)state;
    assert_chunks_refused(STR("5\r\nhello0\r\n\r\n"));
    assert_chunks_refused(STR("5\r\nhello\n0\r\n\r\n"));
    assert_chunks_refused(STR("5\r\nhello\r0\r\n\r\n"));
    assert_chunks_refused(STR("5\r\nhello!!\r\n0\r\n\r\n"));
}

static void trailers_are_dropped(void **state)
{
    (void)state;
    assert_chunked(STR("1\r\na\r\n0\r\nHost: x\r\nX-y:\r\nZ: \xff\t\r\n\r\nrest"), STR("a"), STR("rest"));
}

static void malformed_trailers_are_refused(void **state)
{
    (void)state;
    assert_chunks_refused(STR("0\r\nno colon\r\n\r\n"));
    assert_chunks_refused(STR("0\r\n: x\r\n\r\n"));
    assert_chunks_refused(STR("0\r\nA : x\r\n\r\n"));
    assert_chunks_refused(STR("0\r\n folded\r\n\r\n"));
    assert_chunks_refused(STR("0\r\nA: x\r\n folded\r\n\r\n"));
    assert_chunks_refused(STR("0\r\nA: x\n\r\n"));
    assert_chunks_refused(STR("0\r\nA: x\ry\r\n\r\n"));
    assert_chunks_refused(STR("0\r\nA: \x01\r\n\r\n"));
    assert_chunks_refused(STR("0\r\n\n"));
    assert_chunks_refused(STR("0\r\n\rX"));
}

/* START, then N times FILLER, then END, in one piece. */
static enum status take_long(const char *start, const char *filler, size_t n, const char *end, bool *done)
{
    struct buf text = {0};
    buf_add_text(&text, start);
    for (size_t i = 0; i < n; i++)
        buf_add_text(&text, filler);
    buf_add_text(&text, end);
    struct outcome outcome = feed(body_of(HTTP_BODY_CHUNKED, 0), (struct str){text.data, text.length}, text.length);
    *done = outcome.done;
    buf_free(&outcome.payload);
    buf_free(&text);
    return outcome.status;
}

static void extensions_and_trailers_are_bounded(void **state)
{
    (void)state;
    bool done;
    /* The name and the CR count, not the semicolon. */
    assert_int_equal(take_long("0;", "a", HTTP_MAX_CHUNK_EXTENSIONS - 1, "\r\n\r\n", &done), ST_OK);
    assert_true(done);
    assert_int_equal(take_long("0;", "a", HTTP_MAX_CHUNK_EXTENSIONS, "\r\n\r\n", &done), ST_INVALID);
    /* Over all chunks: each costs two bytes here. */
    assert_int_equal(take_long("", "1;a\r\nx\r\n", HTTP_MAX_CHUNK_EXTENSIONS / 2, "0\r\n\r\n", &done), ST_OK);
    assert_int_equal(take_long("", "1;a\r\nx\r\n", HTTP_MAX_CHUNK_EXTENSIONS / 2 + 1, "0\r\n\r\n", &done), ST_INVALID);
    /* "A:", CR, LF and the CR of the empty line. */
    assert_int_equal(take_long("0\r\nA:", "x", HTTP_MAX_TRAILERS - 5, "\r\n\r\n", &done), ST_OK);
    assert_true(done);
    assert_int_equal(take_long("0\r\nA:", "x", HTTP_MAX_TRAILERS - 4, "\r\n\r\n", &done), ST_INVALID);
}

static void a_broken_body_stays_broken(void **state)
{
    (void)state;
    struct http_body body = body_of(HTTP_BODY_CHUNKED, 0);
    size_t taken;
    struct str data;
    assert_int_equal(http_body_take(&body, STR("x"), &taken, &data), ST_INVALID);
    assert_int_equal(http_body_take(&body, STR("5\r\nhello"), &taken, &data), ST_INVALID);
    assert_int_equal(taken, 0);
    assert_false(body.done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_body_and_length_0_are_done_at_once),
        cmocka_unit_test(a_length_takes_just_that),
        cmocka_unit_test(until_close_takes_everything_and_is_never_done),
        cmocka_unit_test(chunks_are_unwrapped_and_what_follows_is_left),
        cmocka_unit_test(well_formed_extensions_are_skipped),
        cmocka_unit_test(malformed_extensions_are_refused),
        cmocka_unit_test(malformed_sizes_are_refused),
        cmocka_unit_test(a_size_of_2_to_the_32_and_5_is_not_read_as_5),
        cmocka_unit_test(chunk_data_must_end_in_crlf),
        cmocka_unit_test(trailers_are_dropped),
        cmocka_unit_test(malformed_trailers_are_refused),
        cmocka_unit_test(extensions_and_trailers_are_bounded),
        cmocka_unit_test(a_broken_body_stays_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
