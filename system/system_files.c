#include "system/system_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

void file_image_fini(struct file_image *image)
{
    buf_free(&image->bytes);
    *image = (struct file_image){0};
}

enum status file_image_copy(const struct file_image *image, struct file_image *copy)
{
    *copy = *image;
    copy->bytes = (struct buf){0};
    buf_add(&copy->bytes, image->bytes.data, image->bytes.length);
    return copy->bytes.failed ? ST_NOMEM : ST_OK;
}

bool file_image_equal(const struct file_image *a, const struct file_image *b)
{
    return a->kind == b->kind && a->bytes.length == b->bytes.length &&
           (!a->bytes.length || !memcmp(a->bytes.data, b->bytes.data, a->bytes.length));
}

void system_root(const char *given, char *root, size_t size)
{
    text_copy(root, size, str_of(given));
    for (size_t n = strlen(root); n && root[n - 1] == '/'; n--)
        root[n - 1] = '\0';
}

enum status system_path(const char *root, const char *path, char *out, size_t size)
{
    int n = snprintf(out, size, "%s%s", root, path);
    return n < 0 || (size_t)n >= size ? ST_TOO_LARGE : ST_OK;
}

static enum status look_at_link(const char *path, struct file_image *image, struct fault *fault)
{
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof target);
    if (n < 0)
        return fault_errno(fault, file_status(errno), "%s", path);
    image->kind = IMAGE_LINK;
    buf_add(&image->bytes, target, (size_t)n);
    return image->bytes.failed ? fault_set(fault, ST_NOMEM, "out of memory") : ST_OK;
}

enum status system_file_look(const char *root, const char *path, struct file_image *image, struct fault *fault)
{
    char whole[PATH_MAX];
    struct stat st;
    *image = (struct file_image){0};
    enum status status = system_path(root, path, whole, sizeof whole);
    if (status != ST_OK)
        return fault_set(fault, status, "the path is too long: %s%s", root, path);
    if (lstat(whole, &st))
        return errno == ENOENT || errno == ENOTDIR ? ST_OK : fault_errno(fault, file_status(errno), "%s", whole);
    if (S_ISLNK(st.st_mode))
        return look_at_link(whole, image, fault);
    if (!S_ISREG(st.st_mode))
        return fault_set(fault, ST_UNSUPPORTED, "%s is neither a file nor a link", whole);
    image->kind = IMAGE_FILE;
    image->mode = st.st_mode & 07777;
    image->uid = st.st_uid;
    image->gid = st.st_gid;
    return file_read(whole, SYSTEM_FILE_MAX_BYTES, &image->bytes, fault);
}

static void parent_of(const char *path, char out[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    text_copy(out, PATH_MAX, slash && slash > path ? (struct str){path, (size_t)(slash - path)} : STR("/"));
}

static enum status sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return file_status(errno);
    enum status status = fsync(fd) ? file_status(errno) : ST_OK;
    close(fd);
    return status;
}

static enum status make_link(const char *aside, const struct file_image *image)
{
    char target[PATH_MAX];
    if (image->bytes.length >= sizeof target)
        return ST_TOO_LARGE;
    text_copy(target, sizeof target, (struct str){image->bytes.data, image->bytes.length});
    return symlink(target, aside) ? file_status(errno) : ST_OK;
}

static enum status write_all(int fd, struct str bytes)
{
    while (bytes.length) {
        ssize_t n = write(fd, bytes.data, bytes.length);
        if (n > 0)
            bytes = str_from(bytes, (size_t)n);
        else if (n < 0 && errno != EINTR)
            return file_status(errno);
    }
    return ST_OK;
}

static enum status make_file(const char *aside, const struct file_image *image)
{
    struct stat st;
    int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return file_status(errno);
    enum status status = write_all(fd, (struct str){image->bytes.data, image->bytes.length});
    if (status == ST_OK && (fstat(fd, &st) || ((st.st_uid != image->uid || st.st_gid != image->gid) &&
                                               fchown(fd, image->uid, image->gid))))
        status = file_status(errno);
    if (status == ST_OK && (fchmod(fd, image->mode) || fsync(fd)))
        status = file_status(errno);
    int error = errno;
    close(fd);
    errno = error;
    return status;
}

