/* Files of the system that are put in place of others and given back: what one is, as a whole, and making it so. Paths
 * are those of the machine, "/etc/resolv.conf"; ROOT, before them, is empty but in tests and images. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/status.h"

enum { SYSTEM_FILE_MAX_BYTES = 1 << 20 };

enum image_kind { IMAGE_ABSENT, IMAGE_FILE, IMAGE_LINK };

/* `{0}`: there is none. */
struct file_image {
    enum image_kind kind;
    struct buf bytes; /* of a link: where it leads */
    mode_t mode;      /* of a file, with its owner */
    uid_t uid;
    gid_t gid;
};
void file_image_fini(struct file_image *image);
enum status file_image_copy(const struct file_image *image, struct file_image *copy) MUST_CHECK;
/* The same kind and bytes; owner and mode do not count. */
bool file_image_equal(const struct file_image *a, const struct file_image *b);

/* "/" and "DIR/" as ROOT, as they stand before a path. */
void system_root(const char *given, char *root, size_t size);
/* ST_TOO_LARGE where the path is too long. */
enum status system_path(const char *root, const char *path, char *out, size_t size) MUST_CHECK;

/* What stands at PATH; a link is not followed. ST_UNSUPPORTED for what is neither file nor link. */
enum status system_file_look(const char *root, const char *path, struct file_image *image,
                             struct fault *fault) MUST_CHECK;
/* Makes PATH that, durably and in one step: whatever happens, the old one is there or the new one, whole. */
enum status system_file_put(const char *root, const char *path, const struct file_image *image,
                            struct fault *fault) MUST_CHECK;

/* The folder that PATH is in: whether it is there; made, durably; removed where it is empty. */
bool system_folder_exists(const char *root, const char *path);
/* Whether it is there or can be made: the folder above it is there. */
enum status system_folder_check(const char *root, const char *path, struct fault *fault) MUST_CHECK;
enum status system_folder_make(const char *root, const char *path, struct fault *fault) MUST_CHECK;
void system_folder_remove(const char *root, const char *path);
/* All folders above PATH that are not there, durably; *MADE: how many, also on failure. */
enum status system_folders_make(const char *root, const char *path, unsigned *made, struct fault *fault) MUST_CHECK;
/* The COUNT folders above PATH, as far as they are empty. */
void system_folders_remove(const char *root, const char *path, unsigned count);
