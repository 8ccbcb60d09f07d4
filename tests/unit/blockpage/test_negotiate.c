#include "blockpage/negotiate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void read_request(struct http_head *head, const char *line, const char *fields)
{
    static char text[4096]; /* the head's views point into it */
    enum http_reject reject;
    snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: bad.example\r\n%s\r\n", line, fields);
    if (http_request_parse(str_of(text), head, &reject) != ST_OK)
        fail_msg("%s: %s", http_reject_text(reject), text);
}

static void the_language_follows_the_weights(void **state)
{
    (void)state;
    static const struct {
        const char *wanted;
        enum page_language language;
    } cases[] = {
        {"", PAGE_EN},
        {"ja", PAGE_JA},
        {"JA-jp", PAGE_JA},
        {"ja-JP,ja;q=0.9,en-US;q=0.8,en;q=0.7", PAGE_JA}, /* Chromium in Japanese */
        {"en-US,en;q=0.9,ja;q=0.8", PAGE_EN},
        {"en;q=0.5, ja;q=0.6", PAGE_JA},
        {"en;q=0.6, ja;q=0.5", PAGE_EN},
        {"en;q=0.123, ja;q=0.124", PAGE_JA},
        {"ja, en", PAGE_JA},
        {"en, ja", PAGE_EN},
        {"fr, de;q=0.9", PAGE_EN},
        {"fr, ja;q=0.1", PAGE_JA},
        {"fr, en;q=0.1, ja;q=0.2", PAGE_JA},
        {"ja;q=0", PAGE_EN},
        {"ja;q=0, *", PAGE_EN},
        {"ja;q=0.000, en;q=0.001", PAGE_EN},
        {"*", PAGE_EN},
        {"en;q=0, *", PAGE_JA},
        {"en;q=0.4, *;q=0.5", PAGE_JA},
        {"ja;q=0.4, *;q=0.5", PAGE_EN},
        {"jam", PAGE_EN},
        {"jav, ja-Latn;q=0.1", PAGE_JA},
        {"j", PAGE_EN},
        {"ja;q=1.0", PAGE_JA},
        {"ja;q=1.001", PAGE_EN}, /* no weights: the element is left out */
        {"ja;q=2", PAGE_EN},
        {"ja;q=", PAGE_EN},
        {"ja;q=.5", PAGE_EN},
        {"ja;q=0.1234", PAGE_EN},
        {"ja;q=-1", PAGE_EN},
        {"ja;q=0x1", PAGE_EN},
        {"  ja\t;\tq=0.5 , en ; q=0.4", PAGE_JA},
        {"ja;Q=0.2,en;q=0.1", PAGE_JA},
        {"ja;x=y;q=0.2,en;q=0.3", PAGE_EN},
        {",,,;q=1,ja,,", PAGE_JA},
        {";", PAGE_EN},
        {"\xff\xfe,ja", PAGE_JA},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char fields[256];
        struct http_head head;
        snprintf(fields, sizeof fields, "Accept-Language: %s\r\n", cases[i].wanted);
        read_request(&head, "GET /", fields);
        if (negotiate_language(&head) != cases[i].language)
            fail_msg("\"%s\" gave the other language", cases[i].wanted);
    }
}

static void several_lines_of_a_field_are_one_list(void **state)
{
    (void)state;
    struct http_head head;
    read_request(&head, "GET /", "Accept-Language: en;q=0.5\r\nAccept-Language: ja\r\n");
    assert_int_equal(negotiate_language(&head), PAGE_JA);
    read_request(&head, "GET /", "");
    assert_int_equal(negotiate_language(&head), PAGE_EN);
}

