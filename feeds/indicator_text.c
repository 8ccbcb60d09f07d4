#include "feeds/indicator_text.h"

#include <stdio.h>
#include <string.h>

#include "feeds/normal.h"
#include "feeds/refang.h"

enum kind { KIND_ANY, KIND_NAME, KIND_NETWORK, KIND_PORT, KIND_URL, KIND_OTHER };

static enum kind kind_of(struct str type)
{
    static const struct {
        const char *type;
        enum kind kind;
    } kinds[] = {
        {"", KIND_ANY},
        {"domain", KIND_NAME},
        {"domain-name", KIND_NAME},
        {"domain_name", KIND_NAME},
        {"hostname", KIND_NAME},
        {"host", KIND_NAME},
        {"fqdn", KIND_NAME},
        {"url", KIND_URL},
        {"ip", KIND_NETWORK},
        {"ipv4", KIND_NETWORK},
        {"ipv6", KIND_NETWORK},
        {"ip-src", KIND_NETWORK},
        {"ip-dst", KIND_NETWORK},
        {"ipv4-addr", KIND_NETWORK},
        {"ipv6-addr", KIND_NETWORK},
        {"ip_address", KIND_NETWORK},
        {"address", KIND_NETWORK},
        {"cidr", KIND_NETWORK},
        {"network", KIND_NETWORK},
        {"ip:port", KIND_PORT},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_eq_nocase(type, str_of(kinds[i].type)))
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

void indicator_text_take_last_port(struct intake *intake, struct str text)
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

/* By its looks. */
static void take_any(struct intake *intake, struct str text)
{
    struct network network;
    const char *colon = text.length ? memchr(text.data, ':', text.length) : NULL;
    if (text.length && memmem(text.data, text.length, "://", 3))
        intake_url(intake, text);
    else if (looks_like_network(text) && normal_network(text, &network) == SKIP_NOT)
        intake_network(intake, text);
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

void indicator_text_take(struct intake *intake, struct str type, struct str text)
{
    char whole[CANONICAL_URL_MAX];
    text = refang(text, whole, sizeof whole);
    switch (kind_of(type)) {
    case KIND_ANY:
        take_any(intake, text);
        break;
    case KIND_NAME:
        intake_name_or_network(intake, text);
        break;
    case KIND_NETWORK:
        intake_network(intake, text);
        break;
    case KIND_PORT:
        indicator_text_take_last_port(intake, text);
        break;
    case KIND_URL:
        take_url(intake, text);
        break;
    case KIND_OTHER:
        intake_skip(intake, SKIP_OTHER_KIND, text);
        break;
    }
}
