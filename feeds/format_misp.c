/* MISP events: {"Event": {...}}, a list of them, or {"response": ...} around either; an event or attributes alone. What
 * is marked for detection (to_ids) is taken, of the event's attributes and of those of its objects. */
#include <string.h>

#include "feeds/format.h"
#include "feeds/indicator_text.h"
#include "feeds/json.h"

/* Of tags like misp-galaxy:malpedia="Emotet": what is in quotes. False: TAG is of another kind. */
static bool galaxy_of(struct str tag, struct str *galaxy, struct str *name)
{
    struct str rest;
    return str_starts(tag, STR("misp-galaxy:")) && str_cut(str_from(tag, 12), '=', galaxy, name) && name->length > 2 &&
           str_cut(str_from(*name, 1), '"', name, &rest);
}

static bool is_one_of(struct str word, const char *const *words)
{
    for (; *words; words++)
        if (str_eq(word, str_of(*words)))
            return true;
    return false;
}

/* The malware that the tags name, else who uses it; empty: they name neither. */
static struct str family_of(const json_t *tags)
{
    static const char *const malware[] = {"malpedia",
                                          "tool",
                                          "ransomware",
                                          "botnet",
                                          "rat",
                                          "banker",
                                          "stealer",
                                          "backdoor",
                                          "cryptominers",
                                          "android",
                                          "tds",
                                          "mitre-malware",
                                          "mitre-tool",
                                          "exploit-kit",
                                          "mitre-enterprise-attack-malware",
                                          "mitre-mobile-attack-malware",
                                          "mitre-enterprise-attack-tool",
                                          NULL};
    static const char *const actors[] = {"threat-actor", "mitre-intrusion-set", "mitre-enterprise-attack-intrusion-set",
                                         NULL};
    struct str actor = {0}, galaxy, name;
    const json_t *tag;
    size_t i;
    json_array_foreach(tags, i, tag)
    {
        if (!galaxy_of(json_text(tag, "name"), &galaxy, &name))
            continue;
        if (is_one_of(galaxy, malware))
            return name;
        if (!actor.length && is_one_of(galaxy, actors))
            actor = name;
    }
    return actor;
}

/* Of a galaxy's tag the name; who may see it (TLP) is of no interest here. */
static void take_tags(struct intake *intake, const json_t *tags)
{
    struct str galaxy, name;
    const json_t *tag;
    size_t i;
    json_array_foreach(tags, i, tag)
    {
        struct str text = json_text(tag, "name");
        if (galaxy_of(text, &galaxy, &name))
            intake_tag(intake, name);
        else if (!(text.length > 4 && str_eq_nocase((struct str){text.data, 4}, STR("tlp:"))))
            intake_tag(intake, text);
    }
}

/* What holds for the attributes around which it stands. */
struct around {
    struct str family, uuid;
    const json_t *tags, *object; /* may be NULL */
};

static uint32_t seen(const json_t *attribute, const json_t *object, const char *key)
{
    uint32_t when = json_when(attribute, key);
    return when ? when : json_when(object, key);
}

static void take_attribute(struct intake *intake, const struct around *around, const json_t *attribute)
{
    struct str value = json_text(attribute, "value"), type = json_text(attribute, "type");
    const json_t *tags = json_object_get(attribute, "Tag");
    json_entry(intake, value);
    struct record *record = &intake->record;
    record->family = family_of(tags);
    if (!record->family.length)
        record->family = around->family;
    record->reference = around->uuid;
    record->first_seen = seen(attribute, around->object, "first_seen");
    record->last_seen = seen(attribute, around->object, "last_seen");
    if (!record->first_seen)
        record->first_seen = json_when(attribute, "timestamp");
    take_tags(intake, tags);
    take_tags(intake, around->tags);
    if (json_is_yes(attribute, "deleted") || json_is_yes(around->object, "deleted"))
        intake_skip(intake, SKIP_WITHDRAWN, value);
    else if (!json_is_yes(attribute, "to_ids"))
        intake_skip(intake, SKIP_NOT_FOR_DETECTION, value);
    else
        indicator_text_take_plain(intake, type.length ? type : STR("?"), value);
}

