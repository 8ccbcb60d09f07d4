/* Reports of false positives on their way from the block page to the administrator: a worker takes one in, the control
 * thread writes it to the queue (callbacks/report_list.h). Nothing is un-blocked by one. */
#pragma once

#include "callbacks/incidents.h"

enum {
    REPORT_HOST_SIZE = 256,
    REPORT_COMMENT_SIZE = 512,
    REPORT_TOKEN_SIZE = 96,
    REPORT_TOKEN_MINUTES = 30, /* so long after the page was made its form is taken */
    REPORTS_PER_HOUR = 5,      /* of one client: an IPv4 address, an IPv6 /64 */
};

/* Plain data: crosses from a worker to the control thread as it is. */
struct report {
    int64_t time_ms; /* wall */
    struct addr client;
    bool https;
    uint16_t port; /* 0: that of the scheme */
    enum category category;
    char host[REPORT_HOST_SIZE];
    char reference[INCIDENT_ID_SIZE];
    char indicator[VERDICT_INDICATOR_SIZE], family[VERDICT_FAMILY_SIZE], sources[VERDICT_SOURCES_SIZE];
    char comment[REPORT_COMMENT_SIZE]; /* printable, one line; empty: none */
};

struct report_office; /* the control thread's end, and what the workers share: a key, counts */
struct report_box;    /* one worker's end */

enum status report_office_new(struct report_office **office, struct fault *fault) MUST_CHECK;
/* With its boxes, after the workers have stopped. NULL is allowed. */
void report_office_free(struct report_office *office);
/* NULL when out of memory, or there are too many. */
struct report_box *report_office_add_box(struct report_office *office);
bool report_office_has_any(const struct report_office *office);
/* Takes the next report; false: there is none. DROPPED grows by those that found no room. */
bool report_office_take(struct report_office *office, struct report *report, uint64_t *dropped) MUST_CHECK;

/* Worker: what a form for CLIENT about HOST carries, so that only who was shown the page can send it. Empty on failure.
 */
void report_box_token(struct report_box *box, const struct addr *client, struct str host, struct str reference,
                      char out[REPORT_TOKEN_SIZE]);
/* Whether TOKEN is such a one, and not too old. */
bool report_box_knows(struct report_box *box, const struct addr *client, struct str host, struct str reference,
                      struct str token);
/* Takes a copy. False: the client has reported too often, or too much is waiting. */
bool report_box_put(struct report_box *box, const struct report *report) MUST_CHECK;
