/* One "*.name" or ".name" a line, in the sense that lists give it: the name and all below it. */
#include "feeds/format.h"

static void take_line(struct intake *intake, struct str line)
{
    if (format_is_comment(line, "#;!")) {
        intake_comment(intake);
        return;
    }
    struct str text = format_take_comment(intake, line, "#;");
    if (str_starts(text, STR("*.")))
        text = str_from(text, 2);
    else if (str_starts(text, STR(".")))
        text = str_from(text, 1);
    intake_name_or_network(intake, text);
}

const struct format format_wildcard = {.name = "wildcard",
                                       .about = "\"*.name\" or \".name\": the name and all below it",
                                       .line = take_line,
                                       .own_match = true};
