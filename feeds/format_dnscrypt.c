/* dnscrypt-proxy's blocked-names.txt and blocked-ips.txt: a name means all below it too, "=name" that name alone,
 * "*.name" as "name"; what follows an '@' is when it acts. Patterns can't be looked up. */
#include <stdio.h>
#include <string.h>

#include "feeds/format.h"

static void take_name(struct intake *intake, struct str line)
{
    struct str schedule;
    if (format_is_comment(line, "#")) {
        intake_comment(intake);
        return;
    }
    struct str text = format_take_comment(intake, line, "#");
    if (str_cut(text, '@', &text, &schedule)) {
        intake_skip(intake, SKIP_MODIFIER, line);
        return;
    }
    if (str_starts(text, STR("*.")))
        text = str_from(text, 2);
    else if (str_starts(text, STR(".")))
        text = str_from(text, 1);
    if (str_starts(text, STR("="))) {
        text = str_from(text, 1);
        intake->record.flags |= RECORD_EXACT;
    }
    if (memchr(text.data, '*', text.length) || memchr(text.data, '?', text.length) ||
        memchr(text.data, '[', text.length))
        intake_skip(intake, SKIP_PATTERN, line);
    else
        intake_name_or_network(intake, text);
}

/* "192.0.2.*" is a network where the star stands for whole numbers. */
static void take_star(struct intake *intake, struct str text)
{
    char network[32];
    unsigned dots = 0;
    for (size_t i = 0; i < text.length; i++)
        dots += text.data[i] == '.';
    if (text.length > 16 || dots > 3 || text.length < 3 || text.data[text.length - 2] != '.' ||
        memchr(text.data, '*', text.length - 1)) {
        intake_skip(intake, SKIP_PATTERN, text);
        return;
    }
    size_t n = text.length - 1;
    memcpy(network, text.data, n);
    snprintf(network + n, sizeof network - n, "%s/%u", dots == 1 ? "0.0.0" : dots == 2 ? "0.0" : "0", dots * 8);
    intake_network(intake, str_of(network));
}

static void take_ip(struct intake *intake, struct str line)
{
    if (format_is_comment(line, "#")) {
        intake_comment(intake);
        return;
    }
    struct str text = format_take_comment(intake, line, "#");
    if (text.data[text.length - 1] == '*')
        take_star(intake, text);
    else
        intake_network(intake, text);
}

const struct format format_dnscrypt_names = {
    .name = "dnscrypt-names", .about = "dnscrypt-proxy's list of blocked names", .line = take_name, .own_match = true};
const struct format format_dnscrypt_ips = {
    .name = "dnscrypt-ips", .about = "dnscrypt-proxy's list of blocked addresses", .line = take_ip};
