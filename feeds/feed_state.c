#include "feeds/feed_state.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "feeds/report.h"
#include "feeds/web_url.h"

enum { SCHEMA = 1, MAX_STATE_BYTES = 256 * 1024, PATH_SIZE = 4096 };

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

static unsigned get_small(const json_t *object, const char *key)
{
    int64_t value = get_number(object, key);
    return value < 1000 ? (unsigned)value : 1000;
}

static void get_digest(const json_t *object, const char *key, char out[DIGEST_TEXT_SIZE])
{
    get_text(object, key, out, DIGEST_TEXT_SIZE);
    if (strspn(out, "0123456789abcdef") != DIGEST_TEXT_SIZE - 1)
        out[0] = '\0';
}

/* The one of COUNT words that stands at KEY; 0 where none does. */
static unsigned get_word(const json_t *object, const char *key, const char *(*word)(unsigned value), unsigned count)
{
    const char *text = json_string_value(json_object_get(object, key));
    for (unsigned value = 0; text && value < count; value++)
        if (!strcmp(text, word(value)))
            return value;
    return 0;
}

static const char *use_word(unsigned value)
{
    return feed_use_text((enum feed_use)value);
}

static const char *match_word(unsigned value)
{
    return feed_match_text((enum feed_match)value);
}

static const char *retain_word(unsigned value)
{
    return feed_retain_text((enum feed_retain)value);
}

static void get_settings(const json_t *json, struct feed_settings *settings)
{
    char word[32];
    get_text(json, "url", settings->url, sizeof settings->url);
    get_text(json, "format", settings->format, sizeof settings->format);
    get_text(json, "program", settings->program, sizeof settings->program);
    get_text(json, "category", word, sizeof word);
    bool known = category_parse(str_of(word), &settings->category) == ST_OK;
    get_text(json, "risk", word, sizeof word);
    known = risk_parse(str_of(word), &settings->risk) == ST_OK && known;
    if (!known)
        settings->program[0] = '\0'; /* then it matches no feed */
    settings->use = (enum feed_use)get_word(json, "action", use_word, FEED_GUARDS + 1);
    settings->match = (enum feed_match)get_word(json, "match", match_word, FEED_MATCH_EXACT + 1);
    settings->retain = (enum feed_retain)get_word(json, "retain", retain_word, FEED_RETAIN_WINDOW + 1);
    settings->expire_s = get_number(json, "expire_s");
    settings->top = (uint64_t)get_number(json, "top");
    settings->min_confidence = get_small(json, "min_confidence");
}

static void get_body(const json_t *json, struct feed_state *state)
{
    const json_t *zone = json_object_get(json, "zone"), *serial = json_object_get(json, "rejected_serial");
    char guards[24];
    state->zone = (struct feed_zone){zone != NULL, get_u32(zone, "serial"), get_u32(zone, "refresh_s"),
                                     get_u32(zone, "retry_s"), get_u32(zone, "expire_s")};
    state->rejected_serial = json_is_integer(serial) ? get_number(json, "rejected_serial") : -1;
    get_text(json, "guards", guards, sizeof guards);
    state->guards = strtoull(guards, NULL, 16);
    state->expiry_step = get_number(json, "expiry_step");
    state->outdated = json_is_true(json_object_get(json, "outdated"));
    get_text(json, "from", state->from, sizeof state->from);
    get_text(json, "etag", state->validators.etag, sizeof state->validators.etag);
    get_text(json, "last_modified", state->validators.last_modified, sizeof state->validators.last_modified);
    get_digest(json, "body", state->body);
    state->generation = (uint64_t)get_number(json, "generation");
    state->entries = (uint64_t)get_number(json, "entries");
    report_from_json(json_object_get(json, "report"), &state->report);
    report_from_json(json_object_get(json, "refused"), &state->refused);
    get_digest(json, "rejected", state->rejected);
    state->rejected_ms = get_number(json, "rejected_ms");
}

void feed_state_load(const char *state_dir, const char *name, struct feed_state *state)
{
    char path[PATH_SIZE];
    struct buf text = {0};
    *state = (struct feed_state){.rejected_serial = -1};
    if (feed_state_path(state_dir, name, ".json", path, sizeof path) != ST_OK)
        return;
    bool read = file_read(path, MAX_STATE_BYTES, &text, NULL) == ST_OK;
    json_t *json = read ? json_loadb(text.data, text.length, 0, NULL) : NULL;
    if (json_integer_value(json_object_get(json, "schema")) == SCHEMA) {
        const json_t *held = json_object_get(json, "held");
        get_settings(json, &state->settings);
        get_body(json, state);
        state->last_try_ms = get_number(json, "last_try_ms");
        state->last_success_ms = get_number(json, "last_success_ms");
        state->last_change_ms = get_number(json, "last_change_ms");
        state->asked_ms = get_number(json, "asked_ms");
        state->retry_at_ms = get_number(json, "retry_at_ms");
        state->failures = get_small(json, "failures");
        get_text(json, "reason", state->reason, sizeof state->reason);
        state->held_back = json_is_true(json_object_get(json, "held_back"));
        state->held = (struct feed_held){.entries = (uint64_t)get_number(held, "entries"),
                                         .times = get_small(held, "times"),
                                         .first_ms = get_number(held, "first_ms")};
    }
    json_decref(json);
    buf_free(&text);
}

static json_t *settings_json(const struct feed_settings *settings)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:i}", "url", settings->url, "format",
                     settings->format, "program", settings->program, "category", category_text(settings->category),
                     "risk", risk_text(settings->risk), "action", feed_use_text(settings->use), "match",
                     feed_match_text(settings->match), "retain", feed_retain_text(settings->retain), "expire_s",
                     (json_int_t)settings->expire_s, "top", (json_int_t)settings->top, "min_confidence",
                     (int)settings->min_confidence);
}

