/* Feeds that are fetched in parts: a MISP feed (a manifest and a file for each event), a collection of a TAXII server
 * (pages). The parts are kept in a folder of the feed's, so that the next refresh fetches what is new; put one after
 * the other, they are a body as any other. */
#pragma once

#include <jansson.h>

#include "feeds/fetch.h"

struct collection_limits {
    struct fetch_limits each; /* part */
    int64_t total_ms;
    uint64_t max_bytes; /* of all parts */
    unsigned max_parts;
};
extern const struct collection_limits collection_default_limits;

struct collection {
    struct fetch_request request; /* with key, site; its URL is that of the whole */
    const char *folder;           /* made where it is missing */
    const struct collection_limits *limits;
    struct progress *progress;
    /* Within: */
    int64_t until_ms;
    uint64_t bytes;
    unsigned parts; /* asked for so far */
    /* What came of it, also of a failure. */
    bool not_modified, answered;
    int64_t retry_after_s;
};

/* Whether a feed of this format is fetched so. */
bool collection_is(struct str format);

/* Fetches what has changed and writes the whole to FD, which is empty. VALIDATORS: as with fetch(). What was fetched
 * before a failure is kept for the next try. The fault names no key. */
enum status collection_fetch(struct collection *collection, struct str format, int fd,
                             struct fetch_validators *validators, struct fault *fault) MUST_CHECK;

/* --- For those who do it. --- */

enum { COLLECTION_PATH_SIZE = 4096, COLLECTION_NAME_SIZE = 128 };

/* The path of NAME in the folder. */
enum status collection_path(const struct collection *collection, const char *name, char out[COLLECTION_PATH_SIZE],
                            struct fault *fault) MUST_CHECK;
/* Fetches URL to NAME in the folder. VALIDATORS may be NULL. Looks at the bounds on time, bytes and parts first. */
enum status collection_get(struct collection *collection, const char *url, const char *name,
                           struct fetch_validators *validators, struct fetch_result *result,
                           struct fault *fault) MUST_CHECK;
/* NAME's one JSON document, within the bounds of document.h; *ROOT is the caller's. */
enum status collection_read(const struct collection *collection, const char *name, json_t **root,
                            struct fault *fault) MUST_CHECK;
/* FROM gets the name TO, durably. */
enum status collection_rename(const struct collection *collection, const char *from, const char *to,
                              struct fault *fault) MUST_CHECK;
/* Copies NAME and a line feed to FD. */
enum status collection_append(const struct collection *collection, const char *name, int fd,
                              struct fault *fault) MUST_CHECK;
/* Calls KEEP for each file in the folder and removes those that it answers false to. */
enum status collection_tidy(const struct collection *collection, bool (*keep)(const void *user, struct str name),
                            const void *user, struct fault *fault) MUST_CHECK;
/* Removes FOLDER and the files in it; one that is not there is fine. */
enum status collection_remove(const char *folder, struct fault *fault) MUST_CHECK;

enum status collection_fetch_misp(struct collection *collection, int fd, struct fetch_validators *validators,
                                  struct fault *fault) MUST_CHECK;
enum status collection_fetch_taxii(struct collection *collection, int fd, struct fault *fault) MUST_CHECK;
