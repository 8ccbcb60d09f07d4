/* One address, network, or address with port a line: netsets, ban lists, Spamhaus DROP as text. */
#include <string.h>

#include "feeds/format.h"

/* "192.0.2.1:443" or "[2001:db8::1]:443"; more colons without brackets are an IPv6 address. */
static bool has_port(struct str text)
{
    const char *colon = memchr(text.data, ':', text.length);
    if (!colon)
        return false;
    const char *last = memrchr(text.data, ':', text.length);
    return text.data[0] == '[' ? text.data[text.length - 1] != ']' : colon == last;
}

static void take_line(struct intake *intake, struct str line)
{
    if (format_is_comment(line, "#;!")) {
        intake_comment(intake);
        return;
    }
    struct str text = format_take_comment(intake, line, "#;");
    if (has_port(text))
        intake_address_port(intake, text);
    else
        intake_network(intake, text);
}

const struct format format_ips = {
    .name = "ips", .about = "one address, network or address:port a line", .line = take_line};
