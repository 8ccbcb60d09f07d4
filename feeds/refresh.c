/* One feed's refresh: fetch to a file aside, import, keep the body as the last good one, remember how it went. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "feeds/accept.h"
#include "feeds/collection.h"
#include "feeds/host_pace.h"
#include "feeds/interrupt.h"
#include "feeds/report.h"
#include "feeds/secret.h"
#include "feeds/transfer_feed.h"
#include "feeds/transfer_url.h"
#include "feeds/web_url.h"
#include "feeds/work.h"
#include "reputation/source_upkeep.h"
#include "reputation/source_writer.h"

struct refresh {
    const struct feed *feed;
    unsigned options;
    struct secret key; /* of a fetch under way */
    bool current;      /* what is in force is of the body that is remembered, made with the same settings */
    bool not_asked;    /* it is too soon for the server */
    bool held_back;    /* the last body is not believed */
    int64_t retry_s;   /* the longest that a server wants to be left alone */
    int64_t asked_ms;  /* as in the state, before this */
    /* What was fetched last. */
    bool not_modified;
    struct fetch_validators validators;
    struct feed_zone zone;
    struct feed_work work;
};

static enum status check_feed(const struct feed *feed, struct fault *fault)
{
    if (!feed->url || !feed->url[0] || strlen(feed->url) >= FEED_URL_SIZE)
        return fault_set(fault, ST_INVALID, "%s: it has no URL to be fetched from", feed->name);
    return ST_OK;
}

/* --- Where from. --- */

static const char *address_at(const struct feed *feed, size_t index)
{
    return index ? feed->mirrors[index - 1] : feed->url;
}

static enum status check_pace(struct refresh *refresh, const char *url, struct fault *fault)
{
    char host[WEB_HOST_SIZE];
    web_url_host(url, host);
    int64_t left_s = host_pace_left_s(str_of(host), refresh->asked_ms, clock_wall_ms());
    if (!left_s || refresh->options & FEED_FORCE)
        return ST_OK;
    return fault_set(fault, ST_BUSY,
                     "%s wants %lld min between two downloads, of which %lld s are left; `ccward feeds refresh %s "
                     "--force` does not wait",
                     host, (long long)host_pace_s(str_of(host)) / 60, (long long)left_s, refresh->feed->name);
}

/* Whether URL gets the key: mirrors may be anybody's. */
static bool may_have_key(const struct feed *feed, const char *url)
{
    struct web_url home, there;
    return web_url_parse(feed->url, &home, NULL) == ST_OK && web_url_parse(url, &there, NULL) == ST_OK &&
           home.host[0] && web_url_same_origin(&home, &there);
}

/* Reads the key; the caller wipes it. */
static enum status prepare_request(struct refresh *refresh, const char *url, struct fetch_request *request,
                                   struct fault *fault)
{
    const struct feed *feed = refresh->feed;
    const struct feed_state *state = &refresh->work.state;
    char shown[FEED_URL_SIZE];
    *request = (struct fetch_request){.url = url,
                                      .site = refresh->work.site,
                                      .key = &refresh->key,
                                      .key_as = feed->key_as ? feed->key_as : "header Auth-Key",
                                      .limits = &fetch_default_limits};
    web_url_shown(url, shown, sizeof shown);
    if (refresh->current && !strcmp(shown, state->from))
        refresh->validators = state->validators;
    return may_have_key(feed, url) ? secret_read(feed->key, &refresh->key, fault) : ST_OK;
}

static void note_answer(struct refresh *refresh, const char *url, bool answered, int64_t retry_after_s)
{
    char host[WEB_HOST_SIZE];
    web_url_host(url, host);
    if (answered && host_pace_s(str_of(host)))
        refresh->work.state.asked_ms = clock_wall_ms();
    if (retry_after_s > refresh->retry_s)
        refresh->retry_s = retry_after_s;
}

