/* Tables of indicators, whose first line names the columns; defanged or not. */
#include <string.h>

#include "feeds/csv.h"
#include "feeds/format.h"
#include "feeds/indicator_text.h"
#include "feeds/when.h"

static bool has_columns(const struct ioc_columns *columns, size_t count)
{
    return columns->known && columns->at[IOC_VALUE] <= count;
}

static void take_row(struct intake *intake, const struct str *fields, size_t count)
{
    const struct ioc_columns *columns = &intake->state.columns;
    struct str type = ioc_columns_field(columns, IOC_TYPE, fields, count);
    struct str value = ioc_columns_field(columns, IOC_VALUE, fields, count);
    struct record *record = &intake->record;
    uint64_t confidence;
    record->family = ioc_columns_field(columns, IOC_FAMILY, fields, count);
    record->reference = ioc_columns_field(columns, IOC_REFERENCE, fields, count);
    record->first_seen = when_parse(ioc_columns_field(columns, IOC_FIRST_SEEN, fields, count));
    record->last_seen = when_parse(ioc_columns_field(columns, IOC_LAST_SEEN, fields, count));
    record->expires = when_parse(ioc_columns_field(columns, IOC_EXPIRES, fields, count));
    if (text_u64(ioc_columns_field(columns, IOC_CONFIDENCE, fields, count), 100, &confidence) == ST_OK)
        record->confidence = (uint8_t)confidence;
    indicator_text_take(intake, type, value);
}

static void take_line(struct intake *intake, struct str line)
{
    struct str fields[CSV_FIELDS];
    struct ioc_columns *columns = &intake->state.columns;
    bool comment = format_is_comment(line, "#;");
    if (comment)
        line = str_trim(str_from(line, 1));
    size_t count = csv_split(line, fields);
    /* One column is a plain list. */
    if (!columns->known && count > 1 && ioc_columns_read(columns, fields, count))
        intake_comment(intake);
    else if (comment)
        intake_comment(intake);
    else if (has_columns(columns, count))
        take_row(intake, fields, count);
    else
        intake_skip(intake, SKIP_NOT_RULE, line);
}

const struct format format_ioc_csv = {
    .name = "ioc-csv", .about = "a table of indicators that names its columns, defanged or not", .line = take_line};
