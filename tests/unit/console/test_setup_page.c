#include "console/setup_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct addr addr_of(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(str_of(text), 0, &addr), ST_OK);
    return addr;
}

/* What one who came to LOCAL is told of a proxy at LISTEN (NULL: there is none). */
static const char *page(struct buf *response, const char *listen, const char *local, const char *fields)
{
    static char text[512];
    struct http_head request;
    enum http_reject reject;
    struct addr proxy = addr_of(listen ? listen : "127.0.0.1:1");
    struct proxy_pac pac = {.proxies = &proxy, .proxy_count = listen != NULL};
    snprintf(text, sizeof text, "GET /setup HTTP/1.1\r\nHost: localhost\r\n%s\r\n", fields);
    assert_int_equal(http_request_parse(str_of(text), &request, &reject), ST_OK);
    struct http_exchange exchange = {.request = &request, .local = addr_of(local), .response = response};
    buf_clear(response);
    setup_page_answer(&exchange, &pac);
    assert_false(response->failed);
    return buf_text(response);
}

static void it_names_the_addresses_as_they_are_reached(void **state)
{
    (void)state;
    struct buf response = {0};
    const char *text = page(&response, "127.0.0.1:3128", "127.0.0.1:8053", "");
    assert_memory_equal(text, "HTTP/1.1 200 ", 13);
    assert_non_null(strstr(text, "<code>http://127.0.0.1:8053/proxy.pac</code>"));
    assert_non_null(strstr(text, "proxy <code>127.0.0.1</code>, port <code>3128</code>"));
    assert_non_null(strstr(text, "export https_proxy=http://127.0.0.1:3128"));
    assert_non_null(strstr(text, "on this computer alone"));
    text = page(&response, "0.0.0.0:3128", "192.168.1.1:8053", "");
    assert_non_null(strstr(text, "proxy <code>192.168.1.1</code>, port <code>3128</code>"));
    assert_null(strstr(text, "on this computer alone"));
    buf_free(&response);
}

static void who_can_reach_no_proxy_is_told_so(void **state)
{
    (void)state;
    struct buf response = {0};
    assert_non_null(strstr(page(&response, NULL, "127.0.0.1:8053", ""), "no proxy that you could reach"));
    const char *text = page(&response, "127.0.0.1:3128", "192.168.1.1:8053", "");
    assert_non_null(strstr(text, "no proxy that you could reach"));
    assert_null(strstr(text, "<ol>"));
    buf_free(&response);
}

static void it_is_in_the_language_asked_for(void **state)
{
    (void)state;
    struct buf response = {0};
    const char *text = page(&response, "127.0.0.1:3128", "127.0.0.1:8053", "Accept-Language: ja,en;q=0.5\r\n");
    assert_non_null(strstr(text, "Content-Language: ja\r\n"));
    assert_non_null(strstr(text, "<html lang=\"ja\">"));
    assert_non_null(strstr(text, "http://127.0.0.1:8053/proxy.pac"));
    assert_non_null(strstr(page(&response, NULL, "127.0.0.1:8053", "Accept-Language: de\r\n"), "<html lang=\"en\">"));
    buf_free(&response);
}

static unsigned count_of(const char *text, const char *what)
{
    unsigned count = 0;
    while ((text = strstr(text, what))) {
        text++;
        count++;
    }
    return count;
}

static void both_languages_tell_the_same(void **state)
{
    (void)state;
    struct buf en = {0}, ja = {0};
    const char *one = page(&en, "127.0.0.1:3128", "127.0.0.1:8053", ""),
               *other = page(&ja, "127.0.0.1:3128", "127.0.0.1:8053", "Accept-Language: ja\r\n");
    static const char *const marks[] = {"<h2>", "<li>", "<code>", "<section", "<p", "proxy.pac", "127.0.0.1:3128"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        assert_true(count_of(one, marks[i]) > 1);
        assert_int_equal(count_of(one, marks[i]), count_of(other, marks[i]));
    }
    buf_free(&en);
    buf_free(&ja);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_names_the_addresses_as_they_are_reached),
        cmocka_unit_test(who_can_reach_no_proxy_is_told_so),
        cmocka_unit_test(it_is_in_the_language_asked_for),
        cmocka_unit_test(both_languages_tell_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
