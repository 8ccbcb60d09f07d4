#include "callbacks/log_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callbacks/log_file.h"

enum { READ_BYTES = 65536 };

static bool is_same(const struct log_reader_file *file, const struct stat *stat)
{
    return file->device == stat->st_dev && file->inode == stat->st_ino;
}

static enum status open_number(const struct log_reader *reader, unsigned number, struct log_reader_file *file,
                               struct stat *stat)
{
    char path[PATH_MAX], suffix[16] = "";
    if (number)
        snprintf(suffix, sizeof suffix, ".%u", number);
    int n = snprintf(path, sizeof path, "%s/%s%s", reader->state_dir, LOG_FILE_NAME, suffix);
    if (n < 0 || (size_t)n >= sizeof path)
        return ST_TOO_LARGE;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ST_NOT_FOUND : ST_IO;
    if (fstat(fd, stat) < 0 || !S_ISREG(stat->st_mode)) {
        close(fd);
        return ST_IO;
    }
    *file = (struct log_reader_file){fd, number, stat->st_dev, stat->st_ino, 0};
    return ST_OK;
}

/* Opens the files that are newer than KNOWN (NULL: all), newest first; a rotation meanwhile shows one of them twice. */
static enum status open_newer(struct log_reader *reader, const struct log_reader_file *known)
{
    struct log_reader_file files[LOG_READER_FILES_MAX];
    size_t count = 0;
    enum status status = ST_OK;
    for (unsigned number = 0; count < LOG_READER_FILES_MAX - reader->file_count; number++) {
        struct stat stat;
        status = open_number(reader, number, &files[count], &stat);
        if (status == ST_NOT_FOUND && number == 0)
            continue; /* just rotated, or none yet */
        if (status != ST_OK)
            break;
        bool old = (known && is_same(known, &stat)) || (int64_t)stat.st_mtim.tv_sec * 1000 + 999 < reader->since_ms;
        bool twice = count && is_same(&files[count - 1], &stat);
        if (old || twice)
            close(files[count].fd);
        if (old)
            break;
        count += !twice;
    }
    memmove(reader->files + count, reader->files, reader->file_count * sizeof *reader->files);
    memcpy(reader->files, files, count * sizeof *files);
    reader->file_count += count;
    return status == ST_IO || status == ST_TOO_LARGE ? status : ST_OK;
}

enum status log_reader_open(const char *state_dir, int64_t since_ms, struct log_reader *reader, struct fault *fault)
{
    *reader = (struct log_reader){.state_dir = state_dir, .since_ms = since_ms};
    enum status status = open_newer(reader, NULL);
    if (status != ST_OK) {
        fault_errno(fault, status, "%s/%s", state_dir, LOG_FILE_NAME);
        log_reader_close(reader);
    }
    return status;
}

void log_reader_close(struct log_reader *reader)
{
    for (size_t i = 0; i < reader->file_count; i++)
        close(reader->files[i].fd);
    reader->file_count = 0;
    buf_free(&reader->data);
}

static void count_line(struct log_reader *reader)
{
    struct log_reader_file *file = &reader->files[reader->file_count - 1];
    reader->line = ++file->lines;
    reader->line_file = file->number;
}

static size_t left(const struct log_reader *reader)
{
    return reader->data.length - reader->given;
}

/* A whole line out of what was read; false: there is none. */
static bool take_line(struct log_reader *reader, struct str *line)
{
    if (!left(reader))
        return false;
    const char *start = reader->data.data + reader->given;
    const char *end = memchr(start, '\n', left(reader));
    if (!end)
        return false;
    *line = (struct str){start, (size_t)(end - start)};
    reader->given += line->length + 1;
    count_line(reader);
    return true;
}

static enum status fill(struct log_reader *reader, int fd)
{
    buf_consume(&reader->data, reader->given);
    reader->given = 0;
    char *room = buf_reserve(&reader->data, READ_BYTES);
    if (!room)
        return ST_NOMEM;
    ssize_t n = read(fd, room, READ_BYTES);
    if (n < 0)
        return errno == EINTR ? ST_OK : ST_IO;
    reader->data.length += (size_t)n;
    return n ? ST_OK : ST_NOT_FOUND;
}

static void forget_data(struct log_reader *reader)
{
    buf_clear(&reader->data);
    reader->given = 0;
}

/* The oldest file is read to its end and a newer one is there. */
static enum status next_file(struct log_reader *reader)
{
    bool cut_off = left(reader) || reader->skipping;
    if (cut_off)
        count_line(reader);
    close(reader->files[--reader->file_count].fd);
    forget_data(reader);
    reader->skipping = false;
    return cut_off ? ST_TRUNCATED : ST_OK;
}

enum status log_reader_next(struct log_reader *reader, struct str *line)
{
    while (reader->file_count) {
        const struct log_reader_file *file = &reader->files[reader->file_count - 1];
        if (take_line(reader, line)) {
            bool skipped = reader->skipping || line->length > LOG_READER_LINE_MAX;
            reader->skipping = false;
            return skipped ? ST_TOO_LARGE : ST_OK;
        }
        if (left(reader) > LOG_READER_LINE_MAX) {
            reader->skipping = true;
            forget_data(reader);
        }
        enum status status = fill(reader, file->fd);
        if (status == ST_NOT_FOUND && reader->file_count == 1)
            return ST_NOT_FOUND;
        if (status == ST_NOT_FOUND)
            status = next_file(reader);
        if (status != ST_OK)
            return status;
    }
    return ST_NOT_FOUND;
}

struct str log_reader_rest(struct log_reader *reader)
{
    if (!left(reader) || !reader->file_count)
        return (struct str){0};
    struct str rest = {reader->data.data + reader->given, left(reader)};
    count_line(reader);
    reader->given = reader->data.length;
    return rest;
}

/* Another program cut the file to nothing in place. */
static bool was_cut(const struct log_reader_file *file)
{
    struct stat stat;
    return !fstat(file->fd, &stat) && stat.st_size < lseek(file->fd, 0, SEEK_CUR);
}

bool log_reader_follow(struct log_reader *reader)
{
    size_t before = reader->file_count;
    struct log_reader_file known = before ? reader->files[0] : (struct log_reader_file){0};
    if (open_newer(reader, before ? &known : NULL) == ST_OK && reader->file_count > before)
        return true;
    if (!before || !was_cut(&reader->files[0]))
        return false;
    forget_data(reader);
    reader->files[0].lines = 0;
    return lseek(reader->files[0].fd, 0, SEEK_SET) == 0;
}

void log_reader_place(const struct log_reader *reader, char *out, size_t size)
{
    char suffix[16] = "";
    if (reader->line_file)
        snprintf(suffix, sizeof suffix, ".%u", reader->line_file);
    snprintf(out, size, "%s%s:%llu", LOG_FILE_NAME, suffix, (unsigned long long)reader->line);
}
