#include "reputation/source_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reputation/source_writer.h"

enum { MAX_LISTED = 65536 };

static const char *const suffixes[] = {[SOURCE_DATA] = ".mdb", [SOURCE_MANIFEST] = ".json"};

void source_file_name(char out[SOURCE_FILE_SIZE], const char *name, uint64_t generation, enum source_file kind)
{
    snprintf(out, SOURCE_FILE_SIZE, "%s.%" PRIu64 "%s", name, generation, suffixes[kind]);
}

bool source_file_parse(const char *file, char name[SOURCE_NAME_SIZE], uint64_t *generation, enum source_file *kind)
{
    const char *dot = strrchr(file, '.');
    if (!dot)
        return false;
    *kind = strcmp(dot, suffixes[SOURCE_DATA]) ? SOURCE_MANIFEST : SOURCE_DATA;
    struct str stem = {file, (size_t)(dot - file)};
    const char *middle = stem.length ? memrchr(stem.data, '.', stem.length) : NULL;
    if (!middle)
        return false;
    struct str head = {file, (size_t)(middle - file)};
    char again[SOURCE_FILE_SIZE];
    if (!source_name_valid(head) || text_u64(str_from(stem, head.length + 1), INT64_MAX, generation) != ST_OK)
        return false;
    text_copy(name, SOURCE_NAME_SIZE, head);
    source_file_name(again, name, *generation, *kind);
    return !strcmp(again, file); /* no leading zeros, no other suffix */
}

int source_data_open(int dirfd, const char *name, uint64_t generation)
{
    char file[SOURCE_FILE_SIZE];
    source_file_name(file, name, generation, SOURCE_DATA);
    return openat(dirfd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
}

static int compare_entries(const void *pa, const void *pb)
{
    const struct source_entry *a = pa, *b = pb;
    int order = strcmp(a->name, b->name);
    if (order)
        return order;
    if (a->generation != b->generation)
        return a->generation < b->generation ? 1 : -1;
    return (int)a->kind - (int)b->kind;
}

static enum status add_entry(struct source_listing *listing, const char *file)
{
    struct source_entry entry;
    if (!source_file_parse(file, entry.name, &entry.generation, &entry.kind) || listing->count == MAX_LISTED)
        return ST_OK;
    if (!(listing->count & (listing->count - 1))) { /* full at the powers of two */
        size_t capacity = listing->count ? listing->count * 2 : 1;
        struct source_entry *entries = reallocarray(listing->entries, capacity, sizeof *entries);
        if (!entries)
            return ST_NOMEM;
        listing->entries = entries;
    }
    listing->entries[listing->count++] = entry;
    return ST_OK;
}

enum status source_listing_read(int dirfd, struct source_listing *listing)
{
    *listing = (struct source_listing){0};
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return ST_IO;
    }
    enum status status = ST_OK;
    struct dirent *entry;
    while (status == ST_OK && (errno = 0, entry = readdir(dir)))
        status = add_entry(listing, entry->d_name);
    if (status == ST_OK && errno)
        status = ST_IO;
    closedir(dir);
    if (status != ST_OK)
        source_listing_free(listing);
    else if (listing->count)
        qsort(listing->entries, listing->count, sizeof *listing->entries, compare_entries);
    return status;
}

void source_listing_free(struct source_listing *listing)
{
    free(listing->entries);
    *listing = (struct source_listing){0};
}

/* Of the directory PATH, which is new: it is not there for certain before its parent is synced. */
static enum status sync_parent(const char *path)
{
    char parent[4096];
    const char *slash = strrchr(path, '/');
    text_copy(parent, sizeof parent, slash ? (struct str){path, (size_t)(slash - path) + 1} : STR("."));
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status = fd >= 0 && !fsync(fd) ? ST_OK : ST_IO;
    if (fd >= 0)
        close(fd);
    return status;
}

static enum status make_parents(const char *dir)
{
    char path[4096];
    size_t n = strlen(dir);
    if (!n || n >= sizeof path)
        return ST_INVALID;
    memcpy(path, dir, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i])
            continue;
        path[i] = '\0';
        bool made = !mkdir(path, 0750);
        if ((!made && errno != EEXIST) || (made && sync_parent(path) != ST_OK))
            return ST_IO;
        path[i] = dir[i];
    }
    return ST_OK;
}

