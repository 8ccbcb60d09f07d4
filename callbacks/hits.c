#include "callbacks/hits.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "callbacks/hits_csv.h"
#include "callbacks/hits_table.h"
#include "callbacks/log_reader.h"

enum {
    POLL_MS = 250,
    MERGE_MS = 20000, /* lines of one callback are written within its 10 s and a little more */
    WAITING_MAX = 65536,
};

/* Callbacks wait here, oldest first, until no more lines of theirs can come. */
struct hits {
    const struct hits_settings *settings;
    FILE *out, *errors;
    int output_errno;         /* why OUT can't be written; 0: it can */
    struct hits_table *table; /* for that form alone */
    struct log_reader reader;
    struct log_entry *waiting;
    size_t room;
    uint64_t first, end; /* running numbers of those that wait; number % room is the place */
    json_t *numbers;     /* id -> running number */
    bool live;           /* followed: lines are printed as they come */
};

static bool is_printable(const char *text)
{
    size_t length = strlen(text), room = length + 1;
    char *safe = malloc(room);
    if (!safe)
        return false;
    text_printable(safe, room, (struct str){text, length});
    bool same = !strcmp(safe, text);
    free(safe);
    return same;
}

/* The log writer leaves no control characters; who else wrote a line may have. JSON escapes all but DEL. */
static void print_json(FILE *out, const struct log_entry *entry)
{
    char *text = json_dumps(entry->object, JSON_COMPACT);
    if (text && !is_printable(text)) {
        free(text);
        text = json_dumps(entry->object, JSON_COMPACT | JSON_ENSURE_ASCII);
    }
    for (const char *at = text; at && *at; at++)
        if (*at == 0x7f)
            fputs("\\u007f", out);
        else
            fputc(*at, out);
    fputc('\n', out);
    free(text);
}

/* The first failure says why; stdio itself keeps only that there was one. */
static void check_output(struct hits *hits)
{
    if (ferror(hits->out) && !hits->output_errno)
        hits->output_errno = errno ? errno : EIO;
}

static enum status output_status(const struct hits *hits)
{
    return !hits->output_errno ? ST_OK : hits->output_errno == EPIPE ? ST_CLOSED : ST_IO;
}

static void print_entry(struct hits *hits, const struct log_entry *entry)
{
    if (hits->output_errno)
        return;
    switch (hits->settings->form) {
    case HITS_TABLE:
        hits_table_add(hits->table, entry);
        break;
    case HITS_JSON:
        print_json(hits->out, entry);
        break;
    case HITS_CSV:
        hits_csv_row(hits->out, entry);
        break;
    }
    check_output(hits);
}

static struct log_entry *place(struct hits *hits, uint64_t number)
{
    return &hits->waiting[number % hits->room];
}

static void print_first(struct hits *hits)
{
    struct log_entry *entry = place(hits, hits->first++);
    print_entry(hits, entry);
    json_object_del(hits->numbers, entry->id);
    log_entry_fini(entry);
}

static void print_waiting(struct hits *hits)
{
    while (hits->first < hits->end)
        print_first(hits);
}

static enum status make_room(struct hits *hits)
{
    size_t count = (size_t)(hits->end - hits->first);
    if (count < hits->room)
        return ST_OK;
    if (hits->room == WAITING_MAX) {
        print_first(hits);
        return ST_OK;
    }
    size_t room = hits->room ? hits->room * 2 : 256;
    struct log_entry *waiting = calloc(room, sizeof *waiting);
    if (!waiting)
        return ST_NOMEM;
    for (uint64_t number = hits->first; number < hits->end; number++)
        waiting[number % room] = *place(hits, number);
    free(hits->waiting);
    hits->waiting = waiting;
    hits->room = room;
    return ST_OK;
}

/* Takes the entry, also on failure. */
static enum status take_entry_own(struct hits *hits, struct log_entry *entry)
{
    enum status status = ST_OK;
    while (hits->first < hits->end && entry->last_ms - place(hits, hits->first)->time_ms > MERGE_MS)
        print_first(hits);
    const json_t *number = json_object_get(hits->numbers, entry->id);
    if (hits->live) {
        print_entry(hits, entry);
    } else if (number) {
        status = log_entry_add(place(hits, (uint64_t)json_integer_value(number)), entry);
    } else {
        status = make_room(hits);
        if (status == ST_OK && json_object_set_new(hits->numbers, entry->id, json_integer((json_int_t)hits->end)))
            status = ST_NOMEM;
        if (status == ST_OK) {
            *place(hits, hits->end++) = *entry;
            return ST_OK;
        }
    }
    log_entry_fini(entry);
    return status;
}

