/* Indicators of any kind, one a line: a name, an address, a network, either with a port, a URL; defanged or not. */
#include "feeds/format.h"
#include "feeds/indicator_text.h"

static void take_line(struct intake *intake, struct str line)
{
    if (format_is_comment(line, "#;!"))
        intake_comment(intake);
    else
        indicator_text_take_row(intake, (struct str){0}, format_take_comment(intake, line, "#;"), (struct str){0});
}

const struct format format_mixed = {
    .name = "mixed", .about = "names, addresses and URLs in one list, defanged or not", .line = take_line};
