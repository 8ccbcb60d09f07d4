#include "blockpage/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/digest.h"
#include "blockpage/embedded.h"

static const int64_t noon_ms = 1767268800000; /* 2026-01-01T12:00:00Z */

static const char html[] = "Accept: text/html\r\n";
static const char html_ja[] = "Accept: text/html\r\nAccept-Language: ja\r\n";

struct fixture {
    struct verdict verdict;
    struct page_facts facts;
    struct buf response;
    struct http_head head; /* of the response */
    struct str body;
};

static int set_up(void **state)
{
    setenv("TZ", "JST-9", 1);
    tzset();
    clock_fake(1000, noon_ms);
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    f->verdict = (struct verdict){
        .action = ACTION_BLOCK,
        .matched = true,
        .category = CATEGORY_C2,
        .risk = RISK_HIGH,
        .first_seen = 1704067200,
        .indicator = "bad.example",
        .family = "Emotet",
        .sources = "threatfox,urlhaus",
    };
    f->facts = (struct page_facts){
        .url = STR("http://www.bad.example/gate.php?id=secret"),
        .verdict = &f->verdict,
        .client = addr_v4(0xc0a8012a, 50000),
        .incident = {.id = "CC-7F3A91B2"},
        .time_ms = noon_ms,
    };
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    buf_free(&f->response);
    free(f);
    clock_real();
    return 0;
}

static void read_request(struct http_head *request, const char *line, const char *fields)
{
    static char text[4096];
    enum http_reject reject;
    snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: bad.example\r\n%s\r\n", line, fields);
    assert_int_equal(http_request_parse(str_of(text), request, &reject), ST_OK);
}

static void read_response(struct fixture *f, struct str method)
{
    enum http_reject reject;
    assert_false(f->response.failed);
    struct str data = {buf_text(&f->response), f->response.length};
    assert_int_equal(http_response_parse(data, method, &f->head, &reject), ST_OK);
    f->body = str_from(data, f->head.length);
}

static void answer(struct fixture *f, const char *line, const char *fields)
{
    struct http_head request;
    read_request(&request, line, fields);
    buf_clear(&f->response);
    page_answer(&f->response, &request, &f->facts, true);
    read_response(f, request.method);
}

static bool body_has(const struct fixture *f, const char *text)
{
    return f->body.length && memmem(f->body.data, f->body.length, text, strlen(text));
}

static void assert_body_has(const struct fixture *f, const char *text)
{
    if (!body_has(f, text))
        fail_msg("\"%s\" is missing in: %.*s", text, (int)f->body.length, f->body.data);
}

static void assert_body_lacks(const struct fixture *f, const char *text)
{
    if (body_has(f, text))
        fail_msg("\"%s\" is in: %.*s", text, (int)f->body.length, f->body.data);
}

static void assert_field(const struct fixture *f, const char *name, const char *expected)
{
    const struct http_field *field = http_field_find(&f->head, str_of(name));
    if (!field || !str_eq(field->value, str_of(expected)))
        fail_msg("%s: %.*s", name, field ? (int)field->value.length : 0, field ? field->value.data : "");
}

static void base64(const uint8_t digest[DIGEST_BYTES], char out[45])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < 11; i++) {
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (i * 3 + k < DIGEST_BYTES ? digest[i * 3 + k] : 0);
        for (size_t k = 0; k < 4; k++)
            out[i * 4 + k] = letters[group >> (18 - 6 * k) & 63];
    }
    out[43] = '=';
    out[44] = '\0';
}

static void the_headers_are_exactly_these(void **state)
{
    struct fixture *f = *state;
    answer(f, "GET /", html);
    char length[24], csp[512];
    snprintf(length, sizeof length, "%zu", f->body.length);
    snprintf(csp, sizeof csp,
             "default-src 'none'; style-src 'sha256-%.*s'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
             (int)embedded_page_css_hash.length, embedded_page_css_hash.data);
    const char *const expected[][2] = {
        {"Date", "Thu, 01 Jan 2026 12:00:00 GMT"},
        {"Content-Type", "text/html; charset=utf-8"},
        {"Content-Language", "en"},
        {"Vary", "Accept-Language, Accept, Sec-Fetch-Dest"},
        {"Cache-Control", "no-store, max-age=0"},
        {"Pragma", "no-cache"},
        {"Expires", "0"},
        {"Content-Security-Policy", csp},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"X-Frame-Options", "DENY"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"X-Robots-Tag", "noindex"},
        {"Proxy-Status", "ccward; error=http_request_denied; details=\"c2:CC-7F3A91B2\""},
        {"Content-Length", length},
        {"Connection", "keep-alive"},
    };
    assert_int_equal(f->head.status, 403);
    assert_int_equal(f->head.field_count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < f->head.field_count; i++) {
        assert_true(str_eq(f->head.fields[i].name, str_of(expected[i][0])));
        assert_field(f, expected[i][0], expected[i][1]);
    }
}

