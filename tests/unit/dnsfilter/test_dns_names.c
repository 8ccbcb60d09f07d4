#include "dnsfilter/dns_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static struct dname name_of(const char *text)
{
    struct dname name;
    assert_int_equal(dname_from_text(str_of(text), &name), ST_OK);
    return name;
}

static enum dns_place_kind kind_of(const struct dns_names *names, const char *text)
{
    struct dns_question question = {.name = name_of(text), .type = DNS_TYPE_A, .class = DNS_CLASS_IN};
    struct dns_place place;
    dns_names_find(names, &question, true, &place);
    return place.kind;
}

static struct dns_names *make(const struct dns_names_settings *settings)
{
    struct hosts_file_facts facts;
    struct dns_names *names = dns_names_new(settings, &facts);
    assert_non_null(names);
    return names;
}

static void every_special_zone_is_found_at_and_below_its_top_and_nothing_beside_it(void **state)
{
    (void)state;
    struct dns_names *names = make(&(struct dns_names_settings){0});
    struct dname zone;
    size_t count = 0;
    for (; dns_special_at(count, &zone); count++) {
        char text[DNAME_TEXT_SIZE], below[DNAME_TEXT_SIZE + 8], beside[DNAME_TEXT_SIZE + 8];
        dname_to_text(&zone, text);
        snprintf(below, sizeof below, "A.b.%s", text);
        snprintf(beside, sizeof beside, "%s.x", text);
        bool loopback = str_starts(str_of(text), STR("1.0.")) && zone.labels == 34; /* leads to localhost */
        assert_int_equal(kind_of(names, text), loopback ? DNS_PLACE_RECORDS : DNS_PLACE_SPECIAL);
        assert_int_equal(kind_of(names, below), DNS_PLACE_SPECIAL);
        assert_int_equal(kind_of(names, beside), DNS_PLACE_WORLD);
    }
    assert_int_equal(count, 11 + 4 + 64 + 16 + 5 + 8);
    static const char *const world[] = {".",
                                        "arpa",
                                        "in-addr.arpa",
                                        "ip6.arpa",
                                        "15.172.in-addr.arpa",
                                        "32.172.in-addr.arpa",
                                        "1.0.100.in-addr.arpa",
                                        "8.8.8.8.in-addr.arpa",
                                        "example",
                                        "www.example.com",
                                        "localhos",
                                        "local.example",
                                        "nlocal"};
    for (size_t i = 0; i < sizeof world / sizeof world[0]; i++)
        assert_int_equal(kind_of(names, world[i]), DNS_PLACE_WORLD);
    dns_names_unref(names);
}

static void every_type_of_every_special_zone_has_a_well_formed_answer(void **state)
{
    (void)state;
    struct dns_names *names = make(&(struct dns_names_settings){0});
    struct dname zone;
    for (size_t i = 0; dns_special_at(i, &zone); i++)
        for (unsigned type = 1; type <= 300; type++) {
            struct dns_message query = {.header = {.flags = DNS_FLAG_RD, .qdcount = 1},
                                        .question = {.name = zone, .type = (uint16_t)type, .class = DNS_CLASS_IN},
                                        .edns = {.present = true, .udp_size = 1232},
                                        .question_end = DNS_HEADER_BYTES};
            struct dns_message answer;
            struct dns_place place;
            uint8_t out[512];
            dns_names_find(names, &query.question, true, &place);
            if (place.kind == DNS_PLACE_WORLD) {
                assert_true(type == DNS_TYPE_DS || type == DNS_TYPE_AAAA);
                continue;
            }
            size_t n = dns_names_answer(out, sizeof out, sizeof out, &query, names, &place);
            assert_int_equal(dns_response_parse(out, n, &answer), ST_OK);
            assert_true(answer.header.ancount || answer.header.nscount == 1); /* the SOA */
            assert_int_equal(answer.question.type, type);
        }
    dns_names_unref(names);
}

static void the_longest_name_there_can_be_is_looked_for(void **state)
{
    (void)state;
    struct dns_names *names = make(&(struct dns_names_settings){0});
    uint8_t wire[DNAME_MAX_BYTES];
    for (size_t i = 0; i < DNAME_MAX_BYTES - 1; i += 2)
        wire[i] = 1, wire[i + 1] = 'A';
    wire[DNAME_MAX_BYTES - 1] = 0;
    struct dns_question question = {.type = DNS_TYPE_A, .class = DNS_CLASS_IN};
    struct dns_place place;
    assert_int_equal(dname_from_wire(wire, sizeof wire, &question.name), ST_OK);
    dns_names_find(names, &question, true, &place);
    assert_int_equal(place.kind, DNS_PLACE_WORLD);
    dns_names_unref(names);
}

