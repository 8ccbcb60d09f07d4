/* The block page: what was blocked, why, and what to do now; in the language and form that fit the request. */
#pragma once

#include "base/buf.h"
#include "callbacks/callback.h"
#include "callbacks/incidents.h"
#include "callbacks/report_office.h"
#include "message/http_head.h"

struct page_facts {
    struct str url; /* as asked: URL, or host alone; shown escaped, cut, without query, not as a link */
    const struct verdict *verdict;
    struct addr client;
    struct incident_view incident; /* as looked up before this request is counted */
    int64_t time_ms;               /* wall */
    bool https;                    /* the request came by TLS */
    const char *contact;           /* whom to ask: text or mail address of the administrator; may be NULL */
    struct str host;               /* of the request; for the form alone, as the next */
    struct report_box *reports;    /* where the page's form goes to; NULL: it has none */
};

/* Appends a whole 403 response to REQUEST: the page (HTML), a line of text, a problem+json, or nothing, as Accept and
 * Sec-Fetch-Dest ask; in English or Japanese by Accept-Language (RFC 9110 section 12.5.4). KEEP_ALIVE: whether the
 * connection stays. */
void page_answer(struct buf *response, const struct http_head *request, const struct page_facts *facts,
                 bool keep_alive);

/* The page of a server of ours for requests to names that are not blocked (someone looks at the bare address). */
void page_answer_not_blocked(struct buf *response, const struct http_head *request, struct str host, bool keep_alive);

/* The answers to the page's form, each with its status. */
enum page_report_answer {
    PAGE_REPORT_TAKEN,      /* 202 */
    PAGE_REPORT_STALE,      /* 403: the page is too old, or it was not ours */
    PAGE_REPORT_TOO_MANY,   /* 429 */
    PAGE_REPORT_UNREADABLE, /* 400 */
    PAGE_REPORT_TOO_LARGE,  /* 413 */
};
void page_answer_report(struct buf *response, const struct http_head *request, enum page_report_answer answer,
                        const struct page_facts *facts, bool keep_alive);
