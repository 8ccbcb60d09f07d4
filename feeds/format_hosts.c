/* hosts(5): an address, then names. Lists use it to send names nowhere: to 0.0.0.0, ::, or loopback. */
#include <string.h>

#include "base/addr.h"
#include "feeds/format.h"
#include "feeds/normal.h"

/* Names that every machine's own hosts file has. They come in capitals too. */
static bool is_boilerplate(struct str name)
{
    static const struct str own[] = {
        {"localhost", 9}, {"localhost.localdomain", 21}, {"local", 5}, {"broadcasthost", 13}, {"0.0.0.0", 7},
    };
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (str_eq_nocase(name, own[i]))
            return true;
    return name.length > 4 && str_eq_nocase((struct str){name.data, 4}, STR("ip6-"));
}

static bool first_column(struct str text, bool *nowhere)
{
    struct str zone;
    struct addr addr;
    str_cut(text, '%', &text, &zone); /* fe80::1%lo0 */
    if (addr_parse_ip(text, &addr) != ST_OK)
        return false;
    *nowhere = addr_is_unspecified(&addr) || addr_is_loopback(&addr);
    return true;
}

static void skip_rewrite(struct intake *intake, struct str text)
{
    struct dname name;
    enum skip skip = normal_name(text, &name);
    intake_skip(intake, skip == SKIP_NOT ? SKIP_REWRITE : skip, text);
}

static void take_name(struct intake *intake, struct str name, bool nowhere)
{
    struct addr addr;
    if (is_boilerplate(name))
        intake_skip(intake, SKIP_BOILERPLATE, name);
    else if ((ascii_digit(name.data[name.length - 1]) || memchr(name.data, ':', name.length)) &&
             addr_parse_ip(name, &addr) == ST_OK)
        intake_skip(intake, SKIP_ADDRESS_AS_NAME, name);
    else if (!nowhere)
        skip_rewrite(intake, name);
    else
        intake_name(intake, name);
}

static void take_line(struct intake *intake, struct str line)
{
    struct str whole = line, comment = {0};
    if (str_cut(line, '#', &line, &comment))
        intake->record.reference = str_trim(comment);
    struct str first = str_word(&line);
    if (!first.length) {
        intake_comment(intake);
        return;
    }
    bool nowhere = false;
    if (!first_column(first, &nowhere)) {
        intake_skip(intake, SKIP_NO_ADDRESS_COLUMN, whole);
        return;
    }
    struct str name = str_word(&line);
    if (!name.length)
        intake_skip(intake, SKIP_NO_NAME_COLUMN, whole);
    for (; name.length; name = str_word(&line))
        take_name(intake, name, nowhere);
}

const struct format format_hosts = {
    .name = "hosts", .about = "hosts file: an address that leads nowhere, then names", .line = take_line};
