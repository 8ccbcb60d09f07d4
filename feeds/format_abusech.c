/* abuse.ch's CSV exports: URLhaus, ThreatFox, Feodo Tracker, SSLBL; and PhishTank's. Their banners and trailers are
 * comments. Columns have come and gone over the years: they are told by the line that names them, a comment or not, and
 * where that has been cut off by how many there are. */
#include <string.h>

#include "feeds/format.h"
#include "feeds/indicator_text.h"
#include "feeds/normal.h"
#include "feeds/tags.h"

/* The columns of an export without its first line, the newest first. */
struct layout {
    const char *first; /* the name of its first column */
    const char *columns;
    size_t count;
};

static const struct layout urlhaus[] = {
    {"id", "id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter", 9},
    {"id", "id,dateadded,url,url_status,threat,tags,urlhaus_link,reporter", 8},
    {0},
};
static const struct layout threatfox[] = {
    {"first_seen_utc",
     "first_seen_utc,ioc_id,ioc_value,ioc_type,threat_type,fk_malware,malware_alias,malware_printable,last_seen_utc,"
     "confidence_level,is_compromised,reference,tags,anonymous,reporter",
     15},
    {"first_seen_utc",
     "first_seen_utc,ioc_id,ioc_value,ioc_type,threat_type,fk_malware,malware_alias,malware_printable,last_seen_utc,"
     "confidence_level,reference,tags,anonymous,reporter",
     14},
    {0},
};
static const struct layout feodo[] = {
    {"first_seen_utc", "first_seen_utc,dst_ip,dst_port,c2_status,last_online,malware", 6},
    {"Firstseen", "Firstseen,DstIP,DstPort,LastOnline,Malware", 5},
    {0},
};
/* The oldest said "DstIP,DstPort" above three columns. */
static const struct layout sslbl[] = {
    {"Firstseen", "Firstseen,DstIP,DstPort", 3},
    {"DstIP", "DstIP,DstPort,Malware", 3},
    {"DstIP", "DstIP,DstPort", 2},
    {0},
};
static const struct layout phishtank[] = {
    {"phish_id", "phish_id,url,phish_detail_url,submission_time,verified,verification_time,online,target", 8},
    {0},
};

static bool is_header(const struct layout *layouts, const struct str *fields, size_t count)
{
    for (; layouts->first; layouts++)
        if (count >= layouts->count && str_eq_nocase(fields[0], str_of(layouts->first)))
            return true;
    return false;
}

/* Notes the columns where LINE names them. */
static bool take_header(struct table *table, const struct layout *layouts, struct str line)
{
    struct str fields[CSV_FIELDS];
    size_t count = csv_split(line, ',', fields);
    return is_header(layouts, fields, count) && ioc_columns_read(&table->columns, fields, count);
}

static bool starts_with_address(const struct table_row *row)
{
    struct addr addr;
    return addr_parse_ip(row->fields[0], &addr) == ST_OK;
}

/* The columns of ROW by how many there are. */
static bool guess_columns(const struct layout *layouts, const struct table_row *row, struct ioc_columns *columns)
{
    struct str fields[CSV_FIELDS];
    for (; layouts->first; layouts++) {
        bool other = layouts->count == 3 && starts_with_address(row) != str_eq(str_of(layouts->first), STR("DstIP"));
        if (layouts->count == row->count && !other)
            return ioc_columns_read(columns, fields, csv_split(str_of(layouts->columns), ',', fields));
    }
    return false;
}

/* The next row, with its columns. False: there is none to be taken. */
static bool next_row(struct intake *intake, const struct layout *layouts, struct str line, struct table_row *row,
                     struct ioc_columns *columns)
{
    struct table *table = &intake->state.table;
    table->separator = ',';
    if (!table_is_open(table) && format_is_comment(line, "#")) {
        take_header(table, layouts, str_trim(str_from(line, 1)));
        intake_comment(intake);
        return false;
    }
    if (!table_row(intake, table, line, row))
        return false;
    if (is_header(layouts, row->fields, row->count)) {
        take_header(table, layouts, row->text);
        intake_comment(intake);
        return false;
    }
    *columns = table->columns;
    bool named = columns->known && layouts != sslbl;
    if ((named && row->count == columns->count) || guess_columns(layouts, row, columns) ||
        (named && row->count >= columns->values[0]))
        return true;
    intake_skip(intake, SKIP_NOT_RULE, row->text);
    return false;
}

