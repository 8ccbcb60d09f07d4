/* Sorted entries into a source file. Inside this folder only. */
#pragma once

#include "base/status.h"
#include "reputation/entry_list.h"
#include "reputation/source_format.h"

enum { FINGERPRINT_BYTES = 16 };

/* What a source is made of, one sorted list per indicator kind, and what is known of it. */
struct source_content {
    struct entry_list lists[INDICATOR_KINDS];
    struct source_header header;
    uint64_t filter_facts;
    uint64_t key_bytes, value_bytes, large_values; /* for the bound of the map */
    uint8_t fingerprint[FINGERPRINT_BYTES];        /* of all keys and values, in order */
};

/* Sorts, and fills in all but the lists. */
enum status source_content_finish(struct source_content *content) MUST_CHECK;
void source_content_free(struct source_content *content);

/* Writes all into the empty file behind FD; the caller syncs it. */
enum status source_build(const struct source_content *content, int fd, struct fault *fault) MUST_CHECK;

/* Reads a whole file back and compares it with the fingerprint and the counts; the lists may be freed by then.
 * ST_CORRUPT. */
enum status source_verify(const struct source_content *content, int fd, struct fault *fault) MUST_CHECK;
