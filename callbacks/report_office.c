#include "callbacks/report_office.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/ring.h"
#include "base/siphash.h"

enum {
    BOXES_MAX = 256,
    BOX_BYTES = 64 << 10, /* over 30 reports in a tenth of a second */
    CLIENTS = 1024,       /* that are counted at once; of more the oldest are forgotten */
    WAYS = 8,
    TRIES = 16,
    WINDOW_MINUTES = 60,
    KEY_BYTES = 32,
};

struct report_office {
    uint8_t count_key[SIPHASH_KEY_BYTES], token_key[KEY_BYTES];
    /* Of a client: a part of its hash, the minute of its first report in the window, how many. All workers count here,
     * each change by one exchange. */
    atomic_uint_least64_t counts[CLIENTS];
    struct report_box *boxes[BOXES_MAX];
    size_t box_count;
};

struct report_box {
    struct report_office *office;
    struct ring *ring;
    struct hmac *hmac; /* at work in one thread */
};

static uint64_t minute_now(void)
{
    return (uint64_t)clock_mono_ms() / 60000 + 1;
}

enum status report_office_new(struct report_office **out, struct fault *fault)
{
    struct report_office *office = calloc(1, sizeof *office);
    if (!office)
        return fault_set(fault, ST_NOMEM, "out of memory");
    if (getrandom(office->count_key, sizeof office->count_key, 0) != (ssize_t)sizeof office->count_key ||
        getrandom(office->token_key, sizeof office->token_key, 0) != (ssize_t)sizeof office->token_key) {
        free(office);
        return fault_errno(fault, ST_IO, "no random bytes for the key of reports");
    }
    *out = office;
    return ST_OK;
}

static void box_free(struct report_box *box)
{
    ring_free(box->ring);
    hmac_free(box->hmac);
    free(box);
}

void report_office_free(struct report_office *office)
{
    if (!office)
        return;
    for (size_t i = 0; i < office->box_count; i++)
        box_free(office->boxes[i]);
    free(office);
}

struct report_box *report_office_add_box(struct report_office *office)
{
    struct report_box *box = office->box_count < BOXES_MAX ? calloc(1, sizeof *box) : NULL;
    if (!box)
        return NULL;
    box->office = office;
    box->ring = ring_new(BOX_BYTES);
    box->hmac = hmac_new(HMAC_SHA256, office->token_key, sizeof office->token_key);
    if (!box->ring || !box->hmac) {
        box_free(box);
        return NULL;
    }
    office->boxes[office->box_count++] = box;
    return box;
}

bool report_office_has_any(const struct report_office *office)
{
    for (size_t i = 0; i < office->box_count; i++)
        if (ring_has_any(office->boxes[i]->ring))
            return true;
    return false;
}

bool report_office_take(struct report_office *office, struct report *report, uint64_t *dropped)
{
    struct buf bytes = {.max_bytes = sizeof *report};
    for (size_t i = 0; i < office->box_count; i++) {
        *dropped += ring_take_dropped(office->boxes[i]->ring);
        if (!ring_take(office->boxes[i]->ring, &bytes))
            continue;
        bool whole = bytes.length == sizeof *report;
        if (whole)
            memcpy(report, bytes.data, sizeof *report);
        *dropped += !whole; /* no memory */
        buf_free(&bytes);
        if (whole)
            return true;
    }
    return false;
}

/* The token */

static void add_lower(struct hmac *hmac, struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = ascii_lower(text.data[i]);
        hmac_add(hmac, &c, 1);
    }
}

/* A host and a reference have no '|'. */
static bool token_of(struct report_box *box, const struct addr *client, struct str host, struct str reference,
                     uint64_t minute, char out[REPORT_TOKEN_SIZE])
{
    uint8_t code[HMAC_MAX_BYTES];
    char digits[DIGEST_TEXT_SIZE], number[24];
    int n = snprintf(number, sizeof number, "|%llu|", (unsigned long long)minute);
    hmac_add(box->hmac, client->ip, sizeof client->ip);
    hmac_add(box->hmac, number, (size_t)n);
    add_lower(box->hmac, host);
    hmac_add(box->hmac, "|", 1);
    hmac_add(box->hmac, reference.data, reference.length);
    if (hmac_finish(box->hmac, code) != ST_OK)
        return false;
    digest_format(code, digits);
    snprintf(out, REPORT_TOKEN_SIZE, "%llu-%s", (unsigned long long)minute, digits);
    return true;
}

void report_box_token(struct report_box *box, const struct addr *client, struct str host, struct str reference,
                      char out[REPORT_TOKEN_SIZE])
{
    out[0] = '\0';
    (void)token_of(box, client, host, reference, minute_now(), out);
}

bool report_box_knows(struct report_box *box, const struct addr *client, struct str host, struct str reference,
                      struct str token)
{
    struct str number, rest;
    uint64_t minute, now = minute_now();
    char expected[REPORT_TOKEN_SIZE];
    if (!str_cut(token, '-', &number, &rest) || text_u64(number, now, &minute) != ST_OK ||
        now - minute > REPORT_TOKEN_MINUTES || !token_of(box, client, host, reference, minute, expected))
        return false;
    return strlen(expected) == token.length &&
           digest_same((const uint8_t *)expected, (const uint8_t *)token.data, token.length);
}

/* Counts */

static uint64_t pack(uint32_t tag, uint32_t minute, unsigned count)
{
    return (uint64_t)tag << 32 | (uint64_t)(minute & 0xffffffU) << 8 | count;
}

static bool is_over(uint64_t count, uint32_t minute)
{
    uint32_t begun = (uint32_t)(count >> 8) & 0xffffffU;
    return !count || ((minute - begun) & 0xffffffU) >= WINDOW_MINUTES;
}

/* The client's count, else one that is over, else the oldest of the set. */
static size_t find_count(const struct report_office *office, size_t first, uint32_t tag, uint32_t minute)
{
    size_t best = first;
    uint32_t best_age = 0;
    for (size_t i = first; i < first + WAYS; i++) {
        uint64_t count = atomic_load_explicit(&office->counts[i], memory_order_relaxed);
        uint32_t age = is_over(count, minute) ? UINT32_MAX : (minute - (uint32_t)(count >> 8)) & 0xffffffU;
        if (age != UINT32_MAX && count >> 32 == tag)
            return i;
        if (age > best_age) {
            best = i;
            best_age = age;
        }
    }
    return best;
}

static bool may_report(struct report_office *office, const struct addr *client)
{
    uint8_t network[16];
    memcpy(network, client->ip, sizeof network);
    if (!addr_is_v4(client))
        network_mask(network, 64);
    uint64_t hash = siphash(office->count_key, network, sizeof network);
    size_t first = hash % (CLIENTS / WAYS) * WAYS;
    uint32_t tag = (uint32_t)(hash >> 32) | 1, minute = (uint32_t)minute_now() & 0xffffffU;
    for (unsigned i = 0; i < TRIES; i++) {
        size_t at = find_count(office, first, tag, minute);
        uint64_t count = atomic_load_explicit(&office->counts[at], memory_order_relaxed);
        bool own = !is_over(count, minute) && count >> 32 == tag;
        if (own && (count & 0xff) >= REPORTS_PER_HOUR)
            return false;
        if (atomic_compare_exchange_strong_explicit(&office->counts[at], &count, own ? count + 1 : pack(tag, minute, 1),
                                                    memory_order_relaxed, memory_order_relaxed))
            return true;
    }
    return false;
}

bool report_box_put(struct report_box *box, const struct report *report)
{
    return may_report(box->office, &report->client) && ring_put(box->ring, report, sizeof *report);
}
