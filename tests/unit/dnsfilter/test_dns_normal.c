#include "dnsfilter/dns_normal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint8_t packet[DNS_MESSAGE_MAX], out[DNS_MESSAGE_MAX];
static struct dns_note note;

static struct dname name(const char *text)
{
    struct dname dname;
    assert_int_equal(dname_from_text(str_of(text), &dname), ST_OK);
    return dname;
}

static struct dns_build start(const char *asked, uint16_t type)
{
    struct dns_message query = {.question = {name(asked), type, DNS_CLASS_IN}, .question_end = DNS_HEADER_BYTES};
    return dns_build_response(packet, sizeof packet, &query, 0);
}

static void add(struct dns_build *build, enum dns_section section, const char *owner, uint16_t type, const void *rdata,
                size_t n)
{
    struct dname dname = name(owner);
    dns_build_record(build, section, &dname, type, 300, rdata, n);
}

static void add_name(struct dns_build *build, enum dns_section section, const char *owner, uint16_t type,
                     const char *target)
{
    struct dname dname = name(target);
    add(build, section, owner, type, dname.wire, dname.length);
}

static size_t normalise(struct dns_build *build, struct dns_message *message)
{
    struct dns_message sent;
    size_t n = dns_build_finish(build);
    assert_int_equal(dns_response_parse(packet, n, &sent), ST_OK);
    size_t length = dns_normalise(&sent.question, true, 86400, packet, n, &note, out);
    if (length)
        assert_int_equal(dns_response_parse(out, length, message), ST_OK);
    return length;
}

static void bytes_are_kept_but_for_the_opt_at_the_end(void **state)
{
    (void)state;
    struct dns_message message;
    struct dns_build build = start("www.example", DNS_TYPE_A);
    dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_A, 300, "abcd", 4);
    size_t before = wire_length(&build.wire);
    dns_build_opt(&build, 4096, false, 0, DNS_EDE_STALE_ANSWER, STR("old"));
    assert_int_equal(normalise(&build, &message), before);
    assert_memory_equal(out + DNS_HEADER_BYTES, packet + DNS_HEADER_BYTES, before - DNS_HEADER_BYTES);
    assert_int_equal(message.header.arcount, 0);
    assert_int_equal(note.code, DNS_EDE_STALE_ANSWER);
    assert_true(str_eq(note.text, STR("old")));
}

static void records_of_other_names_go_and_names_in_rdata_survive(void **state)
{
    (void)state;
    struct dns_message message;
    /* The target of the first MX is compressed into a record that goes. */
    static const uint8_t mx[] = {0, 10, 0xc0, DNS_HEADER_BYTES + 17};
    struct dns_build build = start("www.example", DNS_TYPE_MX); /* 13 bytes of name, then 4 */
    add(&build, DNS_ANSWER, "bank.test", DNS_TYPE_A, "abcd", 4);
    dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_MX, 300, mx, sizeof mx);
    size_t n = normalise(&build, &message);
    assert_true(n > 0);
    assert_int_equal(message.header.ancount, 1);
    struct dns_walk walk = dns_walk_start(out, n, &message);
    struct dns_record record;
    struct dname target, expected = name("bank.test");
    assert_true(dns_walk_next(&walk, &record));
    struct cursor cursor = cursor_over(out, n);
    cursor_bytes(&cursor, record.rdata_offset + 2);
    assert_int_equal(dns_name_parse(&cursor, &target), ST_OK);
    assert_true(dname_equal(&target, &expected));
}

