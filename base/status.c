#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static const char *const texts[] = {
    [ST_OK] = "ok",
    [ST_NOMEM] = "out of memory",
    [ST_INVALID] = "invalid",
    [ST_TRUNCATED] = "incomplete",
    [ST_TOO_LARGE] = "too large",
    [ST_UNSUPPORTED] = "not supported",
    [ST_NOT_FOUND] = "not found",
    [ST_EXISTS] = "already there",
    [ST_DENIED] = "refused",
    [ST_BUSY] = "in use by another process",
    [ST_IO] = "input/output error",
    [ST_FULL] = "no space left",
    [ST_CORRUPT] = "damaged",
    [ST_TIMEOUT] = "timed out",
    [ST_CLOSED] = "closed by the other side",
    [ST_UNAVAILABLE] = "unavailable",
    [ST_LOOP] = "leads back to where it came from",
};

const char *status_text(enum status status)
{
    CHECK((size_t)status < sizeof texts / sizeof texts[0]);
    return texts[status];
}

enum status fault_set(struct fault *fault, enum status status, const char *format, ...)
{
    if (fault && !fault->text[0]) {
        va_list args;
        va_start(args, format);
        vsnprintf(fault->text, sizeof fault->text, format, args);
        va_end(args);
    }
    return status;
}

enum status fault_errno(struct fault *fault, enum status status, const char *format, ...)
{
    int saved = errno;
    if (fault && !fault->text[0]) {
        va_list args;
        va_start(args, format);
        int n = vsnprintf(fault->text, sizeof fault->text, format, args);
        va_end(args);
        if (n >= 0 && (size_t)n < sizeof fault->text)
            snprintf(fault->text + n, sizeof fault->text - (size_t)n, ": %s", strerror(saved));
    }
    errno = saved;
    return status;
}

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: this must not happen: %s\n", file, line, condition);
    abort();
}
