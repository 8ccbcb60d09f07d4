#include "system/proxy_places.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static char lan[] = "lan", *domains[] = {lan};
static const struct text_list direct = {domains, 1};

static struct proxy_choice choice_of(const char *address)
{
    struct proxy_choice choice = {.direct = &direct};
    assert_int_equal(addr_parse(str_of(address), 0, &choice.proxy), ST_OK);
    return choice;
}

static struct file_image image_of(const char *text)
{
    struct file_image image = {.kind = text ? IMAGE_FILE : IMAGE_ABSENT};
    buf_add_text(&image.bytes, text ? text : "");
    return image;
}

static const struct proxy_place *place_of(const char *path)
{
    for (size_t i = 0; i < proxy_place_count; i++)
        if (!strcmp(proxy_places[i].path, path))
            return &proxy_places[i];
    fail_msg("no place %s", path);
    return NULL;
}

/* What PLACE makes of ORIGINAL (NULL: there is no file). */
static struct file_image applied(const struct proxy_place *place, const char *original)
{
    struct proxy_choice choice = choice_of("127.0.0.1:3128");
    struct file_image before = image_of(original), ours = {.kind = IMAGE_FILE};
    struct fault fault = {0};
    assert_int_equal(place->apply(&choice, &before, &ours.bytes, &fault), ST_OK);
    file_image_fini(&before);
    return ours;
}

static void assert_stripped(const struct proxy_place *place, const char *now, const char *original,
                            const struct file_image *ours, const char *expected, bool expected_any)
{
    struct file_image is = image_of(now), was = image_of(original);
    struct buf out = {0};
    bool any;
    assert_int_equal(place->strip(&is, &was, ours, &out, &any), ST_OK);
    assert_int_equal(any, expected_any);
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
    file_image_fini(&is);
    file_image_fini(&was);
}

static void what_was_put_in_comes_out_again_everywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < proxy_place_count; i++) {
        const struct proxy_place *place = &proxy_places[i];
        struct file_image ours = applied(place, NULL), none = {0};
        struct buf out = {0};
        bool any = false;
        assert_non_null(strstr(place->path, "profile") ? "" : strstr(buf_text(&ours.bytes), "127.0.0.1"));
        assert_int_equal(place->strip(&ours, &none, &ours, &out, &any), ST_OK);
        assert_true(any);
        assert_true(!out.length || !strcmp(buf_text(&out), "[Proxy Settings]\n"));
        buf_free(&out);
        file_image_fini(&ours);
    }
}

static void lines_around_ours_stay(void **state)
{
    (void)state;
    const struct proxy_place *place = place_of("/etc/environment");
    struct file_image ours = applied(place, "A=1");
    struct buf now = {0};
    buf_printf(&now, "B=0\n%sC=2", buf_text(&ours.bytes));
    assert_stripped(place, buf_text(&now), "A=1", &ours, "B=0\nA=1\nC=2", true);
    assert_stripped(place, "A=1\n", "A=1", &ours, "A=1\n", false);
    *strstr(now.data, "# --- end") = '%'; /* the end mark is lost: only the lines that are known as ours go */
    assert_stripped(place, buf_text(&now), "A=1", &ours, "B=0\nA=1\n% --- end of ccward system-proxy\nC=2", true);
    buf_free(&now);
    file_image_fini(&ours);
}

static void keys_of_kde_are_set_within_their_group_alone(void **state)
{
    (void)state;
    const struct proxy_place *place = place_of("/etc/xdg/kioslaverc");
    static const char before[] = "ProxyType=9\n[Other]\nProxyType=8\n[Proxy Settings]\nhttpProxy=old\nKeep=1\n[Z]";
    struct file_image ours = applied(place, before);
    const char *text = buf_text(&ours.bytes);
    assert_true(str_starts(str_of(text), STR("ProxyType=9\n[Other]\nProxyType=8\n[Proxy Settings]\nProxyType=1\n")));
    assert_non_null(strstr(text, "httpProxy=http://127.0.0.1 3128\n"));
    assert_null(strstr(text, "old"));
    assert_non_null(strstr(text, "Keep=1\n[Z]"));
    struct buf now = {0};
    buf_add_text(&now, text);
    buf_add_text(&now, "\nnew=1\n");
    assert_stripped(place, buf_text(&now), before, &ours,
                    "ProxyType=9\n[Other]\nProxyType=8\n[Proxy Settings]\nhttpProxy=old\nKeep=1\n[Z]\n\nnew=1\n", true);
    assert_stripped(place, "[Proxy Settings]\nProxyType=0\n", before, &ours, "[Proxy Settings]\nProxyType=0\n", false);
    buf_free(&now);
    file_image_fini(&ours);
}

static void a_policy_of_someone_else_is_no_ours(void **state)
{
    (void)state;
    const struct proxy_place *place = place_of("/etc/firefox/policies/policies.json");
    struct file_image ours = applied(place, "{\"policies\": {\"A\": 1}}");
    struct proxy_choice choice = choice_of("127.0.0.1:3128");
    assert_stripped(place, "{\"policies\": {\"Proxy\": {\"Mode\": \"none\"}}}", NULL, &ours,
                    "{\"policies\": {\"Proxy\": {\"Mode\": \"none\"}}}", false);
    assert_stripped(place, "{nonsense", NULL, &ours, "{nonsense", false);
    static const char *const bad[] = {"{nonsense", "[]", "{\"policies\": []}", "{\"policies\": {\"Proxy\": 1}}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct file_image image = image_of(bad[i]);
        struct fault fault = {0};
        struct buf out = {0};
        assert_int_not_equal(place->apply(&choice, &image, &out, &fault), ST_OK);
        assert_true(fault.text[0]);
        buf_free(&out);
        file_image_fini(&image);
    }
    file_image_fini(&ours);
}

static void the_listener_that_this_machine_reaches_best_is_chosen(void **state)
{
    (void)state;
    static const char *const texts[] = {"192.168.1.1:1", "[::1]:2", "0.0.0.0:3", "127.0.0.1:4"};
    struct addr addrs[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(addr_parse(str_of(texts[i]), 0, &addrs[i]), ST_OK);
    struct config config = {.proxy = {.listen = {.items = addrs}}};
    struct proxy_choice choice;
    static const uint16_t expected[] = {0, 1, 2, 3, 3};
    for (size_t count = 0; count <= 4; count++) {
        config.proxy.listen.count = count;
        assert_int_equal(proxy_choice_of(&config, &choice), count > 0);
        assert_int_equal(choice.proxy.port, expected[count]);
        assert_true(count < 2 || addr_is_loopback(&choice.proxy)); /* a wildcard stands for loopback */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_in_comes_out_again_everywhere),
        cmocka_unit_test(lines_around_ours_stay),
        cmocka_unit_test(keys_of_kde_are_set_within_their_group_alone),
        cmocka_unit_test(a_policy_of_someone_else_is_no_ours),
        cmocka_unit_test(the_listener_that_this_machine_reaches_best_is_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
