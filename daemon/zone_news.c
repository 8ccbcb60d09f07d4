#include "daemon/zone_news.h"

#include <stdlib.h>

#include "base/log.h"
#include "feeds/transfer_url.h"

struct feed_news {
    bool waiting;
    int64_t asked_ms; /* monotonic; 0: never */
};

struct zone_news {
    struct dns_notify *table;
    size_t zone_count, feed_count;
    size_t *feed_of; /* each zone of the table; a feed with mirrors has several */
    struct feed_news *feeds;
};

void zone_news_free(struct zone_news *news)
{
    if (!news)
        return;
    dns_notify_unref(news->table);
    free(news->feed_of);
    free(news->feeds);
    free(news);
}

struct dns_notify *zone_news_table(const struct zone_news *news)
{
    return news->table;
}

static size_t url_count(const struct config *config)
{
    size_t count = 0;
    for (size_t i = 0; i < config->feed_count; i++)
        count += 1 + config->feeds[i].mirrors.count;
    return count;
}

/* Adds URL where it is a zone's with an address. */
static void add_url(struct zone_news *news, struct dns_notify_zone *zones, const char *text, size_t feed)
{
    struct transfer_url url;
    struct fault ignored = {0};
    if (!transfer_url_is(str_of(text)) || transfer_url_parse(str_of(text), &url, &ignored) != ST_OK || !url.has_addr)
        return;
    zones[news->zone_count] = (struct dns_notify_zone){url.zone, url.addr};
    news->feed_of[news->zone_count++] = feed;
}

struct zone_news *zone_news_new(const struct config *config)
{
    size_t most = url_count(config) + 1;
    struct zone_news *news = calloc(1, sizeof *news);
    struct dns_notify_zone *zones = calloc(most, sizeof *zones);
    bool made = news && zones && (news->feed_of = calloc(most, sizeof *news->feed_of)) &&
                (news->feeds = calloc(config->feed_count + 1, sizeof *news->feeds));
    if (made) {
        news->feed_count = config->feed_count;
        for (size_t i = 0; i < config->feed_count; i++) {
            const struct config_feed *feed = &config->feeds[i];
            add_url(news, zones, feed->url, i);
            for (size_t k = 0; k < feed->mirrors.count; k++)
                add_url(news, zones, feed->mirrors.items[k], i);
        }
        made = (news->table = dns_notify_new(zones, news->zone_count));
    }
    free(zones);
    if (made)
        return news;
    zone_news_free(news);
    return NULL;
}

void zone_news_step(struct zone_news *news, struct refresher *refresher, int64_t now_ms)
{
    if (!news)
        return;
    for (size_t i = 0; i < news->zone_count; i++)
        if (dns_notify_take(news->table, i))
            news->feeds[news->feed_of[i]].waiting = true;
    for (size_t i = 0; i < news->feed_count; i++) {
        struct feed_news *feed = &news->feeds[i];
        if (!feed->waiting || (feed->asked_ms && now_ms - feed->asked_ms < ZONE_NEWS_INTERVAL_MS))
            continue;
        feed->waiting = false;
        feed->asked_ms = now_ms;
        refresher_ask(refresher, i);
    }
}
