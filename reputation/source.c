#include "reputation/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reputation/manifest.h"
#include "reputation/source_dir.h"

bool source_name_valid(struct str name)
{
    if (!name.length || name.length >= SOURCE_NAME_SIZE || name.data[0] == '.' || name.data[0] == '_' ||
        name.data[0] == '-')
        return false;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        bool plain = (c >= 'a' && c <= 'z') || ascii_digit(c) || c == '_' || c == '-' || c == '.';
        if (!plain || (c == '.' && i && name.data[i - 1] == '.'))
            return false;
    }
    return true;
}

static enum status read_meta(struct source *source, struct lmdb_txn *txn)
{
    struct str header;
    enum status status = lmdb_get(txn, TABLE_META, SOURCE_HEADER_KEY, &header);
    if (status == ST_OK)
        status = source_header_decode(header, &source->header);
    if (status == ST_OK && memcmp(source->header.counts, source->info.counts, sizeof source->info.counts))
        status = ST_CORRUPT;
    if (status == ST_OK)
        status = source_aids_read(txn, &source->aids);
    return status == ST_NOT_FOUND ? ST_CORRUPT : status;
}

/* The file is opened through its descriptor, so that it is the one that was checked. */
enum status source_open_fd(int fd, const struct source_info *info, struct source **out, struct fault *fault)
{
    char path[32];
    struct lmdb_txn *txn = NULL;
    struct source *source = calloc(1, sizeof *source);
    if (!source)
        return fault_set(fault, ST_NOMEM, "%s: out of memory", info->name);
    atomic_init(&source->references, 1);
    source->info = *info;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    enum status status = lmdb_open(path, LMDB_IMMUTABLE, source_tables, TABLE_COUNT, 0, &source->env, NULL);
    if (status == ST_OK)
        status = lmdb_begin_read(source->env, &txn);
    if (status == ST_OK)
        status = read_meta(source, txn);
    lmdb_abort(txn);
    if (status != ST_OK) {
        source_close(source);
        return fault_set(fault, status, "%s: %s", info->path, status_text(status));
    }
    *out = source;
    return ST_OK;
}

/* The identity has the inode and its times: an equal one is the same file, unchanged, and not another of its name. */
static bool is_open_already(const struct source *previous, int fd, char identity[MANIFEST_IDENTITY_SIZE])
{
    return file_identity(fd, identity) == ST_OK && previous && !strcmp(identity, previous->identity);
}

enum status source_open_at(int dirfd, const char *dir, const char *name, uint64_t generation, struct source *previous,
                           struct source **source, struct fault *fault)
{
    char file[SOURCE_FILE_SIZE], identity[MANIFEST_IDENTITY_SIZE];
    struct manifest manifest;
    struct fault inner = {0};
    enum status status = manifest_read(dirfd, name, generation, &manifest, &inner);
    if (status != ST_OK)
        return fault_set(fault, status, "%s/%s", dir, inner.text);
    source_file_name(file, name, generation, SOURCE_DATA);
    snprintf(manifest.info.path, sizeof manifest.info.path, "%s/%s", dir, file);
    int fd = source_data_open(dirfd, name, generation);
    if (fd < 0)
        return fault_errno(fault, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "%s", manifest.info.path);
    if (is_open_already(previous, fd, identity)) {
        *source = source_ref(previous);
    } else if ((status = manifest_check_file(&manifest, fd, &inner)) != ST_OK) {
        fault_set(fault, status, "%s: %s", manifest.info.path, inner.text);
    } else if ((status = source_open_fd(fd, &manifest.info, source, fault)) == ST_OK) {
        text_copy((*source)->identity, sizeof(*source)->identity, str_of(identity));
    }
    close(fd);
    return status;
}

enum status source_open(const char *path, struct source **source, struct fault *fault)
{
    const char *slash = strrchr(path, '/');
    char dir[sizeof((struct source_info *)0)->path];
    char name[SOURCE_NAME_SIZE];
    uint64_t generation;
    enum source_file kind;
    text_copy(dir, sizeof dir, slash ? (struct str){path, (size_t)(slash - path)} : STR("."));
    if (!source_file_parse(slash ? slash + 1 : path, name, &generation, &kind) || kind != SOURCE_MANIFEST)
        return fault_set(fault, ST_INVALID, "%s: not the name of a manifest", path);
    int dirfd = open(slash == path ? "/" : dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        return fault_errno(fault, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "%s", dir);
    enum status status = source_open_at(dirfd, dir, name, generation, NULL, source, fault);
    close(dirfd);
    return status;
}

enum status source_open_memory_own(int fd, const struct source_info *info, struct source **source, struct fault *fault)
{
    enum status status = source_open_fd(fd, info, source, fault);
    close(fd);
    return status;
}

struct source *source_ref(struct source *source)
{
    atomic_fetch_add_explicit(&source->references, 1, memory_order_relaxed);
    return source;
}

void source_close(struct source *source)
{
    if (!source || atomic_fetch_sub_explicit(&source->references, 1, memory_order_acq_rel) > 1)
        return;
    lmdb_close(source->env);
    free(source);
}

const struct source_info *source_info(const struct source *source)
{
    return &source->info;
}
