#include "reputation/user_subject.h"

#include <stdio.h>
#include <string.h>

#include "reputation/canonical.h"
#include "reputation/public_suffix.h"

enum { SHOWN_BYTES = 100, HOST_V4_WIDEST = 96 + 8, HOST_V6_WIDEST = 19 };

static bool contains(struct str text, const char *part)
{
    return text.length && memmem(text.data, text.length, part, strlen(part));
}

static enum status invalid(struct str text, struct fault *fault, const char *why)
{
    char shown[SHOWN_BYTES];
    text_printable(shown, sizeof shown, text);
    return fault_set(fault, ST_INVALID, "'%s' %s", shown, why);
}

static enum status parse_name(struct str text, bool exact, struct user_subject *subject, struct fault *fault)
{
    char name[DNAME_TEXT_SIZE];
    struct str bare = text;
    if (str_starts(bare, STR("*.")) || str_starts(bare, STR(".")))
        bare = str_from(bare, bare.data[0] == '*' ? 2 : 1);
    if (exact && bare.length != text.length)
        return invalid(text, fault, "means what is below a name as well, which does not go with the name alone");
    if (canonical_host_name(bare, &subject->name) != ST_OK)
        return invalid(text, fault,
                       bare.length && ascii_digit(bare.data[bare.length - 1])
                           ? "is no whole address, and no name ends in a number"
                           : "is no name, URL, address or network");
    subject->kind = INDICATOR_NAME;
    subject->exact = exact;
    dname_to_text(&subject->name, name);
    snprintf(subject->text, sizeof subject->text, "%s%s", exact ? "=" : "", name);
    return ST_OK;
}

static void format_network(struct user_subject *subject)
{
    struct addr addr = {.port = subject->port};
    memcpy(addr.ip, subject->network.ip, sizeof addr.ip);
    if (subject->port)
        addr_format(&addr, subject->text);
    else if (subject->network.prefix == 128)
        addr_format_ip(&addr, subject->text);
    else
        network_format(&subject->network, subject->text);
}

/* A gateway's address for an IPv4 address becomes that: it is looked up by it. */
static void set_address(struct user_subject *subject, struct addr addr)
{
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b}; /* RFC 6052 section 2.1 */
    if (!memcmp(addr.ip, nat64, sizeof nat64)) {
        memset(addr.ip, 0, 10);
        memset(addr.ip + 10, 0xff, 2);
    }
    subject->kind = INDICATOR_NETWORK;
    subject->network.prefix = 128;
    memcpy(subject->network.ip, addr.ip, sizeof addr.ip);
    subject->port = addr.port;
    format_network(subject);
}

/* "192.0.2.0/24". */
static enum status parse_network(struct str text, const struct addr *addr, struct str length,
                                 struct user_subject *subject, struct fault *fault)
{
    char meant[ADDR_TEXT_SIZE], why[ADDR_TEXT_SIZE + 80];
    bool v4 = addr_is_v4(addr) && !contains(text, ":");
    uint64_t bits;
    if (text_u64(length, v4 ? 32 : 128, &bits) != ST_OK)
        return invalid(text, fault,
                       v4 ? "is no network: after the slash stands 0 to 32"
                          : "is no network: after the slash stands 0 to 128");
    subject->kind = INDICATOR_NETWORK;
    subject->network.prefix = (uint8_t)(v4 ? 96 + bits : bits);
    memcpy(subject->network.ip, addr->ip, sizeof addr->ip);
    network_mask(subject->network.ip, subject->network.prefix);
    if (memcmp(subject->network.ip, addr->ip, sizeof addr->ip)) {
        network_format(&subject->network, meant);
        snprintf(why, sizeof why, "is an address within a network: write %s for all of it", meant);
        return invalid(text, fault, why);
    }
    format_network(subject);
    return ST_OK;
}

/* Any byte may stand in the host of a URL that is only looked up; what a person writes shall be a name. */
static enum status check_url_host(struct str text, const struct canonical_url *url, struct user_subject *subject,
                                  struct fault *fault)
{
    if (url->host_is_address)
        subject->addr = url->addr;
    else if (canonical_host_name(url->host, &subject->name) != ST_OK)
        return invalid(text, fault, "has no name and no address as its host");
    return ST_OK;
}

static bool is_number(struct str text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!ascii_digit(text.data[i]))
            return false;
    return text.length;
}

