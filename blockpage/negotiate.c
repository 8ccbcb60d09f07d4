#include "blockpage/negotiate.h"

/* One element of a weighted list (RFC 9110 section 12.4.2), `ja;q=0.8`, with the weight in thousandths. */
struct weighted {
    struct str value;
    unsigned weight;
};

/* weight = "0" [ "." 0*3DIGIT ] / "1" [ "." 0*3("0") ] */
static bool read_weight(struct str text, unsigned *weight)
{
    if (!text.length || text.length > 5 || (text.data[0] != '0' && text.data[0] != '1'))
        return false;
    if (text.length > 1 && text.data[1] != '.')
        return false;
    unsigned sum = text.data[0] == '1' ? 1000 : 0, place = 100;
    for (size_t i = 2; i < text.length; i++, place /= 10) {
        if (!ascii_digit(text.data[i]))
            return false;
        sum += place * (unsigned)(text.data[i] - '0');
    }
    *weight = sum;
    return sum <= 1000;
}

/* Takes the next element off *LIST; one with a weight that is none is left out. */
static bool next_weighted(struct str *list, struct weighted *element)
{
    while (list->length) {
        struct str item = *list, parameters, parameter;
        if (!str_cut(*list, ',', &item, list))
            *list = (struct str){0};
        bool more = str_cut(item, ';', &item, &parameters), valid = true;
        *element = (struct weighted){.value = str_trim(item), .weight = 1000};
        while (more) {
            parameter = parameters;
            more = str_cut(parameters, ';', &parameter, &parameters);
            struct str name, value;
            if (str_cut(str_trim(parameter), '=', &name, &value) && str_eq_nocase(name, STR("q")))
                valid = read_weight(value, &element->weight);
        }
        if (valid && element->value.length)
            return true;
    }
    return false;
}

/* `ja` or `ja-JP`, but not `jam`. */
static bool is_language(struct str range, struct str language)
{
    return range.length >= language.length && str_eq_nocase((struct str){range.data, language.length}, language) &&
           (range.length == language.length || range.data[language.length] == '-');
}

/* How much a language is wanted, and how early it is named. */
struct wish {
    unsigned weight, place;
    bool named;
};

static void note_wish(struct wish *wish, unsigned weight, unsigned place)
{
    if (wish->named && wish->weight >= weight)
        return;
    *wish = (struct wish){.weight = weight, .place = place, .named = true};
}

enum page_language negotiate_language(const struct http_head *request)
{
    struct wish en = {0}, ja = {0}, any = {0};
    unsigned place = 0;
    for (size_t i = 0; i < request->field_count; i++) {
        if (!str_eq_nocase(request->fields[i].name, STR("accept-language")))
            continue;
        struct str list = request->fields[i].value;
        for (struct weighted range; next_weighted(&list, &range); place++) {
            if (is_language(range.value, STR("ja")))
                note_wish(&ja, range.weight, place);
            else if (is_language(range.value, STR("en")))
                note_wish(&en, range.weight, place);
            else if (str_eq(range.value, STR("*")))
                note_wish(&any, range.weight, place);
        }
    }
    if (!ja.named) /* a wildcard stands for the languages that are not named: both, or what is left */
        ja = en.named ? any : (struct wish){0};
    if (!en.named)
        en = ja.named ? any : (struct wish){0};
    if (ja.weight != en.weight)
        return ja.weight > en.weight ? PAGE_JA : PAGE_EN;
    return ja.weight && ja.place < en.place ? PAGE_JA : PAGE_EN;
}

static const struct {
    struct str dest;
    enum page_form form;
} dest_forms[] = {
    {{"document", 8}, PAGE_FORM_PAGE}, {{"iframe", 6}, PAGE_FORM_FRAME}, {{"frame", 5}, PAGE_FORM_FRAME},
    {{"embed", 5}, PAGE_FORM_FRAME},   {{"object", 6}, PAGE_FORM_FRAME}, {{"empty", 5}, PAGE_FORM_PROBLEM},
};

static bool form_by_dest(const struct http_head *request, enum page_form *form)
{
    const struct http_field *dest = http_field_find(request, STR("sec-fetch-dest"));
    if (!dest)
        return false;
    *form = PAGE_FORM_EMPTY; /* image, font, audio, video, script, style, worker, ... */
    for (size_t i = 0; i < sizeof dest_forms / sizeof dest_forms[0]; i++)
        if (str_eq_nocase(dest->value, dest_forms[i].dest))
            *form = dest_forms[i].form;
    return true;
}

static bool is_json(struct str type)
{
    struct str suffix = STR("+json");
    return str_eq_nocase(type, STR("application/json")) ||
           (type.length > suffix.length && str_eq_nocase(str_from(type, type.length - suffix.length), suffix));
}

static bool has_prefix_nocase(struct str text, struct str prefix)
{
    return text.length >= prefix.length && str_eq_nocase((struct str){text.data, prefix.length}, prefix);
}

/* What is loaded into a page and shown to nobody. */
static bool is_part(struct str type)
{
    return has_prefix_nocase(type, STR("image/")) || has_prefix_nocase(type, STR("font/")) ||
           has_prefix_nocase(type, STR("audio/")) || has_prefix_nocase(type, STR("video/")) ||
           str_eq_nocase(type, STR("text/css"));
}

/* Browsers say where a part of a page is loaded from, and in which language; curl, wget and the like say neither, and
 * someone sits before them. */
static bool is_by_hand(const struct http_head *request)
{
    bool looks = str_eq(request->method, STR("GET")) || str_eq(request->method, STR("HEAD"));
    return looks && !http_field_find(request, STR("referer")) && !http_field_find(request, STR("origin")) &&
           !http_field_find(request, STR("accept-language"));
}

static enum page_form form_by_accept(const struct http_head *request)
{
    unsigned html = 0, json = 0;
    bool part = false, any = !http_field_find(request, STR("accept"));
    for (size_t i = 0; i < request->field_count; i++) {
        if (!str_eq_nocase(request->fields[i].name, STR("accept")))
            continue;
        struct str list = request->fields[i].value;
        for (struct weighted range; next_weighted(&list, &range);) {
            unsigned weight = range.weight;
            if (str_eq_nocase(range.value, STR("text/html")) ||
                str_eq_nocase(range.value, STR("application/xhtml+xml")))
                html = weight > html ? weight : html;
            else if (is_json(range.value))
                json = weight > json ? weight : json;
            else if (str_eq(range.value, STR("*/*")))
                any = any || weight;
            else if (is_part(range.value))
                part = part || weight;
        }
    }
    if (html && html >= json)
        return PAGE_FORM_PAGE;
    if (json || part)
        return json ? PAGE_FORM_PROBLEM : PAGE_FORM_EMPTY;
    return any && is_by_hand(request) ? PAGE_FORM_PAGE : PAGE_FORM_LINE;
}

enum page_form negotiate_form(const struct http_head *request)
{
    enum page_form form;
    if (str_eq(request->method, STR("CONNECT"))) /* browsers show their own page; curl and wget show the line */
        return PAGE_FORM_LINE;
    if (request->upgrade)
        return PAGE_FORM_EMPTY;
    if (str_eq(request->method, STR("OPTIONS")) && http_field_find(request, STR("access-control-request-method")))
        return PAGE_FORM_EMPTY;
    return form_by_dest(request, &form) ? form : form_by_accept(request);
}