static void the_policy_allows_this_style_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    answer(f, "GET /", html);
    const char *from = strstr(f->body.data, "<style>"), *to = strstr(f->body.data, "</style>");
    assert_non_null(from);
    assert_non_null(to);
    assert_null(strstr(to + 1, "<style"));
    from += strlen("<style>");
    uint8_t digest[DIGEST_BYTES];
    char encoded[45];
    assert_int_equal(digest_bytes(from, (size_t)(to - from), digest), ST_OK);
    base64(digest, encoded);
    assert_true(str_eq(embedded_page_css_hash, str_of(encoded)));
    assert_true(str_eq((struct str){from, (size_t)(to - from)}, embedded_page_css));
    static const char *const never[] = {"<script", "<form",  "<button", "<input",  "<link", "<img",
                                        "<a ",     " href=", " src=",   " style=", "url(",  "@import",
                                        " onload", "//www.", "http://", "https://"};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        assert_body_lacks(f, never[i]);
}

static void the_style_serves_light_and_dark_phones_and_print(void **state)
{
    struct fixture *f = *state;
    answer(f, "GET /", html);
    assert_body_has(f, "@media (prefers-color-scheme: dark)");
    assert_body_has(f, "color-scheme: light dark");
    assert_body_has(f, "@media (max-width:");
    assert_body_has(f, "@media print");
    assert_body_has(f, "width=device-width");
}

static unsigned count_of(struct str text, const char *what)
{
    unsigned count = 0;
    size_t n = strlen(what);
    for (size_t i = 0; i + n <= text.length; i++)
        count += !memcmp(text.data + i, what, n);
    return count;
}

static void the_page_says_what_why_when_and_which_machine(void **state)
{
    struct fixture *f = *state;
    f->facts.contact = "it-help@school.example";
    answer(f, "GET /", html);
    assert_body_has(f, "<html lang=\"en\">");
    assert_body_has(f, "<title>Blocked: ");
    assert_body_has(f, "<main>");
    assert_int_equal(count_of(f->body, "<h1"), 1);
    assert_body_has(f, "hxxp://www[.]bad[.]example/gate.php<");
    assert_body_lacks(f, "secret");
    assert_body_has(f, "Control server of malware (C&amp;C)");
    assert_body_has(f, "Emotet");
    assert_body_has(f, "threatfox, urlhaus");
    assert_body_has(f, "2024-01-01");
    assert_body_has(f, "1 January 2026, 21:00:00 (UTC+09:00)");
    assert_body_has(f, "2026-01-01 12:00:00");
    assert_body_has(f, "192.168.1.42");
    assert_body_has(f, "<p class=\"id\">CC-7F3A91B2</p>");
    assert_body_has(f, "it-help@school.example");
    answer(f, "GET /", html_ja);
    assert_field(f, "Content-Language", "ja");
    assert_body_has(f, "<html lang=\"ja\">");
    assert_body_has(f, "<title>ブロックしました: ");
    assert_int_equal(count_of(f->body, "<h1"), 1);
    assert_body_has(f, "2026年1月1日 21:00:00（UTC+09:00）");
    assert_body_has(f, "it-help@school.example");
}

static void what_is_not_known_is_left_out(void **state)
{
    struct fixture *f = *state;
    f->verdict.family[0] = '\0';
    f->verdict.first_seen = 0;
    f->facts.incident.id[0] = '\0';
    answer(f, "GET /", html);
    assert_body_lacks(f, "Malware family");
    assert_body_lacks(f, "Known since");
    assert_body_lacks(f, "class=\"reference\"");
    assert_body_has(f, "the person who looks after this network");
    assert_field(f, "Proxy-Status", "ccward; error=http_request_denied; details=\"c2\"");
}

