#include "feeds/accept.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "feeds/body.h"

enum { MARKER_BYTES = 64 * 1024 };

static bool is_alike(uint64_t a, uint64_t b)
{
    uint64_t more = a > b ? a : b, less = a > b ? b : a;
    return (more - less) * 100 <= b * ACCEPT_ALIKE_PERCENT;
}

/* Counts a size that is not believed; true when it is the third time in a day or more. */
static bool count_held(struct feed_held *held, uint64_t got, int64_t now_ms)
{
    bool again = held->times && is_alike(got, held->entries) && held->first_ms <= now_ms;
    *held = (struct feed_held){
        .entries = got, .times = again ? held->times + 1 : 1, .first_ms = again ? held->first_ms : now_ms};
    return held->times >= ACCEPT_TIMES && now_ms - held->first_ms >= ACCEPT_SPAN_S * INT64_C(1000);
}

enum status accept_count(const struct feed *feed, uint64_t had, uint64_t got, int64_t now_ms, struct feed_held *held,
                         struct fault *fault)
{
    bool small = had < ACCEPT_SMALL;
    bool shrunk = !small && !feed->can_be_empty && got * 100 < had * ACCEPT_SHRINK_PERCENT;
    bool grown = had && ((!small && got > had * ACCEPT_GROWTH) || (got > ACCEPT_MANY && had <= ACCEPT_MANY));
    if ((!shrunk && !grown) || count_held(held, got, now_ms)) {
        *held = (struct feed_held){0};
        return ST_OK;
    }
    return fault_set(
        fault, ST_DENIED,
        "it has %llu entries now, %llu before: too %s to be believed at once. If that is right, `ccward "
        "feeds refresh %s --accept` takes it; else it is taken when %d tries over a day find about as many "
        "(%u so far)",
        (unsigned long long)got, (unsigned long long)had, shrunk ? "few" : "many", feed->name, ACCEPT_TIMES,
        held->times);
}

enum status accept_marker(int fd, const char *text, struct fault *fault)
{
    struct str marker = str_of(text);
    struct body body;
    size_t length = 0;
    if (!marker.length)
        return ST_OK;
    char *head = malloc(MARKER_BYTES);
    enum status st = head ? ST_OK : ST_NOMEM;
    if (st == ST_OK && lseek(fd, 0, SEEK_SET))
        st = ST_IO;
    if (st == ST_OK)
        st = body_open(&body, fd, &body_default_limits);
    if (st == ST_OK) {
        for (ssize_t n = 1; n > 0 && length<MARKER_BYTES; length += n> 0 ? (size_t)n : 0)
            n = body_read(&body, head + length, MARKER_BYTES - length);
        body_close(&body);
    }
    bool found = st == ST_OK && memmem(head, length, marker.data, marker.length);
    free(head);
    if (st != ST_OK)
        return fault_set(fault, st, "what was fetched can't be read: %s", status_text(st));
    return found ? ST_OK
                 : fault_set(fault, ST_INVALID, "its first %d KiB have no '%s' (`must-contain`)", MARKER_BYTES / 1024,
                             text);
}
