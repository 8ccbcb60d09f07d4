/* dnsmasq's address=/name/.../ADDRESS, server=/name/.../SERVER and local=/name/.../ (dnsmasq(8)): names with all below
 * them. An address of nowhere, or no server, blocks them; another server is where they are to be forwarded. */
#include "base/addr.h"
#include "feeds/format.h"

/* What stands behind the last slash sends nowhere. */
static bool leads_nowhere(struct str key, struct str target)
{
    struct addr addr;
    if (!target.length)
        return true;
    if (str_eq(key, STR("address")) && str_eq(target, STR("#")))
        return true;
    return str_eq(key, STR("address")) && addr_parse_ip(target, &addr) == ST_OK &&
           (addr_is_unspecified(&addr) || addr_is_loopback(&addr));
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
        if (name.length && name.data[0] == '.')
            name = str_from(name, 1);
        if (str_eq(name, STR("#")) || (name.length && name.data[0] == '*'))
            intake_skip(intake, SKIP_PATTERN, line);
        else
            intake_name_or_network(intake, name);
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
    if (leads_nowhere(key, str_from(value, last)))
        take_names(intake, (struct str){value.data + 1, last - 2}, line);
    else
        intake_skip(intake, address ? SKIP_REWRITE : SKIP_FORWARD, line);
}

const struct format format_dnsmasq = {.name = "dnsmasq",
                                      .about = "dnsmasq options: address=/name/, server=/name/, local=/name/",
                                      .line = take_line,
                                      .own_match = true};