static void a_first_contact_is_told_to_scan(void **state)
{
    struct fixture *f = *state;
    answer(f, "GET /", html);
    assert_body_has(f, "This computer tried to contact a server that controls malware");
    assert_body_has(f, "Run a scan with your malware scanner now");
    assert_body_lacks(f, "has tried before");
    assert_body_lacks(f, "ccward hits");
    answer(f, "GET /", html_ja);
    assert_body_has(f, "今すぐウイルス対策ソフトでスキャンする");
    assert_body_lacks(f, "以前にも接続");
}

static void a_repeated_contact_is_told_to_leave_the_network(void **state)
{
    struct fixture *f = *state;
    f->facts.incident.callbacks = 3;
    f->facts.incident.first_ms = noon_ms - 86400000;
    f->facts.incident.last_ms = noon_ms - 1000;
    answer(f, "GET /", html);
    assert_body_has(f, "has tried before");
    assert_body_has(f, "Take this computer off the network");
    assert_body_has(f, "Do not log in to your bank or mail from it");
    assert_body_has(f, "ccward hits");
    assert_body_has(f, "3, the first on 31 December 2025, 21:00:00 (UTC+09:00)");
    assert_body_lacks(f, "Run a scan with your malware scanner now");
    answer(f, "GET /", html_ja);
    assert_body_has(f, "以前にも接続しようとしています");
    assert_body_has(f, "3 回。最初は 2025年12月31日");
    assert_body_has(f, "ネットワークから切り離す");
}

static void contacts_of_one_visit_are_not_a_repetition(void **state)
{
    struct fixture *f = *state;
    f->facts.incident.callbacks = 2; /* the name was asked for, then the page */
    f->facts.incident.first_ms = noon_ms - 9999;
    answer(f, "GET /", html);
    assert_body_lacks(f, "has tried before");
    f->facts.incident.first_ms = noon_ms - 10000;
    answer(f, "GET /", html);
    assert_body_has(f, "has tried before");
    f->facts.incident = (struct incident_view){.id = "CC-7F3A91B2"}; /* none: first_ms is 0 */
    answer(f, "GET /", html);
    assert_body_lacks(f, "has tried before");
}

static void the_contact_that_is_going_on_is_not_an_earlier_one(void **state)
{
    struct fixture *f = *state;
    const struct {
        uint32_t callbacks;
        int64_t contact_ms;
        const char *expected; /* NULL: the first contact */
    } cases[] = {
        {1, noon_ms - 300, NULL},
        {2, noon_ms - 300, "1, the first on"}, /* its query is counted */
        {2, noon_ms - 9999, "1, the first on"},
        {2, noon_ms - 10000, "2, the first on"}, /* a contact of its own, not counted yet */
        {2, noon_ms + 100, "1, the first on"},   /* the query's worker was a little late */
        {2, 0, "2, the first on"},               /* both were before the program's start */
        {1, noon_ms - 60000, "1, the first on"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t first_ms = cases[i].expected ? noon_ms - 86400000 : cases[i].contact_ms;
        f->facts.incident.callbacks = cases[i].callbacks;
        f->facts.incident.first_ms = first_ms;
        f->facts.incident.contact_ms = cases[i].contact_ms;
        answer(f, "GET /", html);
        assert_body_has(f, cases[i].expected ? cases[i].expected : "Earlier contacts");
        assert_int_equal(body_has(f, "has tried before"), cases[i].expected != NULL);
    }
}

static void each_kind_of_block_has_its_own_words(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum category from, to;
        const char *en, *ja;
    } kinds[] = {
        {CATEGORY_C2, CATEGORY_C2, "a server that controls malware", "指令サーバーに接続しようとしました"},
        {CATEGORY_DGA, CATEGORY_FAST_FLUX, "a server that controls malware", "指令サーバーに接続しようとしました"},
        {CATEGORY_MALWARE, CATEGORY_RANSOMWARE, "This address spreads malware", "マルウェアを広めています"},
        {CATEGORY_PHISHING, CATEGORY_PHISHING, "This page tries to steal passwords", "パスワードを盗もうとしています"},
        {CATEGORY_SCAM, CATEGORY_SCAM, "This page tries to steal passwords", "パスワードを盗もうとしています"},
        {CATEGORY_CRYPTOMINING, CATEGORY_CRYPTOMINING, "by the rules of this network", "このネットワークの決まり"},
        {CATEGORY_GRAYWARE, CATEGORY_OTHER, "by the rules of this network", "このネットワークの決まり"},
    };
    unsigned seen = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (int c = kinds[i].from; c <= (int)kinds[i].to; c++, seen++) {
            f->verdict.category = (enum category)c;
            answer(f, "GET /", html);
            assert_body_has(f, kinds[i].en);
            answer(f, "GET /", html_ja);
            assert_body_has(f, kinds[i].ja);
        }
    }
    assert_int_equal(seen, CATEGORY_COUNT);
}

