#include "feeds/collection.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "feeds/document.h"
#include "feeds/interrupt.h"

/* A part is read into memory as JSON, so that it may not be as large as a feed. */
const struct collection_limits collection_default_limits = {
    .each = {.connect_ms = 10 * 1000,
             .total_ms = 120 * 1000,
             .low_speed_bytes_s = 1000,
             .low_speed_s = 30,
             .max_bytes = 64 * 1024 * 1024},
    .total_ms = 15 * 60 * 1000,
    .max_bytes = (uint64_t)2 * 1024 * 1024 * 1024,
    .max_parts = 100 * 1000,
};

static const struct str misp_feed = {"misp-feed", 9}, taxii = {"taxii", 5};

bool collection_is(struct str format)
{
    return str_eq(format, misp_feed) || str_eq(format, taxii);
}

enum status collection_path(const struct collection *collection, const char *name, char out[COLLECTION_PATH_SIZE],
                            struct fault *fault)
{
    int n = snprintf(out, COLLECTION_PATH_SIZE, "%s/%s", collection->folder, name);
    return n > 0 && n < COLLECTION_PATH_SIZE ? ST_OK
                                             : fault_set(fault, ST_TOO_LARGE, "the state directory's path is too long");
}

static enum status sync_folder(const struct collection *collection, struct fault *fault)
{
    int fd = open(collection->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && !fsync(fd);
    enum status st = synced ? ST_OK : fault_errno(fault, ST_IO, "can't sync %s", collection->folder);
    if (fd >= 0)
        close(fd);
    return st;
}

static enum status check_bounds(struct collection *collection, struct fault *fault)
{
    if (interrupted())
        return fault_set(fault, ST_CLOSED, "interrupted");
    if (clock_mono_ms() >= collection->until_ms)
        return fault_set(fault, ST_TIMEOUT,
                         "it takes more than %lld min; what has been fetched is kept, the next try goes on from there",
                         (long long)collection->limits->total_ms / 60000);
    if (collection->parts++ > collection->limits->max_parts)
        return fault_set(fault, ST_TOO_LARGE, "it has more than %u parts", collection->limits->max_parts);
    return ST_OK;
}

static enum status count_bytes(struct collection *collection, int fd, struct fault *fault)
{
    struct stat about;
    if (fstat(fd, &about))
        return fault_errno(fault, ST_IO, "can't look at what was fetched");
    collection->bytes += (uint64_t)about.st_size;
    return collection->bytes <= collection->limits->max_bytes
               ? ST_OK
               : fault_set(fault, ST_TOO_LARGE, "it has more than %llu MiB",
                           (unsigned long long)collection->limits->max_bytes / 1024 / 1024);
}

enum status collection_get(struct collection *collection, const char *url, const char *name,
                           struct fetch_validators *validators, struct fetch_result *result, struct fault *fault)
{
    char path[COLLECTION_PATH_SIZE];
    struct fetch_validators none = {0};
    struct fetch_request request = collection->request;
    *result = (struct fetch_result){0};
    enum status st = check_bounds(collection, fault);
    if (st == ST_OK)
        st = collection_path(collection, name, path, fault);
    if (st != ST_OK)
        return st;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0)
        return fault_errno(fault, file_status(errno), "can't make %s", path);
    request.url = url;
    request.limits = &collection->limits->each;
    st = fetch(&request, fd, collection->progress, validators ? validators : &none, result, fault);
    collection->answered = collection->answered || result->answered;
    if (result->retry_after_s > collection->retry_after_s)
        collection->retry_after_s = result->retry_after_s;
    if (st == ST_OK)
        st = count_bytes(collection, fd, fault);
    if (st == ST_OK && fsync(fd))
        st = fault_errno(fault, ST_IO, "can't sync %s", path);
    close(fd);
    return st;
}

enum status collection_read(const struct collection *collection, const char *name, json_t **root, struct fault *fault)
{
    char path[COLLECTION_PATH_SIZE];
    struct lines lines;
    struct document document = {0};
    *root = NULL;
    enum status st = collection_path(collection, name, path, fault);
    int fd = st == ST_OK ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd < 0)
        return st == ST_OK ? fault_errno(fault, file_status(errno), "can't open %s", path) : st;
    st = lines_init(&lines, fd);
    if (st != ST_OK)
        st = lines_failure(&lines, name, fault);
    if (st == ST_OK)
        st = document_open(&document, &lines, name, fault);
    if (st == ST_OK) {
        *root = json_incref(document.root);
        st = document_next(&document, fault);
        if (st == ST_OK && (!*root || document.root))
            st = fault_set(fault, ST_INVALID, *root ? "%s: there is something behind it" : "%s: it is empty", name);
    }
    if (st != ST_OK) {
        json_decref(*root);
        *root = NULL;
    }
    document_close(&document);
    lines_fini(&lines);
    close(fd);
    return st;
}

