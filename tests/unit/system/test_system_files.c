#include "system/system_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"

static char root[256];

static int set_up(void **state)
{
    (void)state;
    char path[300];
    const char *temporary = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/ccward-files-XXXXXX", temporary ? temporary : "/tmp");
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof path, "%s/etc", root);
    return mkdir(path, 0755);
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = {"/etc/x", "/etc/sub", "/etc"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s%s", root, names[i]);
        (void)remove(path);
    }
    return rmdir(root); /* nothing is left behind */
}

static struct file_image image_of(enum image_kind kind, struct str bytes, mode_t mode)
{
    struct file_image image = {.kind = kind, .mode = mode, .uid = geteuid(), .gid = getegid()};
    buf_add(&image.bytes, bytes.data, bytes.length);
    assert_false(image.bytes.failed);
    return image;
}

static void expect(const struct file_image *wanted)
{
    struct file_image found;
    assert_int_equal(system_file_look(root, "/etc/x", &found, NULL), ST_OK);
    assert_true(file_image_equal(&found, wanted));
    if (wanted->kind == IMAGE_FILE)
        assert_int_equal(found.mode, wanted->mode);
    file_image_fini(&found);
}

static void each_kind_becomes_each_other_and_back(void **state)
{
    (void)state;
    struct file_image images[] = {
        image_of(IMAGE_ABSENT, (struct str){0}, 0),
        image_of(IMAGE_FILE, STR("a\0\xff\r\nb"), 0604),
        image_of(IMAGE_LINK, STR("../somewhere/not"), 0),
        image_of(IMAGE_FILE, (struct str){0}, 0644),
        image_of(IMAGE_LINK, STR("/"), 0),
    };
    size_t count = sizeof images / sizeof images[0];
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            assert_int_equal(system_file_put(root, "/etc/x", &images[i], NULL), ST_OK);
            expect(&images[i]);
            assert_int_equal(system_file_put(root, "/etc/x", &images[k], NULL), ST_OK);
            expect(&images[k]);
            assert_true(i == k || !file_image_equal(&images[i], &images[k]));
        }
    for (size_t i = 0; i < count; i++)
        file_image_fini(&images[i]);
}

static void a_link_is_replaced_and_what_it_leads_to_stays(void **state)
{
    (void)state;
    struct file_image target = image_of(IMAGE_FILE, STR("theirs"), 0600),
                      ours = image_of(IMAGE_FILE, STR("ours"), 0644), link = image_of(IMAGE_LINK, STR("sub"), 0), found;
    assert_int_equal(system_file_put(root, "/etc/sub", &target, NULL), ST_OK);
    assert_int_equal(system_file_put(root, "/etc/x", &link, NULL), ST_OK);
    assert_int_equal(system_file_put(root, "/etc/x", &ours, NULL), ST_OK);
    assert_int_equal(system_file_look(root, "/etc/sub", &found, NULL), ST_OK);
    assert_true(file_image_equal(&found, &target));
    expect(&ours);
    file_image_fini(&found);
    file_image_fini(&target);
    file_image_fini(&ours);
    file_image_fini(&link);
}

static void what_one_who_was_killed_left_is_no_obstacle(void **state)
{
    (void)state;
    struct file_image half = image_of(IMAGE_FILE, STR("ha"), 0600), whole = image_of(IMAGE_FILE, STR("whole"), 0644),
                      left;
    assert_int_equal(system_file_put(root, "/etc/x.ccward-new", &half, NULL), ST_OK);
    assert_int_equal(system_file_put(root, "/etc/x", &whole, NULL), ST_OK);
    expect(&whole);
    assert_int_equal(system_file_look(root, "/etc/x.ccward-new", &left, NULL), ST_OK);
    assert_int_equal(left.kind, IMAGE_ABSENT);
    file_image_fini(&half);
    file_image_fini(&whole);
}