static void a_name_at_the_end_of_other_data_survives_as_well(void **state)
{
    (void)state;
    struct dns_message message;
    static const uint8_t naptr[] = {0, 1, 0, 2, 1, 'u', 3, 'E', '2', 'U', 0, 1, 'y', 0xc0, DNS_HEADER_BYTES + 17};
    static const uint8_t expected[] = "\0\1\0\2\1u\3E2U\0\1y\4bank\4test";
    struct dns_build build = start("www.example", 35); /* 13 bytes of name, then 4 */
    add(&build, DNS_ANSWER, "bank.test", DNS_TYPE_A, "abcd", 4);
    dns_build_own_record(&build, DNS_ANSWER, 35, 300, naptr, sizeof naptr);
    size_t n = normalise(&build, &message);
    assert_true(n > 0);
    struct dns_walk walk = dns_walk_start(out, n, &message);
    struct dns_record record;
    assert_true(dns_walk_next(&walk, &record));
    assert_int_equal(record.rdata_length, sizeof expected);
    assert_memory_equal(out + record.rdata_offset, expected, sizeof expected);
}

static void sixteen_aliases_are_followed_and_no_more(void **state)
{
    (void)state;
    for (int aliases = 16; aliases <= 17; aliases++) {
        struct dns_message message;
        struct dns_build build = start("a.example", DNS_TYPE_A);
        char from[] = "a.example", to[] = "b.example";
        for (int i = 0; i < aliases; i++, from[0]++, to[0]++)
            add_name(&build, DNS_ANSWER, from, DNS_TYPE_CNAME, to);
        add(&build, DNS_ANSWER, from, DNS_TYPE_A, "abcd", 4);
        size_t n = normalise(&build, &message);
        assert_int_equal(n > 0, aliases == 16);
        if (n)
            assert_int_equal(message.header.ancount, 17);
    }
}

static void a_question_for_the_alias_itself_does_not_follow_it(void **state)
{
    (void)state;
    struct dns_message message;
    struct dns_build build = start("a.example", DNS_TYPE_CNAME);
    add_name(&build, DNS_ANSWER, "a.example", DNS_TYPE_CNAME, "a.example");
    assert_true(normalise(&build, &message) > 0);
    assert_int_equal(message.header.ancount, 1);
}

static void a_renamed_tree_is_kept(void **state)
{
    (void)state;
    struct dns_message message;
    struct dns_build build = start("x.old.example", DNS_TYPE_A);
    add_name(&build, DNS_ANSWER, "old.example", DNS_TYPE_DNAME, "new.example");
    add_name(&build, DNS_ANSWER, "x.old.example", DNS_TYPE_CNAME, "x.new.example");
    add_name(&build, DNS_ANSWER, "other.example", DNS_TYPE_DNAME, "bad.example");
    add(&build, DNS_ANSWER, "x.new.example", DNS_TYPE_A, "abcd", 4);
    assert_true(normalise(&build, &message) > 0);
    assert_int_equal(message.header.ancount, 3);
}

static void an_alias_that_a_renamed_tree_makes_comes_with_it_when_asked_for(void **state)
{
    (void)state;
    struct dns_message message;
    struct dns_build build = start("x.old.example", DNS_TYPE_CNAME);
    add_name(&build, DNS_ANSWER, "old.example", DNS_TYPE_DNAME, "new.example");
    add_name(&build, DNS_ANSWER, "x.old.example", DNS_TYPE_CNAME, "x.new.example");
    add_name(&build, DNS_ANSWER, "other.example", DNS_TYPE_DNAME, "bad.example");
    assert_true(normalise(&build, &message) > 0);
    assert_int_equal(message.header.ancount, 2);
}

static void the_authority_section_keeps_zones_above_and_denials(void **state)
{
    (void)state;
    struct dns_message message;
    static const uint8_t soa[22] = {0};
    struct dns_build build = start("www.good.example", DNS_TYPE_A);
    add(&build, DNS_AUTHORITY, "good.example", DNS_TYPE_SOA, soa, sizeof soa);
    add(&build, DNS_AUTHORITY, "bank.example", DNS_TYPE_SOA, soa, sizeof soa);
    add_name(&build, DNS_AUTHORITY, "example", DNS_TYPE_NS, "ns.example");
    add(&build, DNS_AUTHORITY, "zz.good.example", DNS_TYPE_NSEC, "\0\0\1\1", 4);
    add(&build, DNS_AUTHORITY, "www.good.example", DNS_TYPE_A, "abcd", 4);
    assert_true(normalise(&build, &message) > 0);
    assert_int_equal(message.header.nscount, 3);
}

