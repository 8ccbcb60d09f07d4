#include "reputation/source_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "reputation/key.h"
#include "reputation/manifest.h"
#include "reputation/record_codec.h"
#include "reputation/source_build.h"
#include "reputation/source_dir.h"

struct source_writer {
    struct source_content content;
    struct manifest manifest; /* as far as it is known */
    bool carrying;
    size_t own[INDICATOR_KINDS]; /* while carrying: how many entries, sorted, stand before those that are carried */
    bool finished;
};

enum status source_writer_new(const struct source_writer_settings *settings, struct source_writer **out)
{
    if (!source_name_valid(str_of(settings->name)))
        return ST_INVALID;
    struct source_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return ST_NOMEM;
    struct source_info *info = &writer->manifest.info;
    text_copy(info->name, sizeof info->name, str_of(settings->name));
    text_printable(info->format, sizeof info->format, str_of(settings->format));
    text_printable(writer->manifest.origin, sizeof writer->manifest.origin, str_of(settings->origin));
    info->category = settings->category;
    *out = writer;
    return ST_OK;
}

void source_writer_free(struct source_writer *writer)
{
    if (!writer)
        return;
    source_content_free(&writer->content);
    free(writer);
}

static enum status add_name(struct entry_list *list, const struct dname *name, const uint8_t *record, size_t n)
{
    struct name_key key;
    if (!name->labels) /* the root would be everything */
        return ST_INVALID;
    name_key_from(name, &key);
    return entry_list_add(list, key.bytes, key.end[key.labels], record, n);
}

static enum status add_url(struct entry_list *list, const struct indicator *indicator)
{
    struct canonical_url url;
    struct name_key host;
    struct url_key key;
    uint8_t bytes[RECORD_MAX_BYTES];
    struct record record = indicator->record;
    enum status status = canonical_url(indicator->url, &url);
    if (status != ST_OK)
        return status == ST_NOMEM ? ST_NOMEM : ST_INVALID;
    /* Schemes are not told apart, so that their own ports say nothing either. */
    if (!record.port && url.port != 80 && url.port != 443)
        record.port = url.port;
    name_key_from_host(&url, &host);
    struct str path = {url.path.data, url.path.length + url.query.length};
    status = url_key_from(host.bytes, host.end[host.labels], path, &key);
    if (status != ST_OK)
        return status;
    return entry_list_add(list, key.bytes, key.length, bytes, record_encode(&record, bytes));
}

static enum status add_network(struct entry_list *list, const struct network *network, const uint8_t *record, size_t n)
{
    uint8_t key[NETWORK_KEY_BYTES], ip[16];
    if (network->prefix > 128)
        return ST_INVALID;
    memcpy(ip, network->ip, sizeof ip);
    network_mask(ip, network->prefix);
    network_key_from(ip, network->prefix, key);
    return entry_list_add(list, key, sizeof key, record, n);
}

enum status source_writer_add(struct source_writer *writer, const struct indicator *indicator)
{
    CHECK(!writer->finished && !writer->carrying && (unsigned)indicator->kind < INDICATOR_KINDS);
    struct entry_list *list = &writer->content.lists[indicator->kind];
    if (indicator->record.trigger != TRIGGER_SUBJECT)
        writer->content.header.triggers |= (uint8_t)(1u << indicator->record.trigger);
    uint8_t record[RECORD_MAX_BYTES];
    if (indicator->kind == INDICATOR_URL)
        return add_url(list, indicator);
    size_t n = record_encode(&indicator->record, record);
    return indicator->kind == INDICATOR_NAME ? add_name(list, &indicator->name, record, n)
                                             : add_network(list, &indicator->network, record, n);
}

static int compare_key(const struct entry *entry, struct str key)
{
    size_t n = entry->key_length < key.length ? entry->key_length : key.length;
    int order = memcmp(entry->bytes, key.data, n);
    return order ? order : (entry->key_length > key.length) - (entry->key_length < key.length);
}

