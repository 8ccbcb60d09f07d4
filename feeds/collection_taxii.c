/* A collection of a TAXII 2.1 server (OASIS TAXII 2.1, section 5.4). All pages are fetched once, then what has been
 * added since; from time to time all again, as a server does not tell what it has taken away. Pages are kept in the
 * order in which they came, so that of an object the later version stands later. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/file.h"
#include "feeds/collection.h"
#include "feeds/json.h"
#include "feeds/web_url.h"

enum { STAMP_SIZE = 48, NEXT_SIZE = 1024, MAX_PAGES = 10000, MAX_EMPTY_PAGES = 20, MAX_PAGES_BETWEEN = 500 };
enum { NEXTS_KNOWN = 64, STATE_MAX_BYTES = 16384 };
enum { SCHEMA = 1 };
static const int64_t full_every_ms = (int64_t)7 * 24 * 3600 * 1000;
static const char media_type[] = "application/taxii+json;version=2.1", state_name[] = "state.json";
/* What says something of indicators or of what they indicate. */
static const char page_limit[] = "1000";
static const char wanted_types[] = "indicator,malware,tool,campaign,intrusion-set,relationship";

/* What is kept between two refreshes. */
struct taxii_state {
    char url[WEB_URL_SIZE];
    char added_after[STAMP_SIZE];
    uint64_t series, pages, full_pages; /* of the series that is in use */
    int64_t full_ms;                    /* wall: when all has been fetched */
};

struct page {
    bool more, empty;
    char next[NEXT_SIZE], added_last[STAMP_SIZE];
};

struct taxii {
    struct collection *collection;
    struct taxii_state state;          /* as it is to become */
    unsigned pages_asked, empty_pages; /* empty ones in a row */
    uint64_t nexts[NEXTS_KNOWN];       /* hashes of the last ones that were given */
};

static void page_name(const struct taxii_state *state, uint64_t page, char out[COLLECTION_NAME_SIZE])
{
    snprintf(out, COLLECTION_NAME_SIZE, "%" PRIu64 ".%06" PRIu64 ".json", state->series, page);
}

/* --- What is kept. --- */

/* Zero where there is none, or that of another collection. */
static void load_state(const struct taxii *taxii, struct taxii_state *state)
{
    char path[COLLECTION_PATH_SIZE];
    struct buf text = {0};
    *state = (struct taxii_state){0};
    if (collection_path(taxii->collection, state_name, path, NULL) != ST_OK ||
        file_read(path, STATE_MAX_BYTES, &text, NULL) != ST_OK) {
        buf_free(&text);
        return;
    }
    json_t *json = json_loadb(text.data, text.length, 0, NULL);
    uint64_t schema = 0, full_ms = 0;
    bool good = json_number(json, "schema", SCHEMA, &schema) && schema == SCHEMA &&
                str_eq(json_text(json, "url"), str_of(taxii->collection->request.url)) &&
                json_number(json, "series", INT64_MAX, &state->series) &&
                json_number(json, "pages", INT64_MAX, &state->pages) &&
                json_number(json, "full_pages", INT64_MAX, &state->full_pages) &&
                json_number(json, "full_ms", INT64_MAX, &full_ms);
    state->full_ms = (int64_t)full_ms;
    text_copy(state->added_after, sizeof state->added_after, json_text(json, "added_after"));
    if (!good)
        *state = (struct taxii_state){0};
    json_decref(json);
    buf_free(&text);
}

static enum status save_state(const struct taxii *taxii, struct fault *fault)
{
    const struct taxii_state *state = &taxii->state;
    char path[COLLECTION_PATH_SIZE];
    enum status st = collection_path(taxii->collection, state_name, path, fault);
    json_t *json = json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:I}", "schema", SCHEMA, "url",
                             taxii->collection->request.url, "added_after", state->added_after, "series",
                             (json_int_t)state->series, "pages", (json_int_t)state->pages, "full_pages",
                             (json_int_t)state->full_pages, "full_ms", (json_int_t)state->full_ms);
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    if (st == ST_OK)
        st = text ? file_replace(path, str_of(text), fault) : fault_set(fault, ST_NOMEM, "%s", status_text(ST_NOMEM));
    free(text);
    json_decref(json);
    return st;
}

static bool is_wanted(const void *user, struct str name)
{
    const struct taxii_state *state = &((const struct taxii *)user)->state;
    struct str series, page = {0}, rest;
    uint64_t series_number, number;
    if (!str_cut(name, '.', &series, &page) || !str_cut(page, '.', &page, &rest))
        return str_eq(name, str_of(state_name));
    return text_u64(series, INT64_MAX, &series_number) == ST_OK && series_number == state->series &&
           text_u64(page, INT64_MAX, &number) == ST_OK && number < state->pages;
}

