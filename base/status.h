/* How a function says that it failed.
 *
 * Three kinds, never mixed: an outcome (a block, NXDOMAIN, 403) is data; a failure is an enum status, returned and
 * checked, with results in out-parameters; a bug is a CHECK() that stays on in release. */
#pragma once

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

enum status {
    ST_OK = 0,
    ST_NOMEM,       /* memory or a bounded pool is used up */
    ST_INVALID,     /* input that breaks its grammar */
    ST_TRUNCATED,   /* input that ends too early: more bytes could make it whole */
    ST_TOO_LARGE,   /* input or result over its bound */
    ST_UNSUPPORTED, /* well-formed, but nothing we do */
    ST_NOT_FOUND,
    ST_EXISTS,
    ST_DENIED,  /* permission or policy says no */
    ST_BUSY,    /* someone else holds it: a lock, a port */
    ST_IO,      /* the operating system said no; the fault's text has errno's words */
    ST_FULL,    /* disk or map full */
    ST_CORRUPT, /* a file of ours that is not as we wrote it */
    ST_TIMEOUT,
    ST_CLOSED,      /* the other end is gone */
    ST_UNAVAILABLE, /* no upstream, no store: may be better later */
    ST_LOOP,        /* it would lead back to us */
};

/* A few words for people, such as "not found". Static storage. */
const char *status_text(enum status status);

/* A failure told to a person: what went wrong and where (file:line, field). Functions that read what a person wrote
 * take one; text is empty until it is set. The first fault set stays. */
struct fault {
    char text[512];
};

/* Sets the text unless one is set already; returns STATUS, so that `return fault_set(f, ST_IO, ...)` reads well.
 * FAULT may be NULL. */
enum status fault_set(struct fault *fault, enum status status, const char *format, ...) PRINTF_LIKE(3, 4);

/* As fault_set(), with ": " and the words for errno at the end. */
enum status fault_errno(struct fault *fault, enum status status, const char *format, ...) PRINTF_LIKE(3, 4);
