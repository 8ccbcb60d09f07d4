#include "feeds/ioc_columns.h"

/* In lower case, blanks, hyphens and dots as '_'; of a column's names the first that a table has is taken. */
static const char *const names[IOC_COLUMNS][16] = {
    [IOC_VALUE] = {"indicator", "ioc", "ioc_value", "indicator_value", "value", "observable", "domain", "domain_name",
                   "fqdn", "hostname", "host", "url", "ip", "ip_address", "dst_ip"},
    [IOC_TYPE] = {"type", "ioc_type", "indicator_type", "observable_type"},
    [IOC_FAMILY] = {"malware_printable", "malware", "malware_family", "family", "threat", "campaign", "actor"},
    [IOC_CONFIDENCE] = {"confidence", "confidence_level", "score"},
    [IOC_FIRST_SEEN] = {"first_seen", "first_seen_utc", "firstseen", "date_added", "dateadded", "detected_date",
                        "created", "valid_from", "date"},
    [IOC_LAST_SEEN] = {"last_seen", "last_seen_utc", "lastseen", "last_online"},
    [IOC_EXPIRES] = {"valid_until", "expires", "expiration", "expiration_date"},
    [IOC_REFERENCE] = {"reference", "references", "link", "source"},
};

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

static unsigned char find(enum ioc_column column, const struct str *fields, size_t count)
{
    for (size_t k = 0; k < sizeof names[0] / sizeof names[0][0] && names[column][k]; k++)
        for (size_t i = 0; i < count; i++)
            if (same_name(fields[i], names[column][k]))
                return (unsigned char)(i + 1);
    return 0;
}

bool ioc_columns_read(struct ioc_columns *columns, const struct str *fields, size_t count)
{
    if (!find(IOC_VALUE, fields, count))
        return false;
    columns->known = true;
    for (enum ioc_column column = 0; column < IOC_COLUMNS; column++)
        columns->at[column] = find(column, fields, count);
    return true;
}

struct str ioc_columns_field(const struct ioc_columns *columns, enum ioc_column column, const struct str *fields,
                             size_t count)
{
    size_t at = columns->at[column];
    return at && at <= count ? fields[at - 1] : (struct str){0};
}
