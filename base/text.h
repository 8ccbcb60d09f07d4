/* Text as pointer and length, and strict conversions. Nothing here depends on the locale. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* A view of bytes owned by someone else; not NUL-terminated. */
struct str {
    const char *data;
    size_t length;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

struct str str_of(const char *text); /* of a C string; NULL gives an empty one */
bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII letters only */
bool str_starts(struct str text, struct str prefix);
struct str str_trim(struct str text);                                          /* ASCII space and tab off both ends */
struct str str_from(struct str text, size_t offset);                           /* the rest; empty past the end */
bool str_cut(struct str text, char at, struct str *before, struct str *after); /* at the first AT; false: none */
/* The next word of TEXT up to a blank (space or tab), which is taken off TEXT; empty at the end. */
struct str str_word(struct str *text);

/* Inline, because they are asked for every byte of names and fields. */
static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static inline bool ascii_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool ascii_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int hex_value(char c); /* 0..15, or -1 */

/* Decimal digits only, no sign, no blanks, at most MAX; anything else is ST_INVALID or ST_TOO_LARGE. */
enum status text_u64(struct str text, uint64_t max, uint64_t *value) MUST_CHECK;

/* Always NUL-terminates; cuts at SIZE - 1. */
void text_copy(char *out, size_t size, struct str text);

/* Copies TEXT for a person's eyes: control bytes and bytes that are no UTF-8 become \xHH, so that no terminal, log line
 * or JSON text is hurt. Cuts at SIZE - 1 on a character's edge; always NUL-terminates. */
void text_printable(char *out, size_t size, struct str text);

/* The end of a word that N goes with. */
static inline const char *text_plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}
