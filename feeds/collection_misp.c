/* A MISP feed: manifest.json tells of each event when it changed last, UUID.json is the event. An event that is kept as
 * UUID.TIMESTAMP.json is not fetched again before its timestamp moves. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "feeds/collection.h"
#include "feeds/json.h"

/* Of so many events a few may be missing on the server. */
enum { UUID_LENGTH = 36, MAX_MISSING_PERCENT = 5, MAX_MISSING_FEW = 3, WHY_SIZE = 128 };
static const char manifest_name[] = "manifest.json", part_name[] = "event.part";

struct event {
    char uuid[UUID_LENGTH + 1];
    uint64_t timestamp;
};

struct misp {
    struct collection *collection;
    struct event *events; /* in the manifest's order */
    size_t count;
    struct event *sorted; /* by UUID */
    size_t missing;
    struct buf missing_text; /* a line of JSON for each */
    char first_missing[WHY_SIZE];
};

/* RFC 9562 section 4: what is put into paths and addresses. */
static bool is_uuid(struct str text)
{
    if (text.length != UUID_LENGTH)
        return false;
    for (size_t i = 0; i < UUID_LENGTH; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? text.data[i] != '-' : hex_value(text.data[i]) < 0)
            return false;
    }
    return true;
}

static void event_name(const struct event *event, char out[COLLECTION_NAME_SIZE])
{
    snprintf(out, COLLECTION_NAME_SIZE, "%s.%" PRIu64 ".json", event->uuid, event->timestamp);
}

/* The address of NAME in the feed's folder. */
static enum status url_of(const struct misp *misp, const char *name, char out[COLLECTION_PATH_SIZE],
                          struct fault *fault)
{
    struct str url = str_of(misp->collection->request.url), query = {0}, rest;
    str_cut(url, '?', &url, &query);
    str_cut(url, '#', &url, &rest);
    struct str own = str_of(manifest_name);
    if (url.length > own.length && str_eq(str_from(url, url.length - own.length), own))
        url.length -= own.length;
    bool slash = url.length && url.data[url.length - 1] == '/';
    int n = snprintf(out, COLLECTION_PATH_SIZE, "%.*s%s%s%s%.*s", (int)url.length, url.data, slash ? "" : "/", name,
                     query.length ? "?" : "", (int)query.length, query.data);
    return n > 0 && n < COLLECTION_PATH_SIZE ? ST_OK : fault_set(fault, ST_TOO_LARGE, "its URL is too long");
}

static int compare_events(const void *a, const void *b)
{
    return strcmp(((const struct event *)a)->uuid, ((const struct event *)b)->uuid);
}

static enum status take_manifest(struct misp *misp, json_t *manifest, struct fault *fault)
{
    size_t size = json_object_size(manifest);
    const char *uuid;
    json_t *about;
    char shown[80];
    if (!json_is_object(manifest))
        return fault_set(fault, ST_INVALID, "its manifest.json is none: it is no object of events");
    if (size > misp->collection->limits->max_parts)
        return fault_set(fault, ST_TOO_LARGE, "its manifest has more than %u events",
                         misp->collection->limits->max_parts);
    misp->events = calloc(size + 1, sizeof *misp->events);
    misp->sorted = calloc(size + 1, sizeof *misp->sorted);
    if (!misp->events || !misp->sorted)
        return fault_set(fault, ST_NOMEM, "%s", status_text(ST_NOMEM));
    json_object_foreach(manifest, uuid, about)
    {
        text_printable(shown, sizeof shown, str_of(uuid));
        if (!is_uuid(str_of(uuid)))
            return fault_set(fault, ST_INVALID, "its manifest names an event '%s', which is no UUID", shown);
        struct event *event = &misp->events[misp->count++];
        memcpy(event->uuid, uuid, UUID_LENGTH);
        if (!json_number(about, "timestamp", INT64_MAX, &event->timestamp))
            return fault_set(fault, ST_INVALID, "its manifest has no timestamp for the event %s", shown);
    }
    memcpy(misp->sorted, misp->events, misp->count * sizeof *misp->events);
    qsort(misp->sorted, misp->count, sizeof *misp->sorted, compare_events);
    return ST_OK;
}

static enum status fetch_manifest(struct misp *misp, struct fetch_validators *validators, struct fault *fault)
{
    char url[COLLECTION_PATH_SIZE];
    struct fetch_result result;
    struct fault why = {0};
    json_t *manifest;
    enum status st = url_of(misp, manifest_name, url, fault);
    if (st != ST_OK)
        return st;
    st = collection_get(misp->collection, url, manifest_name, validators, &result, &why);
    misp->collection->not_modified = st == ST_OK && result.not_modified;
    if (st != ST_OK && result.status == 404)
        return fault_set(fault, st,
                         "there is no manifest.json below its URL, which must be that of a MISP feed's folder");
    if (st != ST_OK)
        return fault_set(fault, st, "manifest.json: %s", why.text);
    if (result.not_modified)
        return ST_OK;
    st = collection_read(misp->collection, manifest_name, &manifest, fault);
    if (st == ST_OK)
        st = take_manifest(misp, manifest, fault);
    json_decref(manifest);
    return st;
}