enum status system_file_put(const char *root, const char *path, const struct file_image *image, struct fault *fault)
{
    char whole[PATH_MAX], aside[PATH_MAX], folder[PATH_MAX];
    enum status status = system_path(root, path, whole, sizeof whole);
    if (status != ST_OK || system_path(whole, ".ccward-new", aside, sizeof aside) != ST_OK)
        return fault_set(fault, ST_TOO_LARGE, "the path is too long: %s%s", root, path);
    if (image->kind == IMAGE_ABSENT) {
        status = unlink(whole) && errno != ENOENT && errno != ENOTDIR ? file_status(errno) : ST_OK;
    } else {
        (void)unlink(aside); /* of one who was killed */
        status = image->kind == IMAGE_LINK ? make_link(aside, image) : make_file(aside, image);
        if (status == ST_OK && rename(aside, whole))
            status = file_status(errno);
    }
    if (status != ST_OK) {
        const char *hint = errno == EBUSY ? " (it is mounted there, as in a container: change it outside)" : "";
        fault_errno(fault, status, "%s cannot be changed%s", whole, hint);
        (void)unlink(aside);
        return status;
    }
    parent_of(whole, folder);
    status = sync_folder(folder);
    return status == ST_OK || status == ST_NOT_FOUND ? ST_OK : fault_errno(fault, status, "%s", folder);
}

static enum status folder_of(const char *root, const char *path, char out[PATH_MAX])
{
    char whole[PATH_MAX];
    enum status status = system_path(root, path, whole, sizeof whole);
    if (status == ST_OK)
        parent_of(whole, out);
    return status;
}

bool system_folder_exists(const char *root, const char *path)
{
    char folder[PATH_MAX];
    struct stat st;
    return folder_of(root, path, folder) == ST_OK && !stat(folder, &st) && S_ISDIR(st.st_mode);
}

enum status system_folder_check(const char *root, const char *path, struct fault *fault)
{
    char folder[PATH_MAX], above[PATH_MAX];
    if (system_folder_exists(root, path))
        return ST_OK;
    enum status status = folder_of(root, path, folder);
    if (status != ST_OK)
        return fault_set(fault, status, "the path is too long: %s%s", root, path);
    parent_of(folder, above);
    return access(above, F_OK) ? fault_errno(fault, file_status(errno), "the folder %s cannot be made", folder) : ST_OK;
}

enum status system_folder_make(const char *root, const char *path, struct fault *fault)
{
    char folder[PATH_MAX], above[PATH_MAX];
    enum status status = folder_of(root, path, folder);
    if (status != ST_OK)
        return fault_set(fault, status, "the path is too long: %s%s", root, path);
    if (!mkdir(folder, 0755)) {
        parent_of(folder, above);
        status = sync_folder(above);
    } else if (errno != EEXIST) {
        status = file_status(errno);
    }
    return status == ST_OK ? ST_OK : fault_errno(fault, status, "the folder %s cannot be made", folder);
}

void system_folder_remove(const char *root, const char *path)
{
    char folder[PATH_MAX];
    if (folder_of(root, path, folder) == ST_OK)
        (void)rmdir(folder);
}

enum status system_folders_make(const char *root, const char *path, unsigned *made, struct fault *fault)
{
    char part[PATH_MAX];
    enum status status = ST_OK;
    *made = 0;
    if (strlen(path) >= sizeof part)
        return fault_set(fault, ST_TOO_LARGE, "the path is too long: %s%s", root, path);
    for (const char *slash = strchr(path + 1, '/'); status == ST_OK && slash; slash = strchr(slash + 1, '/')) {
        text_copy(part, sizeof part, (struct str){path, (size_t)(slash - path) + 1});
        part[slash - path + 1] = '\0'; /* "/etc/x/": what is above its end */
        if (system_folder_exists(root, part))
            continue;
        status = system_folder_make(root, part, fault);
        *made += status == ST_OK;
    }
    return status;
}

void system_folders_remove(const char *root, const char *path, unsigned count)
{
    char part[PATH_MAX];
    text_copy(part, sizeof part, str_of(path));
    for (; count; count--) {
        system_folder_remove(root, part);
        char *slash = strrchr(part, '/');
        if (!slash || slash == part)
            return;
        *slash = '\0';
    }
}
