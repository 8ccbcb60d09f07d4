#include "proxy/access_log.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/ring.h"
#include "callbacks/log_file.h"

enum {
    LOGS_MAX = 256,
    RING_BYTES = 1 << 20, /* some thousands of requests in a tenth of a second */
    FLUSH_BYTES = 256 << 10,
    TELL_MS = 10000,
};

struct access_log {
    struct ring *ring;
    struct buf record;
};

struct access_file {
    enum access_format format;
    enum access_privacy privacy;
    struct log_file file;
    struct buf record, line;
    struct access_log *logs[LOGS_MAX];
    size_t log_count;
    uint64_t dropped; /* that was not told yet */
    int64_t told_ms;
};

static enum status name_option(struct fault *fault, enum status status, const struct fault *why)
{
    return fault_set(fault, status, "proxy.access-log: %s", why->text[0] ? why->text : status_text(status));
}

enum status access_file_check(const char *path, struct fault *fault)
{
    struct fault why = {0};
    enum status status = log_file_check(path, &why);
    return status == ST_OK ? ST_OK : name_option(fault, status, &why);
}

enum status access_file_open(const struct access_settings *settings, struct access_file **out, struct fault *fault)
{
    struct access_file *file = calloc(1, sizeof *file);
    if (!file)
        return fault_set(fault, ST_NOMEM, "out of memory");
    file->format = settings->format;
    file->privacy = settings->privacy;
    struct fault why = {0};
    enum status status = log_file_open_at(settings->path, "lines of the access log", &file->file, &why);
    if (status == ST_OK) {
        *out = file;
        return ST_OK;
    }
    access_file_close(file);
    return name_option(fault, status, &why);
}

struct access_log *access_file_add_log(struct access_file *file)
{
    struct access_log *log = file->log_count < LOGS_MAX ? calloc(1, sizeof *log) : NULL;
    if (!log)
        return NULL;
    log->ring = ring_new(RING_BYTES);
    if (!log->ring) {
        free(log);
        return NULL;
    }
    file->logs[file->log_count++] = log;
    return log;
}

void access_log_put(struct access_log *log, const struct access_entry *entry)
{
    buf_clear(&log->record);
    access_record_build(&log->record, entry);
    if (!log->record.failed)
        ring_put(log->ring, log->record.data, log->record.length);
}

/* False: there is nothing more, or no room for it. */
static bool write_one(struct access_file *file, struct access_log *log)
{
    struct access_entry entry;
    if (!log_file_has_room(&file->file))
        return false;
    buf_clear(&file->record);
    buf_clear(&file->line);
    if (!ring_take(log->ring, &file->record))
        return false;
    struct str record = {file->record.data, file->record.length};
    if (!file->record.failed && access_record_parse(record, &entry) == ST_OK &&
        access_line_build(&file->line, file->format, file->privacy, &entry) == ST_OK)
        log_file_add(&file->file, file->line.data, file->line.length);
    else
        file->dropped++;
    if (file->file.backlog.length >= FLUSH_BYTES && !file->file.failing)
        log_file_flush(&file->file);
    return true;
}

static void tell_dropped(struct access_file *file, int64_t now_ms)
{
    if (!file->dropped || (file->told_ms && now_ms - file->told_ms < TELL_MS))
        return;
    log_warning("%s: %llu request%s left out, since more came than could be written", file->file.path,
                (unsigned long long)file->dropped, file->dropped == 1 ? " was" : "s were");
    file->dropped = 0;
    file->told_ms = now_ms;
}

void access_file_step(struct access_file *file, int64_t now_ms)
{
    for (size_t i = 0; i < file->log_count; i++) {
        while (write_one(file, file->logs[i]))
            continue;
        file->dropped += ring_take_dropped(file->logs[i]->ring);
    }
    log_file_flush(&file->file);
    tell_dropped(file, now_ms);
}

void access_file_reopen(struct access_file *file)
{
    log_file_reopen(&file->file);
}

void access_file_close(struct access_file *file)
{
    if (!file)
        return;
    if (file->log_count) {
        file->told_ms = 0;
        access_file_step(file, 0);
    }
    if (file->file.path)
        log_file_close(&file->file);
    for (size_t i = 0; i < file->log_count; i++) {
        ring_free(file->logs[i]->ring);
        buf_free(&file->logs[i]->record);
        free(file->logs[i]);
    }
    buf_free(&file->record);
    buf_free(&file->line);
    free(file);
}
