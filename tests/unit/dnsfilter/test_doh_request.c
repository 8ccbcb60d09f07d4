#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "dnsfilter/doh_request.h"

/* RFC 8484 section 4.1.1: www.example.com A. */
#define QUERY "AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB"
#define PATH  "/dns-query?dns=" QUERY

static uint8_t room[DOH_MESSAGE_MAX];

static unsigned get(const char *path, struct str *message)
{
    struct http2_request request = {.method = STR("GET"), .path = str_of(path)};
    return doh_request_read(&request, room, message);
}

static unsigned post(const char *type, struct str body, struct str *message)
{
    struct http2_request request = {
        .method = STR("POST"), .path = STR("/dns-query"), .content_type = str_of(type), .body = body};
    return doh_request_read(&request, room, message);
}

static void the_query_of_the_rfc_is_read(void **state)
{
    static const uint8_t expected[] = "\0\0\1\0\0\1\0\0\0\0\0\0\3www\7example\3com\0\0\1\0\1";
    struct str message;
    (void)state;
    assert_int_equal(get(PATH, &message), 200);
    assert_int_equal(message.length, sizeof expected - 1);
    assert_memory_equal(message.data, expected, message.length);
    assert_int_equal(get("/dns-query?ct=x&dns=" QUERY "&dns=AAAA", &message), 200);
    assert_int_equal(message.length, sizeof expected - 1);
    assert_int_equal(post("application/dns-message", message, &message), 200);
    assert_int_equal(post("Application/DNS-Message ; charset=x", message, &message), 200);
    assert_memory_equal(message.data, expected, message.length);
}

static void what_is_no_query_says_why(void **state)
{
    static const struct {
        const char *path;
        unsigned status;
    } all[] = {
        {"", 404},
        {"/", 404},
        {"/dns-query/", 404},
        {"/dns-queryx?dns=" QUERY, 404},
        {"/DNS-QUERY?dns=" QUERY, 404},
        {"/dns-query", 400},
        {"/dns-query?", 400},
        {"/dns-query?dns=", 400},
        {"/dns-query?DNS=" QUERY, 400},
        {"/dns-query?xdns=" QUERY, 400},
        {"/dns-query?dns=AAAA", 400},                                         /* no whole header */
        {"/dns-query?dns=AACBAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB", 400}, /* an answer */
        {"/dns-query?dns=" QUERY "=", 400},                                   /* padding */
        {"/dns-query?dns=" QUERY "A", 400},                                   /* six bits are no byte */
        {"/dns-query?dns=" QUERY "AB", 400},                                  /* bits that are left over, and set */
        {"/dns-query?dns=AAABAAAB%41AAAAAAA", 400},
        {"/dns-query?dns=AAABAAABAAAAAA+/AA", 400}, /* of the other alphabet */
        {"/dns-query?dns=AAABAAABAAAAAA AA", 400},
    };
    struct str message;
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_int_equal(get(all[i].path, &message), all[i].status);
    assert_int_equal(post("", STR("twelve bytes"), &message), 415);
    assert_int_equal(post("text/plain", STR("twelve bytes"), &message), 415);
    assert_int_equal(post("application/dns-message", STR("twelve byte"), &message), 400);
    assert_int_equal(post("application/dns-message", (struct str){0}, &message), 400);
}

static void other_methods_are_not_taken(void **state)
{
    static const char *const methods[] = {"HEAD", "PUT", "get", "", "OPTIONS"};
    struct str message;
    (void)state;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct http2_request request = {.method = str_of(methods[i]), .path = STR(PATH)};
        assert_int_equal(doh_request_read(&request, room, &message), 405);
    }
}

static void a_query_of_any_length_comes_out_as_it_went_in(void **state)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (void)state;
    for (size_t n = 12; n < 300; n++) {
        char path[600] = "/dns-query?dns=";
        size_t at = strlen(path);
        uint8_t bytes[300];
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)(i * 151 + n);
        bytes[2] &= 0x7f; /* QR */
        for (size_t bit = 0; bit < n * 8; bit += 6) {
            unsigned word = (unsigned)bytes[bit / 8] << 8 | (bit / 8 + 1 < n ? bytes[bit / 8 + 1] : 0u);
            path[at++] = letters[word >> (10 - bit % 8) & 63];
        }
        struct str message;
        assert_int_equal(get(path, &message), 200);
        assert_int_equal(message.length, n);
        assert_memory_equal(message.data, bytes, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_query_of_the_rfc_is_read),
        cmocka_unit_test(what_is_no_query_says_why),
        cmocka_unit_test(other_methods_are_not_taken),
        cmocka_unit_test(a_query_of_any_length_comes_out_as_it_went_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
