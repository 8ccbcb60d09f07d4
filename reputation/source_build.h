/* Sorted entries into a source file. Inside this folder only. */
#pragma once

#include "base/status.h"
#include "reputation/entry_list.h"
#include "reputation/source_aids.h"
#include "reputation/source_format.h"

enum { FINGERPRINT_TEXT_SIZE = 33 };

/* What a source is made of, one sorted list per indicator kind, and what is known of it. */
struct source_content {
    struct entry_list lists[INDICATOR_KINDS];
    struct source_header header;
    struct source_aids_plan aids;
    uint64_t key_bytes, value_bytes, large_values; /* for the bound of the map */
    char fingerprint[FINGERPRINT_TEXT_SIZE];       /* of all keys and values, in order */
};

/* Sorts, and fills in all but the lists. */
enum status source_content_finish(struct source_content *content) MUST_CHECK;
void source_content_free(struct source_content *content);

/* Writes all into the empty file behind FD, and frees the lists; the caller syncs it. */
enum status source_build_own(struct source_content *content, int fd, struct fault *fault) MUST_CHECK;

/* Walks over every entry of the finished file behind FD, compares what is there with what COUNTS and FINGERPRINT say,
 * and looks whether look-ups would find it. LMDB trusts its file: FD is one that was just built, or whose digest is
 * right. ST_CORRUPT. */
enum status source_read_back(int fd, const uint64_t counts[INDICATOR_KINDS], const char *fingerprint,
                             struct fault *fault) MUST_CHECK;
