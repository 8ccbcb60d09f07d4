#include "reputation/source_upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reputation/manifest.h"
#include "reputation/source_dir.h"

enum { PASSES = 3 };

struct place {
    const char *dir;
    int fd;
};

static enum status place_open(struct place *place, const char *dir, struct fault *fault)
{
    *place = (struct place){dir, open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (place->fd >= 0)
        return ST_OK;
    return fault_errno(fault, errno == ENOENT ? ST_NOT_FOUND : errno == EACCES ? ST_DENIED : ST_IO, "%s", dir);
}

static enum status read_listing(const struct place *place, struct source_listing *listing, struct fault *fault)
{
    enum status status = source_listing_read(place->fd, listing);
    return status == ST_OK ? ST_OK : fault_set(fault, status, "%s: %s", place->dir, status_text(status));
}

/* The digest first: LMDB trusts its file. */
static enum status verify_file(const struct manifest *manifest, int fd, struct fault *fault)
{
    struct source *source = NULL;
    enum status status = manifest_check_digest(manifest, fd, fault);
    if (status == ST_OK)
        status = source_open_fd(fd, &manifest->info, &source, fault);
    source_close(source);
    return status == ST_OK ? source_read_back(fd, manifest->info.counts, manifest->fingerprint, fault) : status;
}

static enum status verify_generation(const struct place *place, const char *name, uint64_t generation,
                                     struct source_info *info, struct fault *fault)
{
    struct manifest manifest;
    struct fault inner = {0};
    enum status status = manifest_read(place->fd, name, generation, &manifest, &inner);
    *info = manifest.info;
    text_copy(info->name, sizeof info->name, str_of(name));
    info->generation = generation;
    snprintf(info->path, sizeof info->path, "%s/%s.%" PRIu64 ".mdb", place->dir, name, generation);
    if (status != ST_OK)
        return fault_set(fault, status, "%s/%s", place->dir, inner.text);
    int fd = source_data_open(place->fd, name, generation);
    if (fd < 0)
        return fault_errno(fault,
                           errno == ENOENT   ? ST_NOT_FOUND
                           : errno == EACCES ? ST_DENIED
                                             : ST_IO,
                           "%s", info->path);
    status = verify_file(&manifest, fd, &inner);
    close(fd);
    return status == ST_OK ? ST_OK : fault_set(fault, status, "%s: %s", info->path, inner.text);
}

/* The first manifest of NAME from index FROM on; LISTING's count: none. */
static size_t next_manifest(const struct source_listing *listing, const char *name, size_t from)
{
    size_t i = from;
    while (i < listing->count &&
           (listing->entries[i].kind != SOURCE_MANIFEST || strcmp(listing->entries[i].name, name)))
        i++;
    return i;
}

/* ST_NOT_FOUND, without a fault: there is none. */
static enum status newest_generation(const struct place *place, const char *name, uint64_t *generation,
                                     struct fault *fault)
{
    struct source_listing listing;
    enum status status = read_listing(place, &listing, fault);
    if (status != ST_OK)
        return status;
    size_t newest = next_manifest(&listing, name, 0);
    if (newest < listing.count)
        *generation = listing.entries[newest].generation;
    else
        status = ST_NOT_FOUND;
    source_listing_free(&listing);
    return status;
}

/* A generation that vanishes meanwhile was taken away by a writer, so that there is a newer one, or none. */
static enum status verify_newest(const struct place *place, const char *name, source_verified_fn *tell, void *context,
                                 struct fault *fault)
{
    for (unsigned pass = 1; pass <= PASSES; pass++) {
        struct source_info info;
        struct fault why = {0};
        uint64_t generation;
        enum status status = newest_generation(place, name, &generation, fault);
        if (status != ST_OK)
            return status == ST_NOT_FOUND ? ST_OK : status;
        status = verify_generation(place, name, generation, &info, &why);
        if (status != ST_NOT_FOUND || pass == PASSES) {
            tell(context, &info, status, &why);
            return ST_OK;
        }
    }
    return ST_OK;
}

enum status source_verify_all(const char *dir, source_verified_fn *tell, void *context, struct fault *fault)
{
    struct place place;
    struct source_listing listing = {0};
    enum status status = place_open(&place, dir, fault);
    if (status != ST_OK)
        return status;
    status = read_listing(&place, &listing, fault);
    for (size_t i = 0; status == ST_OK && i < listing.count; i++)
        if (!i || strcmp(listing.entries[i].name, listing.entries[i - 1].name))
            status = verify_newest(&place, listing.entries[i].name, tell, context, fault);
    source_listing_free(&listing);
    close(place.fd);
    return status;
}

/* What look-ups would use, by the same check. */
static bool is_usable(const struct place *place, const struct source_entry *entry)
{
    struct source *source;
    if (source_open_at(place->fd, place->dir, entry->name, entry->generation, NULL, &source, NULL) != ST_OK)
        return false;
    source_close(source);
    return true;
}

enum status source_newest(const char *dir, const char *name, struct source_info *info, struct fault *fault)
{
    struct place place;
    enum status status = place_open(&place, dir, fault);
    if (status != ST_OK)
        return status;
    for (unsigned pass = 1; pass <= PASSES; pass++) {
        struct source *source = NULL;
        struct fault why = {0};
        uint64_t generation;
        status = newest_generation(&place, name, &generation, fault);
        if (status != ST_OK) {
            fault_set(fault, status, "no source named %s", name);
            break;
        }
        status = source_open_at(place.fd, dir, name, generation, NULL, &source, &why);
        if (status == ST_NOT_FOUND && pass < PASSES) /* taken away by a writer meanwhile, as above */
            continue;
        if (status == ST_OK)
            *info = *source_info(source);
        else
            status = fault_set(fault, status == ST_NOT_FOUND ? ST_CORRUPT : status, "%s", why.text);
        source_close(source);
        break;
    }
    close(place.fd);
    return status;
}

/* The index of the generation to go back to; it is read whole, as going from bad to worse is no help. */
static enum status find_before(const struct place *place, const struct source_listing *listing, const char *name,
                               size_t *before, struct source_info *info, struct fault *fault)
{
    struct fault why = {0};
    size_t i = next_manifest(listing, name, 0);
    if (i == listing->count)
        return fault_set(fault, ST_NOT_FOUND, "no source named %s", name);
    while (i < listing->count && !is_usable(place, &listing->entries[i]))
        i = next_manifest(listing, name, i + 1);
    i = i < listing->count ? next_manifest(listing, name, i + 1) : i;
    if (i == listing->count)
        return fault_set(fault, ST_NOT_FOUND, "%s: there is no generation before the one in force", name);
    for (; i < listing->count; i = next_manifest(listing, name, i + 1)) {
        *before = i;
        if (verify_generation(place, name, listing->entries[i].generation, info, &why) == ST_OK)
            return ST_OK;
    }
    return fault_set(fault, ST_CORRUPT, "%s", why.text);
}

/* Removes NAME's files of one kind that are newer than GENERATION, the newest first: when this is cut short, what was
 * in force or what is to be is. */
static enum status remove_newer(const struct place *place, const struct source_listing *listing, const char *name,
                                uint64_t generation, enum source_file kind, struct fault *fault)
{
    for (size_t i = 0; i < listing->count; i++) {
        const struct source_entry *entry = &listing->entries[i];
        char file[SOURCE_FILE_SIZE];
        if (strcmp(entry->name, name) || entry->kind != kind || entry->generation <= generation)
            continue;
        source_file_name(file, entry->name, entry->generation, entry->kind);
        if (unlinkat(place->fd, file, 0) && errno != ENOENT)
            return fault_errno(fault, errno == EACCES || errno == EROFS ? ST_DENIED : ST_IO, "%s/%s", place->dir, file);
    }
    return fsync(place->fd) ? fault_errno(fault, ST_IO, "%s", place->dir) : ST_OK;
}

enum status source_rollback(const char *dir, const char *name, struct source_info *info, struct fault *fault)
{
    struct place place;
    struct source_listing listing = {0};
    struct source_info target;
    size_t before = 0;
    enum status status = place_open(&place, dir, fault);
    if (status != ST_OK)
        return status;
    status = read_listing(&place, &listing, fault);
    if (status == ST_OK)
        status = find_before(&place, &listing, name, &before, &target, fault);
    /* Manifests first: data without one is in force for nobody. */
    for (int kind = SOURCE_MANIFEST; status == ST_OK && kind >= SOURCE_DATA; kind--)
        status = remove_newer(&place, &listing, name, listing.entries[before].generation, kind, fault);
    if (status == ST_OK && info)
        *info = target;
    source_listing_free(&listing);
    close(place.fd);
    return status;
}
