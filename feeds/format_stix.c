/* STIX 2.0 and 2.1: a bundle, or a page of a TAXII collection. Indicators are taken whose pattern compares names, URLs
 * and addresses; the malware that they indicate is the family. */
#include "feeds/format.h"
#include "feeds/json.h"
#include "feeds/stix_pattern.h"

static bool knows(json_t *root)
{
    const json_t *objects = json_object_get(root, "objects");
    return json_is_array(objects) && (str_eq(json_text(root, "type"), STR("bundle")) || json_object_get(root, "more") ||
                                      json_text(json_array_get(objects, 0), "type").length);
}

static bool is_type(const json_t *object, const char *type)
{
    return str_eq(json_text(object, "type"), str_of(type));
}

static bool names_family(const json_t *object)
{
    return is_type(object, "malware") || is_type(object, "tool") || is_type(object, "campaign") ||
           is_type(object, "intrusion-set");
}

/* What each indicator indicates: its id -> the object that names the family. NULL: out of memory. */
static json_t *indicated_families(const json_t *objects)
{
    json_t *object, *by_id = json_object(), *families = json_object();
    size_t i;
    json_array_foreach(objects, i, object)
    {
        const char *id = json_string_value(json_object_get(object, "id"));
        if (id && names_family(object))
            json_object_set(by_id, id, object);
    }
    json_array_foreach(objects, i, object)
    {
        const char *from = json_string_value(json_object_get(object, "source_ref"));
        const char *to = json_string_value(json_object_get(object, "target_ref"));
        if (!from || !to || !str_eq(json_text(object, "relationship_type"), STR("indicates")))
            continue;
        json_t *family = json_object_get(by_id, to);
        if (family && (!json_object_get(families, from) || is_type(family, "malware")))
            json_object_set(families, from, family);
    }
    json_decref(by_id);
    return families;
}

struct taking {
    struct intake *intake;
    unsigned values;
};

static void take_value(void *user, const struct stix_value *value)
{
    struct taking *taking = user;
    struct intake *intake = taking->intake;
    taking->values++;
    intake->held = value->combined ? SKIP_CONDITIONS : SKIP_NOT;
    if (str_eq(value->path, STR("domain-name:value")))
        intake_name(intake, value->text);
    else if (str_eq(value->path, STR("url:value")))
        intake_url(intake, value->text);
    else if (str_eq(value->path, STR("ipv4-addr:value")) || str_eq(value->path, STR("ipv6-addr:value")))
        intake_network(intake, value->text);
    else
        intake_skip(intake, SKIP_OTHER_KIND, value->text);
}

static bool is_benign(const json_t *indicator)
{
    const json_t *type;
    size_t i;
    json_array_foreach(json_object_get(indicator, "indicator_types"), i,
                       type) if (json_string_value(type) &&
                                 str_eq(str_of(json_string_value(type)), STR("benign"))) return true;
    return false;
}

static void take_indicator(struct intake *intake, const json_t *indicator, const json_t *families)
{
    struct str pattern = json_text(indicator, "pattern"), type = json_text(indicator, "pattern_type");
    const char *id = json_string_value(json_object_get(indicator, "id"));
    struct record *record = &intake->record;
    uint64_t confidence;
    json_entry(intake, pattern);
    record->first_seen = json_when(indicator, "valid_from");
    record->last_seen = json_when(indicator, "modified");
    record->expires = json_when(indicator, "valid_until");
    record->reference = json_text(json_array_get(json_object_get(indicator, "external_references"), 0), "url");
    if (!record->reference.length)
        record->reference = str_of(id);
    if (id)
        record->family = json_text(json_object_get(families, id), "name");
    if (json_number(indicator, "confidence", 100, &confidence))
        record->confidence = (uint8_t)confidence;
    struct taking taking = {.intake = intake};
    if (json_is_true(json_object_get(indicator, "revoked")))
        intake_skip(intake, SKIP_WITHDRAWN, pattern);
    else if (is_benign(indicator))
        intake_skip(intake, SKIP_NOT_FOR_DETECTION, pattern);
    else if (type.length && !str_eq(type, STR("stix")))
        intake_skip(intake, SKIP_OTHER_KIND, pattern);
    else if (!stix_pattern_values(pattern, take_value, &taking))
        intake_skip(intake, SKIP_NOT_RULE, pattern);
    else if (!taking.values)
        intake_skip(intake, SKIP_PATTERN, pattern);
}

static void take_document(struct intake *intake, json_t *root)
{
    const json_t *objects = json_object_get(root, "objects"), *object;
    json_t *families = indicated_families(objects);
    size_t i;
    json_array_foreach(objects, i, object)
    {
        if (is_type(object, "indicator"))
            take_indicator(intake, object, families);
    }
    json_decref(families);
}

const struct format format_stix = {.name = "stix",
                                   .about = "STIX 2 indicators: a bundle or a page of a TAXII collection",
                                   .starts = "{",
                                   .knows = knows,
                                   .document = take_document};
