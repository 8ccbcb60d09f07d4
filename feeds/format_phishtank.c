/* PhishTank's CSV: phish_id, url, phish_detail_url, submission_time, verified, verification_time, online, target; and
 * the same as JSON. */
#include "feeds/csv.h"
#include "feeds/format.h"
#include "feeds/json.h"
#include "feeds/when.h"

static void take_line(struct intake *intake, struct str line)
{
    struct str fields[CSV_FIELDS];
    if (csv_split(line, fields) != 8) {
        intake_skip(intake, SKIP_NOT_RULE, line);
    } else if (str_eq(fields[0], STR("phish_id"))) {
        intake_comment(intake);
    } else {
        intake->record.reference = fields[2];
        intake->record.first_seen = when_parse(fields[3]);
        intake_url(intake, fields[1]);
    }
}

const struct format format_phishtank = {
    .name = "phishtank-csv", .about = "PhishTank's verified URLs as CSV", .line = take_line};

static bool knows(json_t *root)
{
    const json_t *row = json_first_row(root, NULL);
    return json_object_get(row, "phish_id") && json_object_get(row, "url");
}

static void take_row(struct intake *intake, const json_t *row)
{
    struct str url = json_text(row, "url");
    json_entry(intake, url);
    intake->record.reference = json_text(row, "phish_detail_url");
    intake->record.first_seen = json_when(row, "submission_time");
    intake_url(intake, url);
}

static void take_document(struct intake *intake, json_t *root)
{
    json_rows(intake, root, NULL, take_row);
}

const struct format format_phishtank_json = {.name = "phishtank-json",
                                             .about = "PhishTank's verified URLs as JSON",
                                             .starts = "[",
                                             .knows = knows,
                                             .document = take_document};
