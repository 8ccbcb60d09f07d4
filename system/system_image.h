/* Files of the system as JSON: as they are remembered, and as they are shown. */
#pragma once

#include <jansson.h>

#include "base/text.h"
#include "system/system_files.h"

const char *image_kind_text(enum image_kind kind); /* "absent", "file", "link" */

/* Whole, with its bytes in hexadecimal digits: they need not be UTF-8. NULL when out of memory. */
json_t *file_image_json(const struct file_image *image);
/* False: JSON is not one of those. */
bool file_image_from_json(json_t *json, struct file_image *image) MUST_CHECK;

/* What was done to a file, or in a dry run would be. */
struct system_file_change {
    const char *path;
    struct file_image before, after; /* equal: nothing is to be done, or was */
    bool foreign;                    /* neither what it was nor what we made of it */
};
/* Takes copies of the images. */
enum status system_file_change_init(struct system_file_change *change, const char *path,
                                    const struct file_image *before, const struct file_image *after,
                                    bool foreign) MUST_CHECK;
void system_file_change_fini(struct system_file_change *change);
/* For those who read JSON, and for people: a line or a few on standard output. */
json_t *system_file_change_json(const struct system_file_change *change);
void system_file_change_print(const struct system_file_change *change, bool dry_run);
