#include "fixture.h"
#include "reputation/lmdb_env.h"

enum { TABLE_A, TABLE_B, TABLES };
static const char *const tables[TABLES] = {"a", "b"};

static struct lmdb_env *open_env(const char *dir, enum lmdb_mode mode, uint64_t map_bytes)
{
    char path[512];
    struct lmdb_env *env = NULL;
    struct fault fault = {0};
    snprintf(path, sizeof path, "%s/state.mdb", dir);
    enum status status = lmdb_open(path, mode, tables, TABLES, map_bytes, &env, &fault);
    assert_string_equal(fault.text, "");
    assert_int_equal(status, ST_OK);
    return env;
}

static void what_is_committed_is_read_again(void **state)
{
    struct lmdb_env *env = open_env(*state, LMDB_SHARED, 1 << 20);
    struct lmdb_txn *txn;
    struct str value;
    uint64_t count;
    assert_int_equal(lmdb_begin_write(env, &txn), ST_OK);
    assert_int_equal(lmdb_put(txn, TABLE_A, STR("key"), STR("one")), ST_OK);
    assert_int_equal(lmdb_put(txn, TABLE_A, STR("key"), STR("two")), ST_OK);
    assert_int_equal(lmdb_commit(txn), ST_OK);
    lmdb_close(env);

    env = open_env(*state, LMDB_SHARED, 1 << 20);
    assert_int_equal(lmdb_begin_read(env, &txn), ST_OK);
    assert_int_equal(lmdb_get(txn, TABLE_A, STR("key"), &value), ST_OK);
    assert_true(str_eq(value, STR("two")));
    assert_int_equal(lmdb_get(txn, TABLE_B, STR("key"), &value), ST_NOT_FOUND);
    assert_int_equal(lmdb_count(txn, TABLE_A, &count), ST_OK);
    assert_int_equal(count, 1);
    lmdb_abort(txn);
    lmdb_close(env);
}

static void an_aborted_transaction_leaves_nothing(void **state)
{
    struct lmdb_env *env = open_env(*state, LMDB_SHARED, 1 << 20);
    struct lmdb_txn *txn;
    struct str value;
    assert_int_equal(lmdb_begin_write(env, &txn), ST_OK);
    assert_int_equal(lmdb_put(txn, TABLE_A, STR("key"), STR("one")), ST_OK);
    lmdb_abort(txn);
    assert_int_equal(lmdb_begin_read(env, &txn), ST_OK);
    assert_int_equal(lmdb_get(txn, TABLE_A, STR("key"), &value), ST_NOT_FOUND);
    lmdb_abort(txn);
    lmdb_close(env);
}

static void the_first_failure_stays_until_commit(void **state)
{
    struct lmdb_env *env = open_env(*state, LMDB_SHARED, 1 << 16);
    struct lmdb_txn *txn;
    struct str value;
    static char large[1 << 17];
    assert_int_equal(lmdb_begin_write(env, &txn), ST_OK);
    assert_int_equal(lmdb_put(txn, TABLE_A, STR("before"), STR("x")), ST_OK);
    assert_int_equal(lmdb_get(txn, TABLE_A, STR("absent"), &value), ST_NOT_FOUND); /* that is none */
    assert_int_equal(lmdb_put(txn, TABLE_A, STR("large"), (struct str){large, sizeof large}), ST_FULL);
    assert_int_equal(lmdb_put(txn, TABLE_A, STR("after"), STR("x")), ST_FULL);
    assert_int_equal(lmdb_get(txn, TABLE_A, STR("before"), &value), ST_FULL);
    assert_int_equal(lmdb_commit(txn), ST_FULL);
    assert_int_equal(lmdb_begin_write(env, &txn), ST_OK);
    assert_int_equal(lmdb_get(txn, TABLE_A, STR("before"), &value), ST_NOT_FOUND);
    assert_int_equal(lmdb_put(txn, TABLE_A, STR("after"), STR("x")), ST_OK);
    assert_int_equal(lmdb_commit(txn), ST_OK);
    lmdb_close(env);
}

static void keys_are_bounded(void **state)
{
    struct lmdb_env *env = open_env(*state, LMDB_SHARED, 1 << 20);
    struct lmdb_txn *txn;
    char key[LMDB_KEY_MAX_BYTES + 1] = {0};
    assert_int_equal(lmdb_begin_write(env, &txn), ST_OK);
    assert_int_equal(lmdb_put(txn, TABLE_A, (struct str){key, LMDB_KEY_MAX_BYTES}, STR("x")), ST_OK);
    assert_int_equal(lmdb_put(txn, TABLE_A, (struct str){key, LMDB_KEY_MAX_BYTES + 1}, STR("x")), ST_INVALID);
    lmdb_abort(txn);
    lmdb_close(env);
}

