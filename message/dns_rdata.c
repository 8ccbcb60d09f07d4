#include "message/dns_rdata.h"

#include "message/dns_svcb.h"

enum {
    RRSIG_FIXED_BYTES = 18, /* RFC 4034 section 3.1, up to the signer's name */
    SOA_NUMBERS_BYTES = 20, /* RFC 1035 section 3.3.13 */
};

static void take_name(struct cursor *rdata)
{
    struct dname name;
    if (dns_name_parse(rdata, &name) != ST_OK)
        rdata->failed = true;
}

/* A name that its type forbids to compress: the bytes taken are the name's own. */
static void take_plain_name(struct cursor *rdata)
{
    struct dname name;
    size_t from = cursor_offset(rdata);
    if (dns_name_parse(rdata, &name) != ST_OK || cursor_offset(rdata) - from != name.length)
        rdata->failed = true;
}

static void take_service(struct cursor *rdata)
{
    struct dns_svcb svcb;
    if (dns_svcb_parse(*rdata, &svcb) != ST_OK)
        rdata->failed = true;
    else
        rdata->at = rdata->end;
}

static void take_internet(struct cursor *rdata, uint16_t type)
{
    switch (type) {
    case DNS_TYPE_A:
        cursor_bytes(rdata, 4);
        break;
    case DNS_TYPE_AAAA:
        cursor_bytes(rdata, 16);
        break;
    case DNS_TYPE_SRV:
        cursor_bytes(rdata, 6); /* priority, weight, port */
        take_name(rdata);
        break;
    case DNS_TYPE_SVCB:
    case DNS_TYPE_HTTPS:
        take_service(rdata);
        break;
    default:
        cursor_bytes(rdata, cursor_left(rdata));
    }
}

bool dns_rdata_fits(struct cursor rdata, uint16_t type, uint16_t class)
{
    switch (type) {
    case DNS_TYPE_NS:
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
    case DNS_TYPE_DNAME:
        take_name(&rdata);
        break;
    case DNS_TYPE_SOA:
        take_name(&rdata);
        take_name(&rdata);
        cursor_bytes(&rdata, SOA_NUMBERS_BYTES);
        break;
    case DNS_TYPE_MX:
        cursor_u16(&rdata);
        take_name(&rdata);
        break;
    case DNS_TYPE_RRSIG:
        cursor_bytes(&rdata, RRSIG_FIXED_BYTES);
        take_plain_name(&rdata);
        cursor_bytes(&rdata, cursor_left(&rdata));
        break;
    default:
        if (class != DNS_CLASS_IN)
            return true;
        take_internet(&rdata, type);
    }
    return !rdata.failed && !cursor_left(&rdata);
}

/* Rdata with names that may be compressed: RFC 1035, and those that RFC 3597 section 4 says to expect. */
static const struct shape {
    uint8_t type, before, names; /* bytes, then names; what is left follows */
} shapes[] = {
    {DNS_TYPE_NS, 0, 1},
    {3, 0, 1},
    {4, 0, 1},
    {DNS_TYPE_CNAME, 0, 1},
    {DNS_TYPE_SOA, 0, 2},
    {7, 0, 1},
    {8, 0, 1},
    {9, 0, 1},
    {DNS_TYPE_PTR, 0, 1},
    {14, 0, 2},
    {DNS_TYPE_MX, 2, 1},
    {17, 0, 2},
    {18, 2, 1},
    {21, 2, 1},
    {26, 2, 2},
    {DNS_TYPE_SRV, 6, 1},
    {36, 2, 1},
    {DNS_TYPE_DNAME, 0, 1},
};

void dns_rdata_expand(struct cursor rdata, uint16_t type, struct wire *wire)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (shapes[i].type != type)
            continue;
        wire_bytes(wire, cursor_bytes(&rdata, shapes[i].before), shapes[i].before);
        for (unsigned name = 0; name < shapes[i].names; name++) {
            struct dname target;
            if (dns_name_parse(&rdata, &target) != ST_OK)
                wire->failed = true;
            else
                wire_bytes(wire, target.wire, target.length);
        }
    }
    size_t left = cursor_left(&rdata);
    wire_bytes(wire, cursor_bytes(&rdata, left), left);
}

bool dns_rdata_options_fit(struct cursor rdata)
{
    while (!rdata.failed && cursor_left(&rdata)) {
        cursor_u16(&rdata); /* code */
        cursor_bytes(&rdata, cursor_u16(&rdata));
    }
    return !rdata.failed;
}
