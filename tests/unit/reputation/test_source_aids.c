#include <fcntl.h>

#include "fixture.h"
#include "reputation/key.h"
#include "reputation/source_build.h"

enum { NAMES = 3000 };

/* A finished file in the directory that is the test's state. */
struct built {
    char path[512];
    int fd;
    uint64_t counts[INDICATOR_KINDS];
    char fingerprint[FINGERPRINT_TEXT_SIZE];
};

static void add_key(struct entry_list *list, const char *text, size_t value_length)
{
    static const char value[2000];
    struct dname name = name_of(text);
    struct name_key key;
    name_key_from(&name, &key);
    assert_int_equal(entry_list_add(list, key.bytes, key.end[key.labels], value, value_length), ST_OK);
}

static struct built build(const char *dir)
{
    struct built built;
    struct source_content content = {0};
    struct fault fault = {0};
    for (unsigned i = 0; i < NAMES; i++) {
        char text[64];
        snprintf(text, sizeof text, "n%u.%s.example%u", i, i % 3 ? "sub" : "other", i % 7);
        add_key(&content.lists[INDICATOR_NAME], text, 1 + i % 3);
    }
    add_key(&content.lists[INDICATOR_NAME], "large.example", 2000); /* in pages of its own */
    add_key(&content.lists[INDICATOR_URL], "host.example", 1);      /* as good as a URL's key */
    assert_int_equal(source_content_finish(&content), ST_OK);
    memcpy(built.counts, content.header.counts, sizeof built.counts);
    memcpy(built.fingerprint, content.fingerprint, sizeof built.fingerprint);
    snprintf(built.path, sizeof built.path, "%s/built.mdb", dir);
    built.fd = open(built.path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(built.fd >= 0);
    assert_int_equal(source_build_own(&content, built.fd, &fault), ST_OK);
    assert_int_equal(source_read_back(built.fd, built.counts, built.fingerprint, &fault), ST_OK);
    assert_string_equal(fault.text, "");
    return built;
}

/* Puts VALUE in the place of one of the aids. */
static void put_aid(const struct built *built, const char *aid, struct str value)
{
    struct lmdb_env *env;
    struct lmdb_txn *txn;
    assert_int_equal(lmdb_open(built->path, LMDB_BUILD, source_tables, TABLE_COUNT, 64 << 20, &env, NULL), ST_OK);
    assert_int_equal(lmdb_begin_write(env, &txn), ST_OK);
    assert_int_equal(lmdb_put(txn, TABLE_META, str_of(aid), value), ST_OK);
    assert_int_equal(lmdb_commit(txn), ST_OK);
    lmdb_close(env);
}

/* A copy of one of the aids, which the caller frees. */
static char *get_aid(const struct built *built, const char *aid, size_t *length)
{
    struct lmdb_env *env;
    struct lmdb_txn *txn;
    struct str value;
    assert_int_equal(lmdb_open(built->path, LMDB_IMMUTABLE, source_tables, TABLE_COUNT, 0, &env, NULL), ST_OK);
    assert_int_equal(lmdb_begin_read(env, &txn), ST_OK);
    assert_int_equal(lmdb_get(txn, TABLE_META, str_of(aid), &value), ST_OK);
    char *copy = malloc(value.length);
    assert_non_null(copy);
    memcpy(copy, value.data, value.length);
    *length = value.length;
    lmdb_abort(txn);
    lmdb_close(env);
    return copy;
}

static enum status read_back(const struct built *built)
{
    return source_read_back(built->fd, built->counts, built->fingerprint, NULL);
}

/* Changes the byte at OFFSET of an aid by CHANGE and expects the file to be refused; then puts it right again. */
static void expect_noticed(const struct built *built, const char *aid, size_t offset, char change)
{
    size_t length;
    char *bytes = get_aid(built, aid, &length);
    assert_true(offset < length);
    bytes[offset] = (char)(bytes[offset] ^ change);
    put_aid(built, aid, (struct str){bytes, length});
    assert_int_equal(read_back(built), ST_CORRUPT);
    bytes[offset] = (char)(bytes[offset] ^ change);
    put_aid(built, aid, (struct str){bytes, length});
    assert_int_equal(read_back(built), ST_OK);
    free(bytes);
}

/* The first byte that is not zero, from FROM on. */
static size_t used_byte(const struct built *built, const char *aid, size_t from)
{
    size_t length, at = from;
    char *bytes = get_aid(built, aid, &length);
    while (at < length && !bytes[at])
        at++;
    assert_true(at < length);
    free(bytes);
    return at;
}

static void what_would_not_be_found_is_noticed(void **state)
{
    enum { HEADER = 48 };
    struct built built = build(*state);
    size_t place = used_byte(&built, "index", HEADER) / 8 * 8;
    expect_noticed(&built, "index", place, 2);     /* leads elsewhere */
    expect_noticed(&built, "index", place + 7, 1); /* another hash */
    expect_noticed(&built, "index", 0, 1);         /* no index */
    expect_noticed(&built, "roots", 0, 1);         /* another root, not in order */
    expect_noticed(&built, "filter", 0, 1);        /* no filter */
    size_t bits = used_byte(&built, "filter", HEADER), length;
    char *filter = get_aid(&built, "filter", &length);
    expect_noticed(&built, "filter", bits, filter[bits]); /* facts that are missing */
    free(filter);
    close(built.fd);
}

static void roots_that_are_missing_or_too_many_are_noticed(void **state)
{
    struct built built = build(*state);
    size_t length;
    char *roots = get_aid(&built, "roots", &length);
    assert_int_equal(length, 15 * sizeof(uint32_t)); /* of each of two names under seven, and one */
    put_aid(&built, "roots", (struct str){roots, length - sizeof(uint32_t)});
    assert_int_equal(read_back(&built), ST_CORRUPT);
    put_aid(&built, "roots", (struct str){roots, length - 1});
    assert_int_equal(read_back(&built), ST_CORRUPT);
    put_aid(&built, "roots", (struct str){roots, length});
    assert_int_equal(read_back(&built), ST_OK);
    free(roots);
    close(built.fd);
}

static void a_source_without_names_has_them_too(void **state)
{
    struct source_content content = {0};
    char path[512];
    snprintf(path, sizeof path, "%s/empty.mdb", (const char *)*state);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_int_equal(source_content_finish(&content), ST_OK);
    assert_int_equal(source_build_own(&content, fd, NULL), ST_OK);
    assert_int_equal(source_read_back(fd, content.header.counts, content.fingerprint, NULL), ST_OK);
    close(fd);
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(what_would_not_be_found_is_noticed),
        IN_DIRECTORY(roots_that_are_missing_or_too_many_are_noticed),
        IN_DIRECTORY(a_source_without_names_has_them_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
