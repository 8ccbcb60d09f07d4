#include "callbacks/log_line.h"

#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { LOG_SCHEMA = 1, TEXT_ROOM = 4 * VERDICT_INDICATOR_SIZE };

/* jansson takes only valid UTF-8, which text_printable() makes. */
static json_t *json_text(struct str text)
{
    char safe[TEXT_ROOM];
    text_printable(safe, sizeof safe, text);
    return json_string(safe);
}

static json_t *json_text_or_null(const char *text)
{
    return *text ? json_text(str_of(text)) : json_null();
}

static json_t *json_time(int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(wall_ms, text);
    return json_string(text);
}

static int set_if_text(json_t *object, const char *key, const char *text)
{
    return *text ? json_object_set_new(object, key, json_text(str_of(text))) : 0;
}

/* The name of a client that is this machine; of others none is known. */
static const char *client_name(const struct callback *callback)
{
    static char name[HOST_NAME_MAX + 1];
    if (!addr_is_loopback(&callback->client) && !addr_same_ip(&callback->client, &callback->local))
        return "";
    if (!name[0] && gethostname(name, sizeof name - 1) != 0)
        name[0] = '\0';
    return name;
}

static json_t *json_client(const struct contact *contact)
{
    const struct callback *callback = &contact->callback;
    if (contact->level == FOLD_CLIENTS)
        return json_null();
    json_t *client = json_object();
    char ip[ADDR_TEXT_SIZE];
    addr_format_ip(&callback->client, ip);
    int failed = json_object_set_new(client, "ip", json_string(ip));
    if (callback->client.port && contact->level == FOLD_NONE)
        failed |= json_object_set_new(client, "port", json_integer(callback->client.port));
    failed |= set_if_text(client, "name", client_name(callback));
    failed |= set_if_text(client, "group", callback->verdict.group);
    if (contact->process.pid)
        failed |= json_object_set_new(client, "pid", json_integer(contact->process.pid));
    failed |= set_if_text(client, "process", contact->process.name);
    failed |= set_if_text(client, "user", contact->process.user);
    if (contact->level == FOLD_NONE)
        failed |= set_if_text(client, "login", callback->login);
    if (failed) {
        json_decref(client);
        return NULL;
    }
    return client;
}

static json_t *json_sources(const char *text)
{
    json_t *sources = json_array();
    struct str rest = str_of(text), source;
    while (rest.length) {
        if (!str_cut(rest, ',', &source, &rest)) {
            source = rest;
            rest.length = 0;
        }
        if (source.length && json_array_append_new(sources, json_text(source))) {
            json_decref(sources);
            return NULL;
        }
    }
    return sources;
}

/* What a folded contact's subjects have in common. */
static json_t *json_subject(const struct contact *contact)
{
    const struct verdict *verdict = &contact->callback.verdict;
    if (contact->level == FOLD_NONE)
        return json_text_or_null(contact->callback.subject);
    char pattern[VERDICT_INDICATOR_SIZE + 2];
    snprintf(pattern, sizeof pattern, "%s%s", verdict->kind == INDICATOR_NAME ? "*." : "", verdict->indicator);
    return json_text(str_of(pattern));
}

/* What is known of one indicator; null where several are counted together. */
static int set_indicator(json_t *line, const struct contact *contact)
{
    static const char *const keys[] = {"channel", "subject", "indicator", "match"};
    static const char *const more_keys[] = {"category", "family", "risk", "sources", "incident"};
    const struct callback *callback = &contact->callback;
    const struct verdict *verdict = &callback->verdict;
    bool known = contact->level <= FOLD_SUBJECTS;
    json_t *values[] = {known ? json_string(channel_text(callback->channel)) : json_null(),
                        known ? json_subject(contact) : json_null(),
                        known ? json_text_or_null(verdict->indicator) : json_null(),
                        known ? json_string(match_text(callback->match)) : json_null()};
    json_t *more[] = {known ? json_string(category_text(verdict->category)) : json_null(),
                      known ? json_text_or_null(verdict->family) : json_null(),
                      known ? json_string(risk_text(verdict->risk)) : json_null(),
                      known ? json_sources(verdict->sources) : json_null(), json_text_or_null(contact->incident)};
    int failed = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        failed |= json_object_set_new(line, keys[i], values[i]);
    failed |= json_object_set_new(line, "action", json_string(action_text(verdict->action)));
    for (size_t i = 0; i < sizeof more_keys / sizeof *more_keys; i++)
        failed |= json_object_set_new(line, more_keys[i], more[i]);
    return failed;
}

/* Of what is encrypted the host alone is known: an entry for one of its URLs may have been met, or not. */
static bool has_unseen_path(enum channel channel)
{
    return channel == CHANNEL_CONNECT || channel == CHANNEL_TLS || channel == CHANNEL_SOCKS;
}

static int set_http(json_t *line, const struct contact *contact)
{
    if (contact->level != FOLD_NONE)
        return 0;
    int failed = set_if_text(line, "method", contact->callback.method);
    if (contact->callback.status)
        failed |= json_object_set_new(line, "status", json_integer(contact->callback.status));
    if (has_unseen_path(contact->callback.channel))
        failed |= json_object_set_new(line, "unseen", json_string("path"));
    return failed;
}

static int set_count(json_t *line, const struct contact *contact)
{
    int failed = json_object_set_new(line, "count", json_integer((json_int_t)contact->callback.count));
    failed |= json_object_set_new(line, "last", json_time(contact->last_ms));
    if (contact->level != FOLD_NONE) {
        failed |= json_object_set_new(line, "summary", json_true());
        failed |= json_object_set_new(line, "subjects", json_integer(contact_subjects(contact)));
    }
    return failed;
}

static int append(const char *data, size_t n, void *out)
{
    buf_add(out, data, n);
    return 0;
}

enum status log_line_build(const struct contact *contact, struct buf *out)
{
    size_t before = out->length;
    json_t *line = json_object();
    int failed = json_object_set_new(line, "schema", json_integer(LOG_SCHEMA));
    failed |= json_object_set_new(line, "time", json_time(contact->callback.time_ms));
    failed |= json_object_set_new(line, "id", json_text(str_of(contact->id)));
    failed |= json_object_set_new(line, "client", json_client(contact));
    failed |= set_indicator(line, contact);
    failed |= set_http(line, contact);
    failed |= set_count(line, contact);
    if (!failed)
        failed = json_dump_callback(line, append, out, JSON_COMPACT);
    json_decref(line);
    if (!failed && !out->failed)
        return ST_OK;
    out->length = before;
    return ST_NOMEM;
}
