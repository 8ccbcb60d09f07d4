/* MISP events: {"Event": {...}}, a list of them, or {"response": ...} around either. What is marked for detection
 * (to_ids) is taken, of the event's attributes and of those of its objects. */
#include <string.h>

#include "feeds/format.h"
#include "feeds/indicator_text.h"
#include "feeds/json.h"

/* Of tags like misp-galaxy:malpedia="Emotet". */
static struct str galaxy_name(const json_t *tags)
{
    static const char *const galaxies[] = {"malpedia", "tool",    "ransomware", "botnet",       "rat",
                                           "banker",   "stealer", "backdoor",   "cryptominers", "android"};
    const json_t *tag;
    size_t i;
    json_array_foreach(tags, i, tag)
    {
        struct str text = json_text(tag, "name"), galaxy, name, rest;
        if (!str_starts(text, STR("misp-galaxy:")) || !str_cut(str_from(text, 12), '=', &galaxy, &name) ||
            !str_cut(str_from(name, 1), '"', &name, &rest))
            continue;
        for (size_t k = 0; k < sizeof galaxies / sizeof galaxies[0]; k++)
            if (str_eq(galaxy, str_of(galaxies[k])))
                return name;
    }
    return (struct str){0};
}

static bool is_true(const json_t *object, const char *key)
{
    uint64_t number;
    return json_is_true(json_object_get(object, key)) || (json_number(object, key, 1, &number) && number);
}

/* The types whose value is of two parts have a '|' between them. */
static void take_value(struct intake *intake, struct str type, struct str value)
{
    struct str first = value, second = {0};
    char text[320];
    if (str_eq(type, STR("ip-dst|port")) || str_eq(type, STR("ip-src|port"))) {
        str_cut(value, '|', &first, &second);
        indicator_text_take_address_port(intake, first, second);
    } else if (str_eq(type, STR("hostname|port")) && str_cut(value, '|', &first, &second) &&
               value.length < sizeof text) {
        snprintf(text, sizeof text, "%.*s:%.*s", (int)first.length, first.data, (int)second.length, second.data);
        intake_name_port(intake, str_of(text));
    } else if (str_eq(type, STR("domain|ip"))) {
        /* The address is where the name led once: often a hoster's, or a sinkhole's. */
        str_cut(value, '|', &first, &second);
        intake_name(intake, first);
    } else {
        indicator_text_take(intake, type.length ? type : STR("?"), value);
    }
}

struct event {
    struct str family, uuid;
};

static void take_attribute(struct intake *intake, const struct event *event, const json_t *attribute)
{
    struct str value = json_text(attribute, "value");
    json_entry(intake, value);
    struct record *record = &intake->record;
    record->family = galaxy_name(json_object_get(attribute, "Tag"));
    if (!record->family.length)
        record->family = event->family;
    record->reference = event->uuid;
    record->first_seen = json_when(attribute, "first_seen");
    record->last_seen = json_when(attribute, "last_seen");
    if (!record->first_seen)
        record->first_seen = json_when(attribute, "timestamp");
    if (is_true(attribute, "deleted"))
        intake_skip(intake, SKIP_WITHDRAWN, value);
    else if (!is_true(attribute, "to_ids"))
        intake_skip(intake, SKIP_NOT_FOR_DETECTION, value);
    else
        take_value(intake, json_text(attribute, "type"), value);
}

static void take_event(struct intake *intake, const json_t *about)
{
    const json_t *attribute, *object;
    size_t i, k;
    struct event event = {galaxy_name(json_object_get(about, "Tag")), json_text(about, "uuid")};
    if (!event.family.length)
        event.family = json_text(about, "info");
    json_array_foreach(json_object_get(about, "Attribute"), i, attribute)
    {
        take_attribute(intake, &event, attribute);
    }
    json_array_foreach(json_object_get(about, "Object"), i, object)
    {
        if (is_true(object, "deleted"))
            continue;
        json_array_foreach(json_object_get(object, "Attribute"), k, attribute)
        {
            take_attribute(intake, &event, attribute);
        }
    }
}

static const json_t *without_response(json_t *root)
{
    const json_t *response = json_object_get(root, "response");
    return response ? response : root;
}

static const json_t *event_in(const json_t *around)
{
    const json_t *event = json_object_get(around, "Event");
    /* The answer to a search for attributes has no events around them. */
    return event || !json_is_array(json_object_get(around, "Attribute")) ? event : around;
}

static bool knows(json_t *root)
{
    const json_t *events = without_response(root);
    return event_in(json_is_array(events) ? json_array_get(events, 0) : events);
}

static void take_document(struct intake *intake, json_t *root)
{
    const json_t *events = without_response(root), *event;
    size_t i;
    if (!json_is_array(events))
        take_event(intake, event_in(events));
    json_array_foreach(events, i, event)
    {
        take_event(intake, event_in(event));
    }
}

const struct format format_misp = {
    .name = "misp", .about = "MISP events as JSON", .starts = "{[", .knows = knows, .document = take_document};
