/* The catalogue on the terminal and as JSON. */
#pragma once

#include <stdio.h>

#include "config/feed_catalogue.h"

/* A line each. CONFIG tells which are taken already. */
void feed_catalogue_print(const struct feed_catalogue *catalogue, const struct config *config, FILE *out);
/* All of one, in the language of the locale. */
void feed_catalogue_entry_print(const struct feed_catalogue_entry *entry, const struct config *config, FILE *out);
/* ENTRY, or with NULL all. ST_NOMEM, ST_IO. */
enum status feed_catalogue_print_json(const struct feed_catalogue *catalogue, const struct feed_catalogue_entry *entry,
                                      const struct config *config, FILE *out) MUST_CHECK;
