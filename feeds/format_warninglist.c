/* MISP warning lists: what is not to be taken for malware, as exemptions. {"type": "hostname", "list": [...]} */
#include <string.h>

#include "feeds/format.h"
#include "feeds/json.h"
#include "feeds/normal.h"

static bool knows(json_t *root)
{
    return json_is_array(json_object_get(root, "list")) && json_is_string(json_object_get(root, "type")) &&
           json_object_get(root, "name");
}

static void take_entry(struct intake *intake, struct str entry, bool exact)
{
    struct network network;
    struct dname name;
    struct str text = str_trim(entry);
    bool below = str_starts(text, STR("."));
    json_entry(intake, text);
    intake->record.flags |= RECORD_ALLOW | (exact && !below ? RECORD_EXACT : 0);
    if (below)
        text = str_from(text, 1);
    if (normal_network(text, &network) != SKIP_NOT_ADDRESS)
        intake_network(intake, text);
    else if (normal_name(text, &name) == SKIP_NOT)
        intake_name(intake, text);
    else /* such lists have hashes, mail addresses and the like beside */
        intake_skip(intake, SKIP_OTHER_KIND, text);
}

static void take_document(struct intake *intake, json_t *root)
{
    const json_t *entry, *list = json_object_get(root, "list");
    struct str type = json_text(root, "type");
    size_t i;
    json_array_foreach(list, i, entry)
    {
        struct str text = {json_string_value(entry), json_string_length(entry)};
        if (str_eq(type, STR("regex"))) {
            json_entry(intake, text);
            intake_skip(intake, SKIP_REGEX, text);
        } else {
            take_entry(intake, text, str_eq(type, STR("string")));
        }
    }
}

const struct format format_warninglist = {.name = "warninglist",
                                          .about = "a MISP warning list: its entries are exempted",
                                          .starts = "{",
                                          .knows = knows,
                                          .document = take_document,
                                          .own_match = true};
