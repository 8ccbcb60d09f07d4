#include "feed_test.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdbool.h>

#include "feeds/body.h"

enum { SIZE = 300000 };

static char *text;
static char packed[2 * SIZE];
static size_t packed_length;

static int make_text(void **state)
{
    text = malloc(SIZE);
    uint32_t random = 1;
    for (size_t i = 0; text && i < SIZE; i++) {
        random = random * 1664525 + 1013904223;
        text[i] = (char)(i % 20 == 19 ? '\n' : 'a' + (random >> 28));
    }
    return text ? make_scratch(state) : -1;
}

static int free_text(void **state)
{
    free(text);
    return remove_scratch(state);
}

/* FILES times what is in TEXT, packed. */
static void pack(int (*filter)(struct archive *), int (*format)(struct archive *), unsigned files, size_t size)
{
    struct archive *archive = archive_write_new();
    assert_non_null(archive);
    assert_int_equal(filter(archive), ARCHIVE_OK);
    assert_int_equal(format(archive), ARCHIVE_OK);
    archive_write_set_bytes_in_last_block(archive, 1);
    assert_int_equal(archive_write_open_memory(archive, packed, sizeof packed, &packed_length), ARCHIVE_OK);
    for (unsigned i = 0; i < files; i++) {
        char name[32];
        struct archive_entry *entry = archive_entry_new();
        snprintf(name, sizeof name, "folder/%u.txt", i);
        archive_entry_set_pathname(entry, name);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_size(entry, (la_int64_t)size);
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        assert_int_equal(archive_write_data(archive, text, size), size);
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
}

static const struct {
    const char *name;
    int (*filter)(struct archive *), (*format)(struct archive *);
} kinds[] = {
    {"gzip", archive_write_add_filter_gzip, archive_write_set_format_raw},
    {"xz", archive_write_add_filter_xz, archive_write_set_format_raw},
    {"zstd", archive_write_add_filter_zstd, archive_write_set_format_raw},
    {"bzip2", archive_write_add_filter_bzip2, archive_write_set_format_raw},
    {"zip", archive_write_add_filter_none, archive_write_set_format_zip},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* What comes out of the first N bytes of `packed`: the bytes, or -1 with REASON. */
static ssize_t unpacked(size_t n, const struct body_limits *limits, char *out, char reason[128])
{
    struct body body;
    ssize_t got, sum = 0;
    int fd = open(write_file("packed", packed, n), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(body_open(&body, fd, limits), ST_OK);
    while ((got = body_read(&body, out + sum, 7000)) > 0)
        sum += got;
    if (got < 0)
        assert_int_equal(body_read(&body, out, 1), -1); /* it stays so */
    snprintf(reason, 128, "%s", body.reason);
    body_close(&body);
    close(fd);
    return got < 0 ? -1 : sum;
}

static char out[3 * SIZE], reason[128];

static void what_is_packed_comes_out_as_it_was(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        pack(kinds[i].filter, kinds[i].format, 1, SIZE);
        assert_true(packed_length < SIZE);
        assert_int_equal(unpacked(packed_length, &body_default_limits, out, reason), SIZE);
        assert_memory_equal(out, text, SIZE);
    }
    memcpy(packed, text, SIZE);
    assert_int_equal(unpacked(SIZE, &body_default_limits, out, reason), SIZE);
    assert_memory_equal(out, text, SIZE);
}

static void what_is_cut_is_refused_wherever_it_is_cut(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        pack(kinds[i].filter, kinds[i].format, 1, SIZE);
        const size_t ends[] = {20, packed_length / 2, packed_length - 9, packed_length - 5, packed_length - 1};
        for (size_t k = 0; k < sizeof ends / sizeof ends[0]; k++)
            if (unpacked(ends[k], &body_default_limits, out, reason) >= 0 || !reason[0])
                fail_msg("%s, cut at %zu of %zu", kinds[i].name, ends[k], packed_length);
    }
}

static void what_is_damaged_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        if (!strcmp(kinds[i].name, "zstd")) /* its checksum is optional, and libarchive writes none */
            continue;
        pack(kinds[i].filter, kinds[i].format, 1, SIZE);
        for (unsigned k = 1; k < 20; k++) {
            size_t at = packed_length / 20 * k;
            packed[at] ^= 0x55;
            if (unpacked(packed_length, &body_default_limits, out, reason) >= 0)
                fail_msg("%s, changed at %zu of %zu", kinds[i].name, at, packed_length);
            packed[at] ^= 0x55;
        }
    }
}

static void the_checksum_and_the_length_of_gzip_are_checked(void **state)
{
    (void)state;
    pack(kinds[0].filter, kinds[0].format, 1, SIZE);
    for (size_t back = 1; back <= 8; back++) {
        packed[packed_length - back] ^= 1;
        assert_int_equal(unpacked(packed_length, &body_default_limits, out, reason), -1);
        assert_non_null(strstr(reason, "damaged"));
        packed[packed_length - back] ^= 1;
    }
}