static enum status fetch_by_web(struct refresh *refresh, const char *url, struct progress *bar, struct fault *fault)
{
    struct fetch_request request;
    struct fetch_result result;
    enum status st = prepare_request(refresh, url, &request, fault);
    if (st != ST_OK)
        return st;
    st = fetch(&request, refresh->work.fd, bar, &refresh->validators, &result, fault);
    secret_wipe(&refresh->key);
    refresh->not_modified = result.not_modified;
    note_answer(refresh, url, result.answered, result.retry_after_s);
    return st;
}

/* The parts of a collection; what is new is fetched, the whole is the body. */
static enum status fetch_by_parts(struct refresh *refresh, const char *url, struct progress *bar, struct fault *fault)
{
    struct feed_work *work = &refresh->work;
    char folder[WORK_PATH_SIZE];
    struct collection collection = {.folder = folder, .limits = &collection_default_limits, .progress = bar};
    if (feed_state_path(work->site->state_dir, work->name, ".d", folder, sizeof folder) != ST_OK)
        return fault_set(fault, ST_TOO_LARGE, "the state directory's path is too long");
    enum status st = prepare_request(refresh, url, &collection.request, fault);
    if (st != ST_OK)
        return st;
    st = collection_fetch(&collection, str_of(refresh->feed->format), work->fd, &refresh->validators, fault);
    secret_wipe(&refresh->key);
    refresh->not_modified = collection.not_modified;
    note_answer(refresh, url, collection.answered, collection.retry_after_s);
    return st;
}

static enum status fetch_by_transfer(struct refresh *refresh, const char *url, struct progress *bar,
                                     struct fault *fault)
{
    struct feed_work *work = &refresh->work;
    struct transfer_result result;
    bool anew = !refresh->current || !work->state.zone.known;
    enum status st =
        transfer_feed(work->site, refresh->feed, url, anew ? NULL : work->raw, work->fd, bar, &result, fault);
    if (st != ST_OK)
        return st;
    refresh->not_modified = result.not_modified;
    refresh->zone =
        (struct feed_zone){true, result.soa.serial, result.soa.refresh_s, result.soa.retry_s, result.soa.expire_s};
    return ST_OK;
}

/* The body of URL into the file aside, unless it is the one that we have. */
static enum status fetch_address(struct refresh *refresh, const char *url, struct fault *fault)
{
    struct progress bar;
    refresh->not_modified = false;
    refresh->validators = (struct fetch_validators){0};
    refresh->zone = (struct feed_zone){0};
    if (lseek(refresh->work.fd, 0, SEEK_SET) || ftruncate(refresh->work.fd, 0))
        return fault_errno(fault, ST_IO, "can't empty %s", refresh->work.part);
    progress_init(&bar, refresh->work.progress, refresh->feed->name, 0);
    enum status st = transfer_url_is(str_of(url))                   ? fetch_by_transfer(refresh, url, &bar, fault)
                     : collection_is(str_of(refresh->feed->format)) ? fetch_by_parts(refresh, url, &bar, fault)
                                                                    : fetch_by_web(refresh, url, &bar, fault);
    progress_fini(&bar);
    return st;
}

/* --- What to do with it. --- */

/* How many entries the body in force had; of one that is not remembered what the store has; 0: there is none that a new
 * one could be compared with. */
static uint64_t entries_before(const struct feed_work *work, const struct feed *feed)
{
    struct source_info info;
    uint64_t sum = 0;
    if (!feed_state_comparable(&work->state, feed))
        return 0;
    if (work->state.entries)
        return work->state.entries;
    if (source_newest(work->store_dir, work->name, &info, NULL) == ST_OK)
        for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
            sum += info.counts[kind];
    return sum;
}

static enum status ask_whether_believed(void *user, const struct feed_report *report, struct fault *fault)
{
    struct refresh *refresh = user;
    struct feed_state *state = &refresh->work.state;
    if (refresh->options & FEED_ACCEPT) {
        state->held = (struct feed_held){0};
        return ST_OK;
    }
    enum status st = accept_count(refresh->feed, entries_before(&refresh->work, refresh->feed), report_entries(report),
                                  clock_wall_ms(), &state->held, fault);
    refresh->held_back = st != ST_OK;
    return st;
}

