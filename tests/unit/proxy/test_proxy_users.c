#include "proxy/proxy_users.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Of "open sesame" */
#define BCRYPT_B "$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy"
#define BCRYPT_Y "$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy"
#define SHA512   "$6$saltsalt$e/5XKibXPLqVcfjpD.ouauaJrAOL5V0uo80Lt7n7EbRdRiCx3HbQ90yjOHr.G0T.mx79PEMRy8nmtr0qSYhQp1"
#define SHA512_ROUNDS                                                                                                  \
    "$6$rounds=1000$saltsalt$/IiX/CoEcxCZ9SksEXnbjfCT1LGvD4z5OpJkaFYl/T37OAwuKZ8I8BixDhruhPLkw6lS7dw/6wQWgQnGo7lLg/"
#define YESCRYPT "$y$j75$k2XAnEHBqQ1Ct2aMXFKNa/$XHuqBDG.B1kMSA1CeriOCRR7sEFF6foXgi9Tw2jZJF/"

static struct proxy_users *take(const char *text)
{
    struct proxy_users *users = NULL;
    struct fault fault = {0};
    if (proxy_users_parse(str_of(text), "users", &users, &fault) != ST_OK)
        fail_msg("%s", fault.text);
    return users;
}

static void refuse(const char *text, const char *reason)
{
    struct proxy_users *users = NULL;
    struct fault fault = {0};
    assert_int_equal(proxy_users_parse(str_of(text), "users", &users, &fault), ST_INVALID);
    assert_null(users);
    if (!strstr(fault.text, reason))
        fail_msg("expected %s in: %s", reason, fault.text);
}

static void each_strong_hash_takes_its_password_and_no_other(void **state)
{
    (void)state;
    static const char *const hashes[] = {BCRYPT_B, BCRYPT_Y, SHA512, SHA512_ROUNDS, YESCRYPT};
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        char text[300];
        snprintf(text, sizeof text, "me:%s\n", hashes[i]);
        struct proxy_users *users = take(text);
        assert_true(proxy_users_check(users, "me", "open sesame"));
        assert_false(proxy_users_check(users, "me", "open sesam"));
        assert_false(proxy_users_check(users, "me", "Open sesame"));
        assert_false(proxy_users_check(users, "me", ""));
        proxy_users_unref(users);
    }
}

static void who_is_not_there_is_not_let_in_by_anothers_password(void **state)
{
    (void)state;
    struct proxy_users *users = take("# the staff\r\n\r\nme:" BCRYPT_Y "\r\nyou:" SHA512_ROUNDS);
    assert_true(proxy_users_check(users, "me", "open sesame"));
    assert_true(proxy_users_check(users, "you", "open sesame"));
    assert_false(proxy_users_check(users, "he", "open sesame"));
    assert_false(proxy_users_check(users, "ME", "open sesame"));
    assert_false(proxy_users_check(users, "", "open sesame"));
    proxy_users_unref(users);
}

static void weak_hashes_are_refused_with_their_line_and_kind(void **state)
{
    (void)state;
    refuse("me:" BCRYPT_Y "\nyou:$apr1$abcdefgh$LXDYDdJBWFeEBGPmNGOgw1\n",
           "users:2: the password of 'you' is kept as MD5");
    refuse("me:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n", "users:1: the password of 'me' is kept as SHA-1");
    refuse("me:$1$abc$x", "MD5");
    refuse("me:$5$abc$x", "SHA-256");
    refuse("me:$2a$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy", "bcrypt of an old kind");
    refuse("me:secret word", "plain text or an old crypt hash");
    refuse("me:ab1cd2ef3gh4i", "htpasswd -B");
    refuse("me:", "plain text");
}

static void no_fault_tells_a_hash_or_password(void **state)
{
    (void)state;
    static const char *const texts[] = {"me:secret", "me:$2b$secret", "secret", "me:$apr1$secret$secret"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct proxy_users *users;
        struct fault fault = {0};
        assert_int_equal(proxy_users_parse(str_of(texts[i]), "users", &users, &fault), ST_INVALID);
        assert_null(strstr(fault.text, "secret"));
    }
}

static void what_is_no_line_of_users_is_refused(void **state)
{
    (void)state;
    refuse("me\n", "users:1: is no line USER:HASH");
    refuse("\n\n:" BCRYPT_Y, "users:3: has a user of no or over 255 bytes");
    refuse("a\tb:" BCRYPT_Y, "control characters");
    refuse("me:" BCRYPT_Y "\nme:" BCRYPT_B, "users:2: 'me' is there already");
    refuse("", "has no users");
    refuse("# nobody\n", "has no users");
    refuse("me:" BCRYPT_Y ":more", "no hash that");
}

static void a_hash_that_is_cut_short_or_too_slow_is_refused(void **state)
{
    (void)state;
    refuse("me:$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/c", "no whole bcrypt hash");
    refuse("me:$6$saltsalt$e/5XKibXPLqVcfjpD", "no whole SHA-512 hash");
    refuse("me:$y$j75$k2XAnEHBqQ1Ct2aMXFKNa/$XHuqBDG", "no whole yescrypt hash");
    refuse("me:$2y$17$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy", "cost over 16");
    refuse("me:$6$rounds=90000000$saltsalt$e/5XKibXPLqVcfjpD.ouauaJrAOL5V0uo80Lt7n7EbRdRiCx3HbQ90yjOHr.G0T."
           "mx79PEMRy8nmtr0qSYhQp1",
           "over 2000000 rounds");
    refuse("me:$y$", "no whole yescrypt hash");
    refuse("me:$2y$99$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy", "no whole bcrypt hash");
}

static void a_file_that_others_can_read_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/ccward-users-XXXXXX";
    int fd = mkstemp(path);
    struct proxy_users *users = NULL;
    struct fault fault = {0};
    static const char text[] = "me:" BCRYPT_Y "\n";
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    static const mode_t open_modes[] = {0644, 0604, 0660, 0602};
    for (size_t i = 0; i < sizeof open_modes / sizeof *open_modes; i++) {
        fault = (struct fault){0};
        assert_int_equal(chmod(path, open_modes[i]), 0);
        assert_int_equal(proxy_users_load(path, &users, &fault), ST_DENIED);
        assert_non_null(strstr(fault.text, "chmod 640 /tmp/ccward-users-"));
    }
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(proxy_users_load(path, &users, NULL), ST_OK);
    proxy_users_unref(users);
    unlink(path);
    fault = (struct fault){0};
    assert_int_equal(proxy_users_load(path, &users, &fault), ST_NOT_FOUND);
    assert_non_null(strstr(fault.text, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_strong_hash_takes_its_password_and_no_other),
        cmocka_unit_test(who_is_not_there_is_not_let_in_by_anothers_password),
        cmocka_unit_test(weak_hashes_are_refused_with_their_line_and_kind),
        cmocka_unit_test(no_fault_tells_a_hash_or_password),
        cmocka_unit_test(what_is_no_line_of_users_is_refused),
        cmocka_unit_test(a_hash_that_is_cut_short_or_too_slow_is_refused),
        cmocka_unit_test(a_file_that_others_can_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
