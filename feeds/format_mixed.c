/* Indicators of any kind, one a line: a name, an address, a network, either with a port, a URL; defanged or not. */
#include "feeds/format.h"
#include "feeds/indicator_text.h"

/* Where a remark starts that follows the indicator: a path may have a comma of its own, a name or an address has none.
 */
static size_t indicator_length(struct str line)
{
    bool path = false;
    for (size_t i = 0; i < line.length; i++) {
        char c = line.data[i], next = i + 1 < line.length ? line.data[i + 1] : ' ';
        if (c == '\t' || ((c == ',' || c == ';') && (!path || next == ' ')))
            return i;
        path = path || c == '/';
    }
    return line.length;
}

static void take_line(struct intake *intake, struct str line)
{
    if (format_is_comment(line, "#;!")) {
        intake_comment(intake);
        return;
    }
    struct str text = format_take_comment(intake, line, "#;");
    size_t n = indicator_length(text);
    if (n < text.length) {
        intake->record.reference = str_trim(str_from(text, n + 1));
        text = str_trim((struct str){text.data, n});
    }
    indicator_text_take_row(intake, (struct str){0}, text, (struct str){0});
}

const struct format format_mixed = {
    .name = "mixed", .about = "names, addresses and URLs in one list, defanged or not", .line = take_line};
