/* Lines of callbacks.jsonl and its rotated files, oldest first, also while they grow and rotate. */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/text.h"

enum { LOG_READER_LINE_MAX = 65536, LOG_READER_FILES_MAX = 256 };

struct log_reader_file {
    int fd;
    unsigned number; /* 0: callbacks.jsonl, 1: callbacks.jsonl.1, ... when it was opened */
    dev_t device;
    ino_t inode;
    uint64_t lines; /* read */
};

struct log_reader {
    const char *state_dir; /* borrowed */
    int64_t since_ms;
    struct log_reader_file files[LOG_READER_FILES_MAX]; /* newest first; the last one is being read */
    size_t file_count;
    struct buf data;
    size_t given;  /* bytes of data that are done with */
    bool skipping; /* in a line that is too long */
    uint64_t line; /* the last one given or skipped, and the file's number */
    unsigned line_file;
};

/* Files that were not written since SINCE_MS (wall; 0: all) are left out. No file yet is no error. */
enum status log_reader_open(const char *state_dir, int64_t since_ms, struct log_reader *reader,
                            struct fault *fault) MUST_CHECK;
void log_reader_close(struct log_reader *reader);

/* LINE is without its end and valid until the next call. ST_NOT_FOUND: nothing more now, call again later for what is
 * written until then. ST_TOO_LARGE, ST_TRUNCATED (a file's last line without an end): a line was skipped. ST_IO. */
enum status log_reader_next(struct log_reader *reader, struct str *line) MUST_CHECK;
/* After ST_NOT_FOUND: what stands at the end without a line end; empty: nothing. */
struct str log_reader_rest(struct log_reader *reader);
/* After ST_NOT_FOUND: the file may have been rotated; true when there is something new to read. */
bool log_reader_follow(struct log_reader *reader);
/* The place of the last line: "callbacks.jsonl.1:17". */
void log_reader_place(const struct log_reader *reader, char *out, size_t size);
