#include "dnsfilter/dns_cache.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_TTL_S = 86400, MAX_NEGATIVE_TTL_S = 3600, MAX_FAILURE_TTL_S = 300 };

static const uint8_t address[4] = {198, 51, 100, 1};
static const uint8_t soa_rdata[] = "\000\000\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\74"; /* minimum 60 */

static struct dns_cache *new_cache(size_t max_bytes)
{
    struct dns_cache_settings settings = {.max_bytes = max_bytes,
                                          .max_ttl_s = MAX_TTL_S,
                                          .max_negative_ttl_s = MAX_NEGATIVE_TTL_S,
                                          .max_failure_ttl_s = MAX_FAILURE_TTL_S,
                                          .stale_ttl_s = 30};
    struct dns_cache *cache = dns_cache_new(&settings);
    assert_non_null(cache);
    return cache;
}

static struct dns_message question(const char *name, uint16_t type)
{
    struct dns_message message = {.question = {.type = type, .class = DNS_CLASS_IN}, .question_end = DNS_HEADER_BYTES};
    assert_int_equal(dname_from_text(str_of(name), &message.question.name), ST_OK);
    return message;
}

static struct dns_cache_key key_of(const struct dns_message *message)
{
    return (struct dns_cache_key){
        .name = &message->question.name, .type = message->question.type, .class = message->question.class};
}

struct form {
    unsigned rcode;
    bool answer, soa, opt, tc;
    uint32_t ttl, soa_ttl;
};

static size_t build(const struct dns_message *query, struct form form, uint8_t *out, size_t size)
{
    struct dns_build response = dns_build_response(out, size, query, form.rcode);
    if (form.tc)
        response.header.flags |= DNS_FLAG_TC;
    if (form.answer)
        dns_build_own_record(&response, DNS_ANSWER, DNS_TYPE_A, form.ttl, address, sizeof address);
    if (form.soa)
        dns_build_own_record(&response, DNS_AUTHORITY, DNS_TYPE_SOA, form.soa_ttl, soa_rdata, sizeof soa_rdata - 1);
    if (form.opt)
        dns_build_opt(&response, 1232, false, 0, -1, (struct str){0});
    size_t n = dns_build_finish(&response);
    assert_true(n > 0);
    return n;
}

static void put(struct dns_cache *cache, const char *name, struct form form, int64_t now_ms)
{
    uint8_t response[1024];
    struct dns_message query = question(name, DNS_TYPE_A);
    struct dns_cache_key key = key_of(&query);
    dns_cache_put(cache, &key, now_ms, response, build(&query, form, response, sizeof response), false);
}

static size_t get(struct dns_cache *cache, const char *name, uint16_t type, int64_t now_ms, uint8_t *out, size_t size)
{
    struct dns_message query = question(name, type);
    struct dns_cache_key key = key_of(&query);
    enum dns_cache_age age;
    return dns_cache_get(cache, &key, now_ms, out, size, &age);
}

static bool has(struct dns_cache *cache, const char *name, uint16_t type, int64_t now_ms)
{
    uint8_t out[1024];
    return get(cache, name, type, now_ms, out, sizeof out) > 0;
}

/* The TTL of the first record; -1: nothing is cached. */
static int64_t ttl_at(struct dns_cache *cache, const char *name, int64_t now_ms)
{
    uint8_t out[1024];
    struct dns_message message;
    struct dns_record record;
    size_t n = get(cache, name, DNS_TYPE_A, now_ms, out, sizeof out);
    if (!n)
        return -1;
    assert_int_equal(dns_response_parse(out, n, &message), ST_OK);
    struct dns_walk walk = dns_walk_start(out, n, &message);
    assert_true(dns_walk_next(&walk, &record));
    return record.ttl;
}

static const struct form plain = {.answer = true, .ttl = 300};

