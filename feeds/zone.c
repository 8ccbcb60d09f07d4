#include "feeds/zone.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Appends LINE without comment and parentheses. False: a parenthesis too many, or a record without an end. */
static bool gather(struct zone *zone, struct str line, struct str *comment)
{
    bool quoted = false;
    *comment = (struct str){0};
    if (zone->lines++ == ZONE_RECORD_LINES)
        return false;
    for (size_t i = 0; i < line.length; i++) {
        char c = line.data[i];
        if (c == '\\' && i + 1 < line.length) {
            if (zone->length < ZONE_RECORD_SIZE)
                zone->record[zone->length++] = c;
            c = line.data[++i];
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && c == ';') {
            *comment = str_from(line, i + 1);
            break;
        } else if (!quoted && (c == '(' || c == ')')) {
            if (c == ')' && !zone->depth)
                return false;
            zone->depth += c == '(' ? 1 : -1u;
            c = ' ';
        }
        if (zone->length < ZONE_RECORD_SIZE)
            zone->record[zone->length++] = c;
    }
    if (zone->length < ZONE_RECORD_SIZE)
        zone->record[zone->length++] = ' ';
    return true;
}

/* TEXT as a name in full, or as it is where that can't be told. */
static bool resolve(const struct zone *zone, struct str text, char out[ZONE_NAME_SIZE], bool *absolute)
{
    size_t n = text.length;
    bool dot = n && text.data[n - 1] == '.' && !(n > 1 && text.data[n - 2] == '\\');
    bool at = str_eq(text, STR("@"));
    size_t add = !dot && zone->has_origin ? strlen(zone->origin) : 0;
    n = at ? 0 : n - dot;
    *absolute = dot || zone->has_origin;
    if (n + 1 + add >= ZONE_NAME_SIZE)
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = ascii_lower(text.data[i]);
    if (n && add)
        out[n++] = '.';
    memcpy(out + n, zone->origin, add);
    out[n + add] = '\0';
    return true;
}

static struct str within_zone(const struct zone *zone, bool *outside)
{
    struct str owner = str_of(zone->owner), apex = str_of(zone->apex);
    *outside = zone->owner_absolute && !zone->has_apex;
    if (!zone->owner_absolute || !zone->has_apex || !apex.length)
        return owner;
    if (str_eq(owner, apex))
        return (struct str){owner.data, 0};
    size_t rest = owner.length > apex.length ? owner.length - apex.length : 0;
    *outside = !rest || !str_eq(str_from(owner, rest), apex) || owner.data[rest - 1] != '.';
    return *outside ? owner : (struct str){owner.data, rest - 1};
}

static bool is_ttl(struct str word)
{
    if (!word.length || !ascii_digit(word.data[0]))
        return false;
    for (size_t i = 0; i < word.length; i++)
        if (!ascii_digit(word.data[i]) && !strchr("smhdw", ascii_lower(word.data[i])))
            return false;
    return true;
}

static bool is_one_of(struct str word, const char *const *words)
{
    for (; *words; words++)
        if (str_eq_nocase(word, str_of(*words)))
            return true;
    return false;
}

static bool is_class(struct str word)
{
    return is_one_of(word, (const char *const[]){"IN", "CH", "HS", NULL});
}

/* What belongs to the zone itself and is no policy. */
static bool is_housekeeping(struct str type)
{
    return is_one_of(type, (const char *const[]){"SOA", "NS", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "DS",
                                                 "CDS", "CDNSKEY", "ZONEMD", NULL});
}

static bool is_type(struct str word)
{
    uint64_t number;
    if (word.length > 4 && str_eq_nocase((struct str){word.data, 4}, STR("TYPE")))
        return text_u64(str_from(word, 4), 65535, &number) == ST_OK;
    return is_one_of(word, (const char *const[]){"A",     "AAAA", "CNAME", "TXT",  "MX",    "PTR",    "SRV", "DNAME",
                                                 "HINFO", "LOC",  "NAPTR", "CAA",  "HTTPS", "SVCB",   "SPF", "SSHFP",
                                                 "TLSA",  "URI",  "RP",    "CERT", "AFSDB", "SMIMEA", NULL});
}

static enum zone_line take_directive(struct zone *zone, struct str text)
{
    struct str word = str_word(&text), name = str_word(&text);
    bool absolute;
    if (str_eq_nocase(word, STR("$TTL")))
        return ZONE_NOTHING;
    if (!str_eq_nocase(word, STR("$ORIGIN")))
        return ZONE_DIRECTIVE;
    char origin[ZONE_NAME_SIZE];
    if (!name.length || !resolve(zone, name, origin, &absolute))
        return ZONE_BAD;
    zone->has_origin = absolute;
    memcpy(zone->origin, origin, sizeof origin);
    if (absolute && !zone->has_apex) {
        zone->has_apex = true;
        memcpy(zone->apex, origin, sizeof origin);
    }
    return ZONE_NOTHING;
}

static enum zone_line take_record(struct zone *zone, struct str text, struct zone_record *record)
{
    if (!is_blank(text.data[0]) && !resolve(zone, str_word(&text), zone->owner, &zone->owner_absolute))
        return ZONE_BAD;
    record->type = str_word(&text);
    for (int i = 0; i < 2 && (is_ttl(record->type) || is_class(record->type)); i++)
        record->type = str_word(&text);
    record->data = str_word(&text);
    if (str_eq_nocase(record->type, STR("SOA")) && zone->owner_absolute) {
        zone->has_apex = true;
        memcpy(zone->apex, zone->owner, sizeof zone->apex);
    }
    if (is_housekeeping(record->type))
        return ZONE_NOTHING;
    if (!is_type(record->type) || !record->data.length)
        return ZONE_BAD;
    record->owner = within_zone(zone, &record->outside);
    return record->owner.length ? ZONE_RECORD : ZONE_NOTHING;
}

enum zone_line zone_take(struct zone *zone, struct str line, struct zone_record *record)
{
    *record = (struct zone_record){0};
    bool good = gather(zone, line, &record->comment);
    if (good && zone->depth)
        return ZONE_NOTHING;
    struct str text = {zone->record, zone->length};
    zone->depth = zone->lines = 0;
    zone->length = 0;
    if (!good)
        return ZONE_BAD;
    if (!str_trim(text).length)
        return ZONE_NOTHING;
    return text.data[0] == '$' ? take_directive(zone, text) : take_record(zone, text, record);
}
