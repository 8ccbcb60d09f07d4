/* One line of the callback log, read back and checked (docs/callback-log.md). */
#pragma once

#include <jansson.h>

#include "base/status.h"
#include "base/text.h"

struct log_entry {
    json_t *object; /* the whole line; fields that others add are kept */
    const char *id; /* in it */
    int64_t time_ms, last_ms;
    json_int_t count;
};

/* ST_INVALID: no JSON object, or a field that is missing or of the wrong type. ST_UNSUPPORTED: of a newer schema. */
enum status log_entry_parse(struct str line, struct log_entry *entry) MUST_CHECK;
void log_entry_fini(struct log_entry *entry);

/* Adds the count of a later line of the same callback. */
enum status log_entry_add(struct log_entry *entry, const struct log_entry *later) MUST_CHECK;

/* The field's text, or that of a field of the client; empty when it is absent, null or no text. */
const char *log_entry_text(const struct log_entry *entry, const char *key);
const char *log_entry_client_text(const struct log_entry *entry, const char *key);
/* The field's number; -1: absent. */
json_int_t log_entry_number(const struct log_entry *entry, const char *key);
json_int_t log_entry_client_number(const struct log_entry *entry, const char *key);
