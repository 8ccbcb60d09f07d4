/* Odd and malformed HTTP messages that other projects publish, with what they expect. Where we differ on purpose, the
 * case is listed with the reason; a listed case that no longer differs fails too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "published.h"
#include "tests/fuzz/check_http.h"

struct difference {
    const char *id, *reason;
};

enum verdict { TAKEN, WAITS, REFUSED };
static const char *const verdict_text[] = {"taken", "waits for more", "refused"};

static bool has_host(struct str text)
{
    return memmem(text.data, text.length, "\nHost:", 6) || memmem(text.data, text.length, "\nHOST:", 6);
}

/* Some collections leave Host out, which would hide what they are about. */
static struct str with_host(struct str text)
{
    static char out[200000];
    const char *end = text.length > 2 ? memmem(text.data + 2, text.length - 2, "\r\n", 2) : NULL;
    if (!end || has_host(text) || text.length > sizeof out - 20)
        return text;
    size_t line = (size_t)(end - text.data) + 2;
    memcpy(out, text.data, line);
    memcpy(out + line, "Host: a\r\n", 9);
    memcpy(out + line + 9, text.data + line, text.length - line);
    return (struct str){out, text.length + 9};
}

/* What becomes of a connection that sends TEXT: each message and its body, until it closes, tunnels or runs dry. */
static enum verdict judge(struct str text, struct str method)
{
    static struct http_head head;
    while (text.length) {
        enum status status = check_http_head(text, method, &head);
        if (status != ST_OK)
            return status == ST_TRUNCATED ? WAITS : REFUSED;
        text = str_from(text, head.length);
        struct check_body body = check_http_body(&head, text);
        if (body.status != ST_OK)
            return REFUSED;
        text = str_from(text, body.taken);
        if (!body.done)
            return WAITS;
        if (!head.keep_alive || head.upgrade || head.form == HTTP_TARGET_AUTHORITY)
            return TAKEN;
        if (method.length) /* a response's end is all that its file is about */
            return TAKEN;
    }
    return TAKEN;
}

static bool is_listed(const struct difference *differences, struct str id)
{
    for (; differences->id; differences++)
        if (str_eq(str_of(differences->id), id))
            return true;
    return false;
}

static unsigned wrong;

static void compare(struct str id, bool as_expected, enum verdict verdict, const struct difference *differences)
{
    bool listed = is_listed(differences, id);
    if (as_expected != listed)
        return;
    print_error("%.*s: %s%s\n", (int)id.length, id.data, verdict_text[verdict], listed ? ", yet listed" : "");
    wrong++;
}

/* http11probe: by level and expectation. */

static bool expects_refusal(struct str expectation)
{
    static const char *const refusals[] = {"Exact 400", "400 or close", "400/501 or close", "400, or close"};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (str_starts(expectation, str_of(refusals[i])))
            return true;
    return false;
}

static const struct difference http11probe[] = {
    {"SMUG-CLTE-DESYNC", "a probe of two steps; the file has the harmless first"},
    {"SMUG-TECL-DESYNC", "as above"},
    {"SMUG-CHUNK-INVALID-SIZE-DESYNC", "as above"},
    {NULL, NULL},
};

static void what_http11probe_requires(void **state)
{
    (void)state;
    struct str table = published_file("http", "http11probe.tsv"), rows = table, cells[PUBLISHED_CELLS];
    unsigned refused = 0, accepted = 0;
    if (!table.data)
        skip();
    wrong = 0;
    while (published_row(&rows, cells)) {
        char name[200];
        snprintf(name, sizeof name, "%.*s.req", (int)cells[0].length, cells[0].data);
        struct str file = published_file("http/http11probe", name);
        if (!file.data)
            continue;
        enum verdict verdict = judge(file, STR(""));
        if (str_eq(cells[1], STR("Must")) && expects_refusal(cells[3])) {
            compare(cells[0], verdict == REFUSED, verdict, http11probe);
            refused++;
        } else if (str_starts(cells[3], STR("400/close/timeout"))) {
            compare(cells[0], verdict != TAKEN, verdict, http11probe);
        } else if (str_starts(cells[3], STR("2xx")) || str_starts(cells[3], STR("Range2xx"))) {
            compare(cells[0], verdict == TAKEN, verdict, http11probe);
            accepted++;
        }
        published_free(file);
    }
    published_free(table);
    print_message("%u to be refused, %u to be taken\n", refused, accepted);
    assert_true(refused > 50 && accepted > 20);
    assert_int_equal(wrong, 0);
}

/* llhttp: its strict mode's verdict. */

static const struct difference llhttp[] = {
    {"request-connection-02.raw", "the second request has no Host"},
    {"request-pipelining-01.raw", "as above"},
    {"request-connection-05.raw", "two empty lines before a request; we skip one"},
    {"request-content-length-01.raw", "a length with leading zeros"},
    {"request-content-length-02.raw", "as above"},
    {"request-invalid-04.raw", "ANNOUNCE over HTTP: any token is a method here"},
    {"request-invalid-14.raw", "MKCOLA, as above"},
    {"request-method-04.raw", "CONNECT with content"},
    {"request-method-05.raw", "M-SEARCH *, which is UPnP over UDP; `*` is for OPTIONS"},
    {"request-method-12.raw", "ICE"},
    {"request-method-13.raw", "RTSP"},
    {"request-method-14.raw", "RTSP"},
    {"request-sample-03.raw", "Host: 0.0.0.0=5000"},
    {"request-sample-04.raw", "as above"},
    {"request-sample-10.raw", "HTTP/0.9"},
    {"request-transfer-encoding-20.raw", "a coding other than chunked"},
    {"request-transfer-encoding-21.raw", "as above"},
    {"request-uri-08.raw", "a fragment in the target"},
    {"request-uri-10.raw", "userinfo in the target"},
    {"response-sample-02.raw", "RTSP"},
    {"response-sample-03.raw", "ICE"},
    {"response-sample-18.raw", "HTTP/0.9"},
    {"response-sample-20.raw", "RFC 9112 section 2.2 lets an empty line pass before requests only"},
    {"response-transfer-encoding-02.raw", "a coding other than chunked"},
    {"response-transfer-encoding-03.raw", "as above"},
    {"response-transfer-encoding-04.raw", "as above"},
    {NULL, NULL},
};

