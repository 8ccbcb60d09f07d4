/* BIND's zone "name" { ... }, as lists for it have it: every zone that they define is one to be blocked. */
#include <string.h>

#include "feeds/format.h"

static void take_line(struct intake *intake, struct str line)
{
    struct str rest = line, name;
    if (format_is_comment(line, "#") || str_starts(line, STR("//"))) {
        intake_comment(intake);
        return;
    }
    if (!str_eq(str_word(&rest), STR("zone"))) {
        intake_skip(intake, SKIP_NOT_RULE, line);
        return;
    }
    rest = str_trim(rest);
    if (!str_starts(rest, STR("\"")) || !str_cut(str_from(rest, 1), '"', &name, &rest)) {
        intake_skip(intake, SKIP_NOT_RULE, line);
        return;
    }
    intake_name_or_network(intake, name);
}

const struct format format_bind = {
    .name = "bind", .about = "BIND options: zone \"name\" { ... }", .line = take_line, .own_match = true};
