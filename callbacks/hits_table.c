#include "callbacks/hits_table.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum column { TIME, CLIENT, PROCESS, ACTION, WHAT, COUNT, SUBJECT, COLUMNS };

enum { ROWS_MAX = 256, CELL_SIZE = 1024, GAP = 2, SUBJECT_MIN = 16 };

static const struct {
    const char *title;
    unsigned max; /* width; 0: what the terminal leaves */
} columns[COLUMNS] = {
    [TIME] = {"TIME", 19},     [CLIENT] = {"CLIENT", 39}, [PROCESS] = {"PROCESS", 24}, [ACTION] = {"ACTION", 6},
    [WHAT] = {"CATEGORY", 32}, [COUNT] = {"COUNT", 12},   [SUBJECT] = {"SUBJECT", 0},
};

struct hits_table {
    FILE *out;
    unsigned width, widths[COLUMNS];
    bool has_head;
    size_t count;
    char cells[ROWS_MAX][COLUMNS][CELL_SIZE];
};

struct hits_table *hits_table_new(FILE *out, unsigned width)
{
    struct hits_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->out = out;
    table->width = width;
    for (enum column column = 0; column < COLUMNS; column++)
        table->widths[column] = (unsigned)strlen(columns[column].title);
    return table;
}

void hits_table_free(struct hits_table *table)
{
    free(table);
}

/* The character at TEXT, which is valid UTF-8, and its bytes. */
static uint32_t character(const char *text, size_t *bytes)
{
    unsigned char first = (unsigned char)text[0];
    *bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint32_t value = *bytes == 1 ? first : first & (0xffU >> (*bytes + 1));
    for (size_t i = 1; i < *bytes; i++)
        value = value << 6 | ((unsigned char)text[i] & 0x3f);
    return value;
}

/* Columns of a character on a terminal: East Asian wide ones take two (Unicode annex 11). */
static unsigned character_width(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } wide[] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},  {0xfe30, 0xfe6f},
                {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (c >= wide[i].first && c <= wide[i].last)
            return 2;
    return 1;
}

static unsigned text_width(const char *text)
{
    unsigned width = 0;
    for (size_t bytes; *text; text += bytes)
        width += character_width(character(text, &bytes));
    return width;
}

/* What of TEXT fits into WIDTH columns, in bytes. */
static size_t fitting(const char *text, unsigned width, unsigned *used)
{
    size_t at = 0;
    *used = 0;
    for (size_t bytes; text[at]; at += bytes) {
        unsigned more = character_width(character(text + at, &bytes));
        if (*used + more > width)
            break;
        *used += more;
    }
    return at;
}

static void set_cell(struct hits_table *table, enum column column, const char *text)
{
    char *cell = table->cells[table->count][column];
    text_printable(cell, CELL_SIZE, str_of(*text ? text : "-"));
    unsigned width = text_width(cell), max = columns[column].max;
    if (max && width > max)
        width = max;
    if (width > table->widths[column])
        table->widths[column] = width;
}

static void set_time(struct hits_table *table, int64_t wall_ms)
{
    char text[32];
    struct tm tm = {0};
    time_t seconds = (time_t)(wall_ms / 1000);
    localtime_r(&seconds, &tm);
    if (!strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm))
        text[0] = '\0';
    set_cell(table, TIME, text);
}

static void set_process(struct hits_table *table, const struct log_entry *entry)
{
    const char *name = log_entry_client_text(entry, "process"), *user = log_entry_client_text(entry, "user");
    const char *login = log_entry_client_text(entry, "login");
    json_int_t pid = log_entry_client_number(entry, "pid");
    char text[256];
    if (pid > 0)
        snprintf(text, sizeof text, "%.128s[%lld]", name, (long long)pid);
    else if (*user)
        snprintf(text, sizeof text, "user %.128s", user);
    else
        snprintf(text, sizeof text, "%s%.128s", *login ? "login " : "", login);
    set_cell(table, PROCESS, text);
}

void hits_table_add(struct hits_table *table, const struct log_entry *entry)
{
    const char *ip = log_entry_client_text(entry, "ip"), *name = log_entry_client_text(entry, "name");
    const char *category = log_entry_text(entry, "category"), *family = log_entry_text(entry, "family");
    const char *subject = log_entry_text(entry, "subject");
    char text[512];
    set_time(table, entry->time_ms);
    set_cell(table, CLIENT, *name ? name : *ip ? ip : "(several)");
    set_process(table, entry);
    set_cell(table, ACTION, log_entry_text(entry, "action"));
    snprintf(text, sizeof text, "%.128s%s%.256s", category, *family ? "/" : "", family);
    set_cell(table, WHAT, text);
    snprintf(text, sizeof text, "%lld", (long long)entry->count);
    set_cell(table, COUNT, text);
    set_cell(table, SUBJECT, *subject ? subject : "(several)");
    if (++table->count == ROWS_MAX)
        hits_table_flush(table);
}

static void print_cell(FILE *out, const char *text, unsigned width, bool right, bool last)
{
    unsigned used = text_width(text);
    bool cut = width && used > width;
    size_t bytes = cut ? fitting(text, width - 1, &used) : strlen(text);
    used += cut;
    unsigned pad = used < width ? width - used : 0;
    fprintf(out, "%*s%.*s%s%*s%s", right ? (int)pad : 0, "", (int)bytes, text, cut ? "\u2026" : "",
            right || last ? 0 : (int)pad, "", last ? "\n" : "  ");
}

static void print_row(const struct hits_table *table, unsigned subject_width, const char *const cells[COLUMNS])
{
    for (enum column column = 0; column < COLUMNS; column++)
        print_cell(table->out, cells[column], column == SUBJECT ? subject_width : table->widths[column],
                   column == COUNT, column == SUBJECT);
}

/* 0: unbounded. */
static unsigned subject_width(const struct hits_table *table)
{
    unsigned used = 0;
    for (enum column column = 0; column < SUBJECT; column++)
        used += table->widths[column] + GAP;
    if (!table->width)
        return 0;
    return table->width > used + SUBJECT_MIN ? table->width - used : SUBJECT_MIN;
}

void hits_table_head(struct hits_table *table)
{
    const char *cells[COLUMNS];
    if (table->has_head)
        return;
    for (enum column column = 0; column < COLUMNS; column++)
        cells[column] = columns[column].title;
    print_row(table, subject_width(table), cells);
    table->has_head = true;
}

void hits_table_flush(struct hits_table *table)
{
    const char *cells[COLUMNS];
    unsigned width = subject_width(table);
    if (table->count)
        hits_table_head(table);
    for (size_t row = 0; row < table->count; row++) {
        for (enum column column = 0; column < COLUMNS; column++)
            cells[column] = table->cells[row][column];
        print_row(table, width, cells);
    }
    table->count = 0;
}
