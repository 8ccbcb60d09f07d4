#include "blockpage/report_form.h"

#include <string.h>

enum { DECODED_MAX_BYTES = REPORT_BODY_MAX_BYTES };

bool report_form_is_one(const struct http_head *request)
{
    return str_eq(request->method, STR("POST")) && str_eq(request->path, STR(REPORT_PATH));
}

/* --- The body (URL Standard section 5.1) --- */

static enum status decode(struct str text, char out[DECODED_MAX_BYTES], size_t *length)
{
    size_t n = 0;
    for (size_t i = 0; i < text.length && n < DECODED_MAX_BYTES; i++) {
        char c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.length ? hex_value(text.data[i + 1]) : -1;
            int low = i + 2 < text.length ? hex_value(text.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return ST_INVALID;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        out[n++] = c;
    }
    *length = n;
    return ST_OK;
}

/* One line: what breaks lines or is no character for the eye becomes a blank or \xHH. */
static enum status take_comment(struct str value, char out[REPORT_COMMENT_SIZE])
{
    char bytes[DECODED_MAX_BYTES];
    size_t length;
    enum status status = decode(value, bytes, &length);
    if (status != ST_OK)
        return status;
    for (size_t i = 0; i < length; i++)
        if (bytes[i] == '\r' || bytes[i] == '\n' || bytes[i] == '\t')
            bytes[i] = ' ';
    text_printable(out, REPORT_COMMENT_SIZE, str_trim((struct str){bytes, length}));
    return ST_OK;
}

enum status report_form_parse(struct str body, struct report_fields *fields)
{
    bool commented = false;
    *fields = (struct report_fields){0};
    while (body.length) {
        struct str pair = body, name, value;
        if (!str_cut(body, '&', &pair, &body))
            body = (struct str){0};
        if (!str_cut(pair, '=', &name, &value))
            continue;
        enum status status = ST_OK;
        struct str *plain = str_eq(name, STR("token")) ? &fields->token
                            : str_eq(name, STR("ref")) ? &fields->reference
                                                       : NULL;
        bool again = plain ? plain->data != NULL : str_eq(name, STR("comment")) && commented;
        if (plain) { /* both are of letters that need no escape */
            *plain = value;
        } else if (str_eq(name, STR("comment"))) {
            status = take_comment(value, fields->comment);
            commented = true;
        }
        if (again || status != ST_OK)
            return ST_INVALID;
    }
    return ST_OK;
}

/* --- Whether it is ours --- */

static bool is_form(const struct http_head *request)
{
    const struct http_field *field = http_field_find(request, STR("content-type"));
    struct str type = field ? field->value : (struct str){0}, rest;
    str_cut(type, ';', &type, &rest);
    return str_eq_nocase(str_trim(type), STR("application/x-www-form-urlencoded"));
}

/* "null" is what browsers send from our page, as it lets no referrer out. */
static bool is_own_origin(struct str origin, const struct http_head *request, bool https)
{
    struct str scheme = https ? STR("https://") : STR("http://");
    if (str_eq(origin, STR("null")))
        return true;
    return str_starts(origin, scheme) && str_eq_nocase(str_from(origin, scheme.length), request->authority);
}

static bool is_from_our_page(const struct http_head *request, bool https)
{
    const struct http_field *site = http_field_find(request, STR("sec-fetch-site"));
    const struct http_field *origin = http_field_find(request, STR("origin"));
    return (!site || str_eq(site->value, STR("same-origin"))) &&
           (!origin || is_own_origin(origin->value, request, https));
}

/* --- The answer --- */

static struct report report_of(const struct http_head *request, const struct page_facts *facts,
                               const struct report_fields *fields)
{
    struct report report = {.time_ms = facts->time_ms,
                            .client = facts->client,
                            .https = facts->https,
                            .port = request->port,
                            .category = facts->verdict->category};
    text_printable(report.host, sizeof report.host, facts->host);
    text_printable(report.reference, sizeof report.reference, fields->reference);
    text_copy(report.indicator, sizeof report.indicator, str_of(facts->verdict->indicator));
    text_copy(report.family, sizeof report.family, str_of(facts->verdict->family));
    text_copy(report.sources, sizeof report.sources, str_of(facts->verdict->sources));
    text_copy(report.comment, sizeof report.comment, str_of(fields->comment));
    return report;
}

static enum page_report_answer take(const struct http_head *request, struct str body, const struct page_facts *facts,
                                    bool *known)
{
    struct report_fields fields;
    if (!is_form(request) || report_form_parse(body, &fields) != ST_OK)
        return PAGE_REPORT_UNREADABLE;
    if (!is_from_our_page(request, facts->https) ||
        !report_box_knows(facts->reports, &facts->client, facts->host, fields.reference, fields.token))
        return PAGE_REPORT_STALE;
    *known = true;
    struct report report = report_of(request, facts, &fields);
    return report_box_put(facts->reports, &report) ? PAGE_REPORT_TAKEN : PAGE_REPORT_TOO_MANY;
}

bool report_form_answer(struct buf *response, const struct http_head *request, struct str body,
                        const struct page_facts *facts, bool keep_alive)
{
    bool known = false;
    page_answer_report(response, request, take(request, body, facts, &known), facts, keep_alive);
    return known;
}

void report_form_too_large(struct buf *response, const struct http_head *request, const struct page_facts *facts)
{
    page_answer_report(response, request, PAGE_REPORT_TOO_LARGE, facts, false);
}
