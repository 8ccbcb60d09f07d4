#include "feeds/format.h"

#include <string.h>

#include "base/check.h"
#include "base/cursor.h"
#include "feeds/json.h"

/* Of two formats that read a sample equally well the first is taken, so the narrower stands before the wider. */
static const struct format *const formats[] = {
    &format_hosts,          &format_ips,        &format_urls,           &format_domains,
    &format_wildcard,       &format_ipsum,      &format_dnsmasq,        &format_unbound,
    &format_bind,           &format_rpz,        &format_spamhaus,       &format_urlhaus,
    &format_threatfox,      &format_feodo,      &format_sslbl,          &format_phishtank,
    &format_ranking,        &format_ioc_csv,    &format_dnscrypt_names, &format_dnscrypt_ips,
    &format_adblock,        &format_mixed,      &format_maltrail,       &format_urlhaus_json,
    &format_threatfox_json, &format_feodo_json, &format_phishtank_json, &format_misp,
    &format_warninglist,    &format_stix,       &format_misp_feed,      &format_taxii,
};

enum { FORMATS = sizeof formats / sizeof formats[0], DETECT_MIN_PERCENT = 50 };

size_t format_count(void)
{
    return FORMATS;
}

const struct format *format_at(size_t index)
{
    return formats[index];
}

const struct format *format_find(struct str name)
{
    for (size_t i = 0; i < FORMATS; i++)
        if (str_eq(name, str_of(formats[i]->name)))
            return formats[i];
    return NULL;
}

bool feed_format_known(struct str format)
{
    return str_eq(format, STR("auto")) || format_find(format);
}

void format_take_line(const struct format *format, struct intake *intake, struct str line)
{
    intake_line(intake, line);
    struct str text = str_trim(line);
    if (!text.length)
        intake_comment(intake);
    else if (memchr(text.data, '\0', text.length))
        intake_skip(intake, SKIP_NUL_BYTE, text);
    else
        format->line(intake, text);
}

void format_survey_line(const struct format *format, struct intake *intake, struct str line)
{
    struct str text = str_trim(line);
    if (text.length && !memchr(text.data, '\0', text.length))
        format->survey(intake, text);
}

void format_take_document(const struct format *format, struct intake *intake, json_t *root)
{
    if (format->knows(root)) {
        format->document(intake, root);
    } else if (!json_is_empty(root)) {
        json_entry(intake, STR("JSON of another structure"));
        intake_skip(intake, SKIP_NOT_RULE, STR("JSON of another structure"));
    }
}

void format_finish(const struct format *format, struct intake *intake)
{
    if (format->finish)
        format->finish(intake);
    intake_finish(intake);
}

int format_score(const struct format *format, struct str sample, char separator)
{
    struct feed_report report = {0};
    struct intake intake;
    struct str line;
    intake_init(&intake, NULL, "", NULL, &report);
    while (str_cut(sample, separator, &line, &sample)) {
        if (line.length && line.data[line.length - 1] == '\r')
            line.length--;
        format_take_line(format, &intake, line);
    }
    /* What is behind the last end of line may be cut off, unless it is all that there is to go by. */
    if (report.lines == report.comments && sample.length)
        format_take_line(format, &intake, sample);
    format_finish(format, &intake);
    uint64_t content = report.lines - report.comments;
    return content ? (int)(intake.known_lines * 100 / content) : -1;
}

const struct format *format_detect(struct str sample, char separator, bool *empty)
{
    const struct format *best = NULL;
    int best_score = DETECT_MIN_PERCENT - 1;
    bool comments_only = false;
    for (size_t i = 0; i < FORMATS; i++) {
        if (!formats[i]->line)
            continue;
        int score = format_score(formats[i], sample, separator);
        comments_only = comments_only || score < 0;
        if (score > best_score) {
            best = formats[i];
            best_score = score;
        }
    }
    *empty = !best && comments_only;
    return best;
}

const struct format *format_detect_document(json_t *root)
{
    for (size_t i = 0; i < FORMATS; i++)
        if (formats[i]->knows && formats[i]->knows(root))
            return formats[i];
    return NULL;
}

bool format_is_comment(struct str line, const char *markers)
{
    return line.length && strchr(markers, line.data[0]);
}

struct str format_without_comment(struct str line, const char *markers)
{
    for (size_t i = 1; i < line.length; i++)
        if ((line.data[i - 1] == ' ' || line.data[i - 1] == '\t') && strchr(markers, line.data[i]))
            return str_trim((struct str){line.data, i});
    return line;
}

struct str format_take_comment(struct intake *intake, struct str line, const char *markers)
{
    struct str text = format_without_comment(line, markers);
    struct str comment = str_trim(str_from(line, text.length));
    while (comment.length && (strchr(markers, comment.data[0]) || comment.data[0] == ' '))
        comment = str_from(comment, 1);
    intake->record.reference = comment;
    return text;
}

const char *feed_format_names(void)
{
    static char names[1024];
    struct wire wire = wire_into(names, sizeof names - 1);
    for (size_t i = 0; i < FORMATS; i++) {
        if (i)
            wire_bytes(&wire, ", ", 2);
        wire_bytes(&wire, formats[i]->name, strlen(formats[i]->name));
    }
    CHECK(!wire.failed);
    names[wire_length(&wire)] = '\0';
    return names;
}