static void gzip_may_have_several_members_and_padding_but_nothing_else(void **state)
{
    (void)state;
    pack(kinds[0].filter, kinds[0].format, 1, SIZE);
    size_t one = packed_length;
    assert_true(2 * one + 10 < sizeof packed);
    memcpy(packed + one, packed, one);
    assert_int_equal(unpacked(2 * one, &body_default_limits, out, reason), 2 * SIZE);
    assert_memory_equal(out + SIZE, text, SIZE);
    assert_int_equal(unpacked(2 * one - 1, &body_default_limits, out, reason), -1);
    memset(packed + one, 0, 10);
    assert_int_equal(unpacked(one + 10, &body_default_limits, out, reason), SIZE);
    packed[one + 9] = 'x';
    assert_int_equal(unpacked(one + 10, &body_default_limits, out, reason), -1);
    assert_non_null(strstr(reason, "something else"));
}

static void an_archive_has_one_file(void **state)
{
    (void)state;
    pack(archive_write_add_filter_none, archive_write_set_format_zip, 2, 1000);
    assert_int_equal(unpacked(packed_length, &body_default_limits, out, reason), -1);
    assert_non_null(strstr(reason, "several files"));
    pack(archive_write_add_filter_none, archive_write_set_format_zip, 0, 0);
    assert_int_equal(packed[0], 'P'); /* it is but an empty directory, and taken as text */
}

static void what_grows_too_much_is_refused(void **state)
{
    const struct body_limits small = {.max_bytes = SIZE - 1, .max_ratio = 200};
    struct body_limits flat = {.max_bytes = UINT64_MAX, .max_ratio = 200};
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        pack(kinds[i].filter, kinds[i].format, 1, SIZE);
        assert_int_equal(unpacked(packed_length, &small, out, reason), -1);
        assert_non_null(strstr(reason, "too large"));
    }
    /* Ten million equal bytes. */
    char *blank = calloc(1, 10 * 1000 * 1000), *mine = text;
    static char much[11 * 1000 * 1000];
    assert_non_null(blank);
    text = blank;
    for (unsigned i = 0; i < KINDS; i++) {
        pack(kinds[i].filter, kinds[i].format, 1, 10 * 1000 * 1000);
        assert_int_equal(unpacked(packed_length, &flat, much, reason), -1);
        assert_non_null(strstr(reason, "more than 200 times"));
    }
    free(blank);
    text = mine;
}

static void a_packed_feed_is_read_like_any_other(void **state)
{
    struct feed feed = {.name = "mine", .format = "auto"};
    struct feed_report report;
    struct fault fault = {0};
    char *mine = text;
    static char hosts[] = "0.0.0.0 evil.example\n0.0.0.0 two.example\n";
    (void)state;
    text = hosts;
    for (unsigned i = 0; i < KINDS; i++) {
        pack(kinds[i].filter, kinds[i].format, 1, strlen(hosts));
        assert_int_equal(feed_parse(write_file("feed", packed, packed_length), &feed, false, NULL, &report, &fault),
                         ST_OK);
        assert_int_equal(report.entries[INDICATOR_NAME], 2);
        assert_string_equal(report.format, "hosts");
        assert_int_equal(feed_parse(write_file("feed", packed, packed_length - 3), &feed, false, NULL, &report, &fault),
                         ST_INVALID);
    }
    text = mine;
}

static void a_pipe_can_be_packed_too(void **state)
{
    struct body body;
    ssize_t got, sum = 0;
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        int ends[2];
        pack(kinds[i].filter, kinds[i].format, 1, 5000);
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], packed, packed_length), packed_length);
        close(ends[1]);
        assert_int_equal(body_open(&body, ends[0], &body_default_limits), ST_OK);
        for (sum = 0; (got = body_read(&body, out + sum, 7000)) > 0;)
            sum += got;
        assert_int_equal(got, 0);
        assert_int_equal(sum, 5000);
        body_close(&body);
        close(ends[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_comes_out_as_it_was),
        cmocka_unit_test(what_is_cut_is_refused_wherever_it_is_cut),
        cmocka_unit_test(what_is_damaged_is_refused),
        cmocka_unit_test(the_checksum_and_the_length_of_gzip_are_checked),
        cmocka_unit_test(gzip_may_have_several_members_and_padding_but_nothing_else),
        cmocka_unit_test(an_archive_has_one_file),
        cmocka_unit_test(what_grows_too_much_is_refused),
        cmocka_unit_test(a_packed_feed_is_read_like_any_other),
        cmocka_unit_test(a_pipe_can_be_packed_too),
    };
    return cmocka_run_group_tests(tests, make_text, free_text);
}