static void the_form_follows_the_request(void **state)
{
    (void)state;
    static const struct {
        const char *line, *fields;
        enum page_form form;
    } cases[] = {
        /* Chromium and Firefox over http, where there is no Sec-Fetch-Dest: page, image, style, script, fetch */
        {"GET /", "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n",
         PAGE_FORM_PAGE},
        {"GET /favicon.ico", "Accept: image/avif,image/webp,image/apng,image/*,*/*;q=0.8\r\n", PAGE_FORM_EMPTY},
        {"GET /a.css", "Accept: text/css,*/*;q=0.1\r\n", PAGE_FORM_EMPTY},
        {"GET /a.js", "Accept: */*\r\nReferer: http://a.example/\r\n", PAGE_FORM_LINE},
        {"GET /a.js", "Accept: */*\r\nAccept-Language: en\r\n", PAGE_FORM_LINE},
        /* Fetch metadata */
        {"GET /", "Sec-Fetch-Dest: document\r\nAccept: */*\r\n", PAGE_FORM_PAGE},
        {"GET /", "Sec-Fetch-Dest: iframe\r\nAccept: text/html\r\n", PAGE_FORM_FRAME},
        {"GET /", "Sec-Fetch-Dest: frame\r\n", PAGE_FORM_FRAME},
        {"GET /", "Sec-Fetch-Dest: embed\r\n", PAGE_FORM_FRAME},
        {"GET /", "Sec-Fetch-Dest: object\r\n", PAGE_FORM_FRAME},
        {"GET /", "Sec-Fetch-Dest: image\r\nAccept: text/html\r\n", PAGE_FORM_EMPTY},
        {"GET /", "Sec-Fetch-Dest: script\r\n", PAGE_FORM_EMPTY},
        {"GET /", "Sec-Fetch-Dest: style\r\n", PAGE_FORM_EMPTY},
        {"GET /", "Sec-Fetch-Dest: worker\r\n", PAGE_FORM_EMPTY},
        {"GET /", "Sec-Fetch-Dest: font\r\n", PAGE_FORM_EMPTY},
        {"GET /", "Sec-Fetch-Dest: something-new\r\n", PAGE_FORM_EMPTY},
        {"GET /", "Sec-Fetch-Dest: empty\r\nAccept: */*\r\n", PAGE_FORM_PROBLEM},
        /* Programs */
        {"GET /", "", PAGE_FORM_PAGE},
        {"GET /", "Accept: */*\r\n", PAGE_FORM_PAGE},
        {"HEAD /", "Accept: */*\r\n", PAGE_FORM_PAGE},
        {"POST /", "Accept: */*\r\nContent-Length: 1\r\n", PAGE_FORM_LINE},
        {"GET /", "Accept: text/plain\r\n", PAGE_FORM_LINE},
        {"GET /", "Accept: application/json\r\n", PAGE_FORM_PROBLEM},
        {"GET /", "Accept: application/problem+json, */*\r\n", PAGE_FORM_PROBLEM},
        {"GET /", "Accept: application/json, text/html;q=0.5\r\n", PAGE_FORM_PROBLEM},
        {"GET /", "Accept: text/html;q=0\r\n", PAGE_FORM_LINE},
        {"GET /", "Accept: TEXT/HTML\r\n", PAGE_FORM_PAGE},
        {"POST /", "Accept: text/html\r\nContent-Length: 1\r\n", PAGE_FORM_PAGE},
        {"HEAD /", "Accept: text/html\r\n", PAGE_FORM_PAGE},
        {"CONNECT bad.example:443", "Accept: text/html\r\n", PAGE_FORM_LINE},
        {"OPTIONS /", "Access-Control-Request-Method: PUT\r\nAccept: */*\r\n", PAGE_FORM_EMPTY},
        {"OPTIONS /", "Accept: */*\r\n", PAGE_FORM_LINE},
        {"GET /", "Connection: Upgrade\r\nUpgrade: websocket\r\nAccept: text/html\r\n", PAGE_FORM_EMPTY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_head head;
        read_request(&head, cases[i].line, cases[i].fields);
        if (negotiate_form(&head) != cases[i].form)
            fail_msg("%s %s gave form %d", cases[i].line, cases[i].fields, (int)negotiate_form(&head));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_language_follows_the_weights),
        cmocka_unit_test(several_lines_of_a_field_are_one_list),
        cmocka_unit_test(the_form_follows_the_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
