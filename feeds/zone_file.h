/* A transferred zone as a file: its SOA first, a record a line. */
#pragma once

#include "feeds/zone_text.h"

/* Writing. `{.fd = FD, ...}`; the bounds are of what is written. */
struct zone_file {
    int fd; /* not owned */
    uint64_t max_bytes, max_records;
    uint64_t bytes, records;
    struct buf pending;
};
void zone_file_free(struct zone_file *file);

/* LINE without its end. ST_TOO_LARGE over a bound, ST_NOMEM, ST_FULL, ST_IO. */
enum status zone_file_add(struct zone_file *file, struct str line, struct fault *fault) MUST_CHECK;
/* What is not written yet. */
enum status zone_file_flush(struct zone_file *file, struct fault *fault) MUST_CHECK;
/* Empties the file, to begin anew. */
enum status zone_file_reset(struct zone_file *file, struct fault *fault) MUST_CHECK;

/* The SOA of the zone that an earlier transfer wrote to FD. ST_INVALID: it is not that zone, whole lines or not. */
enum status zone_file_soa(int fd, const struct dname *zone, struct zone_soa *soa) MUST_CHECK;
