#include "feeds/feed_state.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { SCHEMA = 1, MAX_STATE_BYTES = 64 * 1024, PATH_SIZE = 4096 };
enum { BACKOFF_FIRST_S = 60, BACKOFF_MAX_S = 6 * 3600 };
/* Of a zone's timers, whatever its SOA says. */
enum { ZONE_MIN_WAIT_S = 60, ZONE_MAX_RETRY_S = 6 * 3600, ZONE_MAX_REFRESH_S = 7 * 86400, ZONE_MIN_TRIES = 3 };

enum status feed_state_path(const char *state_dir, const char *name, const char *suffix, char *out, size_t size)
{
    int n = snprintf(out, size, "%s/feeds/%s%s", state_dir, name, suffix);
    return n > 0 && (size_t)n < size ? ST_OK : ST_TOO_LARGE;
}

static void get_text(const json_t *object, const char *key, char *out, size_t size)
{
    text_copy(out, size, str_of(json_string_value(json_object_get(object, key))));
}

static int64_t get_number(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 ? (int64_t)value : 0;
}

static uint32_t get_u32(const json_t *object, const char *key)
{
    int64_t value = get_number(object, key);
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static json_t *read_json(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return NULL;
    char *text = malloc(MAX_STATE_BYTES);
    ssize_t n = text ? read(fd, text, MAX_STATE_BYTES) : -1;
    json_t *json = n > 0 && n < MAX_STATE_BYTES ? json_loadb(text, (size_t)n, 0, NULL) : NULL;
    free(text);
    close(fd);
    return json;
}

void feed_state_load(const char *state_dir, const char *name, struct feed_state *state)
{
    char path[PATH_SIZE];
    *state = (struct feed_state){0};
    if (feed_state_path(state_dir, name, ".json", path, sizeof path) != ST_OK)
        return;
    json_t *json = read_json(path);
    if (json_integer_value(json_object_get(json, "schema")) == SCHEMA) {
        char word[32];
        get_text(json, "url", state->url, sizeof state->url);
        get_text(json, "format", state->format, sizeof state->format);
        get_text(json, "category", word, sizeof word);
        bool known = category_parse(str_of(word), &state->category) == ST_OK;
        get_text(json, "risk", word, sizeof word);
        known = risk_parse(str_of(word), &state->risk) == ST_OK && known;
        if (!known)
            state->url[0] = '\0'; /* then it matches no feed */
        state->last_try_ms = get_number(json, "last_try_ms");
        state->last_success_ms = get_number(json, "last_success_ms");
        state->last_change_ms = get_number(json, "last_change_ms");
        int64_t failures = get_number(json, "failures");
        state->failures = failures < 1000 ? (unsigned)failures : 1000;
        get_text(json, "reason", state->reason, sizeof state->reason);
        get_text(json, "etag", state->validators.etag, sizeof state->validators.etag);
        get_text(json, "last_modified", state->validators.last_modified, sizeof state->validators.last_modified);
        const json_t *zone = json_object_get(json, "zone");
        state->zone = (struct feed_zone){zone != NULL, get_u32(zone, "serial"), get_u32(zone, "refresh_s"),
                                         get_u32(zone, "retry_s"), get_u32(zone, "expire_s")};
    }
    json_decref(json);
}

static char *state_text(const struct feed_state *state)
{
    json_t *json =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:i, s:s, s:s, s:s}", "schema", SCHEMA, "url", state->url,
                  "format", state->format, "category", category_text(state->category), "risk", risk_text(state->risk),
                  "last_try_ms", (json_int_t)state->last_try_ms, "last_success_ms", (json_int_t)state->last_success_ms,
                  "last_change_ms", (json_int_t)state->last_change_ms, "failures", (int)state->failures, "reason",
                  state->reason, "etag", state->validators.etag, "last_modified", state->validators.last_modified);
    const struct feed_zone *zone = &state->zone;
    if (json && zone->known &&
        json_object_set_new(json, "zone",
                            json_pack("{s:I, s:I, s:I, s:I}", "serial", (json_int_t)zone->serial, "refresh_s",
                                      (json_int_t)zone->refresh_s, "retry_s", (json_int_t)zone->retry_s, "expire_s",
                                      (json_int_t)zone->expire_s))) {
        json_decref(json);
        json = NULL;
    }
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    return text;
}