static void a_cursor_walks_in_order(void **state)
{
    struct lmdb_env *env = open_env(*state, LMDB_SHARED, 1 << 20);
    struct lmdb_txn *txn;
    struct lmdb_cursor *cursor;
    struct str key, value;
    assert_int_equal(lmdb_begin_write(env, &txn), ST_OK);
    assert_int_equal(lmdb_cursor_open(txn, TABLE_A, &cursor), ST_OK);
    assert_int_equal(lmdb_cursor_append(cursor, STR("b"), STR("1")), ST_OK);
    assert_int_equal(lmdb_cursor_append(cursor, STR("d"), STR("2")), ST_OK);
    lmdb_cursor_close(cursor);
    assert_int_equal(lmdb_put(txn, TABLE_A, STR("a"), STR("0")), ST_OK);
    assert_int_equal(lmdb_delete(txn, TABLE_A, STR("b")), ST_OK);
    assert_int_equal(lmdb_delete(txn, TABLE_A, STR("b")), ST_NOT_FOUND);
    assert_int_equal(lmdb_commit(txn), ST_OK);

    assert_int_equal(lmdb_begin_read(env, &txn), ST_OK);
    assert_int_equal(lmdb_cursor_open(txn, TABLE_A, &cursor), ST_OK);
    assert_int_equal(lmdb_cursor_next(cursor, &key, &value), ST_OK);
    assert_true(str_eq(key, STR("a")));
    assert_int_equal(lmdb_cursor_next(cursor, &key, &value), ST_OK);
    assert_true(str_eq(key, STR("d")) && str_eq(value, STR("2")));
    assert_int_equal(lmdb_cursor_next(cursor, &key, &value), ST_NOT_FOUND);
    assert_int_equal(lmdb_cursor_seek(cursor, STR("b"), &key, &value), ST_OK);
    assert_true(str_eq(key, STR("d")));
    assert_int_equal(lmdb_cursor_seek(cursor, (struct str){0}, &key, &value), ST_OK);
    assert_true(str_eq(key, STR("a")));
    assert_int_equal(lmdb_cursor_seek(cursor, STR("e"), &key, &value), ST_NOT_FOUND);
    lmdb_cursor_close(cursor);
    lmdb_abort(txn);
    lmdb_close(env);
}

static void appending_out_of_order_fails(void **state)
{
    struct lmdb_env *env = open_env(*state, LMDB_BUILD, 1 << 20);
    struct lmdb_txn *txn;
    struct lmdb_cursor *cursor;
    assert_int_equal(lmdb_begin_write(env, &txn), ST_OK);
    assert_int_equal(lmdb_cursor_open(txn, TABLE_A, &cursor), ST_OK);
    assert_int_equal(lmdb_cursor_append(cursor, STR("b"), STR("1")), ST_OK);
    assert_int_equal(lmdb_cursor_append(cursor, STR("a"), STR("1")), ST_INVALID);
    lmdb_cursor_close(cursor);
    assert_int_equal(lmdb_commit(txn), ST_INVALID);
    lmdb_close(env);
}

static void a_file_that_is_not_there_or_not_lmdb_is_refused(void **state)
{
    const char *dir = *state;
    char path[512];
    struct lmdb_env *env = NULL;
    struct fault fault = {0};
    snprintf(path, sizeof path, "%s/none.mdb", dir);
    assert_int_equal(lmdb_open(path, LMDB_IMMUTABLE, tables, TABLES, 0, &env, &fault), ST_NOT_FOUND);
    assert_non_null(strstr(fault.text, path));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (unsigned i = 0; i < 10000; i++)
        fputc('x', file);
    fclose(file);
    assert_int_equal(lmdb_open(path, LMDB_IMMUTABLE, tables, TABLES, 0, &env, NULL), ST_CORRUPT);
}

static void a_missing_table_is_damage(void **state)
{
    static const char *const other[] = {"a", "c"};
    const char *dir = *state;
    char path[512];
    struct lmdb_env *env = open_env(dir, LMDB_BUILD, 1 << 20);
    lmdb_close(env);
    snprintf(path, sizeof path, "%s/state.mdb", dir);
    assert_int_equal(lmdb_open(path, LMDB_IMMUTABLE, other, 2, 0, &env, NULL), ST_CORRUPT);
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(what_is_committed_is_read_again),
        IN_DIRECTORY(an_aborted_transaction_leaves_nothing),
        IN_DIRECTORY(the_first_failure_stays_until_commit),
        IN_DIRECTORY(keys_are_bounded),
        IN_DIRECTORY(a_cursor_walks_in_order),
        IN_DIRECTORY(appending_out_of_order_fails),
        IN_DIRECTORY(a_file_that_is_not_there_or_not_lmdb_is_refused),
        IN_DIRECTORY(a_missing_table_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
