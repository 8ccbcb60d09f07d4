#include "feeds/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct unpack {
    struct body *body;
    struct archive *archive;
    bool zip, opened, ended;
};

static la_ssize_t on_read(struct archive *archive, void *user, const void **data)
{
    struct body *body = user;
    if (!body_fill(body)) {
        archive_set_error(archive, EIO, "can't read it");
        return -1;
    }
    *data = body->block + body->at;
    size_t n = body->end - body->at;
    body->at = body->end;
    return (la_ssize_t)n;
}

/* The directory of a zip archive is at its end. */
static la_int64_t on_seek(struct archive *archive, void *user, la_int64_t offset, int whence)
{
    struct body *body = user;
    off_t at = lseek(body->fd, offset, whence);
    if (at < 0) {
        archive_set_error(archive, EIO, "can't seek in it");
        return ARCHIVE_FATAL;
    }
    body->at = body->end = 0;
    body->ended = false;
    return at;
}

static bool prepare(struct unpack *unpack)
{
    struct archive *archive = unpack->archive;
    bool seekable = lseek(unpack->body->fd, 0, SEEK_CUR) >= 0;
    if (archive_read_set_read_callback(archive, on_read) || archive_read_set_callback_data(archive, unpack->body))
        return false;
    if (unpack->zip && seekable)
        return !archive_read_set_seek_callback(archive, on_seek) && !archive_read_support_format_zip_seekable(archive);
    if (unpack->zip)
        return !archive_read_support_format_zip_streamable(archive);
    return !archive_read_support_filter_xz(archive) && !archive_read_support_filter_zstd(archive) &&
           !archive_read_support_filter_bzip2(archive) && !archive_read_support_format_raw(archive);
}

struct unpack *unpack_new(struct body *body, bool zip)
{
    struct unpack *unpack = calloc(1, sizeof *unpack);
    if (!unpack)
        return NULL;
    *unpack = (struct unpack){.body = body, .zip = zip, .archive = archive_read_new()};
    if (!unpack->archive || !prepare(unpack)) {
        unpack_free(unpack);
        return NULL;
    }
    return unpack;
}

void unpack_free(struct unpack *unpack)
{
    if (unpack && unpack->archive)
        archive_read_free(unpack->archive);
    free(unpack);
}

static ssize_t fail(struct unpack *unpack)
{
    const char *text = archive_error_string(unpack->archive);
    return body_fail(unpack->body, "it can't be unpacked", text ? text : "damaged");
}

/* To the next file; folders are passed over. 1: there is one, 0: none, -1: failed. */
static ssize_t next_file(struct unpack *unpack)
{
    struct archive_entry *entry;
    for (;;) {
        int got = archive_read_next_header(unpack->archive, &entry);
        if (got == ARCHIVE_EOF)
            return 0;
        if (got != ARCHIVE_OK)
            return fail(unpack);
        if (archive_entry_is_encrypted(entry))
            return body_fail(unpack->body, "it can't be unpacked", "it is encrypted");
        if (!unpack->zip || archive_entry_filetype(entry) == AE_IFREG)
            return 1;
    }
}

static ssize_t open_file(struct unpack *unpack)
{
    unpack->opened = true;
    if (archive_read_open1(unpack->archive) != ARCHIVE_OK)
        return fail(unpack);
    ssize_t got = next_file(unpack);
    return got ? got : body_fail(unpack->body, "it can't be unpacked", "there is no file in it");
}

ssize_t unpack_read(struct unpack *unpack, void *out, size_t size)
{
    if (unpack->ended)
        return 0;
    if (!unpack->opened && open_file(unpack) < 0)
        return -1;
    la_ssize_t n = archive_read_data(unpack->archive, out, size);
    if (n > 0)
        return n;
    if (n < 0)
        return fail(unpack);
    unpack->ended = true;
    ssize_t more = next_file(unpack);
    return more > 0 ? body_fail(unpack->body, "it can't be unpacked", "there are several files in it") : more;
}
