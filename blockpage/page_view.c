#include "blockpage/page_view.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "blockpage/catalogue.h"
#include "blockpage/embedded.h"

enum { KEY_SIZE = 160 };

static struct catalogue english, japanese;
static pthread_once_t catalogues_loaded = PTHREAD_ONCE_INIT;

static void load_catalogues(void)
{
    catalogue_load(&english, embedded_en_txt);
    catalogue_load(&japanese, embedded_ja_txt);
}

static void add(struct page_view *view, const char *name, struct str text)
{
    CHECK(view->count < PAGE_VIEW_VALUES);
    view->values[view->count].name = name;
    text_printable(view->values[view->count].text, PAGE_VIEW_VALUE_SIZE, text);
    view->count++;
}

/* Appends PART and a dot to KEY, unless PART is empty. */
static size_t add_part(char *key, size_t used, const char *part)
{
    size_t n = strlen(part);
    if (!n)
        return used;
    memcpy(key + used, part, n);
    key[used + n] = '.';
    return used + n + 1;
}

/* The text of GROUP.STAGE.name; an empty part is left out. */
static bool find_text(const struct page_view *view, const char *group, const char *stage, struct str name,
                      struct str *text)
{
    char key[KEY_SIZE];
    if (name.length > sizeof key / 2) /* the name of a source */
        return false;
    size_t used = add_part(key, add_part(key, 0, group), stage);
    CHECK(used + name.length <= sizeof key);
    if (name.length)
        memcpy(key + used, name.data, name.length);
    return catalogue_find(view->catalogue, (struct str){key, used + name.length}, text);
}

bool page_view_find(const void *arg, struct str name, struct template_value *value)
{
    const struct page_view *view = arg;
    *value = (struct template_value){0};
    for (size_t i = 0; i < view->count; i++) {
        if (str_eq(str_of(view->values[i].name), name)) {
            value->text = str_of(view->values[i].text);
            return true;
        }
    }
    value->is_template = true;
    return find_text(view, view->group, view->stage, name, &value->text) ||
           find_text(view, view->group, "", name, &value->text) ||
           find_text(view, "", view->stage, name, &value->text) || find_text(view, "", "", name, &value->text);
}

/* Adds the value NAME: a time in this machine's zone, as the language writes it. */
static void add_time(struct page_view *view, const char *name, int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    if (!localtime_r(&seconds, &tm))
        tm = (struct tm){.tm_mday = 1};
    char year[16], month[32], day[16], clock[48], zone[48];
    long minutes = tm.tm_gmtoff / 60, distance = minutes < 0 ? -minutes : minutes;
    snprintf(year, sizeof year, "%d", tm.tm_year + 1900);
    snprintf(month, sizeof month, "month.%d", tm.tm_mon + 1);
    snprintf(day, sizeof day, "%d", tm.tm_mday);
    snprintf(clock, sizeof clock, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
    snprintf(zone, sizeof zone, "UTC%c%02ld:%02ld", minutes < 0 ? '-' : '+', distance / 60, distance % 60);
    struct str month_name = {0};
    bool found = catalogue_find(view->catalogue, str_of(month), &month_name);
    CHECK(found);

    size_t before = view->count; /* the parts are values only while the time is put together */
    add(view, "year", str_of(year));
    add(view, "month", month_name);
    add(view, "day", str_of(day));
    add(view, "clock", str_of(clock));
    add(view, "zone", str_of(zone));
    struct buf text = {.max_bytes = 128};
    template_render(&text, TEMPLATE_PLAIN, STR("{{time}}"), page_view_find, view);
    view->count = before;
    add(view, name, str_of(buf_text(&text)));
    buf_free(&text);
}

static void add_utc(struct page_view *view, int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE]; /* 2026-01-31T12:00:00.000Z */
    clock_format(wall_ms, text);
    add(view, "time_rfc3339", str_of(text));
    text[10] = ' ';
    add(view, "when_utc", (struct str){text, 19});
}

static void add_date(struct page_view *view, const char *name, uint32_t seconds)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format((int64_t)seconds * 1000, text);
    add(view, name, (struct str){text, seconds ? 10 : 0});
}

/* The names of the sources, each with what it is in words where the catalogue knows it. */
static void add_sources(struct page_view *view, struct str sources)
{
    struct buf text = {.max_bytes = PAGE_VIEW_VALUE_SIZE};
    while (sources.length) {
        struct str source = sources, note;
        if (!str_cut(sources, ',', &source, &sources))
            sources = (struct str){0};
        source = str_trim(source);
        buf_add_text(&text, text.length ? ", " : "");
        buf_add(&text, source.data, source.length);
        if (find_text(view, "source", "", source, &note)) {
            buf_add_text(&text, " (");
            buf_add(&text, note.data, note.length);
            buf_add_char(&text, ')');
        }
    }
    add(view, "sources", str_of(buf_text(&text)));
    buf_free(&text);
}

static bool ends_authority(char c)
{
    return c == '/' || c == '?' || c == '#';
}

