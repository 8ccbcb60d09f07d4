#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/zone_news.h"

static char *mirrors[] = {(char[]){"axfr://192.0.2.3/rpz.example"}, (char[]){"https://feeds.example/rpz"}};
static struct config_feed feeds[] = {
    {.url = (char[]){"https://feeds.example/x"}},
    {.url = (char[]){"ixfr://192.0.2.1:5300/rpz.example"}, .mirrors = {mirrors, 2}},
    {.url = (char[]){"axfr://primary.example/other.example"}}, /* no address: nobody can be told from others */
    {.url = (char[]){"axfr://[2001:db8::1]/third.example"}},
};
static const struct config config = {.feeds = feeds, .feed_count = 4};

/* In place of the refresher's. */
static char asked[64];

void refresher_ask(struct refresher *refresher, size_t index)
{
    size_t n = strlen(asked);
    (void)refresher;
    if (n + 1 < sizeof asked)
        asked[n] = (char)('0' + index);
}

static const char *step(struct zone_news *news, int64_t now_ms)
{
    memset(asked, 0, sizeof asked);
    zone_news_step(news, NULL, now_ms);
    return asked;
}

static unsigned notify(struct zone_news *news, const char *zone, const char *from)
{
    struct dns_question question = {.type = DNS_TYPE_SOA, .class = DNS_CLASS_IN};
    struct dns_message message;
    uint8_t packet[512], out[512];
    struct addr addr;
    assert_int_equal(dname_from_text(str_of(zone), &question.name), ST_OK);
    assert_int_equal(addr_parse_ip(str_of(from), &addr), ST_OK);
    struct dns_build build = dns_build_query(packet, sizeof packet, 1, &question, 0);
    build.header.flags = DNS_OPCODE_NOTIFY << 11;
    size_t n = dns_build_finish(&build);
    assert_int_equal(dns_header_parse(packet, n, &message.header), ST_OK);
    assert_true(dns_notify_answer(zone_news_table(news), &addr, packet, n, &message, out, sizeof out));
    return out[3] & 15u;
}

static void a_feed_is_asked_for_when_a_primary_of_it_has_news(void **state)
{
    (void)state;
    struct zone_news *news = zone_news_new(&config);
    assert_non_null(news);
    assert_string_equal(step(news, 1000), "");
    assert_int_equal(notify(news, "rpz.example", "192.0.2.1"), DNS_RCODE_NOERROR);
    assert_int_equal(notify(news, "third.example", "2001:db8::1"), DNS_RCODE_NOERROR);
    assert_string_equal(step(news, 1100), "13");
    assert_string_equal(step(news, 1200), "");
    assert_int_equal(notify(news, "rpz.example", "2001:db8::1"), DNS_RCODE_REFUSED);
    assert_int_equal(notify(news, "other.example", "192.0.2.1"), DNS_RCODE_REFUSED);
    assert_string_equal(step(news, 9000), "");
    assert_int_equal(notify(news, "rpz.example", "192.0.2.3"), DNS_RCODE_NOERROR);
    assert_string_equal(step(news, 9100), "1");
    zone_news_free(news);
}

static void news_that_come_too_often_wait(void **state)
{
    (void)state;
    struct zone_news *news = zone_news_new(&config);
    assert_non_null(news);
    notify(news, "rpz.example", "192.0.2.1");
    assert_string_equal(step(news, 1000), "1");
    notify(news, "rpz.example", "192.0.2.1");
    notify(news, "rpz.example", "192.0.2.3");
    assert_string_equal(step(news, 1100), "");
    assert_string_equal(step(news, 1000 + ZONE_NEWS_INTERVAL_MS - 1), "");
    assert_string_equal(step(news, 1000 + ZONE_NEWS_INTERVAL_MS), "1");
    assert_string_equal(step(news, 1000 + 9 * ZONE_NEWS_INTERVAL_MS), "");
    zone_news_free(news);
}

static void without_zones_there_is_no_news(void **state)
{
    static const struct config none;
    (void)state;
    struct zone_news *news = zone_news_new(&none);
    assert_non_null(news);
    assert_int_equal(notify(news, "rpz.example", "192.0.2.1"), DNS_RCODE_REFUSED);
    assert_string_equal(step(news, 1000), "");
    zone_news_free(news);
    zone_news_free(NULL);
    zone_news_step(NULL, NULL, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_feed_is_asked_for_when_a_primary_of_it_has_news),
        cmocka_unit_test(news_that_come_too_often_wait),
        cmocka_unit_test(without_zones_there_is_no_news),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
