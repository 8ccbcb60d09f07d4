/* abuse.ch's CSV exports: URLhaus, ThreatFox, Feodo Tracker, SSLBL. Their banners and trailers are comments. */
#include "feeds/csv.h"
#include "feeds/format.h"
#include "feeds/indicator_text.h"
#include "feeds/tags.h"
#include "feeds/when.h"

static bool is_none(struct str field)
{
    return !field.length || str_eq(field, STR("None"));
}

/* id, dateadded, url, url_status, [last_online,] threat, tags, urlhaus_link, reporter */
static void take_urlhaus(struct intake *intake, struct str line)
{
    struct str fields[CSV_FIELDS];
    if (format_is_comment(line, "#")) {
        intake_comment(intake);
        return;
    }
    size_t n = csv_split(line, fields);
    if (n != 8 && n != 9) {
        intake_skip(intake, SKIP_NOT_RULE, line);
    } else if (str_eq(fields[0], STR("id"))) {
        intake_comment(intake);
    } else {
        intake->record.first_seen = when_parse(fields[1]);
        if (n == 9)
            intake->record.last_seen = when_parse(fields[4]);
        intake->record.family = tags_family(fields[n - 3]);
        intake->record.reference = fields[n - 2];
        intake_url(intake, fields[2]);
    }
}

/* first_seen_utc, ioc_id, ioc_value, ioc_type, threat_type, fk_malware, malware_alias, malware_printable,
 * last_seen_utc, confidence_level, [is_compromised,] reference, tags, anonymous, reporter */
static void take_threatfox(struct intake *intake, struct str line)
{
    struct str fields[CSV_FIELDS];
    uint64_t confidence = 0;
    if (format_is_comment(line, "#")) {
        intake_comment(intake);
        return;
    }
    size_t n = csv_split(line, fields);
    if (n != 14 && n != 15) {
        intake_skip(intake, SKIP_NOT_RULE, line);
        return;
    }
    struct str value = fields[2], type = fields[3];
    intake->record.first_seen = when_parse(fields[0]);
    intake->record.last_seen = when_parse(fields[8]);
    if (!is_none(fields[7]))
        intake->record.family = fields[7];
    if (text_u64(fields[9], 100, &confidence) == ST_OK)
        intake->record.confidence = (uint8_t)confidence;
    if (!is_none(fields[n - 4]))
        intake->record.reference = fields[n - 4];
    if (str_eq(type, STR("domain"))) {
        intake_name(intake, value);
    } else if (str_eq(type, STR("url"))) {
        intake_url(intake, value);
    } else if (str_eq(type, STR("ip:port"))) {
        indicator_text_take_last_port(intake, value); /* IPv6 comes without brackets */
    } else {
        intake_skip(intake, SKIP_OTHER_KIND, value);
    }
}

/* first_seen_utc, dst_ip, dst_port, c2_status, last_online, malware */
static void take_feodo(struct intake *intake, struct str line)
{
    struct str fields[CSV_FIELDS];
    if (format_is_comment(line, "#")) {
        intake_comment(intake);
        return;
    }
    size_t n = csv_split(line, fields);
    if (n != 6) {
        intake_skip(intake, SKIP_NOT_RULE, line);
    } else if (str_eq(fields[1], STR("dst_ip"))) {
        intake_comment(intake);
    } else {
        intake->record.first_seen = when_parse(fields[0]);
        intake->record.last_seen = when_parse(fields[4]);
        if (!is_none(fields[5]))
            intake->record.family = fields[5];
        indicator_text_take_address_port(intake, fields[1], fields[2]);
    }
}

/* DstIP, DstPort[, reason]; later Firstseen, DstIP, DstPort */
static void take_sslbl(struct intake *intake, struct str line)
{
    struct str fields[CSV_FIELDS];
    struct addr addr;
    if (format_is_comment(line, "#")) {
        intake_comment(intake);
        return;
    }
    size_t n = csv_split(line, fields);
    if (n != 2 && n != 3) {
        intake_skip(intake, SKIP_NOT_RULE, line);
        return;
    }
    bool ip_first = n == 2 || addr_parse_ip(fields[0], &addr) == ST_OK;
    if (n == 3 && ip_first)
        intake->record.family = fields[2];
    else if (n == 3)
        intake->record.first_seen = when_parse(fields[0]);
    indicator_text_take_address_port(intake, fields[ip_first ? 0 : 1], fields[ip_first ? 1 : 2]);
}

const struct format format_urlhaus = {
    .name = "urlhaus-csv", .about = "URLhaus database dump as CSV", .line = take_urlhaus};
const struct format format_threatfox = {
    .name = "threatfox-csv", .about = "ThreatFox indicators as CSV", .line = take_threatfox};
const struct format format_feodo = {
    .name = "feodo-csv", .about = "Feodo Tracker address list as CSV", .line = take_feodo};
const struct format format_sslbl = {.name = "sslbl-csv", .about = "SSLBL address list as CSV", .line = take_sslbl};