static void what_is_neither_file_nor_link_is_refused_and_stays(void **state)
{
    (void)state;
    struct fault fault = {0};
    struct file_image found, ours = image_of(IMAGE_FILE, STR("ours"), 0644);
    assert_int_equal(system_folder_make(root, "/etc/x/file", NULL), ST_OK);
    assert_int_equal(system_file_look(root, "/etc/x", &found, &fault), ST_UNSUPPORTED);
    assert_non_null(strstr(fault.text, "/etc/x is neither"));
    assert_int_not_equal(system_file_put(root, "/etc/x", &ours, NULL), ST_OK);
    assert_true(system_folder_exists(root, "/etc/x/file"));
    file_image_fini(&ours);
}

static void a_folder_that_is_missing_is_no_file_and_cannot_hold_one(void **state)
{
    (void)state;
    struct fault fault = {0};
    struct file_image found, ours = image_of(IMAGE_FILE, STR("ours"), 0644), none = {0};
    assert_int_equal(system_file_look(root, "/etc/none/x", &found, NULL), ST_OK);
    assert_int_equal(found.kind, IMAGE_ABSENT);
    assert_int_equal(system_file_put(root, "/etc/none/x", &ours, &fault), ST_NOT_FOUND);
    assert_non_null(strstr(fault.text, "/etc/none/x cannot be changed"));
    assert_int_equal(system_file_put(root, "/etc/none/x", &none, NULL), ST_OK);
    file_image_fini(&ours);
}

static void folders_are_made_once_and_removed_when_empty(void **state)
{
    (void)state;
    struct file_image ours = image_of(IMAGE_FILE, STR("ours"), 0644), none = {0};
    assert_false(system_folder_exists(root, "/etc/sub/x"));
    assert_int_equal(system_folder_check(root, "/etc/sub/x", NULL), ST_OK);
    assert_int_equal(system_folder_check(root, "/none/sub/x", NULL), ST_NOT_FOUND);
    assert_int_equal(system_folder_make(root, "/etc/sub/x", NULL), ST_OK);
    assert_int_equal(system_folder_check(root, "/etc/sub/x", NULL), ST_OK);
    assert_int_equal(system_folder_make(root, "/etc/sub/x", NULL), ST_OK);
    assert_int_equal(system_file_put(root, "/etc/sub/x", &ours, NULL), ST_OK);
    system_folder_remove(root, "/etc/sub/x");
    assert_true(system_folder_exists(root, "/etc/sub/x"));
    assert_int_equal(system_file_put(root, "/etc/sub/x", &none, NULL), ST_OK);
    system_folder_remove(root, "/etc/sub/x");
    assert_false(system_folder_exists(root, "/etc/sub/x"));
    assert_int_equal(system_folder_make(root, "/none/sub/x", NULL), ST_NOT_FOUND);
    file_image_fini(&ours);
}

static void folders_of_all_levels_are_made_and_removed(void **state)
{
    (void)state;
    unsigned made = 9;
    assert_int_equal(system_folders_make(root, "/etc/sub/deep/deeper/x", &made, NULL), ST_OK);
    assert_int_equal(made, 3);
    assert_true(system_folder_exists(root, "/etc/sub/deep/deeper/x"));
    assert_int_equal(system_folders_make(root, "/etc/sub/deep/deeper/x", &made, NULL), ST_OK);
    assert_int_equal(made, 0);
    system_folders_remove(root, "/etc/sub/deep/deeper/x", 2);
    assert_true(system_folder_exists(root, "/etc/sub/x"));
    assert_false(system_folder_exists(root, "/etc/sub/deep/x"));
    system_folders_remove(root, "/etc/sub/x", 1);
    assert_false(system_folder_exists(root, "/etc/sub/x"));
    assert_true(system_folder_exists(root, "/etc/x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_kind_becomes_each_other_and_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_is_replaced_and_what_it_leads_to_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_one_who_was_killed_left_is_no_obstacle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_neither_file_nor_link_is_refused_and_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_that_is_missing_is_no_file_and_cannot_hold_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_are_made_once_and_removed_when_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_of_all_levels_are_made_and_removed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
