#include "feed_test.h"

#include "feeds/web_url.h"

static struct web_url url;

static enum status parse(const char *text)
{
    struct fault fault = {0};
    enum status st = web_url_parse(text, &url, &fault);
    assert_int_equal(st == ST_OK, fault.text[0] == '\0');
    return st;
}

static void an_address_is_taken_apart(void **state)
{
    static const struct {
        const char *text, *scheme, *host;
        unsigned port;
    } urls[] = {
        {"http://feed.test/list#x", "http", "feed.test", 80},
        {"https://FEED.Test./list", "https", "feed.test", 443},
        {"http://feed.test:8080", "http", "feed.test", 8080},
        {"http://user:pass@feed.test/", "http", "feed.test", 80},
        {"http://b\xc3\xbc"
         "cher.test/",
         "http", "xn--bcher-kva.test", 80},
        {"http://[2001:DB8::1]:81/", "http", "[2001:db8::1]", 81},
        {"http://2130706433/", "http", "127.0.0.1", 80}, /* what would connect there is called so */
        {"file:///etc/list", "file", "", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        assert_int_equal(parse(urls[i].text), ST_OK);
        assert_string_equal(url.scheme, urls[i].scheme);
        assert_string_equal(url.host, urls[i].host);
        assert_int_equal(url.port, urls[i].port);
    }
}

static void what_nothing_is_fetched_from_is_refused(void **state)
{
    static const char *const urls[] = {"",
                                       "::::",
                                       "http://",

                                       "http://a b/",
                                       "ftp://feed.test/",
                                       "gopher://feed.test/",
                                       "javascript:alert(1)",
                                       "http://feed.test:99999/",
                                       "http://feed,test/",
                                       "/just/a/path"};
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        if (parse(urls[i]) == ST_OK)
            fail_msg("%s was taken", urls[i]);
}

static void a_key_is_added_to_what_is_asked(void **state)
{
    struct fault fault = {0};
    (void)state;
    assert_int_equal(parse("https://feed.test/list"), ST_OK);
    assert_int_equal(web_url_add_query(&url, "auth-key", "a b&c=d", &fault), ST_OK);
    assert_string_equal(url.text, "https://feed.test/list?auth-key=a+b%26c%3dd");
    assert_int_equal(parse("https://feed.test/list?x=1"), ST_OK);
    assert_int_equal(web_url_add_query(&url, "k", "v", &fault), ST_OK);
    assert_string_equal(url.text, "https://feed.test/list?x=1&k=v");
}

static void origins_are_scheme_host_and_port(void **state)
{
    static const struct {
        const char *text;
        bool same;
    } others[] = {{"https://FEED.test:443/other?x", true},
                  {"http://feed.test/", false},
                  {"https://feed.test:444/", false},
                  {"https://www.feed.test/", false}};
    (void)state;
    assert_int_equal(parse("https://feed.test/"), ST_OK);
    struct web_url first = url;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(parse(others[i].text), ST_OK);
        assert_int_equal(web_url_same_origin(&first, &url), others[i].same);
    }
}

static void passwords_are_not_shown(void **state)
{
    static const struct {
        const char *text, *shown;
    } urls[] = {{"https://user:pass@feed.test/a@b", "https://feed.test/a@b"},
                {"https://a:b@c@feed.test?q", "https://feed.test?q"},
                {"https://feed.test/x?mail=a@b", "https://feed.test/x?mail=a@b"},
                {"file:///home/a@b", "file:///home/a@b"},
                {"a@b", "a@b"},
                {"", ""}};
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        char shown[64];
        web_url_shown(urls[i].text, shown, sizeof shown);
        assert_string_equal(shown, urls[i].shown);
    }
}

static void hosts_of_other_things_are_none(void **state)
{
    char host[WEB_HOST_SIZE];
    (void)state;
    web_url_host("https://user@FEED.test/", host);
    assert_string_equal(host, "feed.test");
    web_url_host("file:///x", host);
    assert_string_equal(host, "");
    web_url_host("nonsense", host);
    assert_string_equal(host, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_taken_apart),       cmocka_unit_test(what_nothing_is_fetched_from_is_refused),
        cmocka_unit_test(a_key_is_added_to_what_is_asked), cmocka_unit_test(origins_are_scheme_host_and_port),
        cmocka_unit_test(passwords_are_not_shown),         cmocka_unit_test(hosts_of_other_things_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