static void an_answer_comes_back_with_its_ttl_counted_down(void **state)
{
    (void)state;
    struct dns_cache *cache = new_cache(1 << 20);
    put(cache, "www.example", plain, 5000);
    assert_int_equal(ttl_at(cache, "www.example", 5000), 300);
    assert_int_equal(ttl_at(cache, "WWW.Example", 5999), 300);
    assert_int_equal(ttl_at(cache, "www.example", 6000), 299);
    assert_int_equal(ttl_at(cache, "www.example", 304999), 1);
    assert_int_equal(ttl_at(cache, "www.example", 305000), -1);
    assert_int_equal(dns_cache_counters(cache).entries, 0);
    assert_int_equal(dns_cache_counters(cache).bytes, 0);
    dns_cache_free(cache);
}

static void a_clock_a_little_behind_does_no_harm(void **state)
{
    (void)state;
    struct dns_cache *cache = new_cache(1 << 20);
    put(cache, "www.example", plain, 5000);
    assert_int_equal(ttl_at(cache, "www.example", 4990), 300);
    dns_cache_free(cache);
}

static void ttls_are_cut_and_zero_is_not_kept(void **state)
{
    (void)state;
    struct dns_cache *cache = new_cache(1 << 20);
    put(cache, "long.example", (struct form){.answer = true, .ttl = 0x80000001}, 0);
    assert_int_equal(ttl_at(cache, "long.example", 0), MAX_TTL_S);
    assert_int_equal(ttl_at(cache, "long.example", (int64_t)MAX_TTL_S * 1000), -1);
    put(cache, "zero.example", (struct form){.answer = true, .ttl = 0}, 0);
    assert_int_equal(ttl_at(cache, "zero.example", 0), -1);
    dns_cache_free(cache);
}

static void a_name_that_does_not_exist_is_kept_for_every_type(void **state)
{
    (void)state;
    struct dns_cache *cache = new_cache(1 << 20);
    put(cache, "no.example", (struct form){.rcode = DNS_RCODE_NXDOMAIN, .soa = true, .soa_ttl = 900}, 0);
    assert_int_equal(ttl_at(cache, "no.example", 0), 60); /* the SOA's minimum */
    assert_true(has(cache, "no.example", DNS_TYPE_TXT, 59999));
    assert_false(has(cache, "below.no.example", DNS_TYPE_A, 0));
    assert_false(has(cache, "no.example", DNS_TYPE_A, 60000));
    dns_cache_free(cache);
}

static void no_data_is_kept_for_its_type_alone(void **state)
{
    (void)state;
    struct dns_cache *cache = new_cache(1 << 20);
    put(cache, "half.example", (struct form){.soa = true, .soa_ttl = 30}, 0);
    assert_int_equal(ttl_at(cache, "half.example", 0), 30);
    assert_false(has(cache, "half.example", DNS_TYPE_AAAA, 0));
    dns_cache_free(cache);
}

static void what_must_not_be_cached_is_not(void **state)
{
    (void)state;
    static const struct form forms[] = {
        {.rcode = DNS_RCODE_NXDOMAIN}, /* without an SOA */
        {.rcode = DNS_RCODE_NOERROR},  /* the same */
        {.answer = true, .ttl = 300, .tc = true},
        {.answer = true, .ttl = 300, .opt = true},
        {.rcode = DNS_RCODE_NXDOMAIN, .soa = true, .soa_ttl = 0},
    };
    struct dns_cache *cache = new_cache(1 << 20);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        put(cache, "www.example", forms[i], 0);
        assert_false(has(cache, "www.example", DNS_TYPE_A, 0));
    }
    uint8_t junk[] = "\0\1\x81\x80\0\1\0\1\0\0\0\0";
    struct dns_message query = question("www.example", DNS_TYPE_A);
    struct dns_cache_key key = key_of(&query);
    dns_cache_put(cache, &key, 0, junk, sizeof junk - 1, false);
    assert_int_equal(dns_cache_counters(cache).entries, 0);
    dns_cache_free(cache);
}

static const struct form failure = {.rcode = DNS_RCODE_SERVFAIL};

