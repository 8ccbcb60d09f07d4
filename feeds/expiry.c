#include "feeds/expiry.h"

#include "base/clock.h"

enum { MINUTE_S = 60, DAY_S = 86400 };

int64_t expiry_default_s(enum indicator_kind kind, enum category category)
{
    bool lure = category == CATEGORY_PHISHING || category == CATEGORY_SCAM; /* made for days, left behind after */
    switch (kind) {
    case INDICATOR_URL:
        return (lure ? 14 : 30) * DAY_S;
    case INDICATOR_NETWORK:
        return 30 * DAY_S; /* addresses are rented */
    case INDICATOR_NAME:
        /* A generator's names are of use on their day, give or take two; C&C names are looked up for years. */
        return (category == CATEGORY_DGA ? 3 : lure ? 30 : 180) * DAY_S;
    }
    return 30 * DAY_S;
}

/* What the end of a life is rounded up to: a list that is fetched every hour need not be written anew each time. */
static int64_t step_s(int64_t life_s)
{
    if (life_s >= 64 * DAY_S)
        return 7 * DAY_S;
    if (life_s >= 2 * DAY_S)
        return DAY_S;
    return life_s >= 8 * MINUTE_S ? life_s / 8 : MINUTE_S;
}

uint32_t expiry_of(const struct feed *feed, enum indicator_kind kind, enum category category, int64_t listed_s)
{
    int64_t life_s = feed->expire_s;
    if (life_s <= 0 && feed->retain != FEED_RETAIN_WINDOW)
        return 0;
    if (life_s <= 0)
        life_s = expiry_default_s(kind, category);
    int64_t step = step_s(life_s), end_s = (listed_s + life_s + step - 1) / step * step;
    return end_s > 0 && end_s < UINT32_MAX ? (uint32_t)end_s : UINT32_MAX;
}

int64_t expiry_step(const struct feed *feed, int64_t listed_s)
{
    if (feed->expire_s > 0)
        return expiry_of(feed, INDICATOR_NAME, CATEGORY_OTHER, listed_s);
    /* The lives by default and their steps are whole days. */
    return feed->retain == FEED_RETAIN_WINDOW ? listed_s / DAY_S + 1 : 0;
}

int64_t expiry_listed_s(const struct feed *feed)
{
    return (feed && feed->listed_ms ? feed->listed_ms : clock_wall_ms()) / 1000;
}