static void tell_skipped(const struct hits *hits, const char *why)
{
    char where[64];
    log_reader_place(&hits->reader, where, sizeof where);
    fprintf(hits->errors, "ccward: %s: line skipped: %s\n", where, why);
}

static enum status take_line(struct hits *hits, struct str line)
{
    struct log_entry entry;
    enum status status = log_entry_parse(line, &entry);
    if (status != ST_OK) {
        tell_skipped(hits, status == ST_UNSUPPORTED ? "of a newer version" : "damaged");
        return ST_OK;
    }
    if (entry.last_ms < hits->settings->since_ms) {
        log_entry_fini(&entry);
        return ST_OK;
    }
    return take_entry_own(hits, &entry);
}

/* All that is there now. */
static enum status read_lines(struct hits *hits)
{
    struct str line;
    for (;;) {
        enum status status = log_reader_next(&hits->reader, &line);
        if (status == ST_OK)
            status = take_line(hits, line);
        else if (status == ST_TOO_LARGE || status == ST_TRUNCATED)
            tell_skipped(hits, status == ST_TOO_LARGE ? "too long" : "cut off");
        else
            return status == ST_NOT_FOUND ? ST_OK : status;
        if (status == ST_NOMEM)
            return status;
        if (hits->output_errno)
            return output_status(hits);
        if (hits->settings->stop && *hits->settings->stop)
            return ST_OK;
    }
}

static enum status flush(struct hits *hits)
{
    if (hits->table)
        hits_table_flush(hits->table);
    fflush(hits->out);
    check_output(hits);
    return output_status(hits);
}

/* Waits a while; true when nobody reads the output any more, which writing would show only at the next callback. */
static bool wait_for_lines(struct hits *hits)
{
    struct pollfd output = {.fd = fileno(hits->out)};
    if (poll(&output, 1, POLL_MS) <= 0)
        return false;
    if (output.revents & POLLNVAL)
        hits->output_errno = EBADF;
    return true;
}

static enum status follow(struct hits *hits)
{
    enum status status = ST_OK;
    hits->live = true;
    while (status == ST_OK && !(hits->settings->stop && *hits->settings->stop)) {
        if (wait_for_lines(hits))
            return output_status(hits);
        do
            status = read_lines(hits);
        while (status == ST_OK && log_reader_follow(&hits->reader));
        if (status == ST_OK)
            status = flush(hits);
    }
    return status;
}

static unsigned terminal_width(FILE *out)
{
    struct winsize size;
    return isatty(fileno(out)) && !ioctl(fileno(out), TIOCGWINSZ, &size) ? size.ws_col : 0;
}

/* A table without rows still looks like one. While it follows, the head waits for the rows it is to line up with. */
static void finish_table(struct hits *hits)
{
    if (!hits->settings->follow)
        hits_table_head(hits->table);
    if (!hits->reader.line && !hits->settings->since_ms)
        fputs("ccward: no callbacks yet\n", hits->errors);
}

static enum status print_all(struct hits *hits)
{
    enum status status = read_lines(hits);
    if (status == ST_OK && !hits->settings->follow) {
        struct str rest = log_reader_rest(&hits->reader);
        status = rest.length ? take_line(hits, rest) : ST_OK;
    }
    print_waiting(hits);
    if (status == ST_OK && hits->table)
        finish_table(hits);
    if (status == ST_OK)
        status = flush(hits);
    return status == ST_OK && hits->settings->follow ? follow(hits) : status;
}

enum status hits_print_to(const struct hits_settings *settings, FILE *out, FILE *errors, struct fault *fault)
{
    struct hits hits = {.settings = settings, .out = out, .errors = errors, .numbers = json_object()};
    enum status status = log_reader_open(settings->state_dir, settings->since_ms, &hits.reader, fault);
    if (status != ST_OK)
        goto out;
    if (settings->form == HITS_TABLE)
        hits.table = hits_table_new(out, terminal_width(out));
    if (!hits.numbers || (settings->form == HITS_TABLE && !hits.table)) {
        status = ST_NOMEM;
        goto out;
    }
    if (settings->form == HITS_CSV)
        hits_csv_header(out);
    status = print_all(&hits);
out:
    while (hits.first < hits.end)
        log_entry_fini(place(&hits, hits.first++));
    free(hits.waiting);
    json_decref(hits.numbers);
    hits_table_free(hits.table);
    log_reader_close(&hits.reader);
    if (status == ST_IO && hits.output_errno) {
        errno = hits.output_errno;
        return fault_errno(fault, status, "the output cannot be written");
    }
    return status == ST_OK ? ST_OK : fault_set(fault, status, "callback log: %s", status_text(status));
}

enum status hits_print(const struct hits_settings *settings, struct fault *fault)
{
    return hits_print_to(settings, stdout, stderr, fault);
}
