#include "message/dns_type.h"

#include <stdio.h>

/* Those that programs ask for. */
static const struct {
    uint16_t type;
    const char *text;
} types[] = {
    {1, "A"},     {2, "NS"},     {5, "CNAME"},  {6, "SOA"},    {12, "PTR"},  {15, "MX"},     {16, "TXT"},
    {28, "AAAA"}, {33, "SRV"},   {35, "NAPTR"}, {39, "DNAME"}, {43, "DS"},   {48, "DNSKEY"}, {52, "TLSA"},
    {64, "SVCB"}, {65, "HTTPS"}, {99, "SPF"},   {255, "ANY"},  {256, "URI"}, {257, "CAA"},
};

void dns_type_format(uint16_t type, char out[DNS_TYPE_TEXT_SIZE])
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].type == type) {
            text_copy(out, DNS_TYPE_TEXT_SIZE, str_of(types[i].text));
            return;
        }
    snprintf(out, DNS_TYPE_TEXT_SIZE, "TYPE%u", type);
}

enum status dns_type_parse(struct str text, uint16_t *type)
{
    uint64_t number;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (str_eq_nocase(text, str_of(types[i].text))) {
            *type = types[i].type;
            return ST_OK;
        }
    if (text.length <= 4 || !str_eq_nocase((struct str){text.data, 4}, STR("TYPE")) ||
        text_u64(str_from(text, 4), UINT16_MAX, &number) != ST_OK)
        return ST_INVALID;
    *type = (uint16_t)number;
    return ST_OK;
}