static bool is_kept(const struct misp *misp, const struct event *event)
{
    char name[COLLECTION_NAME_SIZE], path[COLLECTION_PATH_SIZE];
    event_name(event, name);
    return collection_path(misp->collection, name, path, NULL) == ST_OK && !access(path, R_OK);
}

/* What was fetched for EVENT is that event. */
static enum status check_event(const struct misp *misp, const struct event *event, struct fault *fault)
{
    json_t *root;
    enum status st = collection_read(misp->collection, part_name, &root, fault);
    const json_t *about = json_object_get(root, "Event");
    if (st == ST_OK && !str_eq_nocase(json_text(about ? about : root, "uuid"), str_of(event->uuid)))
        st = fault_set(fault, ST_INVALID, "it is another event, or none");
    json_decref(root);
    return st;
}

static enum status note_missing(struct misp *misp, const struct event *event, const struct fault *why,
                                struct fault *fault)
{
    if (!misp->missing++)
        snprintf(misp->first_missing, sizeof misp->first_missing, "%s: %.80s", event->uuid, why->text);
    json_t *line = json_pack("{s:s, s:s}", "missing", event->uuid, "reason", why->text);
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    if (text)
        buf_printf(&misp->missing_text, "%s\n", text);
    json_decref(line);
    bool failed = !text || misp->missing_text.failed;
    free(text);
    return failed ? fault_set(fault, ST_NOMEM, "%s", status_text(ST_NOMEM)) : ST_OK;
}

/* Whether one event is at fault, not the server or the way there. */
static bool is_of_the_event(enum status st, const struct fetch_result *result)
{
    bool gone = result->status == 404 || result->status == 410;
    return gone || st == ST_INVALID || st == ST_TOO_LARGE || (st == ST_DENIED && result->status == 200);
}

static enum status fetch_event(struct misp *misp, const struct event *event, struct fault *fault)
{
    char name[COLLECTION_NAME_SIZE], file[COLLECTION_NAME_SIZE], url[COLLECTION_PATH_SIZE];
    struct fetch_result result;
    struct fault why = {0};
    snprintf(file, sizeof file, "%s.json", event->uuid);
    event_name(event, name);
    enum status st = url_of(misp, file, url, fault);
    if (st != ST_OK)
        return st;
    st = collection_get(misp->collection, url, part_name, NULL, &result, &why);
    bool whole = st == ST_OK;
    if (whole)
        st = check_event(misp, event, &why);
    if (st == ST_OK)
        return collection_rename(misp->collection, part_name, name, fault);
    bool too_much = misp->collection->bytes > misp->collection->limits->max_bytes;
    if (is_of_the_event(st, &result) && !too_much)
        return note_missing(misp, event, &why, fault);
    return fault_set(fault, st, "event %s: %s", event->uuid, why.text);
}

static enum status fetch_events(struct misp *misp, struct fault *fault)
{
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < misp->count; i++)
        if (!is_kept(misp, &misp->events[i]))
            st = fetch_event(misp, &misp->events[i], fault);
    if (st == ST_OK && misp->missing > MAX_MISSING_FEW && misp->missing * 100 > misp->count * MAX_MISSING_PERCENT)
        st = fault_set(fault, ST_UNAVAILABLE, "%zu of its %zu events can't be fetched, such as %s", misp->missing,
                       misp->count, misp->first_missing);
    return st;
}

/* The manifest, and the events as it has them; an older version of one that is missing would never come back. */
static bool is_wanted(const void *user, struct str name)
{
    const struct misp *misp = user;
    struct event key = {0};
    if (name.length <= UUID_LENGTH)
        return str_eq(name, str_of(manifest_name));
    memcpy(key.uuid, name.data, UUID_LENGTH);
    const struct event *found = bsearch(&key, misp->sorted, misp->count, sizeof *misp->sorted, compare_events);
    char wanted[COLLECTION_NAME_SIZE];
    if (!found)
        return false;
    event_name(found, wanted);
    return str_eq(name, str_of(wanted));
}

static enum status put_together(const struct misp *misp, int fd, struct fault *fault)
{
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < misp->count; i++) {
        char name[COLLECTION_NAME_SIZE];
        event_name(&misp->events[i], name);
        if (is_kept(misp, &misp->events[i]))
            st = collection_append(misp->collection, name, fd, fault);
    }
    for (size_t done = 0; st == ST_OK && done < misp->missing_text.length;) {
        ssize_t n = write(fd, misp->missing_text.data + done, misp->missing_text.length - done);
        if (n < 0)
            st = fault_errno(fault, ST_IO, "can't put the events together");
        done += n > 0 ? (size_t)n : 0;
    }
    return st;
}

enum status collection_fetch_misp(struct collection *collection, int fd, struct fetch_validators *validators,
                                  struct fault *fault)
{
    struct misp misp = {.collection = collection};
    enum status st = fetch_manifest(&misp, validators, fault);
    if (st == ST_OK && !collection->not_modified) {
        st = fetch_events(&misp, fault);
        if (st == ST_OK)
            st = put_together(&misp, fd, fault);
        if (st == ST_OK)
            st = collection_tidy(collection, is_wanted, &misp, fault);
        if (st == ST_OK && misp.missing)
            *validators = (struct fetch_validators){0}; /* or they would be missing until the manifest changes */
    }
    buf_free(&misp.missing_text);
    free(misp.events);
    free(misp.sorted);
    return st;
}