static void forwarded_domains_and_the_root_are_never_special(void **state)
{
    (void)state;
    struct dname forwarded[] = {name_of("Home.ARPA"), name_of("a.internal")};
    struct dns_names *names = make(&(struct dns_names_settings){.forwarded = forwarded, .forwarded_count = 2});
    assert_int_equal(kind_of(names, "home.arpa"), DNS_PLACE_WORLD);
    assert_int_equal(kind_of(names, "x.HOME.arpa"), DNS_PLACE_WORLD);
    assert_int_equal(kind_of(names, "x.a.internal"), DNS_PLACE_WORLD);
    assert_int_equal(kind_of(names, "internal"), DNS_PLACE_SPECIAL);
    assert_int_equal(kind_of(names, "b.internal"), DNS_PLACE_SPECIAL);
    dns_names_unref(names);
}

static void a_hundred_thousand_names_of_a_hosts_file_are_all_found(void **state)
{
    (void)state;
    struct buf text = {0};
    char name[64];
    for (unsigned i = 0; i < 100000; i++)
        buf_printf(&text, "10.%u.%u.%u host%u.example alias%u\n", i >> 16 & 255, i >> 8 & 255, i & 255, i, i);
    struct dns_names *names = make(&(struct dns_names_settings){.hosts_file = {text.data, text.length}});
    buf_free(&text);
    for (unsigned i = 0; i < 100000; i += 7) {
        snprintf(name, sizeof name, "HOST%u.example", i);
        assert_int_equal(kind_of(names, name), DNS_PLACE_RECORDS);
        snprintf(name, sizeof name, "alias%u", i);
        assert_int_equal(kind_of(names, name), DNS_PLACE_RECORDS);
        snprintf(name, sizeof name, "%u.%u.%u.10.in-addr.arpa", i & 255, i >> 8 & 255, i >> 16 & 255);
        assert_int_equal(kind_of(names, name), DNS_PLACE_RECORDS);
        snprintf(name, sizeof name, "host%u.exampl", i);
        assert_int_equal(kind_of(names, name), DNS_PLACE_WORLD);
    }
    dns_names_unref(names);
}

struct seen {
    const struct dns_names *names;
    size_t count;
};

static bool check_alias(void *arg, const struct dname *name, const struct dname *target)
{
    struct seen *seen = arg;
    struct dns_question question = {.name = *name, .type = DNS_TYPE_AAAA, .class = DNS_CLASS_IN};
    struct dns_place place;
    struct dname found;
    dns_names_find(seen->names, &question, true, &place);
    assert_int_equal(place.kind, DNS_PLACE_ALIAS);
    dns_names_target(seen->names, &place, &found);
    assert_true(dname_equal(&found, target));
    question.name = *target;
    dns_names_find(seen->names, &question, true, &place); /* or it would go round */
    assert_int_equal(place.kind, DNS_PLACE_WORLD);
    seen->count++;
    return true;
}

static void every_name_of_a_search_engine_leads_to_its_safe_one(void **state)
{
    (void)state;
    struct dns_names *names = make(&(struct dns_names_settings){.safe_search = true, .youtube = DNS_YOUTUBE_STRICT});
    struct seen seen = {.names = names};
    assert_true(dns_safe_search_each(true, DNS_YOUTUBE_STRICT, check_alias, &seen));
    assert_true(seen.count > 180);
    assert_int_equal(kind_of(names, "google.com"), DNS_PLACE_WORLD);
    assert_int_equal(kind_of(names, "x.www.google.com"), DNS_PLACE_WORLD);
    dns_names_unref(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_special_zone_is_found_at_and_below_its_top_and_nothing_beside_it),
        cmocka_unit_test(every_type_of_every_special_zone_has_a_well_formed_answer),
        cmocka_unit_test(the_longest_name_there_can_be_is_looked_for),
        cmocka_unit_test(forwarded_domains_and_the_root_are_never_special),
        cmocka_unit_test(every_name_of_a_search_engine_leads_to_its_safe_one),
        cmocka_unit_test(a_hundred_thousand_names_of_a_hosts_file_are_all_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
