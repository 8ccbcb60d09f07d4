/* Tables of indicators, whose first line names the columns; defanged or not; with commas, semicolons or tabs. */
#include <string.h>

#include "feeds/format.h"
#include "feeds/indicator_text.h"

/* Reads the names of the columns. False: LINE has none. */
static bool take_header(struct table *table, struct str line)
{
    static const char separators[] = ",;\t|";
    struct str fields[CSV_FIELDS];
    size_t most = 1; /* one column is a plain list */
    for (size_t i = 0; separators[i]; i++) {
        size_t count = csv_split(line, separators[i], fields);
        if (count > most && ioc_columns_read(&table->columns, fields, count)) {
            table->separator = separators[i];
            table->width = most = count;
        }
    }
    return table->columns.known;
}

static bool is_no(struct str text)
{
    return str_eq(text, STR("0")) || str_eq_nocase(text, STR("false")) || str_eq_nocase(text, STR("no"));
}

static void take_row(struct intake *intake, const struct table *table, const struct table_row *row)
{
    char plain[CANONICAL_URL_MAX];
    bool typed;
    struct str value = ioc_columns_value(&table->columns, row->fields, row->count, &typed);
    struct str port = ioc_columns_field(&table->columns, IOC_PORT, row->fields, row->count);
    struct str type = ioc_columns_field(&table->columns, IOC_TYPE, row->fields, row->count);
    if (!value.length) {
        intake_skip(intake, SKIP_NOT_RULE, row->text);
        return;
    }
    table_fill_record(intake, &table->columns, row);
    intake->record.family = table_family(&table->columns, row);
    if (intake->record.family.data == value.data)
        intake->record.family = (struct str){0};
    if (is_no(ioc_columns_field(&table->columns, IOC_DETECTION, row->fields, row->count)))
        intake_skip(intake, SKIP_NOT_FOR_DETECTION, value);
    else
        indicator_text_take_row(intake, typed ? type : (struct str){0}, csv_plain(value, plain, sizeof plain), port);
}

static void take_line(struct intake *intake, struct str line)
{
    struct table *table = &intake->state.table;
    struct table_row row;
    bool comment = !table_is_open(table) && format_is_comment(line, "#;");
    if (!table->columns.known) {
        if (take_header(table, comment ? str_trim(str_from(line, 1)) : line) || comment)
            intake_comment(intake);
        else
            intake_skip(intake, SKIP_NOT_RULE, line);
    } else if (comment) {
        intake_comment(intake);
    } else if (table_row(intake, table, line, &row)) {
        take_row(intake, table, &row);
    }
}

static void finish(struct intake *intake)
{
    table_finish(intake, &intake->state.table);
}

const struct format format_ioc_csv = {.name = "ioc-csv",
                                      .about = "a table of indicators that names its columns, defanged or not",
                                      .line = take_line,
                                      .finish = finish};