/* --- Pages. --- */

/* A point in time as it may stand in an address: RFC 3339. */
static bool is_stamp(struct str text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!ascii_digit(text.data[i]) && !memchr("-:.TZ+", text.data[i], 6))
            return false;
    return text.length >= 10 && text.length < STAMP_SIZE;
}

static enum status add_query(struct web_url *url, const char *name, const char *value, struct fault *fault)
{
    return value[0] ? web_url_add_query(url, name, value, fault) : ST_OK;
}

/* Whether the feed's own URL does. */
static bool asks_for(struct str query, const char *what)
{
    return query.length && memmem(query.data, query.length, what, strlen(what));
}

/* The address of the objects of the collection that the feed's URL names, with or without "objects/". */
static enum status objects_url(const struct taxii *taxii, const char *next, struct web_url *url, struct fault *fault)
{
    struct str text = str_of(taxii->collection->request.url), query = {0}, rest;
    const struct str objects = STR("/objects/");
    char whole[WEB_URL_SIZE];
    str_cut(text, '#', &text, &rest);
    str_cut(text, '?', &text, &query);
    while (text.length && text.data[text.length - 1] == '/')
        text.length--;
    struct str tail = str_from(text, text.length > objects.length ? text.length - objects.length + 1 : 0);
    bool has_objects = str_eq(tail, STR("/objects"));
    int n = snprintf(whole, sizeof whole, "%.*s%s%s%.*s", (int)text.length, text.data, has_objects ? "/" : "/objects/",
                     query.length ? "?" : "", (int)query.length, query.data);
    if (n < 0 || (size_t)n >= sizeof whole)
        return fault_set(fault, ST_TOO_LARGE, "its URL is too long");
    enum status st = web_url_parse(whole, url, fault);
    if (st == ST_OK)
        st = add_query(url, "added_after", taxii->state.added_after, fault);
    if (st == ST_OK && !asks_for(query, "match"))
        st = add_query(url, "match[type]", wanted_types, fault);
    if (st == ST_OK && !asks_for(query, "limit="))
        st = add_query(url, "limit", page_limit, fault);
    return st == ST_OK ? add_query(url, "next", next, fault) : st;
}

static enum status explain(enum status st, const struct fetch_result *result, const struct fault *why,
                           struct fault *fault)
{
    switch (result->status) {
    case 404:
        return fault_set(fault, st,
                         "there is no such collection (status 404): its URL must be that of a TAXII 2.1 collection, "
                         ".../collections/ID/");
    case 406:
    case 415:
        return fault_set(
            fault, st,
            "the server does not speak TAXII 2.1 (status %ld for \"%s\"): look for its API root of version "
            "2.1",
            result->status, media_type);
    default:
        return fault_set(fault, st, "%s", why->text);
    }
}

/* Of an envelope: {"more":, "next":, "objects": [...]}, or {} where there is nothing. */
static enum status read_page(const struct taxii *taxii, const char *name, const struct fetch_result *result,
                             struct page *page, struct fault *fault)
{
    json_t *root;
    enum status st = collection_read(taxii->collection, name, &root, fault);
    if (st != ST_OK)
        return st;
    struct str next = json_text(root, "next");
    const json_t *objects = json_object_get(root, "objects"), *number = json_object_get(root, "next");
    char digits[32];
    if (json_is_integer(number)) { /* some servers count */
        snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(number));
        next = str_of(digits);
    }
    *page = (struct page){.more = json_is_yes(root, "more"), .empty = !json_array_size(objects)};
    bool envelope = json_is_empty(root) || json_is_array(objects) || json_object_get(root, "more");
    if (!json_is_object(root) || !envelope || json_object_get(root, "title"))
        st = fault_set(fault, ST_INVALID, "it is no page of a collection's objects: has it the URL of a collection?");
    else if (next.length >= sizeof page->next)
        st = fault_set(fault, ST_INVALID, "its page has a `next` of more than %d bytes", NEXT_SIZE - 1);
    text_copy(page->next, sizeof page->next, next);
    if (is_stamp(str_of(result->header)))
        text_copy(page->added_last, sizeof page->added_last, str_of(result->header));
    json_decref(root);
    return st;
}

