/* The body of the block page's form: whatever it is, the comment is one line of printable UTF-8. */
#include <string.h>

#include "base/check.h"
#include "blockpage/report_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct report_fields fields;
    char printable[4 * REPORT_COMMENT_SIZE];
    struct str body = {(const char *)data, size < REPORT_BODY_MAX_BYTES ? size : REPORT_BODY_MAX_BYTES};
    if (report_form_parse(body, &fields) != ST_OK)
        return 0;
    CHECK(strlen(fields.comment) < REPORT_COMMENT_SIZE);
    text_printable(printable, sizeof printable, str_of(fields.comment));
    CHECK(!strcmp(printable, fields.comment)); /* nothing is left to be escaped */
    CHECK(fields.token.length <= body.length && fields.reference.length <= body.length);
    return 0;
}