static enum status parse_url(struct str text, struct user_subject *subject, struct fault *fault)
{
    struct canonical_url url;
    char port[8] = "";
    enum status status = canonical_url(text, &url);
    if (status == ST_UNSUPPORTED)
        return invalid(text, fault, "is no URL that ccward sees: it begins with http:// or https://");
    if (status != ST_OK)
        return invalid(text, fault, "is no name, URL, address or network");
    status = check_url_host(text, &url, subject, fault);
    if (status != ST_OK)
        return status;
    subject->kind = INDICATOR_URL;
    if (url.port != 80 && url.port != 443) /* the store does not tell the schemes apart */
        snprintf(port, sizeof port, ":%u", url.port);
    int n = snprintf(subject->text, sizeof subject->text, "%s%.*s%s%.*s%.*s", url.host_is_address ? "http://" : "",
                     (int)url.host.length, url.host.data, port, (int)url.path.length, url.path.data,
                     (int)url.query.length, url.query.data);
    if (n < 0 || (size_t)n >= sizeof subject->text)
        return fault_set(fault, ST_TOO_LARGE, "the URL is longer than %zu bytes", sizeof subject->text - 1);
    return ST_OK;
}

enum status user_subject_parse(struct str text, struct user_subject *subject, struct fault *fault)
{
    struct addr addr;
    struct str ip, length;
    *subject = (struct user_subject){0};
    text = str_trim(text);
    if (!text.length)
        return fault_set(fault, ST_INVALID, "a name, URL, address or network is expected, not nothing");
    if (text.data[0] == '=')
        return parse_name(str_from(text, 1), true, subject, fault);
    if (contains(text, "://"))
        return parse_url(text, subject, fault);
    if (addr_parse_ip(text, &addr) == ST_OK ||
        (contains(text, ":") && addr_parse(text, 0, &addr) == ST_OK && addr.port)) {
        set_address(subject, addr);
        return ST_OK;
    }
    if (str_cut(text, '/', &ip, &length) && addr_parse_ip(ip, &addr) == ST_OK && is_number(length))
        return parse_network(text, &addr, length, subject, fault);
    if (contains(text, "/") || contains(text, "?") || contains(text, ":"))
        return parse_url(text, subject, fault);
    return parse_name(text, false, subject, fault);
}

static bool overlap(const struct network *a, const struct network *b)
{
    struct addr in_a = {0}, in_b = {0};
    memcpy(in_a.ip, a->ip, sizeof in_a.ip);
    memcpy(in_b.ip, b->ip, sizeof in_b.ip);
    return network_contains(a, &in_b) || network_contains(b, &in_a);
}

static bool is_this_machine(const struct user_subject *subject)
{
    static const struct network own[] = {
        {.ip = {[10] = 0xff, [11] = 0xff, [12] = 127}, .prefix = 96 + 8},
        {.ip = {[10] = 0xff, [11] = 0xff}, .prefix = 96 + 8}, /* RFC 1122 section 3.2.1.3 */
        {.ip = {0}, .prefix = 127},                           /* :: and ::1 */
    };
    static const struct dname localhost = {.length = 11, .labels = 1, .wire = "\011localhost"};
    struct network network = subject->network;
    if (subject->kind != INDICATOR_NETWORK) {
        if (subject->name.length)
            return dname_is_within(&subject->name, &localhost);
        network.prefix = 128;
        memcpy(network.ip, subject->addr.ip, sizeof network.ip);
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (overlap(&network, &own[i]))
            return true;
    return false;
}

static bool is_wide(const struct network *network)
{
    struct addr addr = {0};
    memcpy(addr.ip, network->ip, sizeof addr.ip);
    return network->prefix < (addr_is_v4(&addr) && network->prefix >= 96 ? HOST_V4_WIDEST : HOST_V6_WIDEST);
}

enum status user_subject_check(const struct user_subject *subject, bool deny, struct fault *why)
{
    if (subject->kind == INDICATOR_NETWORK && is_wide(&subject->network))
        return fault_set(why, ST_DENIED, "%s is a large part of all addresses", subject->text);
    if (deny && is_this_machine(subject))
        return fault_set(why, ST_DENIED, "%s is this machine itself", subject->text);
    if (subject->kind == INDICATOR_NETWORK || subject->exact || !subject->name.length)
        return ST_OK;
    /* A URL of one label is looked up for that host alone (url_expression.h). */
    if (subject->name.labels == 1 && subject->kind == INDICATOR_URL)
        return ST_OK;
    if (subject->name.labels == 1)
        return fault_set(why, ST_DENIED, "%s is a single label: the entry would hold for every name that ends in it",
                         subject->text);
    if (public_suffix_is(&subject->name, false))
        return fault_set(why, ST_DENIED,
                         "%s is a public suffix: the entry would hold for the names of everyone below it",
                         subject->text);
    return ST_OK;
}

struct indicator user_subject_indicator(const struct user_subject *subject, char url[USER_SUBJECT_SIZE + 8])
{
    struct indicator indicator = {.kind = subject->kind,
                                  .name = subject->name,
                                  .network = subject->network,
                                  .record = {.flags = subject->exact ? RECORD_EXACT : 0, .port = subject->port}};
    if (subject->kind == INDICATOR_URL) {
        bool has_scheme = str_starts(str_of(subject->text), STR("http://"));
        snprintf(url, USER_SUBJECT_SIZE + 8, "%s%s", has_scheme ? "" : "http://", subject->text);
        indicator.url = str_of(url);
    }
    return indicator;
}
