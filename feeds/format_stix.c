/* STIX 2.0 and 2.1: a bundle, a page of a TAXII collection, or objects alone. Indicators are taken whose pattern
 * compares names, URLs and addresses; the malware that they indicate is the family. */
#include "feeds/format.h"
#include "feeds/indicator_text.h"
#include "feeds/json.h"
#include "feeds/stix_index.h"
#include "feeds/stix_pattern.h"

static bool is_type(const json_t *object, const char *type)
{
    return str_eq(json_text(object, "type"), str_of(type));
}

/* An object by itself: its id begins with its type. */
static bool is_object(const json_t *root)
{
    struct str type = json_text(root, "type"), id = json_text(root, "id");
    return type.length && str_starts(id, type) && str_starts(str_from(id, type.length), STR("--"));
}

static bool knows(json_t *root)
{
    const json_t *objects = json_object_get(root, "objects");
    if (is_type(root, "bundle") && str_starts(json_text(root, "id"), STR("bundle--")))
        return true; /* an empty one has no objects */
    if (!json_is_array(objects))
        return is_object(root) || json_is_boolean(json_object_get(root, "more"));
    return is_type(root, "bundle") || json_object_get(root, "more") || is_object(json_array_get(objects, 0));
}

enum { IP_TEXT_SIZE = 64, PORT_TEXT_SIZE = 8 };

struct taking {
    struct intake *intake;
    bool superseded;
    unsigned values, others;                     /* others: of no traffic */
    char ip[IP_TEXT_SIZE], port[PORT_TEXT_SIZE]; /* where traffic goes to */
};

/* The address that conditions on traffic have told so far. */
static void hand_in_traffic(struct taking *taking)
{
    struct intake *intake = taking->intake;
    struct str ip = str_of(taking->ip);
    intake->held = taking->superseded ? SKIP_SUPERSEDED : taking->others ? SKIP_CONDITIONS : SKIP_NOT;
    if (ip.length && taking->port[0])
        indicator_text_take_address_port(intake, ip, str_of(taking->port));
    else if (ip.length)
        intake_network(intake, ip);
    else if (!taking->others)
        intake_skip(intake, SKIP_OTHER_KIND, intake->line);
    taking->ip[0] = taking->port[0] = '\0';
}

/* Traffic to an address is told by conditions that all mean the address: MISP writes its addresses so. False: VALUE
 * says something else. */
static bool take_traffic(struct taking *taking, const struct stix_value *value)
{
    bool is_ip = str_eq(value->path, STR("network-traffic:dst_ref.value"));
    bool is_port = str_eq(value->path, STR("network-traffic:dst_port"));
    if (is_ip && taking->ip[0])
        hand_in_traffic(taking); /* an alternative */
    if (is_ip && value->text.length < sizeof taking->ip)
        text_copy(taking->ip, sizeof taking->ip, value->text);
    else if (is_port && value->text.length < sizeof taking->port && !taking->port[0])
        text_copy(taking->port, sizeof taking->port, value->text);
    else
        return str_eq(value->path, STR("network-traffic:dst_ref.type"));
    return true;
}

static void take_value(void *user, const struct stix_value *value)
{
    struct taking *taking = user;
    struct intake *intake = taking->intake;
    taking->values++;
    if (take_traffic(taking, value))
        return;
    taking->others++;
    intake->held = taking->superseded ? SKIP_SUPERSEDED : value->combined ? SKIP_CONDITIONS : SKIP_NOT;
    if (str_eq(value->path, STR("domain-name:value")))
        intake_name(intake, value->text);
    else if (str_eq(value->path, STR("url:value")))
        intake_url(intake, value->text);
    else if (str_eq(value->path, STR("ipv4-addr:value")) || str_eq(value->path, STR("ipv6-addr:value")))
        intake_network(intake, value->text);
    else
        intake_skip(intake, SKIP_OTHER_KIND, value->text);
}

/* In STIX 2.0 the types are labels. */
static bool is_benign(const json_t *indicator)
{
    const char *const keys[] = {"indicator_types", "labels"};
    const json_t *type;
    size_t i;
    for (size_t k = 0; k < 2; k++)
        json_array_foreach(json_object_get(indicator, keys[k]), i, type)
        {
            if (str_eq(str_of(json_string_value(type)), STR("benign")))
                return true;
        }
    return false;
}

static void take_tags(struct intake *intake, const json_t *indicator)
{
    const json_t *phase;
    size_t i;
    json_tags(intake, json_object_get(indicator, "labels"));
    json_tags(intake, json_object_get(indicator, "indicator_types"));
    json_array_foreach(json_object_get(indicator, "kill_chain_phases"), i, phase)
    {
        intake_tag(intake, json_text(phase, "phase_name"));
    }
}

static void fill_record(struct intake *intake, const json_t *indicator)
{
    struct record *record = &intake->record;
    uint64_t confidence;
    record->first_seen = json_when(indicator, "valid_from");
    record->last_seen = json_when(indicator, "modified");
    record->expires = json_when(indicator, "valid_until");
    record->reference = json_text(json_array_get(json_object_get(indicator, "external_references"), 0), "url");
    if (!record->reference.length)
        record->reference = json_text(indicator, "id");
    if (intake->state.stix)
        record->family = stix_index_family(intake->state.stix, indicator);
    if (json_number(indicator, "confidence", 100, &confidence))
        record->confidence = (uint8_t)confidence;
    take_tags(intake, indicator);
}

static void take_indicator(struct intake *intake, const json_t *indicator)
{
    struct str pattern = json_text(indicator, "pattern"), type = json_text(indicator, "pattern_type");
    json_entry(intake, pattern);
    fill_record(intake, indicator);
    struct taking taking = {.intake = intake};
    taking.superseded = intake->state.stix && stix_index_is_superseded(intake->state.stix, indicator);
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
    else if (taking.values > taking.others)
        hand_in_traffic(&taking);
}

static void take_document(struct intake *intake, json_t *root)
{
    const json_t *objects = json_object_get(root, "objects"), *object;
    size_t i;
    if (is_type(root, "indicator"))
        take_indicator(intake, root);
    json_array_foreach(objects, i, object)
    {
        if (is_type(object, "indicator"))
            take_indicator(intake, object);
    }
}

static void note(struct intake *intake, const json_t *object)
{
    if (!intake->state.stix)
        intake->state.stix = stix_index_new();
    enum status st = intake->state.stix ? stix_index_add(intake->state.stix, object) : ST_NOMEM;
    if (st != ST_OK)
        intake->status = st;
}

static void survey(struct intake *intake, json_t *root)
{
    const json_t *object;
    size_t i;
    if (is_object(root))
        note(intake, root);
    json_array_foreach(json_object_get(root, "objects"), i, object)
    {
        note(intake, object);
    }
}

static void finish(struct intake *intake)
{
    stix_index_free(intake->state.stix);
    intake->state.stix = NULL;
}

const struct format format_stix = {.name = "stix",
                                   .about = "STIX 2 indicators: a bundle or a page of a TAXII collection",
                                   .starts = "{[",
                                   .knows = knows,
                                   .survey_document = survey,
                                   .document = take_document,
                                   .finish = finish};

/* As feeds/collection_taxii.c puts the pages of a collection together. */
const struct format format_taxii = {.name = "taxii",
                                    .about = "a TAXII 2.1 collection, which is fetched page by page",
                                    .starts = "{[",
                                    .knows = knows,
                                    .survey_document = survey,
                                    .document = take_document,
                                    .finish = finish};