enum status source_dir_open(const char *dir, int *fd, struct fault *fault)
{
    *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0 && errno == ENOENT && make_parents(dir) == ST_OK)
        *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd >= 0)
        return ST_OK;
    return fault_errno(fault, errno == EACCES || errno == EROFS ? ST_DENIED : ST_IO, "%s", dir);
}

/* What writers left that were killed, of the source of the user's own entries or of all others: each has its lock. */
static void remove_temporaries(int dirfd, bool users)
{
    enum { PREFIX = sizeof SOURCE_TEMPORARY_PREFIX - 1 };
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        char name[SOURCE_NAME_SIZE];
        uint64_t generation;
        enum source_file kind;
        if (strncmp(entry->d_name, SOURCE_TEMPORARY_PREFIX, PREFIX))
            continue;
        bool of_user =
            source_file_parse(entry->d_name + PREFIX, name, &generation, &kind) && !strcmp(name, SOURCE_USER);
        if (of_user == users)
            (void)unlinkat(dirfd, entry->d_name, 0);
    }
    closedir(dir);
}

static enum status lock_dir(const char *dir, bool users, int *fd, struct fault *fault)
{
    const char *file = users ? ".lock." SOURCE_USER : ".lock";
    int dirfd;
    *fd = -1;
    enum status status = source_dir_open(dir, &dirfd, fault);
    if (status != ST_OK)
        return status;
    int lock = openat(dirfd, file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (lock < 0) {
        status = fault_errno(fault,
                             errno == EACCES || errno == EROFS ? ST_DENIED
                             : errno == ENOSPC                 ? ST_FULL
                                                               : ST_IO,
                             "%s/%s", dir, file);
    } else if (flock(lock, LOCK_EX | LOCK_NB)) {
        status = errno == EWOULDBLOCK ? fault_set(fault, ST_BUSY, "%s: another process is writing to it", dir)
                                      : fault_errno(fault, ST_IO, "%s/%s", dir, file);
        close(lock);
    } else {
        remove_temporaries(dirfd, users);
        *fd = lock;
    }
    close(dirfd);
    return status;
}

enum status store_lock(const char *dir, int *fd, struct fault *fault)
{
    return lock_dir(dir, false, fd, fault);
}

enum status store_lock_user(const char *dir, int *fd, struct fault *fault)
{
    return lock_dir(dir, true, fd, fault);
}

void store_unlock(int fd)
{
    if (fd >= 0)
        close(fd);
}

enum status source_remove(const char *dir, const char *name, struct fault *fault)
{
    struct source_listing listing;
    int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        return fault_errno(fault, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "%s", dir);
    enum status status = source_listing_read(dirfd, &listing);
    if (status != ST_OK) {
        close(dirfd);
        return fault_set(fault, status, "%s: %s", dir, status_text(status));
    }
    size_t found = 0;
    /* Manifests first, as a file without one is in force for nobody; the oldest first, so that none comes back into
     * force when this is cut short. */
    for (int kind = SOURCE_MANIFEST; kind >= SOURCE_DATA && status == ST_OK; kind--) {
        for (size_t i = listing.count; i-- && status == ST_OK;) {
            char file[SOURCE_FILE_SIZE];
            const struct source_entry *entry = &listing.entries[i];
            if ((int)entry->kind != kind || strcmp(entry->name, name))
                continue;
            found++;
            source_file_name(file, entry->name, entry->generation, entry->kind);
            if (unlinkat(dirfd, file, 0) && errno != ENOENT)
                status = fault_errno(fault, errno == EACCES ? ST_DENIED : ST_IO, "%s/%s", dir, file);
        }
    }
    if (status == ST_OK && fsync(dirfd))
        status = fault_errno(fault, ST_IO, "%s", dir);
    source_listing_free(&listing);
    close(dirfd);
    return status == ST_OK && !found ? fault_set(fault, ST_NOT_FOUND, "no source named %s", name) : status;
}