static void d22_a_failure_is_kept_for_five_seconds_and_twice_as_long_each_time(void **state)
{
    (void)state;
    static const int64_t seconds[] = {5, 10, 20, 40, 80, 160, 300, 300, 300};
    struct dns_cache *cache = new_cache(1 << 20);
    int64_t now_ms = 0;
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        put(cache, "www.example", failure, now_ms);
        now_ms += seconds[i] * 1000;
        assert_true(has(cache, "www.example", DNS_TYPE_A, now_ms - 1));
        assert_false(has(cache, "www.example", DNS_TYPE_AAAA, now_ms - 1));
        assert_false(has(cache, "www.example", DNS_TYPE_A, now_ms));
    }
    put(cache, "www.example", (struct form){.rcode = DNS_RCODE_REFUSED}, now_ms += 600000); /* long ago */
    assert_true(has(cache, "www.example", DNS_TYPE_A, now_ms + 4999));
    assert_false(has(cache, "www.example", DNS_TYPE_A, now_ms + 5000));
    put(cache, "www.example", plain, now_ms + 5000);
    put(cache, "www.example", failure, now_ms + 400000);
    assert_false(has(cache, "www.example", DNS_TYPE_A, now_ms + 405000)); /* an answer between begins anew */
    dns_cache_free(cache);
}

static void failures_are_not_kept_where_that_is_turned_off(void **state)
{
    (void)state;
    struct dns_cache_settings settings = {.max_bytes = 1 << 20, .max_ttl_s = MAX_TTL_S};
    struct dns_cache *cache = dns_cache_new(&settings);
    put(cache, "www.example", failure, 0);
    assert_false(has(cache, "www.example", DNS_TYPE_A, 0));
    dns_cache_free(cache);
}

static void failures_of_an_outage_are_forgotten_with_it(void **state)
{
    (void)state;
    struct dns_cache *cache = new_cache(1 << 20);
    put(cache, "good.example", plain, 0);
    put(cache, "www.example", failure, 0);
    put(cache, "www.example", failure, 5000);
    dns_cache_forget_failures(cache);
    assert_false(has(cache, "www.example", DNS_TYPE_A, 5000));
    assert_true(has(cache, "good.example", DNS_TYPE_A, 5000));
    put(cache, "www.example", failure, 5000);
    assert_true(has(cache, "www.example", DNS_TYPE_A, 9999));
    assert_false(has(cache, "www.example", DNS_TYPE_A, 10000));
    dns_cache_free(cache);
}

static void many_failures_push_out_no_answers(void **state)
{
    (void)state;
    struct dns_cache *cache = new_cache(1 << 18);
    char name[64];
    uint64_t answers;
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "good%d.example", i);
        put(cache, name, plain, 0);
    }
    answers = dns_cache_counters(cache).entries;
    assert_int_equal(answers, 300);
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "bad%d.example", i);
        put(cache, name, failure, 0);
    }
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "good%d.example", i);
        assert_true(has(cache, name, DNS_TYPE_A, 0));
    }
    assert_true(has(cache, "bad19999.example", DNS_TYPE_A, 0));
    dns_cache_free(cache);
}

/* What is told at NOW_MS of www.example. */
static enum dns_cache_age age_at(struct dns_cache *cache, int64_t now_ms)
{
    uint8_t out[1024];
    struct dns_message query = question("www.example", DNS_TYPE_A);
    struct dns_cache_key key = key_of(&query);
    enum dns_cache_age age;
    size_t n = dns_cache_get(cache, &key, now_ms, out, sizeof out, &age);
    assert_int_equal(n > 0, age != DNS_CACHE_NONE && age != DNS_CACHE_EXPIRED);
    return age;
}

/* The rcode of the stale answer for NAME, with its TTL; -1: there is none. */
static int stale_at(struct dns_cache *cache, const char *name, int64_t now_ms, uint32_t *ttl_s)
{
    uint8_t out[1024];
    struct dns_message query = question(name, DNS_TYPE_A), message;
    struct dns_cache_key key = key_of(&query);
    struct dns_record record;
    size_t n = dns_cache_get_stale(cache, &key, now_ms, out, sizeof out);
    if (!n)
        return -1;
    assert_int_equal(dns_response_parse(out, n, &message), ST_OK);
    assert_false(message.header.flags & DNS_FLAG_AD);
    struct dns_walk walk = dns_walk_start(out, n, &message);
    assert_true(dns_walk_next(&walk, &record));
    *ttl_s = record.ttl;
    return dns_header_rcode(&message.header);
}

