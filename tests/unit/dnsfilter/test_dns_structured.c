#include "dnsfilter/dns_structured.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static char out[DNS_STRUCTURED_MAX + 1];

static const char *text_of(const struct dns_note *note, size_t room)
{
    size_t n = dns_structured_text(note, room, out);
    assert_true(n <= room);
    out[n] = '\0';
    return out;
}

static const char *with_contact(const char *contact)
{
    struct dns_note note = {.code = DNS_EDE_BLOCKED, .sub_error = DNS_SUB_MALWARE, .contact = str_of(contact)};
    return text_of(&note, DNS_STRUCTURED_MAX);
}

static void a_contact_is_a_uri_or_the_name_of_who_is_responsible(void **state)
{
    (void)state;
    assert_string_equal(with_contact(""), "{\"s\":1}");
    assert_string_equal(with_contact("it@office.example"), "{\"c\":[\"mailto:it@office.example\"],\"s\":1}");
    assert_string_equal(with_contact("mailto:it@office.example"), "{\"c\":[\"mailto:it@office.example\"],\"s\":1}");
    assert_string_equal(with_contact("+49-123-4567"), "{\"c\":[\"tel:+49-123-4567\"],\"s\":1}");
    assert_string_equal(with_contact("Ms Sato, telephone 12"),
                        "{\"s\":1,\"o\":\"Ms Sato, telephone 12\",\"l\":\"en\"}");
    assert_string_equal(with_contact("a@b@c"), "{\"s\":1,\"o\":\"a@b@c\",\"l\":\"en\"}");
    assert_string_equal(with_contact("https://x.example/"), "{\"s\":1,\"o\":\"https://x.example/\",\"l\":\"en\"}");
}

static void nothing_breaks_out_of_the_text(void **state)
{
    (void)state;
    struct dns_note note = {.text = STR("c2: a\"b\\c</script>\n")};
    assert_string_equal(text_of(&note, DNS_STRUCTURED_MAX), "{\"j\":\"c2: a\\\"b\\\\c</script>\\n\",\"l\":\"en\"}");
}

static void words_are_left_out_where_there_is_no_room_and_then_all(void **state)
{
    (void)state;
    char why[DNS_NOTE_SIZE];
    memset(why, 'x', sizeof why);
    struct dns_note note = {.text = {why, sizeof why}, .sub_error = DNS_SUB_POLICY, .contact = STR("it@a.example")};
    const char *whole = text_of(&note, DNS_STRUCTURED_MAX);
    size_t n = strlen(whole);
    assert_non_null(strstr(whole, "\"j\":\"xxx"));
    assert_int_equal(dns_structured_text(&note, n, out), n);
    assert_string_equal(text_of(&note, n - 1), "{\"c\":[\"mailto:it@a.example\"],\"s\":6}");
    assert_int_equal(dns_structured_text(&note, 10, out), 0);
    assert_int_equal(dns_structured_text(&note, 0, out), 0);
}

static void every_category_has_a_sub_error(void **state)
{
    (void)state;
    for (int category = 0; category < CATEGORY_COUNT; category++)
        assert_int_not_equal(dns_sub_error_of((enum category)category), DNS_SUB_NONE);
    assert_int_equal(dns_sub_error_of(CATEGORY_C2), DNS_SUB_MALWARE);
    assert_int_equal(dns_sub_error_of(CATEGORY_PHISHING), DNS_SUB_PHISHING);
    assert_int_equal(dns_sub_error_of(CATEGORY_ADS), DNS_SUB_POLICY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contact_is_a_uri_or_the_name_of_who_is_responsible),
        cmocka_unit_test(nothing_breaks_out_of_the_text),
        cmocka_unit_test(words_are_left_out_where_there_is_no_room_and_then_all),
        cmocka_unit_test(every_category_has_a_sub_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
