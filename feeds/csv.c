#include "feeds/csv.h"

#include <string.h>

struct scan {
    struct str record;
    size_t at;
    char separator;
};

/* The end of the quoted field that starts at AT (behind its quote): where its closing quote is; LENGTH: nowhere. */
static size_t closing_quote(struct str record, size_t at)
{
    while (at < record.length) {
        if (record.data[at] != '"')
            at++;
        else if (at + 1 < record.length && record.data[at + 1] == '"')
            at += 2;
        else
            return at;
    }
    return record.length;
}

static bool is_blank(const struct scan *scan)
{
    char c = scan->record.data[scan->at];
    return c != scan->separator && (c == ' ' || c == '\t');
}

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->record.length && is_blank(scan))
        scan->at++;
}

enum field { FIELD_LAST, FIELD_MORE, FIELD_OPEN, FIELD_BAD };

/* The field at AT; what stands behind it. */
static enum field take(struct scan *scan, struct str *field)
{
    struct str record = scan->record;
    skip_blanks(scan);
    size_t start = scan->at;
    if (scan->at < record.length && record.data[scan->at] == '"') {
        size_t end = closing_quote(record, start + 1);
        if (end == record.length)
            return FIELD_OPEN;
        *field = (struct str){record.data + start + 1, end - start - 1};
        scan->at = end + 1;
        skip_blanks(scan);
    } else {
        const char *end =
            start < record.length ? memchr(record.data + start, scan->separator, record.length - start) : NULL;
        scan->at = end ? (size_t)(end - record.data) : record.length;
        *field = str_trim((struct str){record.data + start, scan->at - start});
    }
    if (scan->at == record.length)
        return FIELD_LAST;
    return record.data[scan->at++] == scan->separator ? FIELD_MORE : FIELD_BAD;
}

size_t csv_split(struct str record, char separator, struct str fields[CSV_FIELDS])
{
    struct scan scan = {record, 0, separator};
    for (size_t count = 0; count < CSV_FIELDS;) {
        switch (take(&scan, &fields[count++])) {
        case FIELD_LAST:
            return count;
        case FIELD_MORE:
            break;
        case FIELD_OPEN:
        case FIELD_BAD:
            return 0;
        }
    }
    return 0;
}

bool csv_is_open(struct str record, char separator)
{
    struct scan scan = {record, 0, separator};
    struct str field;
    if (!record.length || !memchr(record.data, '"', record.length))
        return false;
    for (;;) {
        enum field got = take(&scan, &field);
        if (got != FIELD_MORE)
            return got == FIELD_OPEN;
    }
}

struct str csv_plain(struct str field, char *out, size_t size)
{
    size_t n = 0;
    if (!field.length || field.length > size || !memmem(field.data, field.length, "\"\"", 2))
        return field;
    for (size_t i = 0; i < field.length; i++) {
        out[n++] = field.data[i];
        i += field.data[i] == '"' && i + 1 < field.length && field.data[i + 1] == '"';
    }
    return (struct str){out, n};
}