static bool has_own(const struct source_writer *writer, enum indicator_kind kind, struct str key)
{
    const struct entry_ref *refs = writer->content.lists[kind].refs;
    size_t low = 0, high = writer->own[kind];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_key(refs[middle].entry, key);
        if (!order)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

enum status source_writer_carry(struct source_writer *writer, const struct stored_entry *entry, bool *taken)
{
    CHECK(!writer->finished && (unsigned)entry->kind < INDICATOR_KINDS);
    uint8_t record[RECORD_MAX_BYTES];
    for (unsigned kind = 0; !writer->carrying && kind < INDICATOR_KINDS; kind++) {
        entry_list_sort(&writer->content.lists[kind]);
        writer->own[kind] = writer->content.lists[kind].count;
    }
    writer->carrying = true;
    *taken = !has_own(writer, entry->kind, entry->key);
    if (!*taken)
        return ST_OK;
    return entry_list_add(&writer->content.lists[entry->kind], entry->key.data, entry->key.length, record,
                          record_encode(&entry->record, record));
}

uint64_t source_writer_count(const struct source_writer *writer, enum indicator_kind kind)
{
    return writer->finished ? writer->content.header.counts[kind] : writer->content.lists[kind].count;
}

static enum status finish(struct source_writer *writer)
{
    CHECK(!writer->finished);
    struct source_info *info = &writer->manifest.info;
    enum status status = source_content_finish(&writer->content);
    writer->finished = true;
    memcpy(info->counts, writer->content.header.counts, sizeof info->counts);
    info->created_ms = clock_wall_ms();
    memcpy(writer->manifest.fingerprint, writer->content.fingerprint, sizeof writer->manifest.fingerprint);
    return status;
}

/* Builds, syncs, and reads back what is on the disk then. */
static enum status build_file(struct source_writer *writer, int fd, struct fault *fault)
{
    enum status status = source_build_own(&writer->content, fd, fault);
    if (status != ST_OK)
        return status;
    if (fsync(fd))
        return fault_errno(fault, errno == ENOSPC || errno == EDQUOT ? ST_FULL : ST_IO, "syncing the new file");
    return source_read_back(fd, writer->content.header.counts, writer->content.fingerprint, fault);
}

enum status source_writer_finish_memory(struct source_writer *writer, struct source **source, struct fault *fault)
{
    struct source_info *info = &writer->manifest.info;
    struct stat st;
    enum status status = finish(writer);
    if (status != ST_OK)
        return fault_set(fault, status, "%s: %s", info->name, status_text(status));
    int fd = memfd_create(info->name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return fault_errno(fault, ST_IO, "memfd_create");
    status = build_file(writer, fd, fault);
    if (status == ST_OK && (fstat(fd, &st) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)))
        status = fault_errno(fault, ST_IO, "sealing memory");
    if (status != ST_OK) {
        close(fd);
        return status;
    }
    info->size_bytes = (uint64_t)st.st_size;
    snprintf(info->path, sizeof info->path, "memory:%s", info->name);
    return source_open_memory_own(fd, info, source, fault);
}

/* One file under way to its name in the directory. */
struct new_file {
    int dirfd, fd;
    char temporary[SOURCE_FILE_SIZE + 8], final[SOURCE_FILE_SIZE];
};

static enum status open_status(void)
{
    switch (errno) {
    case EACCES:
    case EPERM:
    case EROFS:
        return ST_DENIED;
    case ENOSPC:
    case EDQUOT:
        return ST_FULL;
    default:
        return ST_IO;
    }
}

static enum status new_file_open(struct new_file *file, int dirfd, const struct source_info *info,
                                 enum source_file kind, struct fault *fault)
{
    file->dirfd = dirfd;
    source_file_name(file->final, info->name, info->generation, kind);
    snprintf(file->temporary, sizeof file->temporary, SOURCE_TEMPORARY_PREFIX "%s", file->final);
    file->fd = openat(dirfd, file->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    return file->fd >= 0 ? ST_OK : fault_errno(fault, open_status(), "%s", file->temporary);
}

static void new_file_drop(struct new_file *file)
{
    if (file->fd < 0)
        return;
    close(file->fd);
    (void)unlinkat(file->dirfd, file->temporary, 0);
    file->fd = -1;
}

static enum status new_file_rename(struct new_file *file, struct fault *fault)
{
    if (renameat(file->dirfd, file->temporary, file->dirfd, file->final))
        return fault_errno(fault, open_status(), "renaming %s", file->temporary);
    return fsync(file->dirfd) ? fault_errno(fault, ST_IO, "syncing the directory") : ST_OK;
}

static enum status write_all(int fd, struct str text)
{
    while (text.length) {
        ssize_t n = write(fd, text.data, text.length);
        if (n < 0 && errno != EINTR)
            return open_status();
        if (n > 0)
            text = str_from(text, (size_t)n);
    }
    return fsync(fd) ? open_status() : ST_OK;
}

static enum status publish_manifest(const struct manifest *manifest, int dirfd, struct fault *fault)
{
    struct new_file file;
    char *text = manifest_text(manifest);
    if (!text)
        return fault_set(fault, ST_NOMEM, "the manifest: out of memory");
    enum status status = new_file_open(&file, dirfd, &manifest->info, SOURCE_MANIFEST, fault);
    if (status == ST_OK) {
        status = write_all(file.fd, str_of(text));
        if (status != ST_OK)
            fault_errno(fault, status, "%s", file.temporary);
    }
    if (status == ST_OK)
        status = new_file_rename(&file, fault);
    new_file_drop(&file);
    free(text);
    return status;
}

/* The file gets its name before its manifest is made, because renaming changes its identity; without a manifest it is
 * not in force yet. */
static enum status publish_data(struct source_writer *writer, int dirfd, struct fault *fault)
{
    struct manifest *manifest = &writer->manifest;
    struct new_file file;
    struct stat st;
    uint8_t digest[DIGEST_BYTES];
    enum status status = new_file_open(&file, dirfd, &manifest->info, SOURCE_DATA, fault);
    if (status == ST_OK)
        status = build_file(writer, file.fd, fault);
    if (status == ST_OK)
        status = new_file_rename(&file, fault);
    if (status == ST_OK) {
        status = digest_file(file.fd, digest);
        if (status == ST_OK && fstat(file.fd, &st))
            status = ST_IO;
        if (status == ST_OK)
            status = file_identity(file.fd, manifest->identity);
        if (status != ST_OK)
            fault_set(fault, status, "reading %s: %s", file.final, status_text(status));
    }
    if (status == ST_OK) {
        digest_format(digest, manifest->sha256);
        manifest->info.size_bytes = (uint64_t)st.st_size;
    }
    new_file_drop(&file);
    return status;
}

static bool is_whole(int dirfd, const struct source_entry *entry,
                     enum status (*check)(const struct manifest *manifest, int fd, struct fault *fault))
{
    struct manifest manifest;
    if (manifest_read(dirfd, entry->name, entry->generation, &manifest, NULL) != ST_OK)
        return false;
    int fd = source_data_open(dirfd, entry->name, entry->generation);
    bool whole = fd >= 0 && check(&manifest, fd, NULL) == ST_OK;
    if (fd >= 0)
        close(fd);
    return whole;
}

/* Whether what is in force, undamaged, is what is about to be written. Reads the whole file, so that publishing again
 * mends damage that its identity does not show. */
static bool is_in_force(const struct manifest *manifest, int dirfd, const struct source_listing *listing,
                        struct source_info *info)
{
    for (size_t i = 0; i < listing->count; i++) {
        const struct source_entry *entry = &listing->entries[i];
        struct manifest old;
        if (entry->kind != SOURCE_MANIFEST || strcmp(entry->name, manifest->info.name))
            continue;
        if (manifest_read(dirfd, entry->name, entry->generation, &old, NULL) != ST_OK ||
            strcmp(old.fingerprint, manifest->fingerprint) || strcmp(old.info.format, manifest->info.format) ||
            strcmp(old.origin, manifest->origin) || old.info.category != manifest->info.category)
            return false;
        *info = old.info;
        return is_whole(dirfd, entry, manifest_check_digest);
    }
    return false;
}

static uint64_t next_generation(const struct source_listing *listing, const char *name)
{
    for (size_t i = 0; i < listing->count; i++)
        if (!strcmp(listing->entries[i].name, name))
            return listing->entries[i].generation + 1;
    return 1;
}

/* Leaves CURRENT and, to fall back on, the newest undamaged generation before it. Failing to is no harm. */
static void remove_others(int dirfd, const struct source_listing *listing, const struct source_info *current)
{
    uint64_t kept = current->generation;
    for (size_t i = 0; i < listing->count && kept == current->generation; i++) {
        const struct source_entry *entry = &listing->entries[i];
        if (entry->kind == SOURCE_MANIFEST && !strcmp(entry->name, current->name) &&
            entry->generation < current->generation && is_whole(dirfd, entry, manifest_check_file))
            kept = entry->generation;
    }
    for (size_t i = listing->count; i--;) { /* backwards: the manifest goes before its data */
        const struct source_entry *entry = &listing->entries[i];
        char file[SOURCE_FILE_SIZE];
        if (strcmp(entry->name, current->name) || entry->generation == current->generation || entry->generation == kept)
            continue;
        source_file_name(file, entry->name, entry->generation, entry->kind);
        (void)unlinkat(dirfd, file, 0);
    }
}

enum status source_writer_publish(struct source_writer *writer, const char *dir, bool *unchanged,
                                  struct source_info *info, struct fault *fault)
{
    struct source_info *mine = &writer->manifest.info;
    struct source_listing listing = {0};
    struct source_info old;
    int dirfd = -1;
    bool same = false;
    enum status status = finish(writer);
    if (status != ST_OK)
        return fault_set(fault, status, "%s: %s", mine->name, status_text(status));
    status = source_dir_open(dir, &dirfd, fault);
    if (status != ST_OK)
        return status;
    status = source_listing_read(dirfd, &listing);
    if (status != ST_OK) {
        fault_set(fault, status, "%s: %s", dir, status_text(status));
        goto out;
    }
    same = is_in_force(&writer->manifest, dirfd, &listing, &old);
    if (same)
        *mine = old;
    else
        mine->generation = next_generation(&listing, mine->name);
    snprintf(mine->path, sizeof mine->path, "%s/%s.%ju.mdb", dir, mine->name, (uintmax_t)mine->generation);
    if (!same)
        status = publish_data(writer, dirfd, fault);
    if (status == ST_OK && !same)
        status = publish_manifest(&writer->manifest, dirfd, fault);
    if (status == ST_OK)
        remove_others(dirfd, &listing, mine);
out:
    source_content_free(&writer->content);
    source_listing_free(&listing);
    close(dirfd);
    if (unchanged)
        *unchanged = same;
    if (status == ST_OK && info)
        *info = *mine;
    return status;
}
