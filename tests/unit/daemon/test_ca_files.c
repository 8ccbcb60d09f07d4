/* The authority's files: made once, whole, and private. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/ca_files.h"

struct world {
    char dir[64], key[128], certificate[128];
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    snprintf(world->dir, sizeof world->dir, "/tmp/test_ca.XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    snprintf(world->key, sizeof world->key, "%s/" CA_KEY, world->dir);
    snprintf(world->certificate, sizeof world->certificate, "%s/" CA_CERTIFICATE, world->dir);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    unlink(world->key);
    unlink(world->certificate);
    rmdir(world->dir);
    free(world);
    return 0;
}

static void the_key_is_for_its_owner_alone(void **state)
{
    struct world *world = *state;
    struct stat st;
    struct authority *authority;
    umask(0);
    assert_int_equal(ca_files_make(world->dir, NULL, 0, NULL), ST_OK);
    assert_int_equal(stat(world->key, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(ca_files_open(world->dir, &authority, NULL), ST_OK);
    authority_free(authority);
}

static void one_that_is_there_stays(void **state)
{
    struct world *world = *state;
    struct buf before = {0}, after = {0};
    struct fault fault = {0};
    assert_int_equal(ca_files_make(world->dir, NULL, 0, NULL), ST_OK);
    assert_int_equal(file_read(world->key, 65536, &before, NULL), ST_OK);
    assert_int_equal(ca_files_make(world->dir, NULL, 0, &fault), ST_EXISTS);
    assert_non_null(strstr(fault.text, "ccward ca untrust"));
    assert_int_equal(file_read(world->key, 65536, &after, NULL), ST_OK);
    assert_int_equal(before.length, after.length);
    assert_memory_equal(before.data, after.data, before.length);
    buf_free(&before);
    buf_free(&after);
}

static void a_key_that_was_left_alone_is_made_anew(void **state)
{
    struct world *world = *state;
    struct authority *authority;
    assert_int_equal(file_replace_private(world->key, STR("half a key"), NULL), ST_OK);
    assert_int_equal(ca_files_open(world->dir, &authority, NULL), ST_NOT_FOUND);
    assert_int_equal(ca_files_make(world->dir, NULL, 0, NULL), ST_OK);
    assert_int_equal(ca_files_open(world->dir, &authority, NULL), ST_OK);
    authority_free(authority);
}

static void a_key_that_others_may_read_is_not_used(void **state)
{
    struct world *world = *state;
    struct authority *authority;
    struct fault fault = {0};
    assert_int_equal(ca_files_make(world->dir, NULL, 0, NULL), ST_OK);
    assert_int_equal(chmod(world->key, 0640), 0);
    assert_int_equal(ca_files_open(world->dir, &authority, &fault), ST_DENIED);
    assert_non_null(strstr(fault.text, "chmod 600"));
}

static void damaged_files_are_named(void **state)
{
    struct world *world = *state;
    struct authority *authority;
    struct fault fault = {0}, other = {0};
    assert_int_equal(ca_files_make(world->dir, NULL, 0, NULL), ST_OK);
    assert_int_equal(file_replace_private(world->key, STR("no key"), NULL), ST_OK);
    assert_int_equal(ca_files_open(world->dir, &authority, &fault), ST_INVALID);
    assert_non_null(strstr(fault.text, CA_KEY));
    assert_int_equal(file_replace(world->certificate, STR("no certificate"), NULL), ST_OK);
    assert_int_equal(ca_files_open(world->dir, &authority, &other), ST_INVALID);
    assert_non_null(strstr(other.text, CA_CERTIFICATE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_key_is_for_its_owner_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_is_there_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_that_was_left_alone_is_made_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_that_others_may_read_is_not_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_files_are_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
