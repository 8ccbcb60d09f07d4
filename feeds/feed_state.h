/* What is remembered of a feed between two refreshes: STATE_DIR/feeds/NAME.json (docs/feeds.md). */
#pragma once

#include "base/digest.h"
#include "feeds/fetch.h"

enum { FEED_URL_SIZE = 2048 };

/* What the source in the store was made with: after a change the body is read again. */
struct feed_settings {
    char url[FEED_URL_SIZE]; /* as web_url_shown(); empty: it was imported */
    char format[32];         /* as it was wanted: "auto" too */
    char program[32];        /* the version that read it */
    enum category category;
    enum risk risk;
    enum feed_use use;
    enum feed_match match;
    enum feed_retain retain;
    int64_t expire_s;
    uint64_t top;
    unsigned min_confidence;
};

/* Bodies of another size than the one in force, seen again and again: accept.h. */
struct feed_held {
    uint64_t entries; /* of the last one */
    unsigned times;   /* 0: none */
    int64_t first_ms; /* wall */
};

struct feed_state {
    struct feed_settings settings;

    int64_t last_try_ms, last_success_ms, last_change_ms; /* wall; 0: never */
    int64_t asked_ms;    /* when a server that wants to be asked rarely answered last */
    int64_t retry_at_ms; /* not before, as a server said; 0: any time */
    unsigned failures;   /* in a row */
    char reason[512];    /* of the last failure; empty: none */
    bool held_back;      /* it is what the list says that is not believed: trying sooner than usual is no help */
    struct feed_held held;

    /* The body that is in force. */
    bool outdated;            /* it was read with other settings than those above */
    uint64_t guards;          /* as in its report */
    int64_t expiry_step;      /* expiry.h */
    char from[FEED_URL_SIZE]; /* which of its addresses had it, as web_url_shown(); or the file that was imported */
    struct fetch_validators validators;
    char body[DIGEST_TEXT_SIZE]; /* SHA-256 of NAME.raw; empty: there is none to rely on */
    uint64_t generation;         /* of the source that it became; 0: none */
    uint64_t entries;            /* before equal ones were taken once; 0: not known */
    struct feed_report report;

    /* Of a zone that is transferred: its SOA's. */
    struct feed_zone {
        bool known; /* it has been, with these settings */
        uint32_t serial, refresh_s, retry_s, expire_s;
    } zone;

    struct feed_report refused;      /* of a body that was read and not taken since then; zero: none */
    char rejected[DIGEST_TEXT_SIZE]; /* SHA-256 of the body that was rolled back; empty: none was */
    int64_t rejected_ms;
    int64_t rejected_serial; /* of the zone that it was, whose records may come in any order; -1: it was none */
};

/* Zero when there is none or when it can't be read: a full fetch then makes it anew. */
void feed_state_load(const char *state_dir, const char *name, struct feed_state *state);
/* Durably, the old one or the new one. */
enum status feed_state_save(const char *state_dir, const char *name, const struct feed_state *state,
                            struct fault *fault) MUST_CHECK;

/* Whether the settings are FEED's, and this version's. */
bool feed_state_matches(const struct feed_state *state, const struct feed *feed);
/* Whether a new body of FEED can be compared with the one in force: it is the same list, read in the same way. */
bool feed_state_comparable(const struct feed_state *state, const struct feed *feed);
/* Takes over the settings of FEED. */
void feed_state_adopt(struct feed_state *state, const struct feed *feed);
/* FEED as it was when it was adopted; views of STATE and NAME. */
struct feed feed_state_feed(const struct feed_state *state, const char *name);

/* Whether the zone may not be used any more: its primary could not be reached for as long as the SOA allows (RFC 1035
 * section 3.3.13), and was tried a few times, so that a clock that was set ahead takes nothing away. */
bool feed_state_zone_expired(const struct feed_state *state);

/* STATE_DIR/feeds/NAME + SUFFIX into OUT; ST_TOO_LARGE. */
enum status feed_state_path(const char *state_dir, const char *name, const char *suffix, char *out,
                            size_t size) MUST_CHECK;
