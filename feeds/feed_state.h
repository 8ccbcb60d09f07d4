/* What is remembered of a feed between two refreshes: STATE_DIR/feeds/NAME.json. */
#pragma once

#include "feeds/feeds.h"
#include "feeds/fetch.h"

enum { FEED_URL_SIZE = 2048 };

struct feed_state {
    /* The settings that the source in the store was made with; a change makes the validators worthless. */
    char url[FEED_URL_SIZE], format[32];
    enum category category;
    enum risk risk;

    int64_t last_try_ms, last_success_ms, last_change_ms; /* wall; 0: never */
    unsigned failures;                                    /* in a row */
    char reason[512];                                     /* of the last failure; empty: none */
    struct fetch_validators validators;

    /* Of a zone that is transferred: its SOA's. */
    struct feed_zone {
        bool known; /* it has been, with these settings */
        uint32_t serial, refresh_s, retry_s, expire_s;
    } zone;
};

/* Zero when there is none or when it can't be read: a full fetch then makes it anew. */
void feed_state_load(const char *state_dir, const char *name, struct feed_state *state);
/* Writes it aside, syncs, renames. */
enum status feed_state_save(const char *state_dir, const char *name, const struct feed_state *state,
                            struct fault *fault) MUST_CHECK;

bool feed_state_matches(const struct feed_state *state, const struct feed *feed);
/* Takes over the settings of FEED. */
void feed_state_adopt(struct feed_state *state, const struct feed *feed);

/* Whether the zone may not be used any more: its primary could not be reached for as long as the SOA allows (RFC 1035
 * section 3.3.13), and was tried a few times, so that a clock that was set ahead takes nothing away. */
bool feed_state_zone_expired(const struct feed_state *state);

/* STATE_DIR/feeds/NAME + SUFFIX into OUT; ST_TOO_LARGE. */
enum status feed_state_path(const char *state_dir, const char *name, const char *suffix, char *out,
                            size_t size) MUST_CHECK;
