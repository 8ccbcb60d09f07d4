/* Domain names in wire form (RFC 1035 section 3.1): length-prefixed labels, ended by the root's zero byte. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

enum {
    DNAME_MAX_BYTES = 255, /* with the root's byte; RFC 1035 section 2.3.4 */
    DNAME_MAX_LABELS = 127,
    DNAME_TEXT_SIZE = 1024, /* every byte escaped as \DDD, dots and NUL */
};

/* Any bytes may stand in a label (RFC 2181 section 11). The zero value is no name; the root has length 1. */
struct dname {
    uint8_t length; /* bytes used of wire, with the root's; 0: no name */
    uint8_t labels; /* without the root */
    uint8_t wire[DNAME_MAX_BYTES];
};

/* Takes an uncompressed name of exactly N bytes. */
enum status dname_from_wire(const uint8_t *wire, size_t n, struct dname *name) MUST_CHECK;

/* Takes presentation text: labels split at dots, \DDD and \X escapes (RFC 1035 section 5.1), one trailing dot or none.
 * Nothing is converted: no IDNA, letters keep their case. "." is the root; empty text or an empty label is ST_INVALID.
 */
enum status dname_from_text(struct str text, struct dname *name) MUST_CHECK;

/* Presentation text without the trailing dot (the root is "."); bytes that are not printable ASCII as \DDD. */
void dname_to_text(const struct dname *name, char out[DNAME_TEXT_SIZE]);

/* ASCII letters to lower case in place (RFC 4343). */
void dname_lower(struct dname *name);

bool dname_equal(const struct dname *a, const struct dname *b); /* without regard to ASCII case */
/* NAME is PARENT or below it, without regard to ASCII case. */
bool dname_is_within(const struct dname *name, const struct dname *parent);
