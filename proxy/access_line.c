#include "proxy/access_line.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

/* So that the longest line, with every byte of it escaped, keeps its bound. */
static const size_t text_max_bytes[ACCESS_TEXTS] = {
    [ACCESS_METHOD] = 32,   [ACCESS_TARGET] = ACCESS_TEXT_MAX_BYTES,
    [ACCESS_HOST] = 256,    [ACCESS_USER] = 128,
    [ACCESS_REFERER] = 192, [ACCESS_AGENT] = 192,
};

const char *access_format_text(enum access_format format)
{
    return format == ACCESS_JSON ? "json" : "combined";
}

const char *access_privacy_text(enum access_privacy privacy)
{
    static const char *const texts[] = {"full", "no-query", "host-only", "anonymous"};
    return texts[privacy];
}

const char *access_verdict_text(enum access_verdict verdict)
{
    static const char *const texts[] = {"allow", "log", "block", "refuse"};
    return texts[verdict];
}

/* --- The record: the entry's bytes, then those of its texts. It stays in this process. --- */

void access_record_build(struct buf *out, const struct access_entry *entry)
{
    struct access_entry cut = *entry;
    for (size_t i = 0; i < ACCESS_TEXTS; i++) {
        if (cut.texts[i].length > text_max_bytes[i])
            cut.texts[i].length = text_max_bytes[i];
        cut.texts[i].data = NULL;
    }
    buf_add(out, &cut, sizeof cut);
    for (size_t i = 0; i < ACCESS_TEXTS; i++)
        buf_add(out, entry->texts[i].data, cut.texts[i].length);
}

enum status access_record_parse(struct str record, struct access_entry *entry)
{
    if (record.length < sizeof *entry)
        return ST_INVALID;
    memcpy(entry, record.data, sizeof *entry);
    struct str rest = str_from(record, sizeof *entry);
    for (size_t i = 0; i < ACCESS_TEXTS; i++) {
        if (entry->texts[i].length > rest.length)
            return ST_INVALID;
        entry->texts[i].data = rest.data;
        rest = str_from(rest, entry->texts[i].length);
    }
    return ST_OK;
}

/* --- What may be told --- */

struct told {
    char texts[ACCESS_TEXTS][ACCESS_TEXT_MAX_BYTES + 8];
    char client[ADDR_TEXT_SIZE];
};

static void tell_client(const struct access_entry *entry, enum access_privacy privacy, char out[ADDR_TEXT_SIZE])
{
    struct addr client = entry->client;
    if (privacy == ACCESS_ANONYMOUS)
        network_mask(client.ip, addr_is_v4(&client) ? 96 + 24 : 48);
    addr_format_ip(&client, out);
}

/* The target as far as PRIVACY lets it. */
static struct str tell_target(const struct access_entry *entry, enum access_privacy privacy)
{
    struct str target = entry->texts[ACCESS_TARGET], rest;
    if (privacy == ACCESS_FULL || entry->is_connect)
        return target;
    if (privacy != ACCESS_NO_QUERY)
        return (struct str){0};
    str_cut(target, '#', &target, &rest);
    str_cut(target, '?', &target, &rest);
    return target;
}

static void tell(const struct access_entry *entry, enum access_privacy privacy, struct told *told)
{
    for (size_t i = 0; i < ACCESS_TEXTS; i++) {
        bool personal = i == ACCESS_REFERER || i == ACCESS_AGENT;
        struct str text = i == ACCESS_TARGET ? tell_target(entry, privacy) : entry->texts[i];
        if ((personal && privacy != ACCESS_FULL) || (i == ACCESS_USER && privacy == ACCESS_ANONYMOUS))
            text = (struct str){0};
        text_printable(told->texts[i], text_max_bytes[i] + 1, text);
    }
    tell_client(entry, privacy, told->client);
}

/* --- Lines --- */

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static enum status build_json(struct buf *out, const struct access_entry *entry, const struct told *told)
{
    char time[CLOCK_TEXT_SIZE];
    clock_format(entry->time_ms, time);
    json_t *json = json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:i, s:I, s:I, s:I, s:s}", "time", time, "client", told->client, "user",
        text_or_null(told->texts[ACCESS_USER]), "method", text_or_null(told->texts[ACCESS_METHOD]), "url",
        text_or_null(told->texts[ACCESS_TARGET]), "host", text_or_null(told->texts[ACCESS_HOST]), "status",
        (int)entry->status, "bytes", (json_int_t)entry->sent_bytes, "bytes_received", (json_int_t)entry->received_bytes,
        "duration_ms", (json_int_t)entry->duration_ms, "verdict", access_verdict_text(entry->verdict));
    if (json && entry->has_ech)
        json_object_set_new(json, "ech", json_true());
    if (json && told->texts[ACCESS_REFERER][0])
        json_object_set_new(json, "referer", json_string(told->texts[ACCESS_REFERER]));
    if (json && told->texts[ACCESS_AGENT][0])
        json_object_set_new(json, "user_agent", json_string(told->texts[ACCESS_AGENT]));
    char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    buf_add_text(out, line ? line : "");
    bool failed = !line || out->failed;
    free(line);
    return failed ? ST_NOMEM : ST_OK;
}

/* As Apache and nginx write them: a quotation mark or backslash gets a backslash before it. */
static void add_quoted(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, *text);
    }
}

/* What stands between blanks has none. */
static void add_word(struct buf *out, char *text)
{
    for (char *at = text; *at; at++)
        *at = *at == ' ' ? '_' : *at;
    add_quoted(out, *text ? text : "-");
}

static void add_quoted_or_dash(struct buf *out, const char *text)
{
    buf_add_text(out, " \"");
    add_quoted(out, *text ? text : "-");
    buf_add_char(out, '"');
}

static void add_request(struct buf *out, const struct access_entry *entry, const struct told *told)
{
    const char *method = told->texts[ACCESS_METHOD], *target = told->texts[ACCESS_TARGET];
    buf_add_text(out, " \"");
    if (*method) {
        add_quoted(out, method);
        buf_add_char(out, ' ');
        if (!*target) {
            buf_add_text(out, "http://");
            target = told->texts[ACCESS_HOST];
        }
        add_quoted(out, target);
        buf_printf(out, " HTTP/1.%u", entry->version_minor);
    } else {
        buf_add_char(out, '-');
    }
    buf_add_char(out, '"');
}

static enum status build_combined(struct buf *out, const struct access_entry *entry, struct told *told)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec"; /* whatever the locale calls them */
    time_t seconds = (time_t)(entry->time_ms / 1000);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm))
        tm = (struct tm){.tm_mday = 1};
    buf_printf(out, "%s - ", told->client);
    add_word(out, told->texts[ACCESS_USER]);
    buf_printf(out, " [%02d/%.3s/%04d:%02d:%02d:%02d +0000]", tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900,
               tm.tm_hour, tm.tm_min, tm.tm_sec);
    add_request(out, entry, told);
    buf_printf(out, " %03u %llu", entry->status, (unsigned long long)entry->sent_bytes);
    add_quoted_or_dash(out, told->texts[ACCESS_REFERER]);
    add_quoted_or_dash(out, told->texts[ACCESS_AGENT]);
    return out->failed ? ST_NOMEM : ST_OK;
}

enum status access_line_build(struct buf *out, enum access_format format, enum access_privacy privacy,
                              const struct access_entry *entry)
{
    struct told told;
    tell(entry, privacy, &told);
    return format == ACCESS_JSON ? build_json(out, entry, &told) : build_combined(out, entry, &told);
}
