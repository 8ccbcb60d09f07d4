/* Maltrail's trails: a name, an address, a network, either with a port, a URL or HOST/PATH without its scheme, or a
 * path on any host. The file's name is the malware's; a "# Reference:" is that of the trails below it. */
#include <string.h>

#include "feeds/format.h"
#include "feeds/indicator_text.h"

static void take_comment(struct intake *intake, struct str line)
{
    const struct str mark = STR("# Reference:"), name = STR("Maltrail");
    if (str_starts(line, mark)) {
        struct str text = str_trim(str_from(line, mark.length));
        if (text.length < INTAKE_REFERENCE_SIZE) /* half a link leads nowhere */
            text_copy(intake->state.maltrail.reference, INTAKE_REFERENCE_SIZE, text);
    }
    if (memmem(line.data, line.length, name.data, name.length)) {
        intake->state.maltrail.banner = true;
        intake_know(intake); /* other lists of mixed kinds have none */
    }
    intake_comment(intake);
}

/* Trails may be regular expressions; a path has its odd characters for itself. */
static bool is_pattern(struct str trail)
{
    for (size_t i = 0; i < trail.length; i++)
        if (strchr("*[]()\\^$|", trail.data[i]))
            return true;
    return false;
}

/* "192.0.2.1:0" and the like. */
static bool has_wrong_port(struct str trail)
{
    struct str host, port;
    uint64_t number;
    struct addr addr;
    return str_cut(trail, ':', &host, &port) && addr_parse_ip(host, &addr) == ST_OK &&
           (text_u64(port, 65535, &number) != ST_OK || !number);
}

static void take_line(struct intake *intake, struct str line)
{
    if (format_is_comment(line, "#")) {
        take_comment(intake, line);
        return;
    }
    struct str trail = format_without_comment(line, "#");
    intake->record.family = str_of(intake->title);
    intake->record.reference = str_of(intake->state.maltrail.reference);
    if (trail.data[0] == '/') {
        if (intake->state.maltrail.banner) /* lists for browsers have such lines too */
            intake_know(intake);
        intake_aside(intake, FEED_DUMP_PATHS, trail);
        intake_skip(intake, SKIP_PATH, trail);
    } else if (has_wrong_port(trail)) {
        intake_aside(intake, FEED_DUMP_HOST_PORTS, trail);
        intake_skip(intake, SKIP_NOT_ADDRESS, trail);
    } else if (is_pattern(trail)) {
        intake_skip(intake, SKIP_REGEX, trail);
    } else {
        indicator_text_take_plain(intake, (struct str){0}, trail);
    }
}

const struct format format_maltrail = {.name = "maltrail", .about = "Maltrail's trails", .line = take_line};
