/* One http or https URL a line. */
#include "feeds/format.h"

static void take_line(struct intake *intake, struct str line)
{
    if (format_is_comment(line, "#;!"))
        intake_comment(intake);
    else
        intake_url(intake, format_take_comment(intake, line, "#"));
}

const struct format format_urls = {.name = "urls", .about = "one http or https URL a line", .line = take_line};
