/* One name a line. Addresses and networks that stand among them are taken as such. */
#include "feeds/format.h"

static void take_line(struct intake *intake, struct str line)
{
    if (format_is_comment(line, "#;!"))
        intake_comment(intake);
    else
        intake_name_or_network(intake, format_take_comment(intake, line, "#;"));
}

const struct format format_domains = {.name = "domains", .about = "one name a line", .line = take_line};