static void d16_the_additional_section_goes_but_for_addresses_of_name_servers(void **state)
{
    (void)state;
    for (unsigned servers = 0; servers < 2; servers++)
        for (unsigned mixed = 0; mixed < 2; mixed++) { /* what goes stands before what stays */
            struct dns_message message;
            struct dns_build build = start("www.good.example", DNS_TYPE_MX);
            dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_MX, 300, "\0\12\2mx", 6);
            if (servers)
                add_name(&build, DNS_AUTHORITY, "good.example", DNS_TYPE_NS, "ns.good.example");
            if (mixed)
                add(&build, DNS_ADDITIONAL, "mx", DNS_TYPE_TXT, "\5hello", 6);
            add(&build, DNS_ADDITIONAL, "ns.good.example", DNS_TYPE_A, "abcd", 4);
            add(&build, DNS_ADDITIONAL, "bank.test", DNS_TYPE_TXT, "\5hello", 6);
            dns_build_opt(&build, 1232, false, 0, -1, (struct str){0});
            size_t n = normalise(&build, &message);
            assert_true(n > 0);
            assert_int_equal(message.header.ancount, 1);
            assert_int_equal(message.header.nscount, servers);
            assert_int_equal(message.header.arcount, servers);
            n = dns_normal_bare(out, n);
            assert_int_equal(dns_response_parse(out, n, &message), ST_OK);
            assert_int_equal(message.header.ancount, 1);
            assert_int_equal(message.header.nscount, servers);
            assert_int_equal(message.header.arcount, 0);
            assert_int_equal(dns_normal_bare(out, n), n);
        }
}

static void errors_of_edns_and_other_questions_are_no_answers(void **state)
{
    (void)state;
    struct dns_message message;
    struct dns_build build = start("www.example", DNS_TYPE_A);
    dns_build_opt(&build, 1232, false, DNS_RCODE_BADVERS, -1, (struct str){0});
    assert_int_equal(normalise(&build, &message), 0);

    build = start("www.example", DNS_TYPE_A);
    size_t n = dns_build_finish(&build);
    struct dns_question asked = {name("WWW.example"), DNS_TYPE_A, DNS_CLASS_IN};
    assert_int_equal(dns_normalise(&asked, true, 1, packet, n, &note, out), n);
    asked.type = DNS_TYPE_AAAA;
    assert_int_equal(dns_normalise(&asked, true, 1, packet, n, &note, out), 0);
    asked = (struct dns_question){name("ww.example"), DNS_TYPE_A, DNS_CLASS_IN};
    assert_int_equal(dns_normalise(&asked, true, 1, packet, n, &note, out), 0);
    assert_int_equal(dns_normalise(&asked, true, 1, packet, n - 1, &note, out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_kept_but_for_the_opt_at_the_end),
        cmocka_unit_test(records_of_other_names_go_and_names_in_rdata_survive),
        cmocka_unit_test(a_name_at_the_end_of_other_data_survives_as_well),
        cmocka_unit_test(sixteen_aliases_are_followed_and_no_more),
        cmocka_unit_test(a_question_for_the_alias_itself_does_not_follow_it),
        cmocka_unit_test(a_renamed_tree_is_kept),
        cmocka_unit_test(an_alias_that_a_renamed_tree_makes_comes_with_it_when_asked_for),
        cmocka_unit_test(the_authority_section_keeps_zones_above_and_denials),
        cmocka_unit_test(d16_the_additional_section_goes_but_for_addresses_of_name_servers),
        cmocka_unit_test(errors_of_edns_and_other_questions_are_no_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