enum status collection_rename(const struct collection *collection, const char *from, const char *to,
                              struct fault *fault)
{
    char old[COLLECTION_PATH_SIZE], new[COLLECTION_PATH_SIZE];
    enum status st = collection_path(collection, from, old, fault);
    if (st == ST_OK)
        st = collection_path(collection, to, new, fault);
    if (st == ST_OK && rename(old, new))
        st = fault_errno(fault, file_status(errno), "can't rename %s", old);
    return st == ST_OK ? sync_folder(collection, fault) : st;
}

static enum status copy(int from, int to, const char *path, struct fault *fault)
{
    char block[64 * 1024];
    for (;;) {
        ssize_t n = read(from, block, sizeof block);
        if (n < 0)
            return fault_errno(fault, ST_IO, "can't read %s", path);
        if (!n)
            block[0] = '\n';
        for (ssize_t done = 0, all = n ? n : 1; done < all;) {
            ssize_t written = write(to, block + done, (size_t)(all - done));
            if (written < 0 && errno != EINTR)
                return fault_errno(fault, file_status(errno), "can't put the parts together");
            done += written > 0 ? written : 0;
        }
        if (!n)
            return ST_OK;
    }
}

enum status collection_append(const struct collection *collection, const char *name, int fd, struct fault *fault)
{
    char path[COLLECTION_PATH_SIZE];
    enum status st = collection_path(collection, name, path, fault);
    int from = st == ST_OK ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (from < 0)
        return st == ST_OK ? fault_errno(fault, file_status(errno), "can't open %s", path) : st;
    st = copy(from, fd, path, fault);
    close(from);
    return st;
}

static enum status tidy(const char *folder, bool (*keep)(const void *user, struct str name), const void *user,
                        struct fault *fault)
{
    enum status st = ST_OK;
    DIR *files = opendir(folder);
    if (!files)
        return fault_errno(fault, file_status(errno), "can't look into %s", folder);
    for (struct dirent *file; st == ST_OK && (file = readdir(files));) {
        bool self = !strcmp(file->d_name, ".") || !strcmp(file->d_name, "..");
        if (!self && !keep(user, str_of(file->d_name)) && unlinkat(dirfd(files), file->d_name, 0) && errno != ENOENT)
            st = fault_errno(fault, file_status(errno), "can't remove %s/%s", folder, file->d_name);
    }
    closedir(files);
    return st;
}

enum status collection_tidy(const struct collection *collection, bool (*keep)(const void *user, struct str name),
                            const void *user, struct fault *fault)
{
    return tidy(collection->folder, keep, user, fault);
}

static bool keep_none(const void *user, struct str name)
{
    (void)user;
    (void)name;
    return false;
}

enum status collection_remove(const char *folder, struct fault *fault)
{
    struct fault why = {0};
    enum status st = tidy(folder, keep_none, NULL, &why);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st == ST_OK && rmdir(folder))
        st = fault_errno(&why, file_status(errno), "can't remove %s", folder);
    return st == ST_OK ? ST_OK : fault_set(fault, st, "%s", why.text);
}

enum status collection_fetch(struct collection *collection, struct str format, int fd,
                             struct fetch_validators *validators, struct fault *fault)
{
    if (mkdir(collection->folder, 0750) && errno != EEXIST)
        return fault_errno(fault, file_status(errno), "can't make %s", collection->folder);
    collection->until_ms = clock_mono_ms() + collection->limits->total_ms;
    collection->request.session = fetch_session_new();
    if (!collection->request.session)
        return fault_set(fault, ST_NOMEM, "%s", status_text(ST_NOMEM));
    enum status st = str_eq(format, misp_feed) ? collection_fetch_misp(collection, fd, validators, fault)
                                               : collection_fetch_taxii(collection, fd, fault);
    fetch_session_free(collection->request.session);
    return st;
}
