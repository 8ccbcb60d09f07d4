#include "feeds/table.h"

#include <string.h>

#include "feeds/intake.h"
#include "feeds/tags.h"
#include "feeds/when.h"

bool table_is_open(const struct table *table)
{
    return table->held_lines > 0;
}

static void drop_held(struct intake *intake, struct table *table)
{
    intake_skip(intake, SKIP_NOT_RULE, (struct str){table->held.data, table->held.length});
    table->held_lines = 0;
}

/* Adds LINE to the row under way. A line that is a whole row by itself, or one too many, tells that a quote has been
 * forgotten: then what was under way is dropped. False: it is. */
static bool add_line(struct intake *intake, struct table *table, struct str line)
{
    struct str fields[CSV_FIELDS];
    bool row_by_itself = table->width > 1 && csv_split(line, table->separator, fields) == table->width;
    if (!row_by_itself && table->held_lines < TABLE_ROW_LINES && table->held.length + line.length < TABLE_ROW_BYTES) {
        buf_add_char(&table->held, '\n');
        buf_add(&table->held, line.data, line.length);
        table->held_lines++;
        if (!table->held.failed)
            return true;
    }
    drop_held(intake, table);
    return false;
}

static void hold(struct intake *intake, struct table *table, struct str line)
{
    buf_clear(&table->held);
    buf_add(&table->held, line.data, line.length);
    table->held_lines = table->held.failed ? 0 : 1;
    intake->report->comments += !intake->line_faulty; /* the row counts where it ends */
}

bool table_row(struct intake *intake, struct table *table, struct str line, struct table_row *row)
{
    bool joined = table_is_open(table) && add_line(intake, table, line);
    row->text = joined ? (struct str){table->held.data, table->held.length} : line;
    if (csv_is_open(row->text, table->separator)) {
        if (joined)
            intake->report->comments += !intake->line_faulty;
        else
            hold(intake, table, line);
        return false;
    }
    table->held_lines = 0;
    row->count = csv_split(row->text, table->separator, row->fields);
    if (!row->count) {
        intake_skip(intake, SKIP_NOT_RULE, row->text);
        return false;
    }
    table->width = row->count;
    return true;
}

void table_finish(struct intake *intake, struct table *table)
{
    if (table_is_open(table))
        intake_skip_unfinished(intake, (struct str){table->held.data, table->held.length});
    buf_free(&table->held);
}

static struct str field(const struct ioc_columns *columns, enum ioc_column column, const struct table_row *row)
{
    struct str text = ioc_columns_field(columns, column, row->fields, row->count);
    return tag_is_none(text) ? (struct str){0} : text;
}

struct str table_family(const struct ioc_columns *columns, const struct table_row *row)
{
    struct str family = field(columns, IOC_FAMILY, row);
    return family.length ? family : tags_family(field(columns, IOC_TAGS, row));
}

/* Percent, a share of one, or STIX's words (STIX 2.1 appendix A, "Low / Med / High"). */
static uint8_t confidence_of(struct str text)
{
    static const struct {
        const char *word;
        uint8_t confidence;
    } words[] = {{"low", 15}, {"medium", 50}, {"med", 50}, {"moderate", 50}, {"high", 85}};
    uint64_t number;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_eq_nocase(text, str_of(words[i].word)))
            return words[i].confidence;
    if (text.length && text.data[text.length - 1] == '%')
        text = str_trim((struct str){text.data, text.length - 1});
    return text_u64(text, 100, &number) == ST_OK ? (uint8_t)number : 0;
}

void table_fill_record(struct intake *intake, const struct ioc_columns *columns, const struct table_row *row)
{
    struct record *record = &intake->record;
    record->first_seen = when_parse(field(columns, IOC_FIRST_SEEN, row));
    record->last_seen = when_parse(field(columns, IOC_LAST_SEEN, row));
    record->expires = when_parse(field(columns, IOC_EXPIRES, row));
    record->confidence = confidence_of(field(columns, IOC_CONFIDENCE, row));
    record->reference = field(columns, IOC_REFERENCE, row);
    intake_tags(intake, field(columns, IOC_TAGS, row));
    intake_tag(intake, field(columns, IOC_LABEL, row));
}