void page_view_defang(char *out, size_t size, struct str url)
{
    static const char hex[] = "0123456789ABCDEF";
    struct buf text = {.max_bytes = size - 1};
    size_t host = 0; /* where the host starts */
    for (size_t i = 0; i + 2 < url.length && !ends_authority(url.data[i]); i++)
        if (url.data[i] == ':' && url.data[i + 1] == '/' && url.data[i + 2] == '/')
            host = i + 3;
    bool http = host && url.length >= 4 && str_eq_nocase((struct str){url.data, 4}, STR("http"));
    bool in_host = true;
    size_t i = 0;
    for (; i < url.length && i < PAGE_URL_MAX; i++) {
        unsigned char c = (unsigned char)url.data[i];
        if (c == '?' || c == '#')
            break;
        if (i >= host && c == '/')
            in_host = false;
        if (http && (i == 1 || i == 2))
            buf_add_char(&text, 'x');
        else if (i >= host && in_host && c == '.')
            buf_add_text(&text, "[.]");
        else if (c <= ' ' || c >= 0x7f)
            buf_printf(&text, "%%%c%c", hex[c >> 4], hex[c & 15]);
        else
            buf_add_char(&text, (char)c);
    }
    if (i == PAGE_URL_MAX && i < url.length)
        buf_add_text(&text, "…");
    text_copy(out, size, str_of(buf_text(&text)));
    buf_free(&text);
}

static void add_address(struct page_view *view, const char *name, struct str url)
{
    char text[PAGE_VIEW_VALUE_SIZE];
    page_view_defang(text, sizeof text, url);
    add(view, name, str_of(text));
}

static const char *group_of(enum category category)
{
    switch (category) {
    case CATEGORY_C2:
    case CATEGORY_DGA:
    case CATEGORY_TUNNEL:
    case CATEGORY_FAST_FLUX:
        return "c2";
    case CATEGORY_MALWARE:
    case CATEGORY_RANSOMWARE:
        return "malware";
    case CATEGORY_PHISHING:
    case CATEGORY_SCAM:
        return "phishing";
    default:
        return "rules";
    }
}

static void add_reason(struct page_view *view, const struct verdict *verdict)
{
    struct str category = {0};
    bool found = find_text(view, "category", "", str_of(category_text(verdict->category)), &category);
    CHECK(found);
    add(view, "category", category);
    add(view, "category_word", str_of(category_text(verdict->category)));
    add(view, "family", str_of(verdict->family));
    add(view, "source_names", str_of(verdict->sources));
    add_sources(view, str_of(verdict->sources));
    add_address(view, "entry", str_of(verdict->indicator));
    add_date(view, "known_since", verdict->first_seen);
    struct str first = str_of(verdict->sources), rest;
    str_cut(first, ',', &first, &rest);
    add(view, "is_test", str_eq(first, STR("test-hosts")) ? STR("1") : STR(""));
}

/* The contact that brought this page may have been counted by its query or its tunnel already. */
static uint32_t earlier_contacts(const struct incident_view *incident, int64_t time_ms)
{
    bool counted = incident->callbacks && incident_is_one_contact(incident->contact_ms, time_ms);
    return incident->callbacks - (counted ? 1 : 0);
}

static void add_incident(struct page_view *view, const struct incident_view *incident, uint32_t earlier)
{
    char count[16];
    add(view, "reference", str_of(incident->id));
    snprintf(count, sizeof count, "%u", earlier);
    add(view, "count", str_of(count));
    add_time(view, "first_time", incident->first_ms);
}

static void start(struct page_view *view, enum page_language language, const char *group, const char *stage)
{
    int failed = pthread_once(&catalogues_loaded, load_catalogues);
    CHECK(!failed);
    view->catalogue = language == PAGE_JA ? &japanese : &english;
    view->group = group;
    view->stage = stage;
    view->count = 0;
    add(view, "lang", language == PAGE_JA ? STR("ja") : STR("en"));
    add(view, "group", str_of(group));
    add(view, "stage", str_of(stage));
    bool infection = !strcmp(group, "c2") || !strcmp(group, "malware");
    bool deceit = !strcmp(group, "phishing");
    add(view, "mark_stop", infection ? STR("1") : STR(""));
    add(view, "mark_care", deceit ? STR("1") : STR(""));
    add(view, "mark_rule", !infection && !deceit ? STR("1") : STR(""));
}

static void add_contact(struct page_view *view, const struct page_facts *facts)
{
    if (facts->contact && *facts->contact)
        add(view, "contact", str_of(facts->contact));
}

void page_view_of_block(struct page_view *view, enum page_language language, const struct page_facts *facts,
                        const char *token)
{
    const struct incident_view *incident = &facts->incident;
    uint32_t earlier = earlier_contacts(incident, facts->time_ms);
    /* After a restart of the program it is not known that the first contact is the one that is going on. */
    bool repeated = earlier && !incident_is_one_contact(incident->first_ms, facts->time_ms);
    start(view, language, group_of(facts->verdict->category), repeated ? "repeated" : "first");
    char client[ADDR_TEXT_SIZE];
    addr_format_ip(&facts->client, client);
    add(view, "client", str_of(client));
    add(view, "is_local", addr_is_loopback(&facts->client) ? STR("1") : STR(""));
    add_address(view, "url", facts->url);
    add_time(view, "when", facts->time_ms);
    add_utc(view, facts->time_ms);
    add_reason(view, facts->verdict);
    add_incident(view, incident, earlier);
    add_contact(view, facts);
    add(view, "report.token", str_of(token));
}

void page_view_of_report(struct page_view *view, enum page_language language, const char *stage,
                         const struct page_facts *facts)
{
    start(view, language, "report", stage);
    add_address(view, "url", facts->host);
    add_contact(view, facts);
}

void page_view_of_not_blocked(struct page_view *view, enum page_language language, struct str host)
{
    start(view, language, "notblocked", "first");
    add(view, "url", host);
}
