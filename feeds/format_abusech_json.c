/* abuse.ch's JSON: URLhaus, ThreatFox and Feodo Tracker, as their APIs answer and as their exports come. */
#include "feeds/format.h"
#include "feeds/indicator_text.h"
#include "feeds/json.h"
#include "feeds/tags.h"

static struct str first_family(const json_t *tags)
{
    const json_t *tag;
    size_t i;
    if (json_is_string(tags))
        return tags_family((struct str){json_string_value(tags), json_string_length(tags)});
    json_array_foreach(tags, i, tag)
    {
        struct str text = {json_string_value(tag), json_string_length(tag)};
        if (tag_is_family(text))
            return text;
    }
    return (struct str){0};
}

static struct str either(const json_t *row, const char *key, const char *other)
{
    struct str text = json_text(row, key);
    return text.length ? text : json_text(row, other);
}

static bool is_urlhaus(json_t *root)
{
    const json_t *row = json_first_row(root, "urls");
    return json_is_string(json_object_get(row, "url")) && json_is_string(json_object_get(row, "url_status"));
}

static void take_urlhaus_row(struct intake *intake, const json_t *row)
{
    struct str url = json_text(row, "url");
    json_entry(intake, url);
    intake->record.family = first_family(json_object_get(row, "tags"));
    json_tags(intake, json_object_get(row, "tags"));
    intake->record.reference = either(row, "urlhaus_reference", "urlhaus_link");
    intake->record.first_seen = json_when(row, json_object_get(row, "date_added") ? "date_added" : "dateadded");
    intake->record.last_seen = json_when(row, "last_online");
    intake_url(intake, url);
}

static void take_urlhaus(struct intake *intake, json_t *root)
{
    json_rows(intake, root, "urls", take_urlhaus_row);
}

static bool is_threatfox(json_t *root)
{
    const json_t *row = json_first_row(root, "data");
    return either(row, "ioc", "ioc_value").length && json_is_string(json_object_get(row, "ioc_type"));
}

static void take_threatfox_row(struct intake *intake, const json_t *row)
{
    struct str value = either(row, "ioc", "ioc_value");
    uint64_t confidence;
    json_entry(intake, value);
    struct str family = json_text(row, "malware_printable"), reference = json_text(row, "reference");
    intake->record.family = tag_is_none(family) ? first_family(json_object_get(row, "tags")) : family;
    intake->record.reference = tag_is_none(reference) ? (struct str){0} : reference;
    json_tags(intake, json_object_get(row, "tags"));
    intake_tag(intake, json_text(row, "threat_type"));
    intake->record.first_seen = json_when(row, json_object_get(row, "first_seen") ? "first_seen" : "first_seen_utc");
    intake->record.last_seen = json_when(row, json_object_get(row, "last_seen") ? "last_seen" : "last_seen_utc");
    if (json_number(row, "confidence_level", 100, &confidence))
        intake->record.confidence = (uint8_t)confidence;
    struct str type = json_text(row, "ioc_type");
    if (json_is_yes(row, "is_compromised"))
        indicator_text_compromised(intake, type);
    indicator_text_take_plain(intake, type.length ? type : STR("?"), value);
}

static void take_threatfox(struct intake *intake, json_t *root)
{
    json_rows(intake, root, "data", take_threatfox_row);
}

static bool is_feodo(json_t *root)
{
    const json_t *row = json_first_row(root, NULL);
    return json_is_string(json_object_get(row, "ip_address")) && json_object_get(row, "port");
}

static void take_feodo_row(struct intake *intake, const json_t *row)
{
    struct str ip = json_text(row, "ip_address");
    uint64_t port = 0;
    char text[8];
    json_entry(intake, ip);
    if (!json_number(row, "port", 65535, &port)) {
        intake_skip(intake, SKIP_NOT_RULE, ip);
        return;
    }
    intake->record.family = json_text(row, "malware");
    intake->record.first_seen = json_when(row, "first_seen");
    intake->record.last_seen = json_when(row, "last_online");
    snprintf(text, sizeof text, "%u", (unsigned)port);
    indicator_text_take_address_port(intake, ip, str_of(text));
}

static void take_feodo(struct intake *intake, json_t *root)
{
    json_rows(intake, root, NULL, take_feodo_row);
}

const struct format format_urlhaus_json = {.name = "urlhaus-json",
                                           .about = "URLhaus as JSON: an answer of its API or an export",
                                           .starts = "{[",
                                           .knows = is_urlhaus,
                                           .document = take_urlhaus};
const struct format format_threatfox_json = {.name = "threatfox-json",
                                             .about = "ThreatFox as JSON: an answer of its API, an export or lines",
                                             .starts = "{[",
                                             .knows = is_threatfox,
                                             .document = take_threatfox};
const struct format format_feodo_json = {.name = "feodo-json",
                                         .about = "Feodo Tracker address list as JSON",
                                         .starts = "{[",
                                         .knows = is_feodo,
                                         .document = take_feodo};
