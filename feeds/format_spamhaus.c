/* Spamhaus DROP as JSON lines: {"cidr":"192.0.2.0/24","sblid":"SBL1","rir":"apnic"}, and one object about the list. */
#include <jansson.h>

#include "feeds/format.h"
#include "feeds/json.h"

static void take_line(struct intake *intake, struct str line)
{
    json_t *json = json_loadb(line.data, line.length, 0, NULL);
    const char *cidr = json_string_value(json_object_get(json, "cidr"));
    uint64_t records;
    const char *type = json_string_value(json_object_get(json, "type"));
    if (cidr) {
        intake->record.reference = str_of(json_string_value(json_object_get(json, "sblid")));
        intake_network(intake, str_of(cidr));
    } else if (type && str_eq(str_of(type), STR("metadata"))) {
        if (json_number(json, "records", UINT64_MAX, &records))
            intake_declared(intake, records);
        intake_comment(intake);
    } else {
        intake_skip(intake, SKIP_NOT_RULE, line);
    }
    json_decref(json);
}

const struct format format_spamhaus = {
    .name = "spamhaus-json", .about = "Spamhaus DROP as JSON lines", .starts = "{", .line = take_line};
