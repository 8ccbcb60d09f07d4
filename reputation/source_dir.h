/* The directory of sources: file names, generations, the writer's lock. Inside this folder only. */
#pragma once

#include "reputation/store.h"

enum source_file { SOURCE_DATA, SOURCE_MANIFEST };
enum { SOURCE_FILE_SIZE = SOURCE_NAME_SIZE + 32 };
#define SOURCE_TEMPORARY_PREFIX ".tmp." /* no source's name starts with a dot */

void source_file_name(char out[SOURCE_FILE_SIZE], const char *name, uint64_t generation, enum source_file kind);
/* NAME.GENERATION.mdb or .json, exactly as source_file_name() makes them. */
bool source_file_parse(const char *file, char name[SOURCE_NAME_SIZE], uint64_t *generation, enum source_file *kind);

struct source_entry {
    char name[SOURCE_NAME_SIZE];
    uint64_t generation;
    enum source_file kind;
};

/* All files of sources in a directory: by name, newest generation first, data before manifest. */
struct source_listing {
    struct source_entry *entries;
    size_t count;
};

enum status source_listing_read(int dirfd, struct source_listing *listing) MUST_CHECK;
void source_listing_free(struct source_listing *listing);

/* The data file, for reading; -1 with errno. Links are not followed. */
int source_data_open(int dirfd, const char *name, uint64_t generation);

/* A file whose digest is right (or that was just built), as a source. FD may be closed then. */
enum status source_open_fd(int fd, const struct source_info *info, struct source **source,
                           struct fault *fault) MUST_CHECK;
/* As source_open(), in an open directory; DIR is its name. ST_NOT_FOUND: a file is gone. PREVIOUS (may be NULL) is
 * given once more when the file is the one that it has open. */
enum status source_open_at(int dirfd, const char *dir, const char *name, uint64_t generation, struct source *previous,
                           struct source **source, struct fault *fault) MUST_CHECK;

/* Opens DIR, made with mode 0750 where it is missing, as are its parents. */
enum status source_dir_open(const char *dir, int *fd, struct fault *fault) MUST_CHECK;
