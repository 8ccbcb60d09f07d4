#include "reputation/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reputation/source_dir.h"

enum { MAX_FILE_BYTES = 65536 };

enum status file_identity(int fd, char out[MANIFEST_IDENTITY_SIZE])
{
    struct stat st;
    if (fstat(fd, &st))
        return ST_IO;
    snprintf(out, MANIFEST_IDENTITY_SIZE, "%ju:%ju:%jd:%jd.%09ld:%jd.%09ld", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino,
             (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec,
             st.st_ctim.tv_nsec);
    return ST_OK;
}

char *manifest_text(const struct manifest *manifest)
{
    const struct source_info *info = &manifest->info;
    json_t *json = json_pack(
        "{s:i, s:s, s:I, s:s, s:s, s:s, s:{s:I, s:I, s:I}, s:I, s:I, s:s, s:s, s:s}", "schema", MANIFEST_SCHEMA, "name",
        info->name, "generation", (json_int_t)info->generation, "format", info->format, "origin", manifest->origin,
        "category", category_text(info->category), "counts", "names", (json_int_t)info->counts[INDICATOR_NAME], "urls",
        (json_int_t)info->counts[INDICATOR_URL], "networks", (json_int_t)info->counts[INDICATOR_NETWORK], "created_ms",
        (json_int_t)info->created_ms, "size_bytes", (json_int_t)info->size_bytes, "sha256", manifest->sha256, "content",
        manifest->fingerprint, "identity", manifest->identity);
    char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
    json_decref(json);
    return text;
}

/* Copies TEXT if it fits whole. */
static bool take_text(char *out, size_t size, const char *text)
{
    text_copy(out, size, str_of(text));
    return strlen(text) < size;
}

static bool is_hex(const char *text, size_t digits)
{
    return strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}

static bool take_number(json_int_t number, uint64_t *out)
{
    *out = (uint64_t)number;
    return number >= 0;
}

static enum status take_members(json_t *json, struct manifest *manifest)
{
    struct source_info *info = &manifest->info;
    const char *name, *format, *origin, *category, *sha256, *content, *identity;
    json_int_t generation, names, urls, networks, created_ms, size_bytes;
    int schema;
    if (json_unpack(json, "{s:s, s:I, s:s, s:s, s:s, s:{s:I, s:I, s:I !}, s:I, s:I, s:s, s:s, s:s, s:i !}", "name",
                    &name, "generation", &generation, "format", &format, "origin", &origin, "category", &category,
                    "counts", "names", &names, "urls", &urls, "networks", &networks, "created_ms", &created_ms,
                    "size_bytes", &size_bytes, "sha256", &sha256, "content", &content, "identity", &identity, "schema",
                    &schema))
        return ST_CORRUPT;
    info->created_ms = created_ms;
    bool valid = source_name_valid(str_of(name)) && take_text(info->name, sizeof info->name, name) &&
                 take_number(generation, &info->generation) && take_text(info->format, sizeof info->format, format) &&
                 take_text(manifest->origin, sizeof manifest->origin, origin) &&
                 category_parse(str_of(category), &info->category) == ST_OK &&
                 take_number(names, &info->counts[INDICATOR_NAME]) && take_number(urls, &info->counts[INDICATOR_URL]) &&
                 take_number(networks, &info->counts[INDICATOR_NETWORK]) &&
                 take_number(size_bytes, &info->size_bytes) && is_hex(sha256, DIGEST_BYTES * 2) &&
                 is_hex(content, FINGERPRINT_TEXT_SIZE - 1) &&
                 take_text(manifest->sha256, sizeof manifest->sha256, sha256) &&
                 take_text(manifest->fingerprint, sizeof manifest->fingerprint, content) &&
                 take_text(manifest->identity, sizeof manifest->identity, identity);
    return valid ? ST_OK : ST_CORRUPT;
}

static enum status take_json(json_t *json, struct manifest *manifest)
{
    json_t *schema = json_object_get(json, "schema");
    if (!json_is_integer(schema))
        return ST_CORRUPT;
    if (json_integer_value(schema) != MANIFEST_SCHEMA)
        return ST_UNSUPPORTED;
    return take_members(json, manifest);
}

static enum status read_text(int dirfd, const char *file, char *out, size_t size, size_t *length, struct fault *fault)
{
    int fd = openat(dirfd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fault_errno(fault, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "%s", file);
    enum status status = ST_OK;
    for (ssize_t n = 1; status == ST_OK && n > 0;) {
        n = pread(fd, out + *length, size - *length, (off_t)*length);
        if (n < 0)
            status = fault_errno(fault, ST_IO, "%s", file);
        else if ((*length += (size_t)n) == size)
            status = fault_set(fault, ST_CORRUPT, "%s: too large for a manifest", file);
    }
    close(fd);
    return status;
}

enum status manifest_read(int dirfd, const char *name, uint64_t generation, struct manifest *manifest,
                          struct fault *fault)
{
    char file[SOURCE_FILE_SIZE], text[MAX_FILE_BYTES];
    size_t length = 0;
    *manifest = (struct manifest){0};
    source_file_name(file, name, generation, SOURCE_MANIFEST);
    enum status status = read_text(dirfd, file, text, sizeof text, &length, fault);
    if (status != ST_OK)
        return status;
    json_error_t error;
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        return fault_set(fault, ST_CORRUPT, "%s:%d: %s", file, error.line, error.text);
    status = take_json(json, manifest);
    json_decref(json);
    if (status == ST_UNSUPPORTED)
        return fault_set(fault, status, "%s: written by another version of this program; refresh or import it again",
                         file);
    if (status != ST_OK)
        return fault_set(fault, status, "%s: not a manifest", file);
    if (strcmp(manifest->info.name, name) || manifest->info.generation != generation)
        return fault_set(fault, ST_CORRUPT, "%s: the manifest of another file", file);
    return ST_OK;
}

static enum status check_size(const struct manifest *manifest, int fd, struct fault *fault)
{
    struct stat st;
    if (fstat(fd, &st))
        return fault_errno(fault, ST_IO, "fstat");
    if (S_ISREG(st.st_mode) && (uint64_t)st.st_size == manifest->info.size_bytes)
        return ST_OK;
    return fault_set(fault, ST_CORRUPT, "%ju bytes instead of %ju", (uintmax_t)st.st_size,
                     (uintmax_t)manifest->info.size_bytes);
}

enum status manifest_check_digest(const struct manifest *manifest, int fd, struct fault *fault)
{
    char text[DIGEST_TEXT_SIZE];
    uint8_t digest[DIGEST_BYTES];
    enum status status = check_size(manifest, fd, fault);
    if (status != ST_OK)
        return status;
    status = digest_file(fd, digest);
    if (status != ST_OK)
        return fault_set(fault, status, "reading: %s", status_text(status));
    digest_format(digest, text);
    return strcmp(text, manifest->sha256) ? fault_set(fault, ST_CORRUPT, "its SHA-256 is not that of its manifest")
                                          : ST_OK;
}

enum status manifest_check_file(const struct manifest *manifest, int fd, struct fault *fault)
{
    char identity[MANIFEST_IDENTITY_SIZE];
    enum status status = check_size(manifest, fd, fault);
    if (status != ST_OK)
        return status;
    if (file_identity(fd, identity) == ST_OK && !strcmp(identity, manifest->identity))
        return ST_OK;
    return manifest_check_digest(manifest, fd, fault);
}
