/* The fields of a head, and what those that frame a message say (RFC 9112 sections 5 and 6). */
#include "message/http_scan.h"

enum {
    MAX_CONNECTION_OPTIONS = 32, /* empty elements too */
    MAX_CONNECTION_BYTES = 1024,
};

static enum status read_host(struct http_scan *scan, struct http_facts *facts, struct str value)
{
    if (facts->authority.data || !http_scan_authority(value, &facts->authority, &facts->host, &facts->port))
        return http_scan_refuse(scan, HTTP_REJECT_HOST);
    return ST_OK;
}

/* Even a repetition of the same number is refused: it comes from someone who merges or splits messages. */
static enum status read_length(struct http_scan *scan, struct http_head *head, struct http_facts *facts,
                               struct str value)
{
    bool padded = value.length > 1 && value.data[0] == '0'; /* some read it as octal */
    if (facts->has_length || facts->has_encoding || padded ||
        text_u64(value, INT64_MAX, &head->content_length) != ST_OK)
        return http_scan_refuse(scan, HTTP_REJECT_LENGTH);
    facts->has_length = true;
    return ST_OK;
}

static enum status read_encoding(struct http_scan *scan, const struct http_head *head, struct http_facts *facts,
                                 struct str value)
{
    if (facts->has_encoding || !head->version_minor || !str_eq_nocase(value, STR("chunked")))
        return http_scan_refuse(scan, HTTP_REJECT_ENCODING);
    if (facts->has_length)
        return http_scan_refuse(scan, HTTP_REJECT_LENGTH);
    facts->has_encoding = true;
    return ST_OK;
}

/* Whoever forwards the head compares each field with each option, so that their number is bounded. */
static enum status read_connection(struct http_scan *scan, struct http_facts *facts, struct str list)
{
    struct str option;
    facts->connection_bytes += list.length;
    if (facts->connection_bytes > MAX_CONNECTION_BYTES)
        return http_scan_refuse(scan, HTTP_REJECT_HEAD_TOO_LARGE);
    for (bool last = false; !last;) {
        last = !str_cut(list, ',', &option, &list);
        option = str_trim(last ? list : option);
        if (++facts->connection_options > MAX_CONNECTION_OPTIONS)
            return http_scan_refuse(scan, HTTP_REJECT_HEAD_TOO_LARGE);
        facts->names_close |= str_eq_nocase(option, STR("close"));
        facts->names_keep_alive |= str_eq_nocase(option, STR("keep-alive"));
        facts->names_upgrade |= str_eq_nocase(option, STR("upgrade"));
    }
    return ST_OK;
}

/* RFC 9110 section 10.1.1: to be ignored in HTTP/1.0. */
static enum status read_expect(struct http_scan *scan, struct http_head *head, struct str value)
{
    if (!str_eq_nocase(value, STR("100-continue")))
        return http_scan_refuse(scan, HTTP_REJECT_EXPECTATION);
    head->expect_continue = head->version_minor;
    return ST_OK;
}

static enum status read_field(struct http_scan *scan, struct http_head *head, struct http_facts *facts,
                              const struct http_field *field)
{
    switch (field->name.length) { /* spares most fields the comparisons */
    case 4:
        if (head->is_request && str_eq_nocase(field->name, STR("Host")))
            return read_host(scan, facts, field->value);
        break;
    case 6:
        if (head->is_request && str_eq_nocase(field->name, STR("Expect")))
            return read_expect(scan, head, field->value);
        break;
    case 7:
        facts->has_upgrade |= str_eq_nocase(field->name, STR("Upgrade"));
        break;
    case 10:
        if (str_eq_nocase(field->name, STR("Connection")))
            return read_connection(scan, facts, field->value);
        break;
    case 14:
        if (str_eq_nocase(field->name, STR("Content-Length")))
            return read_length(scan, head, facts, field->value);
        break;
    case 17:
        if (str_eq_nocase(field->name, STR("Transfer-Encoding")))
            return read_encoding(scan, head, facts, field->value);
        break;
    }
    return ST_OK;
}

/* Takes `name:`. A line that starts with a blank (obs-fold) has no name and so is refused. */
static enum status scan_name(struct http_scan *scan, size_t limit, struct str *name)
{
    struct str rest = str_from(scan->data, scan->at);
    size_t n = 0;
    while (n < rest.length && http_is(rest.data[n], HTTP_TCHAR))
        n++;
    if (n >= limit)
        return http_scan_refuse(scan, HTTP_REJECT_FIELD_TOO_LARGE);
    if (n == rest.length)
        return ST_TRUNCATED;
    if (!n || rest.data[n] != ':')
        return http_scan_refuse(scan, HTTP_REJECT_FIELD);
    *name = (struct str){rest.data, n};
    scan->at += n + 1;
    return ST_OK;
}

static enum status scan_field(struct http_scan *scan, const struct http_head *head, struct http_field *field)
{
    size_t limit = head->is_request ? HTTP_MAX_FIELD_LINE : HTTP_MAX_HEAD;
    enum status status = scan_name(scan, limit, &field->name);
    if (status == ST_OK)
        status = http_scan_line(scan, limit - field->name.length - 1, &field->value);
    if (scan->reject == HTTP_REJECT_LINE_TOO_LONG)
        scan->reject = HTTP_REJECT_FIELD_TOO_LARGE;
    if (status == ST_OK)
        field->value = str_trim(field->value);
    return status;
}

enum status http_scan_fields(struct http_scan *scan, struct http_head *head, struct http_facts *facts)
{
    *facts = (struct http_facts){0};
    head->field_count = 0;
    while (scan->at < scan->data.length && scan->data.data[scan->at] != '\r') {
        if (head->field_count == HTTP_MAX_FIELDS)
            return http_scan_refuse(scan, HTTP_REJECT_HEAD_TOO_LARGE);
        struct http_field *field = &head->fields[head->field_count];
        enum status status = scan_field(scan, head, field);
        if (status != ST_OK)
            return status;
        head->field_count++;
        status = read_field(scan, head, facts, field);
        if (status != ST_OK)
            return status;
    }
    struct str empty;
    enum status status = http_scan_line(scan, 0, &empty);
    if (status != ST_OK)
        return status;
    head->upgrade = head->version_minor && facts->has_upgrade && facts->names_upgrade;
    head->length = scan->at;
    return ST_OK;
}
