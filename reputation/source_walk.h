/* Going through what a source holds, rather than looking one subject up. */
#pragma once

#include "reputation/store.h"

/* One record as it is stored. Views are valid during the call. */
struct stored_entry {
    enum indicator_kind kind;
    struct str key;         /* in the table of its kind, for source_writer_carry() */
    struct dname name;      /* NAME; of a URL the host, where it is no address */
    bool host_is_address;   /* URL */
    struct addr addr;       /* where it is */
    bool whole_host;        /* URL: no more than "/" */
    struct network network; /* NETWORK */
    struct record record;
};

/* ST_OK: go on. */
typedef enum status stored_entry_fn(void *user, const struct stored_entry *entry);

/* The newest generation of NAME in DIR that look-ups would take; no other source is touched. ST_NOT_FOUND: there is
 * none; ST_CORRUPT and so on: there are, but none can be opened. */
enum status source_open_newest(const char *dir, const char *name, struct source **source,
                               struct fault *fault) MUST_CHECK;

/* Every record, kind by kind, in the order of the keys. FN's failure ends it and is returned. ST_CORRUPT: an entry that
 * can't be read. */
enum status source_walk(const struct source *source, stored_entry_fn *fn, void *user) MUST_CHECK;

/* Whether any source lists something below NAME (of two labels or more, in lower case), itself not counted. */
bool store_has_name_below(struct store_reader *reader, const struct dname *name);
/* Whether any source lists NETWORK or a network or address inside of it. */
bool store_has_network_within(struct store_reader *reader, const struct network *network);