static enum status refuse_rejected(struct refresh *refresh, const char *body, struct fault *fault)
{
    struct feed_state *state = &refresh->work.state;
    char when[CLOCK_TEXT_SIZE];
    bool same_zone = refresh->zone.known && state->rejected_serial == refresh->zone.serial;
    if (!state->rejected[0] || (strcmp(body, state->rejected) && !same_zone))
        return ST_OK;
    if (refresh->options & FEED_ACCEPT) {
        state->rejected[0] = '\0';
        state->rejected_ms = 0;
        state->rejected_serial = -1;
        return ST_OK;
    }
    refresh->held_back = true;
    clock_format(state->rejected_ms, when);
    return fault_set(fault, ST_DENIED,
                     "it is still the list that was rolled back at %s; a new one will be taken by itself, this one by "
                     "`ccward feeds refresh %s --accept`",
                     when, refresh->feed->name);
}

/* What was fetched becomes what is in force, or is found to be that. */
static enum status take_body(struct refresh *refresh, struct feed_report *report, struct fault *fault)
{
    struct feed_work *work = &refresh->work;
    struct import_gate gate = {ask_whether_believed, refresh};
    char body[DIGEST_TEXT_SIZE], origin[FEED_URL_SIZE];
    enum status st = work_digest(work->fd, body, fault);
    if (st != ST_OK)
        return st;
    if (refresh->current && !strcmp(body, work->state.body)) {
        *report = work_unchanged(work);
        return ST_OK;
    }
    st = refuse_rejected(refresh, body, fault);
    if (st == ST_OK)
        st = accept_marker(work->fd, refresh->feed->must_contain, fault);
    if (st != ST_OK)
        return st;
    web_url_shown(refresh->feed->url, origin, sizeof origin);
    st = work_publish(
        work,
        &(struct work_body){
            .fd = work->fd, .digest = body, .name = work->name, .origin = origin, .feed = refresh->feed, .gate = &gate},
        report, fault);
    if (st != ST_OK) {
        work->state.refused = *report;
        return st;
    }
    return work_keep(work, fault);
}

static enum status try_address(struct refresh *refresh, const char *url, struct feed_report *report,
                               struct fault *fault)
{
    struct feed_state *state = &refresh->work.state;
    enum status st = fetch_address(refresh, url, fault);
    if (st == ST_OK && refresh->not_modified) {
        *report = work_unchanged(&refresh->work);
    } else if (st == ST_OK) {
        st = take_body(refresh, report, fault);
    }
    if (st != ST_OK)
        return st;
    state->validators = refresh->validators;
    state->zone = refresh->zone;
    web_url_shown(url, state->from, sizeof state->from);
    feed_state_adopt(state, refresh->feed);
    return ST_OK;
}

/* Whether another address may do better: a list that is not believed will not be believed from there either. */
static bool is_worth_a_mirror(const struct refresh *refresh, enum status st)
{
    return st != ST_OK && st != ST_CLOSED && st != ST_FULL && st != ST_IO && st != ST_NOMEM && st != ST_BUSY &&
           !refresh->held_back;
}

static void add_mirror(struct fault *fault, size_t index, const struct fault *why)
{
    struct fault both = {0};
    fault_set(&both, ST_OK, "%.240s; mirror %zu: %.200s", fault->text, index, why->text);
    *fault = both;
}

static enum status try_addresses(struct refresh *refresh, struct feed_report *report, struct fault *fault)
{
    const struct feed *feed = refresh->feed;
    enum status st = check_pace(refresh, feed->url, fault);
    refresh->not_asked = st != ST_OK;
    if (st != ST_OK)
        return st;
    for (size_t i = 0; i <= feed->mirror_count; i++) {
        struct fault why = {0};
        if (i && check_pace(refresh, address_at(feed, i), NULL) != ST_OK)
            continue;
        st = try_address(refresh, address_at(feed, i), report, &why);
        if (st == ST_OK)
            fault->text[0] = '\0';
        else if (!i || !is_worth_a_mirror(refresh, st))
            *fault = why;
        else
            add_mirror(fault, i, &why);
        if (!is_worth_a_mirror(refresh, st))
            break;
    }
    return st;
}