static struct around around_of(const json_t *event)
{
    struct around around = {family_of(json_object_get(event, "Tag")), json_text(event, "uuid"),
                            json_object_get(event, "Tag"), NULL};
    if (!around.family.length)
        around.family = json_text(event, "info");
    return around;
}

static void take_attributes(struct intake *intake, const struct around *around, const json_t *list)
{
    const json_t *attribute;
    size_t i;
    json_array_foreach(list, i, attribute)
    {
        /* Where attributes were searched for, each has its event within. */
        const json_t *event = json_object_get(attribute, "Event");
        struct around own = event ? around_of(event) : *around;
        take_attribute(intake, &own, attribute);
    }
}

static void take_event(struct intake *intake, const json_t *event)
{
    const json_t *object;
    size_t i;
    struct around around = around_of(event);
    take_attributes(intake, &around, json_object_get(event, "Attribute"));
    json_array_foreach(json_object_get(event, "Object"), i, object)
    {
        around.object = object;
        take_attributes(intake, &around, json_object_get(object, "Attribute"));
    }
}

static const json_t *without_response(const json_t *root)
{
    const json_t *response = json_object_get(root, "response");
    return response ? response : root;
}

/* NULL: none is there. */
static const json_t *event_in(const json_t *around)
{
    const json_t *event = json_object_get(around, "Event");
    if (json_is_object(event) && !json_object_get(around, "to_ids"))
        return event;
    return json_is_array(json_object_get(around, "Attribute")) || json_is_array(json_object_get(around, "Object"))
               ? around
               : NULL;
}

static bool is_attribute(const json_t *row)
{
    return json_object_get(row, "to_ids") && json_text(row, "type").length && json_text(row, "value").length;
}

static bool knows(json_t *root)
{
    const json_t *events = without_response(root), *first = json_is_array(events) ? json_array_get(events, 0) : events;
    return event_in(first) || is_attribute(first) || (events != root && json_is_empty(events));
}

static void take_either(struct intake *intake, json_t *row)
{
    if (event_in(row)) {
        take_event(intake, event_in(row));
    } else if (is_attribute(row)) {
        struct around around = around_of(json_object_get(row, "Event"));
        take_attribute(intake, &around, row);
    } else {
        json_entry(intake, STR("JSON without an event"));
        intake_skip(intake, SKIP_NOT_RULE, STR("JSON without an event"));
    }
}

static void take_document(struct intake *intake, json_t *root)
{
    json_t *events = json_object_get(root, "response"), *event;
    size_t i;
    if (!events)
        events = root;
    if (json_is_object(events) && json_object_size(events))
        take_either(intake, events);
    json_array_foreach(events, i, event)
    {
        take_either(intake, event);
    }
}

const struct format format_misp = {
    .name = "misp", .about = "MISP events as JSON", .starts = "{[", .knows = knows, .document = take_document};

/* As feeds/collection_misp.c puts the events of a feed together: {"missing": UUID, "reason": ...} where one could not
 * be fetched. */
static bool knows_feed(json_t *root)
{
    return json_text(root, "missing").length || knows(root);
}

static void take_feed_document(struct intake *intake, json_t *root)
{
    struct str missing = json_text(root, "missing");
    if (missing.length) {
        json_entry(intake, missing);
        intake_skip(intake, SKIP_UNFETCHED, missing);
    } else {
        take_document(intake, root);
    }
}

const struct format format_misp_feed = {.name = "misp-feed",
                                        .about = "a MISP feed, whose events are fetched one by one",
                                        .starts = "{[",
                                        .knows = knows_feed,
                                        .document = take_feed_document};