enum status feed_state_save(const char *state_dir, const char *name, const struct feed_state *state,
                            struct fault *fault)
{
    char path[PATH_SIZE], aside[PATH_SIZE];
    if (feed_state_path(state_dir, name, ".json", path, sizeof path) != ST_OK ||
        feed_state_path(state_dir, name, ".json.part", aside, sizeof aside) != ST_OK)
        return fault_set(fault, ST_TOO_LARGE, "the state directory's path is too long");
    char *text = state_text(state);
    if (!text)
        return fault_set(fault, ST_NOMEM, "can't write the state of feed %s", name);
    enum status st = ST_OK;
    size_t n = strlen(text);
    unlink(aside);
    int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0 || write(fd, text, n) != (ssize_t)n || fsync(fd) || rename(aside, path))
        st = fault_errno(fault, errno == ENOSPC ? ST_FULL : ST_IO, "can't write %s", path);
    if (fd >= 0)
        close(fd);
    if (st != ST_OK)
        unlink(aside);
    free(text);
    return st;
}

bool feed_state_matches(const struct feed_state *state, const struct feed *feed)
{
    return !strcmp(state->url, feed->url) && !strcmp(state->format, feed->format) &&
           state->category == feed->category && state->risk == feed->risk;
}

void feed_state_adopt(struct feed_state *state, const struct feed *feed)
{
    text_copy(state->url, sizeof state->url, str_of(feed->url));
    text_copy(state->format, sizeof state->format, str_of(feed->format));
    state->category = feed->category;
    state->risk = feed->risk;
}

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
    int64_t wait_s = state->failures ? within(zone->retry_s, ZONE_MIN_WAIT_S, ZONE_MAX_RETRY_S)
                                     : within(zone->refresh_s, ZONE_MIN_WAIT_S, ZONE_MAX_REFRESH_S);
    int64_t expires_in_s = (state->last_success_ms - state->last_try_ms) / 1000 + zone->expire_s;
    wait_s += wait_s * permille / 20000; /* up to 5 % later */
    return expires_in_s >= ZONE_MIN_WAIT_S && expires_in_s < wait_s ? expires_in_s : wait_s;
}

bool feed_state_zone_expired(const struct feed_state *state)
{
    int64_t age_ms = clock_wall_ms() - state->last_success_ms;
    return state->zone.expire_s && state->failures >= ZONE_MIN_TRIES && age_ms >= (int64_t)state->zone.expire_s * 1000;
}

int64_t feed_due_in_s(const char *state_dir, const struct feed *feed)
{
    struct feed_state state;
    feed_state_load(state_dir, feed->name, &state);
    int64_t now_ms = clock_wall_ms();
    bool clock_went_back = state.last_try_ms > now_ms;
    if (!state.last_try_ms || clock_went_back || !feed_state_matches(&state, feed))
        return 0;
    int64_t permille = jitter_permille(feed->name, state.last_try_ms);
    int64_t wait_s = feed->interval_s + feed->interval_s * permille / 20000; /* up to 5 % later */
    if (state.zone.known) {
        wait_s = zone_wait_s(&state, permille);
    } else if (state.failures) {
        int64_t backoff_s = BACKOFF_MAX_S;
        if (state.failures < 10 && (BACKOFF_FIRST_S << (state.failures - 1)) < BACKOFF_MAX_S)
            backoff_s = BACKOFF_FIRST_S << (state.failures - 1);
        wait_s = backoff_s * (750 + permille / 2) / 1000; /* 0.75 to 1.25 of it */
    }
    int64_t left_s = (state.last_try_ms - now_ms) / 1000 + wait_s;
    return left_s > 0 ? left_s : 0;
}