static struct dns_cache *new_stale_cache(void)
{
    struct dns_cache_settings settings = {.max_bytes = 1 << 20,
                                          .max_ttl_s = MAX_TTL_S,
                                          .max_negative_ttl_s = MAX_NEGATIVE_TTL_S,
                                          .max_failure_ttl_s = MAX_FAILURE_TTL_S,
                                          .stale_s = 86400,
                                          .stale_ttl_s = 30,
                                          .prefetch = true};
    struct dns_cache *cache = dns_cache_new(&settings);
    assert_non_null(cache);
    return cache;
}

static void d21_an_answer_whose_time_is_up_is_given_for_a_day_to_who_asks_for_it(void **state)
{
    (void)state;
    enum { DAY_MS = 86400000 };
    uint32_t ttl_s;
    struct dns_cache *cache = new_stale_cache();
    put(cache, "www.example", plain, 0);
    assert_int_equal(stale_at(cache, "www.example", 100000, &ttl_s), DNS_RCODE_NOERROR);
    assert_int_equal(ttl_s, 200); /* not stale */
    assert_int_equal(age_at(cache, 300000), DNS_CACHE_EXPIRED);
    assert_int_equal(stale_at(cache, "www.example", 300000, &ttl_s), DNS_RCODE_NOERROR);
    assert_int_equal(ttl_s, 30);
    assert_int_equal(stale_at(cache, "www.example", 300000 + DAY_MS - 1, &ttl_s), DNS_RCODE_NOERROR);
    assert_int_equal(stale_at(cache, "www.example", 300000 + DAY_MS, &ttl_s), -1);
    assert_int_equal(dns_cache_counters(cache).entries, 0);
    assert_int_equal(dns_cache_counters(cache).stale, 2);
    dns_cache_free(cache);
}

static void d21_after_a_failure_an_answer_is_held_for_thirty_seconds(void **state)
{
    (void)state;
    uint32_t ttl_s;
    struct dns_cache *cache = new_stale_cache();
    put(cache, "www.example", plain, 0);
    put(cache, "www.example", failure, 301000);
    assert_int_equal(age_at(cache, 301000), DNS_CACHE_HELD);
    assert_int_equal(age_at(cache, 330999), DNS_CACHE_HELD);
    assert_int_equal(age_at(cache, 331000), DNS_CACHE_EXPIRED);
    assert_int_equal(dns_cache_counters(cache).entries, 1);
    put(cache, "www.example", plain, 331000);
    assert_int_equal(age_at(cache, 331000), DNS_CACHE_FRESH);
    assert_int_equal(stale_at(cache, "none.example", 0, &ttl_s), -1);
    put(cache, "none.example", failure, 331000);
    assert_int_equal(stale_at(cache, "none.example", 331000, &ttl_s), -1); /* a failure is no answer */
    dns_cache_free(cache);
}

static void a_firm_failure_takes_the_place_of_an_answer(void **state)
{
    (void)state;
    uint32_t ttl_s;
    uint8_t response[1024];
    struct dns_cache *cache = new_stale_cache();
    struct dns_message query = question("www.example", DNS_TYPE_A);
    struct dns_cache_key key = key_of(&query);
    put(cache, "www.example", plain, 0);
    dns_cache_put(cache, &key, 301000, response, build(&query, failure, response, sizeof response), true);
    assert_int_equal(age_at(cache, 301000), DNS_CACHE_FRESH);
    assert_int_equal(stale_at(cache, "www.example", 301000, &ttl_s), -1);
    assert_int_equal(age_at(cache, 306000), DNS_CACHE_NONE);
    dns_cache_free(cache);
}

