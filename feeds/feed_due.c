/* When a feed is to be fetched again. */
#include "base/clock.h"
#include "feeds/feed_state.h"
#include "feeds/host_pace.h"
#include "feeds/web_url.h"

/* Of a zone's timers, whatever its SOA says. */
enum { ZONE_MIN_WAIT_S = 60, ZONE_MAX_RETRY_S = 6 * 3600, ZONE_MAX_REFRESH_S = 7 * 86400, ZONE_MIN_TRIES = 3 };
enum { BACKOFF_FIRST_S = 60, BACKOFF_MAX_S = 6 * 3600, HELD_BACK_MAX_S = 12 * 3600 };

/* 0..999, the same for one try of one feed however often it is asked (FNV-1a). */
static int64_t jitter_permille(const char *name, int64_t last_try_ms)
{
    uint64_t hash = 14695981039346656037u ^ (uint64_t)last_try_ms;
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 1099511628211u;
    return (int64_t)((hash >> 32) % 1000);
}

static int64_t within(int64_t value, int64_t min, int64_t max)
{
    return value < min ? min : value > max ? max : value;
}

/* RFC 1035 section 3.3.13; the SOA's timers in place of the interval. When the zone expires it is tried once more. */
static int64_t zone_wait_s(const struct feed_state *state, int64_t permille)
{
    const struct feed_zone *zone = &state->zone;
    int64_t next_s = state->failures ? within(zone->retry_s, ZONE_MIN_WAIT_S, ZONE_MAX_RETRY_S)
                                     : within(zone->refresh_s, ZONE_MIN_WAIT_S, ZONE_MAX_REFRESH_S);
    int64_t expires_in_s = (state->last_success_ms - state->last_try_ms) / 1000 + zone->expire_s;
    next_s += next_s * permille / 20000; /* up to 5 % later */
    return expires_in_s >= ZONE_MIN_WAIT_S && expires_in_s < next_s ? expires_in_s : next_s;
}

bool feed_state_zone_expired(const struct feed_state *state)
{
    int64_t age_ms = clock_wall_ms() - state->last_success_ms;
    return state->zone.expire_s && state->failures >= ZONE_MIN_TRIES && age_ms >= (int64_t)state->zone.expire_s * 1000;
}

/* After the last try. */
static int64_t wait_s(const struct feed_state *state, const struct feed *feed)
{
    int64_t permille = jitter_permille(feed->name, state->last_try_ms);
    int64_t interval_s = feed->interval_s;
    if (state->zone.known && !state->held_back)
        return zone_wait_s(state, permille);
    /* Three tries in two days tell whether what is not believed stays so. */
    if (state->held_back && interval_s > HELD_BACK_MAX_S)
        interval_s = HELD_BACK_MAX_S;
    if (!state->failures || state->held_back)
        return interval_s + interval_s * permille / 20000; /* up to 5 % later */
    int64_t backoff_s = BACKOFF_MAX_S;
    if (state->failures < 10 && (BACKOFF_FIRST_S << (state->failures - 1)) < BACKOFF_MAX_S)
        backoff_s = BACKOFF_FIRST_S << (state->failures - 1);
    return backoff_s * (750 + permille / 2) / 1000; /* 0.75 to 1.25 of it */
}

/* What the server wants, whatever we want. A clock that went back must not make this long. */
static int64_t server_wait_s(const struct feed_state *state, const struct feed *feed, int64_t now_ms)
{
    char host[WEB_HOST_SIZE];
    web_url_host(feed->url, host);
    int64_t pace_s = host_pace_left_s(str_of(host), state->asked_ms, now_ms);
    int64_t retry_s = (state->retry_at_ms - now_ms + 999) / 1000;
    if (retry_s > FETCH_MAX_RETRY_AFTER_S)
        retry_s = 0;
    return pace_s > retry_s ? pace_s : retry_s;
}

int64_t feed_due_in_s(const char *state_dir, const struct feed *feed)
{
    struct feed_state state;
    feed_state_load(state_dir, feed->name, &state);
    int64_t now_ms = clock_wall_ms(), server_s = server_wait_s(&state, feed, now_ms), left_s = 0;
    bool clock_went_back = state.last_try_ms > now_ms;
    if (state.last_try_ms && !clock_went_back && feed_state_matches(&state, feed))
        left_s = (state.last_try_ms - now_ms) / 1000 + wait_s(&state, feed);
    if (server_s > left_s)
        left_s = server_s;
    return left_s > 0 ? left_s : 0;
}
