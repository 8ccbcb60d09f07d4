/* "ADDRESS<blank>COUNT": an address and the number of lists that have it, which becomes the confidence. */
#include "feeds/format.h"

enum { CONFIDENCE_PER_LIST = 10, CONFIDENCE_MAX = 100 };

static void take_line(struct intake *intake, struct str line)
{
    struct str rest = line;
    uint64_t lists;
    if (format_is_comment(line, "#")) {
        intake_comment(intake);
        return;
    }
    struct str address = str_word(&rest);
    if (text_u64(str_trim(rest), 1000, &lists) != ST_OK) {
        intake_skip(intake, SKIP_NOT_RULE, line);
        return;
    }
    uint64_t confidence = lists * CONFIDENCE_PER_LIST;
    intake->record.confidence = (uint8_t)(confidence < CONFIDENCE_MAX ? confidence : CONFIDENCE_MAX);
    intake_network(intake, address);
}

const struct format format_ipsum = {
    .name = "ipsum", .about = "an address and the number of lists that have it", .line = take_line};
