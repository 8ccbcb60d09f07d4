#include "callbacks/log_entry.h"

#include <string.h>
#include <time.h>

enum { LOG_SCHEMA = 1 };

/* COUNT digits, then END (0: nothing more is asked for). */
static bool take_number(struct str *text, size_t count, char end, uint64_t *value)
{
    struct str digits = {text->data, count};
    if (text->length < count + 1 || text_u64(digits, 9999, value) != ST_OK || text->data[count] != end)
        return false;
    *text = str_from(*text, count + 1);
    return true;
}

/* RFC 3339 as clock_format() writes it: 2026-01-31T12:00:00.000Z. */
static bool parse_time(const char *text, int64_t *wall_ms)
{
    struct str rest = str_of(text);
    uint64_t year, month, day, hour, minute, second, ms;
    if (!take_number(&rest, 4, '-', &year) || !take_number(&rest, 2, '-', &month) ||
        !take_number(&rest, 2, 'T', &day) || !take_number(&rest, 2, ':', &hour) ||
        !take_number(&rest, 2, ':', &minute) || !take_number(&rest, 2, '.', &second) ||
        !take_number(&rest, 3, 'Z', &ms) || rest.length)
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return false;
    struct tm tm = {.tm_year = (int)year - 1900,
                    .tm_mon = (int)month - 1,
                    .tm_mday = (int)day,
                    .tm_hour = (int)hour,
                    .tm_min = (int)minute,
                    .tm_sec = (int)second};
    *wall_ms = (int64_t)timegm(&tm) * 1000 + (int64_t)ms;
    return true;
}

static bool all_texts(const json_t *object, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(object, keys[i]);
        if (value && !json_is_string(value) && !json_is_null(value))
            return false;
    }
    return true;
}

static bool client_is_valid(const json_t *client)
{
    static const char *const texts[] = {"ip", "name", "group", "process", "user", "login"};
    return json_is_null(client) || (json_is_object(client) && json_is_string(json_object_get(client, "ip")) &&
                                    all_texts(client, texts, sizeof texts / sizeof *texts));
}

static bool sources_are_valid(const json_t *sources)
{
    if (!sources || json_is_null(sources))
        return true;
    if (!json_is_array(sources))
        return false;
    for (size_t i = 0; i < json_array_size(sources); i++)
        if (!json_is_string(json_array_get(sources, i)))
            return false;
    return true;
}

static bool fields_are_valid(struct log_entry *entry)
{
    static const char *const texts[] = {"channel",  "subject", "indicator", "match",    "action",
                                        "category", "family",  "risk",      "incident", "method"};
    const json_t *time = json_object_get(entry->object, "time"), *last = json_object_get(entry->object, "last");
    const json_t *count = json_object_get(entry->object, "count");
    entry->id = json_string_value(json_object_get(entry->object, "id"));
    entry->count = json_integer_value(count);
    return entry->id && entry->count > 0 && json_is_string(time) && json_is_string(last) &&
           parse_time(json_string_value(time), &entry->time_ms) &&
           parse_time(json_string_value(last), &entry->last_ms) &&
           client_is_valid(json_object_get(entry->object, "client")) &&
           sources_are_valid(json_object_get(entry->object, "sources")) &&
           all_texts(entry->object, texts, sizeof texts / sizeof *texts);
}

enum status log_entry_parse(struct str line, struct log_entry *entry)
{
    *entry = (struct log_entry){.object = json_loadb(line.data, line.length, JSON_REJECT_DUPLICATES, NULL)};
    enum status status = ST_INVALID;
    const json_t *schema = json_object_get(entry->object, "schema");
    if (json_is_integer(schema) && json_integer_value(schema) > LOG_SCHEMA)
        status = ST_UNSUPPORTED;
    else if (json_integer_value(schema) == LOG_SCHEMA && fields_are_valid(entry))
        return ST_OK;
    log_entry_fini(entry);
    return status;
}

void log_entry_fini(struct log_entry *entry)
{
    json_decref(entry->object);
    *entry = (struct log_entry){0};
}

enum status log_entry_add(struct log_entry *entry, const struct log_entry *later)
{
    if (later->count > INT64_MAX - entry->count)
        return ST_TOO_LARGE;
    entry->count += later->count;
    int failed = json_object_set_new(entry->object, "count", json_integer(entry->count));
    if (later->last_ms > entry->last_ms) {
        entry->last_ms = later->last_ms;
        failed |= json_object_set(entry->object, "last", json_object_get(later->object, "last"));
    }
    json_int_t subjects = log_entry_number(later, "subjects");
    if (subjects > log_entry_number(entry, "subjects"))
        failed |= json_object_set_new(entry->object, "subjects", json_integer(subjects));
    return failed ? ST_NOMEM : ST_OK;
}

static const char *text_of(const json_t *value)
{
    return json_is_string(value) ? json_string_value(value) : "";
}

static json_int_t number_of(const json_t *value)
{
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

const char *log_entry_text(const struct log_entry *entry, const char *key)
{
    return text_of(json_object_get(entry->object, key));
}

const char *log_entry_client_text(const struct log_entry *entry, const char *key)
{
    return text_of(json_object_get(json_object_get(entry->object, "client"), key));
}

json_int_t log_entry_number(const struct log_entry *entry, const char *key)
{
    return number_of(json_object_get(entry->object, key));
}

json_int_t log_entry_client_number(const struct log_entry *entry, const char *key)
{
    return number_of(json_object_get(json_object_get(entry->object, "client"), key));
}