static void an_answer_is_due_in_the_last_tenth_of_its_time(void **state)
{
    (void)state;
    struct dns_cache *cache = new_stale_cache();
    put(cache, "www.example", plain, 0);
    assert_int_equal(age_at(cache, 269999), DNS_CACHE_FRESH);
    assert_int_equal(age_at(cache, 270000), DNS_CACHE_DUE);
    put(cache, "www.example", failure, 270500); /* asking in advance has failed: not again for a while */
    assert_int_equal(age_at(cache, 299000), DNS_CACHE_FRESH);
    assert_int_equal(age_at(cache, 300499), DNS_CACHE_HELD);
    assert_int_equal(age_at(cache, 300500), DNS_CACHE_EXPIRED);
    dns_cache_free(cache);
}

static void what_is_newer_counts_of_a_name_that_comes_and_goes(void **state)
{
    (void)state;
    static const struct form none = {.rcode = DNS_RCODE_NXDOMAIN, .soa = true, .soa_ttl = 900};
    uint32_t ttl_s;
    struct dns_cache *cache = new_stale_cache();
    put(cache, "www.example", plain, 0);
    put(cache, "www.example", none, 301000); /* for 60 s */
    assert_int_equal(stale_at(cache, "www.example", 400000, &ttl_s), DNS_RCODE_NXDOMAIN);
    assert_int_equal(ttl_s, 30);
    assert_int_equal(dns_cache_counters(cache).entries, 1);
    put(cache, "www.example", plain, 500000);
    assert_int_equal(stale_at(cache, "www.example", 900000, &ttl_s), DNS_RCODE_NOERROR);
    assert_int_equal(dns_cache_counters(cache).entries, 1);
    dns_cache_free(cache);
}

static void a_shortest_time_raises_what_is_shorter_but_for_what_is_not_there(void **state)
{
    (void)state;
    struct dns_cache_settings settings = {
        .max_bytes = 1 << 20, .max_ttl_s = MAX_TTL_S, .max_negative_ttl_s = MAX_NEGATIVE_TTL_S, .min_ttl_s = 60};
    struct dns_cache *cache = dns_cache_new(&settings);
    put(cache, "zero.example", (struct form){.answer = true, .ttl = 0}, 0);
    assert_int_equal(ttl_at(cache, "zero.example", 10000), 50);
    put(cache, "long.example", plain, 0);
    assert_int_equal(ttl_at(cache, "long.example", 0), 300);
    put(cache, "no.example", (struct form){.rcode = DNS_RCODE_NXDOMAIN, .soa = true, .soa_ttl = 20}, 0);
    assert_int_equal(ttl_at(cache, "no.example", 0), 20);
    dns_cache_free(cache);
}

static void type_class_and_dnssec_bits_are_part_of_the_key(void **state)
{
    (void)state;
    enum dns_cache_age age;
    uint8_t out[1024];
    struct dns_cache *cache = new_cache(1 << 20);
    put(cache, "www.example", plain, 0);
    struct dns_message query = question("www.example", DNS_TYPE_A);
    struct dns_cache_key key = key_of(&query);
    assert_int_not_equal(dns_cache_get(cache, &key, 0, out, sizeof out, &age), 0);
    struct dns_cache_key other = key;
    other.dnssec_ok = true;
    assert_int_equal(dns_cache_get(cache, &other, 0, out, sizeof out, &age), 0);
    other = key;
    other.checking_disabled = true;
    assert_int_equal(dns_cache_get(cache, &other, 0, out, sizeof out, &age), 0);
    other = key;
    other.class = DNS_CLASS_CH;
    assert_int_equal(dns_cache_get(cache, &other, 0, out, sizeof out, &age), 0);
    other = key;
    other.type = 0; /* not what a name that does not exist is kept under */
    assert_int_equal(dns_cache_get(cache, &other, 0, out, sizeof out, &age), 0);
    dns_cache_free(cache);
}

