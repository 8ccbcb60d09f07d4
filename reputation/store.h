/* The reputation store: immutable sources, looked up without locks or writes.
 *
 * A source is one LMDB file NAME.GENERATION.mdb with its manifest NAME.GENERATION.json beside it; the manifest of the
 * highest generation is the one in force. Each has a negative filter, so that a name that no source lists costs
 * nanoseconds (docs/store.md). */
#pragma once

#include <stddef.h>

#include "reputation/canonical.h"
#include "reputation/record.h"

enum {
    STORE_MAX_SOURCES = 128,
    STORE_MAX_HITS = 64,
    SOURCE_NAME_SIZE = 64, /* [a-z0-9._-], starts with a letter or digit, no ".." */
};

bool source_name_valid(struct str name);
/* The source of the user's own entries, which stands above all others (user_lists_file.h). */
#define SOURCE_USER "user"

struct source_info {
    char name[SOURCE_NAME_SIZE];
    uint64_t generation;
    uint64_t counts[INDICATOR_KINDS];
    int64_t created_ms; /* wall */
    uint64_t size_bytes;
    char format[32], path[4096];
    enum category category; /* its default */
};

/* One open source; immutable, any thread, counted. */
struct source;
/* Opens the file of a manifest (PATH ends in .json) after checking it against the manifest: size and file identity as
 * they were when it was verified, else its whole SHA-256. ST_NOT_FOUND, ST_CORRUPT, ST_UNSUPPORTED (another schema),
 * ST_INVALID (no name of a manifest), ST_IO. */
enum status source_open(const char *path, struct source **source, struct fault *fault) MUST_CHECK;
/* A source built in memory by source_writer_finish_memory(); takes FD. */
enum status source_open_memory_own(int fd, const struct source_info *info, struct source **source,
                                   struct fault *fault) MUST_CHECK;
struct source *source_ref(struct source *source);
/* Gives one reference back; the last one closes. NULL is allowed. */
void source_close(struct source *source);
const struct source_info *source_info(const struct source *source);

/* All sources that are looked at together; refcounted by its owner (policy). */
struct store;
struct store *store_new(void);
/* A store that shares the sources of PREVIOUS whose files are still the same, rather than checking and mapping them
 * again. PREVIOUS must live until the directories are added and the store is prepared. */
struct store *store_new_after(const struct store *previous);
/* Closes its sources. */
void store_free(struct store *store);
/* Takes the source. ST_TOO_LARGE over STORE_MAX_SOURCES, ST_EXISTS for a name that is there. */
enum status store_add_own(struct store *store, struct source *source) MUST_CHECK;
/* Adds what is in force in DIR. A source that can't be opened is left out, its fault logged (unless the store before
 * had the same), noted, and counted in *DAMAGED; a generation before it is taken where there is one. A DIR that does
 * not exist is an empty one. */
enum status store_add_directory(struct store *store, const char *dir, unsigned *damaged,
                                struct fault *fault) MUST_CHECK;
/* What could not be opened of the directories added. */
struct store_damage {
    char name[SOURCE_NAME_SIZE];
    struct fault why;
};
size_t store_damage_count(const struct store *store);
const struct store_damage *store_damage_at(const struct store *store, size_t index);
size_t store_source_count(const struct store *store);
const struct source_info *store_source_info(const struct store *store, size_t index);

/* Once all sources are added, and before readers are made: gathers what tells where a name need not be looked for, so
 * that many sources cost little more than one. It takes some 40 ms and 11 MB at ten million names, and next to nothing
 * where PREVIOUS of store_new_after() is prepared and much the same; it must live still then. Without it look-ups give
 * the same, later. One thread at a time, of all that stores share. ST_NOMEM. */
enum status store_prepare(struct store *store) MUST_CHECK;

/* One thread's view: read transactions on every source. */
struct store_reader;
enum status store_reader_new(const struct store *store, struct store_reader **reader) MUST_CHECK;
void store_reader_free(struct store_reader *reader);

enum { STORE_KEY_TEXT_SIZE = 1100 };

struct store_hit {
    uint16_t source;      /* index in the store */
    uint16_t specificity; /* larger is more specific: labels, bytes of host and path, prefix bits */
    enum indicator_kind kind;
    uint16_t labels;      /* NAME: of the key that matched */
    uint16_t path_length; /* URL: how much of path and query matched */
    uint16_t host_skip;   /* URL: labels of the host that were dropped */
    uint8_t prefix;       /* NETWORK: of the key that matched */
    uint8_t embedded_v4;  /* NETWORK: it matched an IPv4 address inside a NAT64 or 6to4 address, counted from 1 */
    struct record record; /* views valid as long as the reader */
};

/* Every record of every source that covers the subject, most specific first, at most MAX; returns the number. Expired
 * records and those for another port are left out. NAME must be lower case, and has no port: what acts for one port of
 * a name is a URL entry with that port. NOW_S: seconds since 1970. */
size_t store_find_name(struct store_reader *reader, const struct dname *name, uint32_t now_s, struct store_hit *hits,
                       size_t max);
size_t store_find_url(struct store_reader *reader, const struct canonical_url *url, uint32_t now_s,
                      struct store_hit *hits, size_t max);
/* ADDR's port 0 matches only records without a port. */
size_t store_find_addr(struct store_reader *reader, const struct addr *addr, uint32_t now_s, struct store_hit *hits,
                       size_t max);

/* Lets come from memory what look-ups of NAMES (lower case) will touch, for all of them at once: for callers that have
 * several to ask for, of which each would else wait for its own. Answers nothing. */
enum { STORE_AHEAD_MAX = 16 };
void store_look_ahead(const struct store_reader *reader, const struct dname *names, size_t count);

/* store_find_name(), _url() and _addr() find entries for TRIGGER_SUBJECT alone; these find those for another trigger.
 * Whether there are any in some source is known beforehand, so that a query costs nothing where no zone has such rules.
 */
bool store_has_trigger(const struct store_reader *reader, enum record_trigger trigger);
size_t store_find_trigger_name(struct store_reader *reader, enum record_trigger trigger, const struct dname *name,
                               uint32_t now_s, struct store_hit *hits, size_t max);
size_t store_find_trigger_addr(struct store_reader *reader, enum record_trigger trigger, const struct addr *addr,
                               uint32_t now_s, struct store_hit *hits, size_t max);

/* The indicator behind a hit as text: "evil.example", "evil.example/a/b", "192.0.2.0/24". The subject is that of the
 * look-up (exactly one of them is used, by HIT's kind). */
void store_hit_text(const struct store_hit *hit, const struct dname *name, const struct canonical_url *url,
                    const struct addr *addr, char *out, size_t size);
