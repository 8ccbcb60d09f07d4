#include "feeds/zone.h"

#include <string.h>

#include "feeds/zone_data.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void keep_char(struct zone *zone, char c)
{
    if (zone->length < ZONE_RECORD_SIZE)
        zone->record[zone->length++] = c;
    else
        zone->cut = true;
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
            keep_char(zone, c);
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
        keep_char(zone, c);
    }
    if (zone->depth)
        keep_char(zone, ' ');
    return true;
}

struct str zone_word(struct str *text)
{
    *text = str_trim(*text);
    bool quoted = false;
    size_t n = 0;
    for (; n < text->length && (quoted || !is_blank(text->data[n])); n++) {
        if (text->data[n] == '\\' && n + 1 < text->length)
            n++;
        else if (text->data[n] == '"')
            quoted = !quoted;
    }
    struct str word = {text->data, n};
    *text = str_from(*text, n);
    return word;
}

/* Whether the character before END is a dot, and not one that is part of a label. */
static bool ends_in_dot(struct str text, size_t end)
{
    size_t backslashes = 0;
    if (!end || text.data[end - 1] != '.')
        return false;
    while (backslashes + 1 < end && text.data[end - 2 - backslashes] == '\\')
        backslashes++;
    return backslashes % 2 == 0;
}

bool zone_full_name(const struct zone *zone, struct str text, char out[ZONE_NAME_SIZE], bool *absolute)
{
    size_t n = text.length;
    bool dot = ends_in_dot(text, n);
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
    *outside = !rest || !str_eq(str_from(owner, rest), apex) || !ends_in_dot(owner, rest);
    return *outside ? owner : (struct str){owner.data, rest - 1};
}

/* Seconds, or numbers with units: "2h30m". */
static bool take_ttl(struct str word, uint32_t *ttl_s)
{
    static const struct {
        char unit;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    uint64_t sum = 0, number = 0;
    if (!word.length || word.length > 32 || !ascii_digit(word.data[0]))
        return false;
    for (size_t i = 0; i < word.length; i++) {
        char c = ascii_lower(word.data[i]);
        size_t unit = 0;
        if (ascii_digit(c)) {
            number = number < UINT32_MAX ? number * 10 + (uint64_t)(c - '0') : number;
            continue;
        }
        while (unit < sizeof units / sizeof units[0] && units[unit].unit != c)
            unit++;
        if (unit == sizeof units / sizeof units[0])
            return false;
        sum += number * units[unit].seconds;
        number = 0;
    }
    sum += number;
    *ttl_s = sum < INT32_MAX ? (uint32_t)sum : INT32_MAX; /* RFC 2181 section 8 */
    return true;
}

static bool is_one_of(struct str word, const char *const *words)
{
    for (; *words; words++)
        if (str_eq_nocase(word, str_of(*words)))
            return true;
    return false;
}

/* What belongs to the zone itself and is no policy. */
static bool is_housekeeping(struct str type)
{
    return is_one_of(type, (const char *const[]){"SOA", "NS", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "DS",
                                                 "CDS", "CDNSKEY", "ZONEMD", NULL});
}

static enum zone_line take_directive(struct zone *zone, struct str text)
{
    struct str word = zone_word(&text), value = zone_word(&text);
    bool absolute;
    if (str_eq_nocase(word, STR("$TTL"))) {
        zone->has_ttl = take_ttl(value, &zone->ttl_s);
        return zone->has_ttl ? ZONE_NOTHING : ZONE_BAD;
    }
    if (!str_eq_nocase(word, STR("$ORIGIN")))
        return ZONE_DIRECTIVE;
    char origin[ZONE_NAME_SIZE];
    if (!value.length || !zone_full_name(zone, value, origin, &absolute))
        return ZONE_BAD;
    zone->has_origin = absolute;
    memcpy(zone->origin, origin, sizeof origin);
    if (absolute && !zone->has_apex) {
        zone->has_apex = true;
        memcpy(zone->apex, origin, sizeof origin);
    }
    return ZONE_NOTHING;
}

/* The owner, which is the last one's where the line starts with a blank. */
static bool take_owner(struct zone *zone, struct str *text)
{
    if (!is_blank(text->data[0]))
        zone->owner_bad = !zone_full_name(zone, zone_word(text), zone->owner, &zone->owner_absolute);
    return !zone->owner_bad;
}

static enum zone_line take_record(struct zone *zone, struct str text, struct zone_record *record)
{
    bool ttl_known = false, class_known = false;
    if (!take_owner(zone, &text))
        return ZONE_BAD;
    record->ttl_s = zone->has_ttl ? zone->ttl_s : ZONE_DEFAULT_TTL_S;
    for (;;) { /* both may be left out, and stand in either order */
        record->type = zone_word(&text);
        if (!ttl_known && take_ttl(record->type, &record->ttl_s))
            ttl_known = true;
        else if (!class_known && str_eq_nocase(record->type, STR("IN")))
            class_known = true;
        else
            break;
    }
    record->data = str_trim(text);
    record->cut = zone->cut;
    if (str_eq_nocase(record->type, STR("SOA")) && zone->owner_absolute) {
        zone->has_apex = true;
        memcpy(zone->apex, zone->owner, sizeof zone->apex);
    }
    if (is_housekeeping(record->type))
        return ZONE_NOTHING;
    if (!zone_type_known(record->type) || !record->data.length)
        return ZONE_BAD;
    record->owner = within_zone(zone, &record->outside);
    return record->owner.length ? ZONE_RECORD : ZONE_NOTHING;
}

enum zone_line zone_take(struct zone *zone, struct str line, struct zone_record *record)
{
    *record = (struct zone_record){0};
    if (!zone->depth) { /* else the record goes on */
        zone->lines = 0;
        zone->length = 0;
        zone->cut = false;
    }
    bool good = gather(zone, line, &record->comment);
    if (good && zone->depth)
        return ZONE_NOTHING;
    struct str text = {zone->record, zone->length};
    zone->depth = 0;
    if (!good)
        return ZONE_BAD;
    if (!str_trim(text).length)
        return ZONE_NOTHING;
    return text.data[0] == '$' ? take_directive(zone, text) : take_record(zone, text, record);
}
