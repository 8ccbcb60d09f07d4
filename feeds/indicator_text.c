#include "feeds/indicator_text.h"

#include <stdio.h>
#include <string.h>

#include "feeds/normal.h"
#include "feeds/refang.h"

enum kind {
    KIND_ANY,
    KIND_NAME,
    KIND_NETWORK,
    KIND_ADDRESS_PORT,      /* what follows the last colon */
    KIND_ADDRESS_PIPE_PORT, /* MISP's types of two parts have a '|' between their values too */
    KIND_NAME_PORT,
    KIND_NAME_PIPE_PORT,
    KIND_NAME_PIPE_ADDRESS,
    KIND_URL,
    KIND_OTHER
};

/* Lower case without what people put between words. */
static struct str squash(struct str type, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < type.length && n < size; i++)
        if (!memchr(" -_./", type.data[i], 5))
            out[n++] = ascii_lower(type.data[i]);
    return (struct str){out, n};
}

static enum kind kind_of(struct str type)
{
    static const struct {
        const char *type;
        enum kind kind;
    } kinds[] = {
        {"domain", KIND_NAME},
        {"domains", KIND_NAME},
        {"domainname", KIND_NAME},
        {"hostname", KIND_NAME},
        {"host", KIND_NAME},
        {"fqdn", KIND_NAME},
        {"dns", KIND_NAME},
        {"c2domain", KIND_NAME},
        {"url", KIND_URL},
        {"urls", KIND_URL},
        {"c2url", KIND_URL},
        {"ip", KIND_NETWORK},
        {"ips", KIND_NETWORK},
        {"ipv4", KIND_NETWORK},
        {"ipv6", KIND_NETWORK},
        {"ipsrc", KIND_NETWORK},
        {"ipdst", KIND_NETWORK},
        {"ipaddr", KIND_NETWORK},
        {"ipv4addr", KIND_NETWORK},
        {"ipv6addr", KIND_NETWORK},
        {"ipaddress", KIND_NETWORK},
        {"ipv4address", KIND_NETWORK},
        {"ipv6address", KIND_NETWORK},
        {"c2ip", KIND_NETWORK},
        {"address", KIND_NETWORK},
        {"cidr", KIND_NETWORK},
        {"network", KIND_NETWORK},
        {"ip:port", KIND_ADDRESS_PORT},
        {"ipport", KIND_ADDRESS_PORT},
        {"socket", KIND_ADDRESS_PORT},
        {"ipdst|port", KIND_ADDRESS_PIPE_PORT},
        {"ipsrc|port", KIND_ADDRESS_PIPE_PORT},
        {"domain:port", KIND_NAME_PORT},
        {"hostname:port", KIND_NAME_PORT},
        {"hostname|port", KIND_NAME_PIPE_PORT},
        {"domain|ip", KIND_NAME_PIPE_ADDRESS},
    };
    char text[24];
    struct str word = squash(type, text, sizeof text);
    if (!type.length)
        return KIND_ANY;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_eq(word, str_of(kinds[i].type)))
            return kinds[i].kind;
    return KIND_OTHER;
}

void indicator_text_take_address_port(struct intake *intake, struct str ip, struct str port)
{
    char text[128];
    bool bare_v6 = ip.length && memchr(ip.data, ':', ip.length) && ip.data[0] != '[';
    int n = ip.length < 64 && port.length < 16 ? snprintf(text, sizeof text, bare_v6 ? "[%.*s]:%.*s" : "%.*s:%.*s",
                                                          (int)ip.length, ip.data, (int)port.length, port.data)
                                               : 0;
    intake_address_port(intake, (struct str){text, (size_t)n});
}

static void take_last_port(struct intake *intake, struct str text)
{
    const char *colon = text.length ? memrchr(text.data, ':', text.length) : NULL;
    size_t at = colon ? (size_t)(colon - text.data) : text.length;
    indicator_text_take_address_port(intake, (struct str){text.data, at}, str_from(text, at + 1));
}

