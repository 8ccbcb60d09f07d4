#include "feeds/zone_file.h"

#include <errno.h>
#include <unistd.h>

#include "feeds/interrupt.h"
#include "feeds/lines.h"

enum { PENDING_BYTES = 64 * 1024 };

void zone_file_free(struct zone_file *file)
{
    buf_free(&file->pending);
}

enum status zone_file_flush(struct zone_file *file, struct fault *fault)
{
    if (file->pending.failed)
        return fault_set(fault, ST_NOMEM, "out of memory");
    for (size_t done = 0; done < file->pending.length;) {
        ssize_t n = write(file->fd, file->pending.data + done, file->pending.length - done);
        if (n < 0 && errno == EINTR && !interrupted())
            continue;
        if (n < 0)
            return fault_errno(fault, errno == ENOSPC ? ST_FULL : ST_IO, "can't keep what was fetched");
        done += (size_t)n;
    }
    buf_clear(&file->pending);
    return ST_OK;
}

enum status zone_file_add(struct zone_file *file, struct str line, struct fault *fault)
{
    if (line.length >= LINE_MAX_BYTES)
        return fault_set(fault, ST_TOO_LARGE, "a record of it is larger than one may be");
    file->bytes += line.length + 1;
    file->records++;
    if (file->bytes > file->max_bytes || file->records > file->max_records)
        return fault_set(fault, ST_TOO_LARGE, "the zone is larger than a feed may be");
    buf_add(&file->pending, line.data, line.length);
    buf_add_char(&file->pending, '\n');
    return file->pending.length < PENDING_BYTES ? ST_OK : zone_file_flush(file, fault);
}

enum status zone_file_reset(struct zone_file *file, struct fault *fault)
{
    file->bytes = file->records = 0;
    buf_clear(&file->pending);
    if (ftruncate(file->fd, 0) || lseek(file->fd, 0, SEEK_SET))
        return fault_errno(fault, ST_IO, "can't empty the file again");
    return ST_OK;
}

enum status zone_file_soa(int fd, const struct dname *zone, struct zone_soa *soa)
{
    struct lines lines;
    struct str line;
    if (lseek(fd, 0, SEEK_SET))
        return ST_IO;
    enum status st = lines_init(&lines, fd);
    if (st == ST_OK)
        st = lines_next(&lines, &line) == LINE_TEXT ? zone_soa_parse(line, zone, soa) : ST_INVALID;
    lines_fini(&lines);
    return st;
}