static void a_buffer_too_small_gets_nothing(void **state)
{
    (void)state;
    uint8_t out[1024];
    struct dns_cache *cache = new_cache(1 << 20);
    put(cache, "www.example", plain, 0);
    size_t n = get(cache, "www.example", DNS_TYPE_A, 0, out, sizeof out);
    assert_int_equal(get(cache, "www.example", DNS_TYPE_A, 0, out, n - 1), 0);
    assert_int_equal(get(cache, "www.example", DNS_TYPE_A, 0, out, n), n);
    dns_cache_free(cache);
}

static void a_newer_answer_takes_the_place_of_the_older(void **state)
{
    (void)state;
    struct dns_cache *cache = new_cache(1 << 20);
    put(cache, "www.example", plain, 0);
    uint64_t bytes = dns_cache_counters(cache).bytes;
    put(cache, "WWW.example", (struct form){.answer = true, .ttl = 20}, 1000);
    assert_int_equal(ttl_at(cache, "www.example", 1000), 20);
    assert_int_equal(dns_cache_counters(cache).entries, 1);
    assert_int_equal(dns_cache_counters(cache).bytes, bytes);
    dns_cache_free(cache);
}

static void the_bound_in_bytes_holds_and_the_used_stay(void **state)
{
    (void)state;
    enum { MAX_BYTES = 1 << 20, NAMES = 20000 };
    struct dns_cache *cache = new_cache(MAX_BYTES);
    put(cache, "favourite.example", plain, 0);
    for (int i = 0; i < NAMES; i++) {
        char name[64];
        snprintf(name, sizeof name, "n%d.example", i);
        put(cache, name, plain, 0);
        if (i % 10 == 0)
            assert_true(has(cache, "favourite.example", DNS_TYPE_A, 0));
    }
    struct dns_cache_counters counters = dns_cache_counters(cache);
    assert_true(counters.bytes <= MAX_BYTES);
    assert_true(counters.bytes > MAX_BYTES / 2);
    assert_true(counters.entries < NAMES / 2);
    assert_true(has(cache, "favourite.example", DNS_TYPE_A, 0));
    assert_true(has(cache, "n19999.example", DNS_TYPE_A, 0));
    assert_false(has(cache, "n0.example", DNS_TYPE_A, 0));
    dns_cache_free(cache);
}

static void a_cache_without_room_keeps_nothing(void **state)
{
    (void)state;
    struct dns_cache *cache = new_cache(0);
    put(cache, "www.example", plain, 0);
    assert_false(has(cache, "www.example", DNS_TYPE_A, 0));
    dns_cache_free(cache);
}

static void flushing_a_name_alone_takes_all_its_types_and_nothing_else(void **state)
{
    (void)state;
    struct dns_cache *cache = new_cache(1 << 20);
    struct dname name;
    assert_int_equal(dname_from_text(STR("Example.ORG"), &name), ST_OK);
    put(cache, "example.org", plain, 0);
    put(cache, "a.example.org", plain, 0);
    put(cache, "example.org.uk", plain, 0);
    assert_int_equal(dns_cache_flush(cache, &name, false), 1);
    assert_int_equal(dns_cache_flush(cache, &name, false), 0);
    assert_true(has(cache, "a.example.org", DNS_TYPE_A, 0));
    assert_true(has(cache, "example.org.uk", DNS_TYPE_A, 0));
    put(cache, "example.org", (struct form){.rcode = DNS_RCODE_NXDOMAIN, .soa = true, .soa_ttl = 900}, 0);
    assert_int_equal(dns_cache_flush(cache, &name, false), 1);
    assert_false(has(cache, "example.org", DNS_TYPE_TXT, 0));
    dns_cache_free(cache);
}