static void take_url(struct intake *intake, struct str text)
{
    if (text.length && (memmem(text.data, text.length, "://", 3)))
        intake_url(intake, text);
    else
        intake_bare_url(intake, text);
}

/* A digest in hex (MD5, SHA-1, SHA-256, SHA-512), or a mail address. */
static bool is_other(struct str text)
{
    bool hex = text.length == 32 || text.length == 40 || text.length == 64 || text.length == 128;
    for (size_t i = 0; i < text.length && hex; i++)
        hex = hex_value(text.data[i]) >= 0;
    return hex || (text.length && memchr(text.data, '@', text.length) && !memchr(text.data, '/', text.length));
}

/* By its looks. */
static void take_any(struct intake *intake, struct str text)
{
    struct network network;
    const char *colon = text.length ? memchr(text.data, ':', text.length) : NULL;
    if (text.length && memmem(text.data, text.length, "://", 3))
        intake_url(intake, text);
    else if (looks_like_network(text) && normal_network(text, &network) == SKIP_NOT)
        intake_network(intake, text);
    else if (is_other(text))
        intake_skip(intake, SKIP_OTHER_KIND, text);
    else if (text.length && memchr(text.data, '/', text.length))
        intake_bare_url(intake, text);
    else if (colon && ascii_digit(text.data[0]) && ascii_digit(colon[-1]))
        intake_address_port(intake, text);
    else if (colon && text.data[0] == '[')
        intake_address_port(intake, text);
    else if (colon)
        intake_name_port(intake, text);
    else
        intake_name(intake, text);
}

static void take_parts(struct intake *intake, enum kind kind, struct str text)
{
    struct str first = text, second = {0};
    char joined[320];
    if (kind == KIND_ADDRESS_PIPE_PORT) {
        str_cut(text, '|', &first, &second);
        indicator_text_take_address_port(intake, first, second);
    } else if (kind == KIND_NAME_PIPE_PORT && str_cut(text, '|', &first, &second) && text.length < sizeof joined) {
        snprintf(joined, sizeof joined, "%.*s:%.*s", (int)first.length, first.data, (int)second.length, second.data);
        intake_name_port(intake, str_of(joined));
    } else {
        /* The address is where the name led once: often a hoster's, or a sinkhole's. */
        str_cut(text, '|', &first, &second);
        intake_name(intake, first);
    }
}

void indicator_text_take_plain(struct intake *intake, struct str type, struct str text)
{
    enum kind kind = kind_of(type);
    switch (kind) {
    case KIND_ANY:
        take_any(intake, text);
        break;
    case KIND_NAME:
        intake_name_or_network(intake, text);
        break;
    case KIND_NETWORK:
        intake_network(intake, text);
        break;
    case KIND_ADDRESS_PORT:
        take_last_port(intake, text);
        break;
    case KIND_NAME_PORT:
        intake_name_port(intake, text);
        break;
    case KIND_ADDRESS_PIPE_PORT:
    case KIND_NAME_PIPE_PORT:
    case KIND_NAME_PIPE_ADDRESS:
        take_parts(intake, kind, text);
        break;
    case KIND_URL:
        take_url(intake, text);
        break;
    case KIND_OTHER:
        intake_skip(intake, SKIP_OTHER_KIND, text);
        break;
    }
}

void indicator_text_take_row(struct intake *intake, struct str type, struct str text, struct str port)
{
    char whole[CANONICAL_URL_MAX];
    struct addr addr;
    uint64_t number;
    text = refang(text, whole, sizeof whole);
    enum kind kind = kind_of(type);
    if ((kind == KIND_ANY || kind == KIND_NETWORK) && addr_parse_ip(text, &addr) == ST_OK &&
        text_u64(port, 65535, &number) == ST_OK && number)
        indicator_text_take_address_port(intake, text, port);
    else
        indicator_text_take_plain(intake, type, text);
}

void indicator_text_compromised(struct intake *intake, struct str type)
{
    intake_tag(intake, STR("compromised"));
    if (kind_of(type) != KIND_URL)
        intake->record.flags |= RECORD_LOG;
}