static void deceit_and_rules_never_speak_of_infection(void **state)
{
    struct fixture *f = *state;
    f->facts.incident.callbacks = 9; /* also when it was seen before */
    f->facts.incident.first_ms = noon_ms - 86400000;
    static const enum category harmless[] = {CATEGORY_PHISHING, CATEGORY_SCAM, CATEGORY_ADS, CATEGORY_OTHER};
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        f->verdict.category = harmless[i];
        answer(f, "GET /", html);
        assert_body_lacks(f, "probably infected");
        assert_body_has(f, "This does not mean that this computer is infected");
        assert_body_lacks(f, "Take this computer off the network");
        assert_body_lacks(f, "ccward hits");
    }
}

static void a_test_address_is_named_as_one(void **state)
{
    struct fixture *f = *state;
    answer(f, "GET /", html);
    assert_body_lacks(f, "This is a test address");
    snprintf(f->verdict.sources, sizeof f->verdict.sources, "test-hosts,urlhaus");
    answer(f, "GET /", html);
    assert_body_has(f, "This is a test address");
    assert_body_has(f, "test-hosts (built-in list of test addresses), urlhaus");
}

/* Every answer in every language, for every category, first and repeated: no name may be left over or unknown. */
static void every_page_is_whole(void **state)
{
    struct fixture *f = *state;
    static const char *const forms[] = {"Sec-Fetch-Dest: document\r\n", "Sec-Fetch-Dest: iframe\r\n", "",
                                        "Accept: application/json\r\n"};
    for (int c = 0; c < CATEGORY_COUNT; c++) {
        for (unsigned variant = 0; variant < 4 * 2 * 2; variant++) {
            char fields[128];
            snprintf(fields, sizeof fields, "%sAccept-Language: %s\r\n", forms[variant / 4], variant & 1 ? "ja" : "en");
            f->verdict.category = (enum category)c;
            f->facts.incident.callbacks = variant & 2;
            f->facts.incident.first_ms = variant & 2 ? noon_ms - 60000 : 0;
            answer(f, "GET /", fields);
            assert_true(f->body.length > 40);
            assert_body_lacks(f, "{{");
            assert_body_lacks(f, "<h3></h3>");
        }
    }
}

static void h23_hostile_values_stay_text(void **state)
{
    struct fixture *f = *state;
    static const char hostile[] = "\"'><script>alert(1)</script>&{{css}}\r\nX-Injected: 1\r\n\r\n\xff\xc0\x80\x1b[2J";
    f->facts.url = (struct str){hostile, sizeof hostile}; /* with the NUL */
    f->facts.contact = hostile;
    snprintf(f->verdict.family, sizeof f->verdict.family, "%s", hostile);
    snprintf(f->verdict.sources, sizeof f->verdict.sources, "%s", hostile);
    snprintf(f->verdict.indicator, sizeof f->verdict.indicator, "%s", hostile);
    snprintf(f->facts.incident.id, sizeof f->facts.incident.id, "\"\r\n<b>{{x}}");
    static const char *const forms[] = {"Sec-Fetch-Dest: document\r\n", "Sec-Fetch-Dest: iframe\r\n", "",
                                        "Accept: application/json\r\n"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        answer(f, "GET /", forms[i]);
        assert_null(http_field_find(&f->head, STR("x-injected")));
        assert_int_equal(f->head.field_count, 16);
        assert_field(f, "Proxy-Status", "ccward; error=http_request_denied; details=\"c2\"");
        assert_body_lacks(f, "\xff");
        assert_body_lacks(f, "\x1b");
        assert_body_lacks(f, "\r");
        assert_null(memchr(f->body.data, '\0', f->body.length));
        if (i > 1)
            continue; /* text and JSON have no markup */
        assert_body_lacks(f, "<script");
        assert_body_lacks(f, "'><");
        assert_body_lacks(f, "<b>");
    }
    answer(f, "GET /", html);
    assert_body_has(f, "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;{{css}}\\x0d\\x0aX-Injected");
}

