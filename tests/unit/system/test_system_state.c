#include "system/system_state.h"

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

static char root[256];

static int set_up(void **state)
{
    (void)state;
    const char *temporary = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/ccward-state-XXXXXX", temporary ? temporary : "/tmp");
    assert_non_null(mkdtemp(root));
    assert_int_equal(system_folder_make(root, "/var/x", NULL), ST_OK);
    return system_folder_make(root, "/var/lib/x", NULL);
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(system_state_remove(root, NULL), ST_OK);
    system_folder_remove(root, "/var/lib/x");
    system_folder_remove(root, "/var/x");
    return rmdir(root);
}

static void what_was_changed_reads_back_byte_for_byte(void **state)
{
    (void)state;
    struct system_state written = {.manager = MANAGER_PLAIN, .fail_closed = true, .in_force = true, .change_count = 1};
    struct system_change *change = &written.changes[0];
    struct system_state read;
    change->path = system_manager_path(MANAGER_PLAIN);
    change->made_folder = true;
    change->original = (struct file_image){.kind = IMAGE_FILE, .mode = 0604, .uid = 7, .gid = 8};
    for (unsigned byte = 0; byte < 256; byte++)
        buf_add_char(&change->original.bytes, (char)byte);
    change->ours.kind = IMAGE_LINK;
    buf_add_text(&change->ours.bytes, "../run/x");
    change->previous.kind = IMAGE_FILE;
    buf_add_text(&change->previous.bytes, "older");
    assert_int_equal(system_state_read(root, &read, NULL), ST_NOT_FOUND);
    assert_int_equal(system_state_write(root, &written, NULL), ST_OK);
    assert_int_equal(system_state_write(root, &written, NULL), ST_OK);
    assert_int_equal(system_state_read(root, &read, NULL), ST_OK);
    assert_true(read.fail_closed && read.in_force && read.change_count == 1 && read.changes[0].made_folder);
    assert_int_equal(read.manager, MANAGER_PLAIN);
    assert_string_equal(read.changes[0].path, "/etc/resolv.conf");
    assert_true(file_image_equal(&read.changes[0].original, &change->original));
    assert_true(file_image_equal(&read.changes[0].ours, &change->ours));
    assert_true(file_image_equal(&read.changes[0].previous, &change->previous));
    assert_int_equal(read.changes[0].original.mode, 0604);
    assert_int_equal(read.changes[0].original.uid, 7);
    assert_int_equal(read.changes[0].original.gid, 8);
    system_state_fini(&read);
    system_state_fini(&written);
}

#define IMAGE "{\"kind\": \"absent\", \"bytes\": \"\", \"mode\": 0, \"uid\": 0, \"gid\": 0}"
#define STATE(manager, files)                                                                                          \
    "{\"manager\": \"" manager "\", \"fail_closed\": false, \"in_force\": true, \"files\": [" files "]}"
#define CHANGE(path, original)                                                                                         \
    "{\"path\": \"" path "\", \"made_folder\": false, \"original\": " original ", \"ours\": " IMAGE "}"

static enum status read_text(const char *text)
{
    struct system_state read;
    struct file_image file = {.kind = IMAGE_FILE, .mode = 0644, .uid = geteuid(), .gid = getegid()};
    buf_add_text(&file.bytes, text);
    assert_int_equal(system_folder_make(root, SYSTEM_STATE_PATH, NULL), ST_OK);
    assert_int_equal(system_file_put(root, SYSTEM_STATE_PATH, &file, NULL), ST_OK);
    file_image_fini(&file);
    enum status status = system_state_read(root, &read, NULL);
    if (status == ST_OK)
        system_state_fini(&read);
    return status;
}

static void what_was_tampered_with_is_not_believed(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "null",
        "{}",
        "{\"manager\"",
        STATE("other", ""),
        STATE("plain", "1"),
        STATE("plain", CHANGE("/etc/passwd", IMAGE)),
        STATE("systemd-resolved", CHANGE("/etc/resolv.conf", IMAGE)),
        STATE("resolvconf", CHANGE("/etc/resolv.conf", IMAGE)),
        STATE("plain", CHANGE("/etc/resolv.conf", "{}")),
        STATE("plain", CHANGE("/etc/resolv.conf", "{\"kind\": \"fifo\", \"bytes\": \"\", \"mode\": 0, \"uid\": 0, "
                                                  "\"gid\": 0}")),
        STATE("plain", CHANGE("/etc/resolv.conf", "{\"kind\": \"file\", \"bytes\": \"6\", \"mode\": 0, \"uid\": 0, "
                                                  "\"gid\": 0}")),
        STATE("plain", CHANGE("/etc/resolv.conf", "{\"kind\": \"file\", \"bytes\": \"6x\", \"mode\": 0, \"uid\": 0, "
                                                  "\"gid\": 0}")),
        STATE("plain", CHANGE("/etc/resolv.conf", "{\"kind\": \"file\", \"bytes\": \"\", \"mode\": 65535, \"uid\": 0, "
                                                  "\"gid\": 0}")),
        STATE("plain", CHANGE("/etc/resolv.conf", IMAGE) "," CHANGE("/etc/resolv.conf",
                                                                    IMAGE) "," CHANGE("/etc/resolv.conf", IMAGE)),
    };
    assert_int_equal(read_text(STATE("plain", CHANGE("/etc/resolv.conf", IMAGE))), ST_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(read_text(bad[i]), ST_CORRUPT);
}

static void managers_have_names_that_read_back(void **state)
{
    (void)state;
    enum system_manager read;
    for (int i = 0; i < MANAGERS; i++) {
        assert_int_equal(system_manager_parse(str_of(system_manager_text((enum system_manager)i)), &read), ST_OK);
        assert_int_equal(read, i);
    }
    assert_int_equal(system_manager_parse(STR("dhcp"), &read), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_changed_reads_back_byte_for_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_tampered_with_is_not_believed, set_up, tear_down),
        cmocka_unit_test(managers_have_names_that_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
