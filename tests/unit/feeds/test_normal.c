#include "feed_test.h"

#include "feeds/normal.h"
#include "reputation/canonical.h"

/* D53 */
static void names_have_one_form(void **state)
{
    static const struct {
        const char *text, *name; /* NULL: refused */
    } names[] = {
        {"Evil.Example", "evil.example"},
        {"evil.example.", "evil.example"},
        {"_dmarc.example.com", "_dmarc.example.com"},
        {"-lead.example", "-lead.example"},
        {"trail-.example", "trail-.example"},
        {"BÜCHER.example", "xn--bcher-kva.example"},
        {"faß.de", "xn--fa-hia.de"},
        {"пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"},
        {"x.bazar", "x.bazar"},
        {"x.onion", "x.onion"},
        {"", NULL},
        {".", NULL},
        {"single", NULL},
        {"single.", NULL},
        {"evil.example..", NULL},
        {".evil.example", NULL},
        {"a b.example", NULL},
        {"a.123", NULL},
        {"1.2.3.4", NULL},
        {"http://evil.example/", NULL},
        {"*.evil.example", NULL},
        {"x@evil.example", NULL},
        {"evil.example:80", NULL},
        {"\xff\xfe.example", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct dname name;
        char text[DNAME_TEXT_SIZE];
        enum skip skip = normal_name(str_of(names[i].text), &name);
        if (!names[i].name) {
            assert_int_not_equal(skip, SKIP_NOT);
            assert_true(skip_is_fault(skip));
            continue;
        }
        assert_int_equal(skip, SKIP_NOT);
        dname_to_text(&name, text);
        assert_string_equal(text, names[i].name);
    }
}

static void labels_and_names_are_bounded(void **state)
{
    char text[400];
    struct dname name;
    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text + 63, ".example", 9);
    assert_int_equal(normal_name(str_of(text), &name), SKIP_NOT);
    memset(text, 'a', sizeof text);
    memcpy(text + 64, ".example", 9);
    assert_int_equal(normal_name(str_of(text), &name), SKIP_NOT_NAME);
    memset(text, 'a', sizeof text);
    for (size_t i = 50; i < sizeof text; i += 51)
        text[i] = '.';
    assert_int_equal(normal_name((struct str){text, 253}, &name), SKIP_NOT);
    assert_int_equal(normal_name((struct str){text, 254}, &name), SKIP_NOT_NAME);
    assert_int_equal(normal_name((struct str){text, 300}, &name), SKIP_NOT_NAME);
}

static void urls_have_one_form(void **state)
{
    static const struct {
        const char *text, *url; /* NULL: refused */
    } urls[] = {
        {"http://a.example", "http://a.example/"},
        {"http://a.example?x", "http://a.example/?x"},
        {"http://a.example#x", "http://a.example/"},
        {"http://a.example/#x#y", "http://a.example/"},
        {"hTTpS://A.Example/PATH", "https://a.example/PATH"},
        {"http://u@p@a.example/@", "http://a.example/@"},
        {"http://a.example:80/", "http://a.example/"},
        {"http://a.example:443/", "http://a.example:443/"},
        {"https://a.example:443/", "https://a.example/"},
        {"http://a.example./x", "http://a.example/x"},
        {"http://a.example..", NULL},
        {"http://./", NULL},
        {"http://a.example:/", "http://a.example/"},
        {"http://a.example/a b%20c", "http://a.example/a b%20c"},
        {"http://[2001:db8::1]:8080/x", "http://[2001:db8::1]:8080/x"},
        {"http://pubg_ak.a.example/", "http://pubg_ak.a.example/"},
        {"http://", NULL},
        {"http:///", NULL},
        {"http://:80/", NULL},
        {"http://a.example:x/", NULL},
        {"http://a.example:65536/", NULL},
        {"http:/a.example/", NULL},
        {"gopher://a.example/", NULL},
        {"//a.example/", NULL},
        {"a.example/", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        char out[CANONICAL_URL_MAX];
        struct str url;
        enum skip skip = normal_url(str_of(urls[i].text), out, sizeof out, &url);
        assert_int_equal(skip == SKIP_NOT, urls[i].url != NULL);
        if (urls[i].url)
            assert_true(str_eq(url, str_of(urls[i].url)));
    }
}

static void a_url_that_does_not_fit_is_refused(void **state)
{
    char out[24];
    struct str url;
    (void)state;
    assert_int_equal(normal_url(STR("http://a.example/123456"), out, 23, &url), SKIP_NOT);
    assert_int_equal(normal_url(STR("http://a.example/1234567"), out, 23, &url), SKIP_LONG_URL);
    assert_int_equal(normal_url(STR("http://a.example"), out, 16, &url), SKIP_LONG_URL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_one_form),
        cmocka_unit_test(labels_and_names_are_bounded),
        cmocka_unit_test(urls_have_one_form),
        cmocka_unit_test(a_url_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
