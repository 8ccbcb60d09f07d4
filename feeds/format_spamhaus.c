/* Spamhaus DROP as JSON lines: {"cidr":"192.0.2.0/24","sblid":"SBL1","rir":"apnic"}, and one object about the list. */
#include "feeds/format.h"
#include "feeds/json.h"

static bool is_about(const json_t *row)
{
    return str_eq(json_text(row, "type"), STR("metadata"));
}

static bool knows(json_t *root)
{
    const json_t *row = json_first_row(root, NULL);
    return json_text(row, "cidr").length || json_text(row, "sblid").length ||
           (json_object_get(row, "asn") && json_object_get(row, "rir")) ||
           (is_about(row) && json_object_get(row, "records"));
}

static void take_row(struct intake *intake, const json_t *row)
{
    struct str cidr = json_text(row, "cidr");
    uint64_t records;
    json_entry(intake, cidr);
    if (is_about(row)) {
        if (json_number(row, "records", UINT64_MAX, &records))
            intake_declared(intake, records);
        intake_comment(intake);
    } else if (cidr.length) {
        intake->record.reference = json_text(row, "sblid");
        intake_network(intake, cidr);
    } else {
        intake_skip(intake, json_object_get(row, "asn") ? SKIP_OTHER_KIND : SKIP_NOT_RULE, json_text(row, "asname"));
    }
}

static void take_document(struct intake *intake, json_t *root)
{
    json_rows(intake, root, NULL, take_row);
}

const struct format format_spamhaus = {.name = "spamhaus-json",
                                       .about = "Spamhaus DROP as JSON lines",
                                       .starts = "{[",
                                       .knows = knows,
                                       .document = take_document};