/* Only of feeds that have it. */
static bool add_zone(json_t *json, const struct feed_state *state)
{
    const struct feed_zone *zone = &state->zone;
    if (state->rejected_serial >= 0 &&
        json_object_set_new(json, "rejected_serial", json_integer((json_int_t)state->rejected_serial)))
        return false;
    return !zone->known ||
           !json_object_set_new(json, "zone",
                                json_pack("{s:I, s:I, s:I, s:I}", "serial", (json_int_t)zone->serial, "refresh_s",
                                          (json_int_t)zone->refresh_s, "retry_s", (json_int_t)zone->retry_s, "expire_s",
                                          (json_int_t)zone->expire_s));
}

static json_t *body_json(const struct feed_state *state)
{
    json_t *report = state->generation ? report_json(&state->report) : json_null();
    json_t *refused = state->refused.lines ? report_json(&state->refused) : json_null();
    char guards[24];
    snprintf(guards, sizeof guards, "%016llx", (unsigned long long)state->guards);
    return json_pack("{s:s, s:I, s:b, s:s, s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:s, s:I}", "guards", guards,
                     "expiry_step", (json_int_t)state->expiry_step, "outdated", state->outdated, "from", state->from,
                     "etag", state->validators.etag, "last_modified", state->validators.last_modified, "body",
                     state->body, "generation", (json_int_t)state->generation, "entries", (json_int_t)state->entries,
                     "report", report, "refused", refused, "rejected", state->rejected, "rejected_ms",
                     (json_int_t)state->rejected_ms);
}

static char *state_text(const struct feed_state *state)
{
    json_t *body = body_json(state), *settings = settings_json(&state->settings);
    json_t *json =
        json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:i, s:s, s:b, s:{s:I, s:i, s:I}}", "schema", SCHEMA, "last_try_ms",
                  (json_int_t)state->last_try_ms, "last_success_ms", (json_int_t)state->last_success_ms,
                  "last_change_ms", (json_int_t)state->last_change_ms, "asked_ms", (json_int_t)state->asked_ms,
                  "retry_at_ms", (json_int_t)state->retry_at_ms, "failures", (int)state->failures, "reason",
                  state->reason, "held_back", state->held_back, "held", "entries", (json_int_t)state->held.entries,
                  "times", (int)state->held.times, "first_ms", (json_int_t)state->held.first_ms);
    bool whole =
        json && !json_object_update(json, settings) && !json_object_update(json, body) && add_zone(json, state);
    char *text = whole ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(settings);
    json_decref(body);
    json_decref(json);
    return text;
}

enum status feed_state_save(const char *state_dir, const char *name, const struct feed_state *state,
                            struct fault *fault)
{
    char path[PATH_SIZE];
    struct fault why = {0};
    if (feed_state_path(state_dir, name, ".json", path, sizeof path) != ST_OK)
        return fault_set(fault, ST_TOO_LARGE, "the state directory's path is too long");
    char *text = state_text(state);
    enum status st = text ? file_replace(path, str_of(text), &why) : ST_NOMEM;
    free(text);
    return st == ST_OK ? ST_OK
                       : fault_set(fault, st, "can't keep the state of feed %s: %s", name,
                                   why.text[0] ? why.text : status_text(st));
}

static void settings_of(const struct feed *feed, struct feed_settings *settings)
{
    *settings = (struct feed_settings){.category = feed->category,
                                       .risk = feed->risk,
                                       .use = feed->use,
                                       .match = feed->match,
                                       .retain = feed->retain,
                                       .expire_s = feed->expire_s,
                                       .top = feed->top,
                                       .min_confidence = feed->min_confidence};
    web_url_shown(feed->url, settings->url, sizeof settings->url);
    text_copy(settings->format, sizeof settings->format, str_of(feed->format));
    text_copy(settings->program, sizeof settings->program, STR(CCWARD_VERSION));
}

bool feed_state_matches(const struct feed_state *state, const struct feed *feed)
{
    struct feed_settings now;
    const struct feed_settings *then = &state->settings;
    settings_of(feed, &now);
    return !strcmp(then->url, now.url) && !strcmp(then->format, now.format) && !strcmp(then->program, now.program) &&
           then->category == now.category && then->risk == now.risk && then->use == now.use &&
           then->match == now.match && then->retain == now.retain && then->expire_s == now.expire_s &&
           then->top == now.top && then->min_confidence == now.min_confidence;
}

bool feed_state_comparable(const struct feed_state *state, const struct feed *feed)
{
    struct feed_settings now;
    const struct feed_settings *then = &state->settings;
    settings_of(feed, &now);
    return !state->outdated && !strcmp(then->url, now.url) && !strcmp(then->format, now.format) &&
           then->top == now.top && then->min_confidence == now.min_confidence;
}

void feed_state_adopt(struct feed_state *state, const struct feed *feed)
{
    settings_of(feed, &state->settings);
}

struct feed feed_state_feed(const struct feed_state *state, const char *name)
{
    const struct feed_settings *settings = &state->settings;
    return (struct feed){.name = name,
                         .url = settings->url[0] ? settings->url : NULL,
                         .format = settings->format,
                         .category = settings->category,
                         .risk = settings->risk,
                         .use = settings->use,
                         .match = settings->match,
                         .retain = settings->retain,
                         .expire_s = settings->expire_s,
                         .top = settings->top,
                         .min_confidence = settings->min_confidence};
}