static void flushing_a_name_takes_all_below_it_and_nothing_else(void **state)
{
    (void)state;
    struct dns_cache *cache = new_cache(1 << 20);
    struct dname name;
    assert_int_equal(dname_from_text(STR("EXAMPLE.org"), &name), ST_OK);
    put(cache, "example.org", plain, 0);
    put(cache, "a.b.example.org", plain, 0);
    put(cache, "notexample.org", plain, 0);
    dns_cache_flush(cache, &name, true);
    assert_false(has(cache, "example.org", DNS_TYPE_A, 0));
    assert_false(has(cache, "a.b.example.org", DNS_TYPE_A, 0));
    assert_true(has(cache, "notexample.org", DNS_TYPE_A, 0));
    dns_cache_flush(cache, NULL, true);
    assert_int_equal(dns_cache_counters(cache).entries, 0);
    assert_int_equal(dns_cache_counters(cache).bytes, 0);
    dns_cache_free(cache);
}

static void hits_and_misses_are_counted(void **state)
{
    (void)state;
    struct dns_cache *cache = new_cache(1 << 20);
    put(cache, "www.example", plain, 0);
    has(cache, "www.example", DNS_TYPE_A, 0);
    has(cache, "www.example", DNS_TYPE_A, 0);
    has(cache, "no.example", DNS_TYPE_A, 0);
    assert_int_equal(dns_cache_counters(cache).hits, 2);
    assert_int_equal(dns_cache_counters(cache).misses, 1);
    dns_cache_free(cache);
}

static void *use_cache(void *arg)
{
    struct dns_cache *cache = arg;
    for (int i = 0; i < 4000; i++) {
        char name[64];
        snprintf(name, sizeof name, "n%d.example", i % 300);
        put(cache, name, plain, i);
        int64_t ttl = ttl_at(cache, name, i);
        if (ttl >= 0)
            assert_in_range(ttl, 290, 300);
        if (i % 1000 == 0)
            dns_cache_flush(cache, NULL, true);
        if (i % 100 == 0)
            (void)dns_cache_counters(cache);
    }
    return NULL;
}

static void two_threads_share_it(void **state)
{
    (void)state;
    struct dns_cache *cache = new_cache(64 * 1024);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_cache, cache), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_true(dns_cache_counters(cache).bytes <= 64 * 1024);
    dns_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_back_with_its_ttl_counted_down),
        cmocka_unit_test(a_clock_a_little_behind_does_no_harm),
        cmocka_unit_test(ttls_are_cut_and_zero_is_not_kept),
        cmocka_unit_test(a_name_that_does_not_exist_is_kept_for_every_type),
        cmocka_unit_test(no_data_is_kept_for_its_type_alone),
        cmocka_unit_test(what_must_not_be_cached_is_not),
        cmocka_unit_test(d22_a_failure_is_kept_for_five_seconds_and_twice_as_long_each_time),
        cmocka_unit_test(failures_are_not_kept_where_that_is_turned_off),
        cmocka_unit_test(failures_of_an_outage_are_forgotten_with_it),
        cmocka_unit_test(many_failures_push_out_no_answers),
        cmocka_unit_test(d21_an_answer_whose_time_is_up_is_given_for_a_day_to_who_asks_for_it),
        cmocka_unit_test(d21_after_a_failure_an_answer_is_held_for_thirty_seconds),
        cmocka_unit_test(a_firm_failure_takes_the_place_of_an_answer),
        cmocka_unit_test(an_answer_is_due_in_the_last_tenth_of_its_time),
        cmocka_unit_test(what_is_newer_counts_of_a_name_that_comes_and_goes),
        cmocka_unit_test(a_shortest_time_raises_what_is_shorter_but_for_what_is_not_there),
        cmocka_unit_test(type_class_and_dnssec_bits_are_part_of_the_key),
        cmocka_unit_test(a_buffer_too_small_gets_nothing),
        cmocka_unit_test(a_newer_answer_takes_the_place_of_the_older),
        cmocka_unit_test(the_bound_in_bytes_holds_and_the_used_stay),
        cmocka_unit_test(a_cache_without_room_keeps_nothing),
        cmocka_unit_test(flushing_a_name_alone_takes_all_its_types_and_nothing_else),
        cmocka_unit_test(flushing_a_name_takes_all_below_it_and_nothing_else),
        cmocka_unit_test(hits_and_misses_are_counted),
        cmocka_unit_test(two_threads_share_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