static enum status fetch_page(struct taxii *taxii, const char *next, struct page *page, struct fault *fault)
{
    char name[COLLECTION_NAME_SIZE];
    struct web_url url;
    struct fetch_result result;
    struct fault why = {0};
    if (taxii->pages_asked++ == MAX_PAGES)
        return fault_set(fault, ST_TOO_LARGE, "it has more than %d pages", MAX_PAGES);
    page_name(&taxii->state, taxii->state.pages, name);
    enum status st = objects_url(taxii, next, &url, fault);
    if (st != ST_OK)
        return st;
    st = collection_get(taxii->collection, url.text, name, NULL, &result, &why);
    if (st != ST_OK)
        return explain(st, &result, &why, fault);
    if (result.content_type[0] && !strcasestr(result.content_type, "json"))
        return fault_set(fault, ST_INVALID, "the server answers with \"%s\" where \"%s\" is due", result.content_type,
                         media_type);
    return read_page(taxii, name, &result, page, fault);
}

/* False: it has been given before. */
static bool note_next(struct taxii *taxii, struct str next)
{
    uint64_t hash = XXH3_64bits(next.data, next.length) | 1;
    for (size_t i = 0; i < NEXTS_KNOWN; i++)
        if (taxii->nexts[i] == hash)
            return false;
    taxii->nexts[taxii->pages_asked % NEXTS_KNOWN] = hash;
    return true;
}

/* What the next request asks for. ST_INVALID: it would be the same again. */
static enum status advance(struct taxii *taxii, const struct page *page, char next[NEXT_SIZE], struct fault *fault)
{
    taxii->empty_pages = page->empty ? taxii->empty_pages + 1 : 0;
    if (taxii->empty_pages > MAX_EMPTY_PAGES)
        return fault_set(fault, ST_INVALID, "it has %d pages without objects in a row, and says that there are more",
                         MAX_EMPTY_PAGES);
    if (page->next[0]) { /* section 3.4: with all else as before */
        memcpy(next, page->next, NEXT_SIZE);
        return note_next(taxii, str_of(next)) ? ST_OK : fault_set(fault, ST_INVALID, "its pages go round in a circle");
    }
    if (!page->added_last[0] || !strcmp(page->added_last, taxii->state.added_after))
        return fault_set(fault, ST_INVALID, "it says that there are more objects, but not how to ask for them");
    next[0] = '\0';
    memcpy(taxii->state.added_after, page->added_last, STAMP_SIZE);
    return ST_OK;
}

static enum status fetch_pages(struct taxii *taxii, struct fault *fault)
{
    char next[NEXT_SIZE] = "", last[STAMP_SIZE] = "";
    struct page page = {.more = true};
    while (page.more) {
        enum status st = fetch_page(taxii, next, &page, fault);
        if (st != ST_OK)
            return st;
        taxii->state.pages += !page.empty; /* an empty one is overwritten by the next */
        if (page.added_last[0])
            memcpy(last, page.added_last, sizeof last);
        if (page.more)
            st = advance(taxii, &page, next, fault);
        if (st != ST_OK)
            return st;
    }
    if (last[0])
        memcpy(taxii->state.added_after, last, sizeof last);
    return ST_OK;
}

static bool is_due_in_full(const struct taxii_state *state, int64_t now_ms)
{
    return !state->full_ms || !state->added_after[0] || state->full_ms > now_ms ||
           now_ms - state->full_ms > full_every_ms || state->pages > state->full_pages + MAX_PAGES_BETWEEN;
}

enum status collection_fetch_taxii(struct collection *collection, int fd, struct fault *fault)
{
    struct taxii taxii = {.collection = collection};
    int64_t now_ms = clock_wall_ms();
    collection->request.accept = media_type;
    collection->request.header = "X-TAXII-Date-Added-Last";
    load_state(&taxii, &taxii.state);
    bool full = is_due_in_full(&taxii.state, now_ms);
    if (full)
        taxii.state = (struct taxii_state){.series = (uint64_t)now_ms, .full_ms = now_ms};
    enum status st = fetch_pages(&taxii, fault);
    if (full)
        taxii.state.full_pages = taxii.state.pages;
    for (uint64_t i = 0; st == ST_OK && i < taxii.state.pages; i++) {
        char name[COLLECTION_NAME_SIZE];
        page_name(&taxii.state, i, name);
        st = collection_append(collection, name, fd, fault);
    }
    if (st == ST_OK)
        st = save_state(&taxii, fault);
    return st == ST_OK ? collection_tidy(collection, is_wanted, &taxii, fault) : st;
}
