#include "feeds/ioc_columns.h"

#include <string.h>

enum { NAMES = 18 };

/* In lower case, blanks, hyphens and dots as '_'; of a column's names the first that a table has is taken. */
static const char *const names[IOC_COLUMNS][NAMES] = {
    [IOC_TYPE] = {"ioc_type", "indicator_type", "observable_type", "entity_type", "attribute_type", "type"},
    [IOC_PORT] = {"dst_port", "dstport", "destination_port", "c2_port", "port"},
    [IOC_FAMILY] = {"malware_printable", "malware", "malware_family", "malware_name", "family", "signature",
                    "threat_name", "threat", "campaign", "actor", "threat_actor", "ioc"},
    [IOC_CONFIDENCE] = {"confidence", "confidence_level", "score"},
    [IOC_FIRST_SEEN] = {"first_seen", "first_seen_utc", "firstseen", "date_added", "dateadded", "detected_date",
                        "submission_time", "created", "valid_from", "first_detected", "date"},
    [IOC_LAST_SEEN] = {"last_seen", "last_seen_utc", "lastseen", "last_online", "lastonline", "last_detected"},
    [IOC_EXPIRES] = {"valid_until", "expires", "expiration", "expiration_date"},
    [IOC_REFERENCE] = {"reference", "references", "urlhaus_link", "phish_detail_url", "link", "sblid", "source"},
    [IOC_TAGS] = {"tags", "tag", "labels"},
    [IOC_LABEL] = {"threat_type", "classification", "category", "target"},
    [IOC_DETECTION] = {"to_ids"},
    [IOC_COMPROMISED] = {"is_compromised"},
};

/* The names of the second list say themselves what they have. */
static const char *const typed_values[] = {"indicator",       "ioc",        "ioc_value",
                                           "indicator_value", "value",      "entity_value",
                                           "attribute_value", "observable", "data"};
static const char *const untyped_values[] = {"domain",     "domain_name", "fqdn", "hostname", "host",     "url",
                                             "ip_address", "dst_ip",      "ip",   "dstip",    "ipv4",     "ipv6",
                                             "cidr",       "domains",     "urls", "ips",      "c2_server"};

static bool same_name(struct str field, const char *name)
{
    for (size_t i = 0; i < field.length; i++) {
        char c = ascii_lower(field.data[i]);
        if (c == ' ' || c == '-' || c == '.')
            c = '_';
        if (c != name[i])
            return false;
    }
    return !name[field.length];
}

static unsigned char find(const char *name, const struct str *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (same_name(fields[i], name))
            return (unsigned char)(i + 1);
    return 0;
}

/* Puts the columns with one of these names behind those that are there. */
static size_t find_values(struct ioc_columns *columns, size_t have, const char *const *words, size_t word_count,
                          const struct str *fields, size_t count)
{
    for (size_t k = 0; k < word_count && have < IOC_VALUES; k++) {
        columns->values[have] = find(words[k], fields, count);
        have += columns->values[have] != 0;
    }
    return have;
}

bool ioc_columns_read(struct ioc_columns *columns, const struct str *fields, size_t count)
{
    struct ioc_columns read = {.known = true, .count = (unsigned char)count};
    size_t typed = find_values(&read, 0, typed_values, sizeof typed_values / sizeof typed_values[0], fields, count);
    size_t all =
        find_values(&read, typed, untyped_values, sizeof untyped_values / sizeof untyped_values[0], fields, count);
    if (!all)
        return false;
    read.untyped = (unsigned char)(0xff << typed);
    for (enum ioc_column column = 0; column < IOC_COLUMNS; column++)
        for (size_t k = 0; k < NAMES && names[column][k] && !read.at[column]; k++)
            read.at[column] = find(names[column][k], fields, count);
    *columns = read;
    return true;
}

struct str ioc_columns_field(const struct ioc_columns *columns, enum ioc_column column, const struct str *fields,
                             size_t count)
{
    size_t at = columns->at[column];
    return at && at <= count ? fields[at - 1] : (struct str){0};
}

/* Words for people have blanks; names, URLs and addresses have dots or colons. */
static bool looks_like_indicator(struct str text)
{
    return text.length > 3 && !memchr(text.data, ' ', text.length) &&
           (memchr(text.data, '.', text.length) || memchr(text.data, ':', text.length));
}

struct str ioc_columns_value(const struct ioc_columns *columns, const struct str *fields, size_t count, bool *typed)
{
    struct str first = {0};
    *typed = true;
    for (size_t i = 0; i < IOC_VALUES && columns->values[i] && columns->values[i] <= count; i++) {
        struct str field = fields[columns->values[i] - 1];
        bool looks = looks_like_indicator(field);
        if (looks || (!first.length && field.length)) {
            first = field;
            *typed = !(columns->untyped & 1u << i);
        }
        if (looks)
            break;
    }
    return first;
}