static void h23_long_values_are_cut(void **state)
{
    struct fixture *f = *state;
    static char longest[60 * 1024];
    memset(longest, '<', sizeof longest - 1);
    f->facts.url = str_of(longest);
    f->facts.contact = longest;
    answer(f, "GET /", html);
    assert_true(f->body.length < 64 * 1024);
    assert_body_has(f, "</html>");
    memset(longest, 'a', sizeof longest - 1);
    memcpy(longest, "http://a.b/", 11);
    f->facts.contact = NULL;
    answer(f, "GET /", html);
    char expected[256];
    snprintf(expected, sizeof expected, "<code>hxxp://a[.]b/%.189s…</code>", longest + 11);
    assert_body_has(f, expected);
}

static void addresses_cannot_become_links(void **state)
{
    struct fixture *f = *state;
    static const char *const cases[][2] = {
        {"http://bad.example/a.b?q=1", "<code>hxxp://bad[.]example/a.b</code>"},
        {"HTTPS://bad.example:8443/#frag", "<code>HxxPS://bad[.]example:8443/</code>"},
        {"bad.example", "<code>bad[.]example</code>"},
        {"bad.example?x", "<code>bad[.]example</code>"},
        {"bad.example:443", "<code>bad[.]example:443</code>"},
        {"http.example", "<code>http[.]example</code>"},
        {"192.0.2.1", "<code>192[.]0[.]2[.]1</code>"},
        {"http://[2001:db8::1]/x", "<code>hxxp://[2001:db8::1]/x</code>"},
        {"http://bad.example/\xe2\x80\xae", "<code>hxxp://bad[.]example/%E2%80%AE</code>"},
        {"http://bad.example/a b\r\n", "<code>hxxp://bad[.]example/a%20b%0D%0A</code>"},
        {"/x://y.z", "<code>/x://y.z</code>"},
        {"", "<code></code>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f->facts.url = str_of(cases[i][0]);
        answer(f, "GET /", html);
        assert_body_has(f, cases[i][1]);
    }
}

static void head_has_no_body_but_the_length_of_one(void **state)
{
    struct fixture *f = *state;
    answer(f, "GET /", html);
    size_t length = f->body.length;
    answer(f, "HEAD /", html);
    assert_int_equal(f->head.status, 403);
    assert_int_equal(f->body.length, 0);
    char expected[24];
    snprintf(expected, sizeof expected, "%zu", length);
    assert_field(f, "Content-Length", expected);
}

static void parts_of_pages_get_nothing(void **state)
{
    struct fixture *f = *state;
    static const char *const fields[] = {"Sec-Fetch-Dest: image\r\n", "Sec-Fetch-Dest: script\r\n",
                                         "Accept: image/webp,*/*;q=0.8\r\n"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        answer(f, "GET /", fields[i]);
        assert_int_equal(f->head.status, 403);
        assert_int_equal(f->body.length, 0);
        assert_field(f, "Content-Length", "0");
        assert_field(f, "Content-Type", "text/plain");
        assert_field(f, "X-Content-Type-Options", "nosniff");
    }
    answer(f, "GET /", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    assert_int_equal(f->body.length, 0);
    assert_field(f, "Connection", "close");
}

static void a_program_gets_one_line(void **state)
{
    struct fixture *f = *state;
    answer(f, "POST /", "Accept: */*\r\n");
    assert_field(f, "Content-Type", "text/plain; charset=utf-8");
    assert_int_equal(count_of(f->body, "\n"), 1);
    assert_body_has(f, "CC-7F3A91B2");
    assert_body_has(f, "hxxp://www[.]bad[.]example/gate.php");
    answer(f, "CONNECT bad.example:443", "");
    assert_int_equal(f->head.status, 403);
    assert_int_equal(count_of(f->body, "\n"), 1);
}

static void a_script_gets_a_problem_in_json(void **state)
{
    struct fixture *f = *state;
    snprintf(f->verdict.family, sizeof f->verdict.family, "a\"b\\c\n\xe3\x81\x82");
    answer(f, "GET /", "Sec-Fetch-Dest: empty\r\nAccept-Language: ja\r\n");
    assert_field(f, "Content-Type", "application/problem+json");
    assert_null(http_field_find(&f->head, STR("access-control-allow-origin")));
    json_error_t error;
    json_t *problem = json_loadb(f->body.data, f->body.length, JSON_REJECT_DUPLICATES, &error);
    if (!problem)
        fail_msg("%s in %.*s", error.text, (int)f->body.length, f->body.data);
    assert_int_equal(json_integer_value(json_object_get(problem, "status")), 403);
    assert_string_equal(json_string_value(json_object_get(problem, "type")), "about:blank");
    assert_string_equal(json_string_value(json_object_get(problem, "category")), "c2");
    assert_string_equal(json_string_value(json_object_get(problem, "incident")), "CC-7F3A91B2");
    assert_string_equal(json_string_value(json_object_get(problem, "family")), "a\"b\\c\\x0a\xe3\x81\x82");
    assert_string_equal(json_string_value(json_object_get(problem, "time")), "2026-01-01T12:00:00.000Z");
    assert_non_null(strstr(json_string_value(json_object_get(problem, "title")), "ブロックしました"));
    json_decref(problem);
}

static void a_name_that_is_not_blocked_gets_404(void **state)
{
    struct fixture *f = *state;
    static const char *const languages[][2] = {{"en", "nothing is blocked under this name"},
                                               {"ja", "この名前は、ブロックの対象ではありません"}};
    static const char *const forms[] = {"Accept: text/html\r\n", "Accept: application/json\r\n", "Accept: */*\r\n"};
    for (size_t i = 0; i < 6; i++) {
        char fields[128];
        struct http_head request;
        snprintf(fields, sizeof fields, "%sAccept-Language: %s\r\n", forms[i % 3], languages[i / 3][0]);
        read_request(&request, "GET /", fields);
        buf_clear(&f->response);
        page_answer_not_blocked(&f->response, &request, STR("<i>good</i>.example"), true);
        read_response(f, request.method);
        assert_int_equal(f->head.status, 404);
        assert_null(http_field_find(&f->head, STR("proxy-status")));
        assert_body_lacks(f, "{{");
        if (i % 3) {
            assert_body_has(f, languages[i / 3][1]);
            assert_field(f, "Content-Type", "text/plain; charset=utf-8");
            continue;
        }
        assert_body_has(f, "&lt;i&gt;good&lt;/i&gt;.example");
        assert_body_lacks(f, "<i>");
    }
}

static void the_connection_stays_only_where_it_may(void **state)
{
    struct fixture *f = *state;
    struct http_head request;
    read_request(&request, "GET /", html);
    buf_clear(&f->response);
    page_answer(&f->response, &request, &f->facts, false);
    read_response(f, request.method);
    assert_field(f, "Connection", "close");
}

int main(void)
{
#define PAGE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        PAGE_TEST(the_headers_are_exactly_these),
        PAGE_TEST(the_policy_allows_this_style_and_nothing_else),
        PAGE_TEST(the_style_serves_light_and_dark_phones_and_print),
        PAGE_TEST(the_page_says_what_why_when_and_which_machine),
        PAGE_TEST(what_is_not_known_is_left_out),
        PAGE_TEST(a_first_contact_is_told_to_scan),
        PAGE_TEST(a_repeated_contact_is_told_to_leave_the_network),
        PAGE_TEST(the_contact_that_is_going_on_is_not_an_earlier_one),
        PAGE_TEST(contacts_of_one_visit_are_not_a_repetition),
        PAGE_TEST(each_kind_of_block_has_its_own_words),
        PAGE_TEST(deceit_and_rules_never_speak_of_infection),
        PAGE_TEST(a_test_address_is_named_as_one),
        PAGE_TEST(every_page_is_whole),
        PAGE_TEST(h23_hostile_values_stay_text),
        PAGE_TEST(h23_long_values_are_cut),
        PAGE_TEST(addresses_cannot_become_links),
        PAGE_TEST(head_has_no_body_but_the_length_of_one),
        PAGE_TEST(parts_of_pages_get_nothing),
        PAGE_TEST(a_program_gets_one_line),
        PAGE_TEST(a_script_gets_a_problem_in_json),
        PAGE_TEST(a_name_that_is_not_blocked_gets_404),
        PAGE_TEST(the_connection_stays_only_where_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
