/* dnsmasq's address=/name/.../ADDRESS, server=/name/.../SERVER and local=/name/.../ (dnsmasq(8)): names with all below
 * them. An address of nowhere, or no server, blocks them; a server, or '#' for the usual ones, is where they are to be
 * asked for in spite of a wider block. */
#include "base/addr.h"
#include "feeds/format.h"

/* What stands behind the last slash sends nowhere. */
static bool leads_nowhere(bool address, struct str target)
{
    struct addr addr;
    if (!target.length)
        return true;
    if (address && str_eq(target, STR("#")))
        return true;
    return address && addr_parse_ip(target, &addr) == ST_OK && (addr_is_unspecified(&addr) || addr_is_loopback(&addr));
}

/* "#": the usual servers; "192.0.2.1#53@eth0". */
static bool is_server(struct str target)
{
    struct str rest;
    struct addr addr;
    if (str_eq(target, STR("#")))
        return true;
    str_cut(target, '@', &target, &rest);
    str_cut(target, '#', &target, &rest);
    return addr_parse_ip(target, &addr) == ST_OK;
}

/* "name", ".name", "*.name": what is below it alone; "*name" and "#" are more than names. */
static void take_name(struct intake *intake, struct str name, struct str line)
{
    uint8_t flags = intake->record.flags;
    if (str_starts(name, STR("*."))) {
        name = str_from(name, 2);
        intake->record.flags |= RECORD_BELOW_ONLY;
    } else if (str_starts(name, STR("."))) {
        name = str_from(name, 1);
    }
    if (str_eq(name, STR("#")) || str_starts(name, STR("*")))
        intake_skip(intake, SKIP_PATTERN, line);
    else
        intake_name_or_network(intake, name);
    intake->record.flags = flags;
}

static void take_names(struct intake *intake, struct str names, struct str line)
{
    struct str name = names, rest = {0};
    while (names.length) {
        if (!str_cut(names, '/', &name, &rest)) {
            name = names;
            rest = (struct str){0};
        }
        names = rest;
        take_name(intake, name, line);
    }
}

static void take_line(struct intake *intake, struct str line)
{
    struct str key, value;
    if (format_is_comment(line, "#")) {
        intake_comment(intake);
        return;
    }
    if (!str_cut(format_without_comment(line, "#"), '=', &key, &value)) {
        intake_skip(intake, SKIP_NOT_RULE, line);
        return;
    }
    key = str_trim(key);
    value = str_trim(value);
    bool address = str_eq(key, STR("address"));
    if (!address && !str_eq(key, STR("server")) && !str_eq(key, STR("local"))) {
        intake_skip(intake, SKIP_DIRECTIVE, line);
        return;
    }
    size_t last = value.length;
    while (last && value.data[last - 1] != '/')
        last--;
    if (last < 2 || value.data[0] != '/') {
        intake_skip(intake, SKIP_DIRECTIVE, line);
        return;
    }
    struct str target = str_from(value, last);
    bool blocks = leads_nowhere(address, target);
    if (!blocks && (address || !is_server(target))) {
        intake_skip(intake, address ? SKIP_REWRITE : SKIP_DIRECTIVE, line);
        return;
    }
    intake->record.flags |= blocks ? 0 : RECORD_ALLOW;
    take_names(intake, (struct str){value.data + 1, last - 2}, line);
}

const struct format format_dnsmasq = {.name = "dnsmasq",
                                      .about = "dnsmasq options: address=/name/, server=/name/, local=/name/",
                                      .line = take_line,
                                      .own_match = true};