/* --- What is remembered. --- */

/* Takes an expired zone out of force. Where the store is in use it is done at the next try. */
static void withdraw(struct refresh *refresh, struct feed_report *report, struct fault *fault)
{
    struct feed_work *work = &refresh->work;
    struct fault whole = {0};
    int lock;
    if (store_lock(work->store_dir, &lock, NULL) != ST_OK)
        return;
    report->expired = source_remove(work->store_dir, work->name, NULL) == ST_OK;
    store_unlock(lock);
    if (!report->expired)
        return;
    unlink(work->raw); /* or the next zone would be built on it, and it could be put back in force */
    work->state.body[0] = '\0';
    work->state.generation = 0;
    fault_set(&whole, ST_OK, "%s; the zone has expired and is not in force any more", fault->text);
    *fault = whole;
}

static void note_failure(struct refresh *refresh, struct feed_report *report, struct fault *fault)
{
    struct feed_state *state = &refresh->work.state;
    if (!feed_state_matches(state, refresh->feed)) {
        /* It failed with new settings: wait for them, but read what is fetched then. */
        feed_state_adopt(state, refresh->feed);
        state->outdated = true;
        state->zone = (struct feed_zone){0};
    }
    state->failures++;
    state->held_back = refresh->held_back;
    state->retry_at_ms = refresh->retry_s ? state->last_try_ms + refresh->retry_s * 1000 : 0;
    if (feed_state_zone_expired(state) && state->generation)
        withdraw(refresh, report, fault);
    text_printable(state->reason, sizeof state->reason, str_of(fault->text));
}

static enum status remember(struct refresh *refresh, enum status st, struct feed_report *report, struct fault *fault)
{
    struct feed_state *state = &refresh->work.state;
    state->last_try_ms = clock_wall_ms();
    if (st == ST_OK) {
        state->last_success_ms = state->last_try_ms;
        state->failures = 0;
        state->reason[0] = '\0';
        state->held_back = false;
        state->held = (struct feed_held){0};
        state->retry_at_ms = 0;
        state->refused = (struct feed_report){0};
    } else {
        note_failure(refresh, report, fault);
    }
    struct fault why = {0};
    enum status saved = work_save(&refresh->work, &why);
    return st == ST_OK && saved != ST_OK ? fault_set(fault, saved, "%s", why.text) : st;
}

/* FAULT's text gets the feed's name, unless it has it already. */
static void name_feed(const struct feed *feed, struct fault *fault)
{
    struct fault named = {0};
    size_t n = strlen(feed->name);
    if (!strncmp(fault->text, feed->name, n) && fault->text[n] == ':')
        return;
    fault_set(&named, ST_OK, "%s: %s", feed->name, fault->text);
    *fault = named;
}

enum status feed_refresh(const struct feed_site *site, const struct feed *feed, unsigned options, bool progress,
                         struct feed_report *report, struct fault *fault)
{
    struct fault own = {0};
    struct refresh refresh = {.feed = feed, .options = options};
    *report = (struct feed_report){0};
    interrupt_begin();
    enum status st = check_feed(feed, &own);
    if (st == ST_OK)
        st = work_begin(&refresh.work, site, feed->name, progress, &own);
    if (st != ST_OK)
        goto out;
    refresh.current = work_is_current(&refresh.work, feed);
    refresh.asked_ms = refresh.work.state.asked_ms;
    st = try_addresses(&refresh, report, &own);
    if (st != ST_OK)
        name_feed(feed, &own);
    if (st != ST_CLOSED && !refresh.not_asked) /* interrupted: as if it had not been tried */
        st = remember(&refresh, st, report, &own);
    work_end(&refresh.work);
out:
    interrupt_end();
    return st == ST_OK ? ST_OK : fault_set(fault, st, "%s", own.text);
}
