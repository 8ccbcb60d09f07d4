/* "Report a false positive": the form of the block page and what is answered to it. A report says that someone takes
 * the block for a mistake; it lands in a queue for the administrator and changes nothing by itself. */
#pragma once

#include "blockpage/page.h"

#define REPORT_PATH "/.well-known/ccward-report"

enum { REPORT_BODY_MAX_BYTES = 2048 };

/* Whether REQUEST is one, of a kind that is worth reading its body. To be believed of hosts that are blocked now. */
bool report_form_is_one(const struct http_head *request);

/* Takes the report that REQUEST with BODY is, and appends a whole answer to it: 202, or why not. FACTS are those of the
 * block page that would be its answer else. True: the form was one that we made, so that a person is behind it and the
 * request is no contact. */
bool report_form_answer(struct buf *response, const struct http_head *request, struct str body,
                        const struct page_facts *facts, bool keep_alive);
/* The answer to a BODY that is over REPORT_BODY_MAX_BYTES; the connection is closed then. */
void report_form_too_large(struct buf *response, const struct http_head *request, const struct page_facts *facts);

/* What a form says, for report_form_answer() and fuzzing. Views of BODY, but for the comment. */
struct report_fields {
    struct str token, reference; /* empty: not given */
    char comment[REPORT_COMMENT_SIZE];
};
/* application/x-www-form-urlencoded; what is not known is passed over. ST_INVALID: an escape that is none, a field
 * twice. */
enum status report_form_parse(struct str body, struct report_fields *fields) MUST_CHECK;
