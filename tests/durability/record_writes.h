/* The log that record_writes.so leaves of what a program did to a directory. Same machine, same build. */
#pragma once

#include <stdint.h>

enum recorded_kind {
    RECORDED_CREATE,   /* NAME is INODE, new and empty */
    RECORDED_WRITE,    /* LENGTH bytes, which follow, at OFFSET */
    RECORDED_TRUNCATE, /* to OFFSET bytes */
    RECORDED_SYNC,     /* of the file, or of the directory itself */
    RECORDED_RENAME,   /* NAME to OTHER */
    RECORDED_LINK,     /* NAME as OTHER too */
    RECORDED_UNLINK,   /* NAME */
};

enum { RECORDED_NAME_SIZE = 128 };

struct recorded {
    uint32_t kind, length;
    uint64_t inode; /* of the file, or of the directory where that is synced */
    int64_t offset;
    char name[RECORDED_NAME_SIZE], other[RECORDED_NAME_SIZE];
};

#define RECORD_DIRECTORY_VARIABLE "CCWARD_RECORD_DIRECTORY"
#define RECORD_LOG_VARIABLE       "CCWARD_RECORD_LOG"
