/* PhishTank's CSV: phish_id, url, phish_detail_url, submission_time, verified, verification_time, online, target. */
#include "feeds/csv.h"
#include "feeds/format.h"

static void take_line(struct intake *intake, struct str line)
{
    struct str fields[CSV_FIELDS];
    if (csv_split(line, fields) != 8) {
        intake_skip(intake, SKIP_NOT_RULE, line);
    } else if (str_eq(fields[0], STR("phish_id"))) {
        intake_comment(intake);
    } else {
        intake->record.reference = fields[2];
        intake_url(intake, fields[1]);
    }
}

const struct format format_phishtank = {
    .name = "phishtank-csv", .about = "PhishTank's verified URLs as CSV", .line = take_line};
