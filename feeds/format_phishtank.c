/* PhishTank's JSON; its CSV is read as abuse.ch's exports are. */
#include "feeds/format.h"
#include "feeds/json.h"

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
    intake_tag(intake, json_text(row, "target"));
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