static struct str value_of(const struct ioc_columns *columns, const struct table_row *row, char *out)
{
    bool typed;
    return csv_plain(ioc_columns_value(columns, row->fields, row->count, &typed), out, CANONICAL_URL_MAX);
}

/* Of URLhaus and PhishTank; both number their rows. */
static void take_url_row(struct intake *intake, const struct layout *layouts, struct str line)
{
    char plain[CANONICAL_URL_MAX];
    struct table_row row;
    struct ioc_columns columns;
    uint64_t id;
    if (!next_row(intake, layouts, line, &row, &columns))
        return;
    if (text_u64(row.fields[0], UINT64_MAX, &id) != ST_OK) {
        intake_skip(intake, SKIP_NOT_RULE, row.text);
        return;
    }
    table_fill_record(intake, &columns, &row);
    intake->record.family =
        tags_family(ioc_columns_field(&columns, IOC_TAGS, row.fields, row.count)); /* the threat is none */
    intake_url(intake, value_of(&columns, &row, plain));
}

static void take_urlhaus(struct intake *intake, struct str line)
{
    take_url_row(intake, urlhaus, line);
}

static void take_phishtank(struct intake *intake, struct str line)
{
    take_url_row(intake, phishtank, line);
}

static void take_threatfox(struct intake *intake, struct str line)
{
    char plain[CANONICAL_URL_MAX];
    struct table_row row;
    struct ioc_columns columns;
    if (!next_row(intake, threatfox, line, &row, &columns))
        return;
    struct str type = ioc_columns_field(&columns, IOC_TYPE, row.fields, row.count);
    table_fill_record(intake, &columns, &row);
    intake->record.family = table_family(&columns, &row);
    if (str_eq_nocase(ioc_columns_field(&columns, IOC_COMPROMISED, row.fields, row.count), STR("true")))
        indicator_text_compromised(intake, type);
    indicator_text_take_plain(intake, type.length ? type : STR("?"), value_of(&columns, &row, plain));
}

/* Of Feodo Tracker and SSLBL. */
static void take_address_row(struct intake *intake, const struct layout *layouts, struct str line)
{
    struct table_row row;
    struct ioc_columns columns;
    if (!next_row(intake, layouts, line, &row, &columns))
        return;
    struct str ip = row.fields[columns.values[0] - 1];
    table_fill_record(intake, &columns, &row);
    intake->record.family = table_family(&columns, &row);
    indicator_text_take_address_port(intake, ip, ioc_columns_field(&columns, IOC_PORT, row.fields, row.count));
}

static void take_feodo(struct intake *intake, struct str line)
{
    take_address_row(intake, feodo, line);
}

static void take_sslbl(struct intake *intake, struct str line)
{
    take_address_row(intake, sslbl, line);
}

static void finish(struct intake *intake)
{
    table_finish(intake, &intake->state.table);
}

const struct format format_urlhaus = {
    .name = "urlhaus-csv", .about = "URLhaus database dump as CSV", .line = take_urlhaus, .finish = finish};
const struct format format_threatfox = {
    .name = "threatfox-csv", .about = "ThreatFox indicators as CSV", .line = take_threatfox, .finish = finish};
const struct format format_feodo = {
    .name = "feodo-csv", .about = "Feodo Tracker address list as CSV", .line = take_feodo, .finish = finish};
const struct format format_sslbl = {
    .name = "sslbl-csv", .about = "SSLBL address list as CSV", .line = take_sslbl, .finish = finish};
const struct format format_phishtank = {
    .name = "phishtank-csv", .about = "PhishTank's verified URLs as CSV", .line = take_phishtank, .finish = finish};