static void check_llhttp(const char *folder, const char *kind, struct str method)
{
    struct str table = published_file("http", "llhttp.tsv"), rows = table, cells[PUBLISHED_CELLS];
    unsigned compared = 0;
    if (!table.data)
        skip();
    wrong = 0;
    while (published_row(&rows, cells)) {
        char name[200], strict[40];
        snprintf(strict, sizeof strict, "\"%s\"", kind);
        snprintf(name, sizeof name, "%.*s", (int)cells[0].length, cells[0].data);
        bool is_strict = memmem(cells[2].data, cells[2].length, strict, strlen(strict));
        struct str file = is_strict ? published_file(folder, name) : (struct str){0};
        if (!file.data)
            continue;
        enum verdict verdict = judge(method.length ? file : with_host(file), method);
        bool ok = str_starts(cells[3], STR("ok")) || str_starts(cells[3], STR("error 22")) ||
                  str_starts(cells[3], STR("error 5")); /* upgrades; bytes after a close, which are not for a parser */
        compare(cells[0], ok ? verdict != REFUSED : verdict != TAKEN, verdict, llhttp);
        published_free(file);
        compared++;
    }
    published_free(table);
    print_message("%u compared\n", compared);
    assert_true(compared > 40);
    assert_int_equal(wrong, 0);
}

static void what_llhttp_says_of_requests(void **state)
{
    (void)state;
    check_llhttp("http/llhttp-request", "request", STR(""));
}

static void what_llhttp_says_of_responses(void **state)
{
    (void)state;
    check_llhttp("http/llhttp-response", "response", STR("GET"));
}

/* desync-guardian: heads by tier. */

static const struct difference desync_guardian[] = {
    {"ambiguous-07.raw", "Transfer_Encoding is a field of its own, passed on as it came"},
    {"ambiguous-08.raw", "Content_Length, as above"},
    {"ambiguous-30.raw", "Transfer--Encoding or the like, as above"},
    {"ambiguous-31.raw", "as above"},
    {"ambiguous-12.raw", "GET with a body, framed as of any other method"},
    {"ambiguous-13.raw", "as above"},
    {"ambiguous-14.raw", "HEAD, as above"},
    {"ambiguous-15.raw", "HEAD, as above"},
    {"real-life-test-cases-00.raw", "GET, as above"},
    {"real-life-test-cases-01.raw", "GET, as above"},
    {"more-compliant-tests-05.raw", "a coding other than chunked"},
    {"more-compliant-tests-07.raw", "as above"},
    {"more-compliant-tests-08.raw", "as above"},
    {"more-compliant-tests-09.raw", "as above"},
    {"rfc-compliant-08.raw", "as above"},
    {"rfc-compliant-09.raw", "as above"},
    {"rfc-compliant-10.raw", "as above"},
    {"rfc-compliant-11.raw", "a fragment in the target"},
    {"rfc-compliant-13.raw", "no target"},
    {NULL, NULL},
};

static void what_desync_guardian_tells_apart(void **state)
{
    (void)state;
    struct str table = published_file("http", "desync-guardian.tsv"), rows = table, cells[PUBLISHED_CELLS];
    if (!table.data)
        skip();
    wrong = 0;
    while (published_row(&rows, cells)) {
        char name[200];
        snprintf(name, sizeof name, "%.*s", (int)cells[0].length, cells[0].data);
        struct str file = published_file("http/desync-guardian", name);
        if (!file.data)
            continue;
        enum verdict verdict = judge(with_host(file), STR(""));
        if (str_eq(cells[2], STR("Severe")) || str_eq(cells[2], STR("Ambiguous")))
            compare(cells[0], verdict == REFUSED, verdict, desync_guardian);
        else if (str_eq(cells[2], STR("Compliant")))
            compare(cells[0], verdict != REFUSED, verdict, desync_guardian);
        published_free(file);
    }
    published_free(table);
    assert_int_equal(wrong, 0);
}

static unsigned taken;

static void check_response(const char *folder, const char *name)
{
    struct str file = published_file(folder, name);
    assert_non_null(file.data);
    taken += judge(file, STR("GET")) != REFUSED;
    published_free(file);
}

static void odd_responses_of_curls_tests(void **state)
{
    (void)state;
    taken = 0;
    unsigned files = published_each("http/curl-responses", check_response);
    if (!files)
        skip();
    print_message("%u of %u taken\n", taken, files);
    assert_true(taken > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_http11probe_requires),     cmocka_unit_test(what_llhttp_says_of_requests),
        cmocka_unit_test(what_llhttp_says_of_responses), cmocka_unit_test(what_desync_guardian_tells_apart),
        cmocka_unit_test(odd_responses_of_curls_tests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
