/* The catalogue of well-known feeds (feeds/catalogue.yaml): data that ships with the program and is built into it. */
#pragma once

#include "config/config.h"

struct feed_catalogue_entry {
    struct config_feed feed; /* what `feeds enable` takes */
    char *title, *about, *about_ja, *licence, *home;
    char *key_from; /* where people get a key; empty: it needs none */
    int dead;       /* 0: it is alive */
    char *since;    /* of a dead one: when it ended */
};

struct feed_catalogue {
    struct feed_catalogue_entry *entries;
    size_t count;
};

/* Reads PATH; with NULL the one that is installed, else the one that is built in. Strict: ST_INVALID with FAULTS for
 * anything that is not known. The caller frees. */
enum status feed_catalogue_load(const char *path, struct feed_catalogue *catalogue,
                                struct config_faults *faults) MUST_CHECK;
void feed_catalogue_free(struct feed_catalogue *catalogue);
/* NULL: there is none of that name. */
const struct feed_catalogue_entry *feed_catalogue_find(const struct feed_catalogue *catalogue, const char *name);

/* The one that is built in. */
extern const struct str feed_catalogue_built_in;
