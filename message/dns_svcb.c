#include "message/dns_svcb.h"

/* RFC 9460 section 7.1.1: identifiers of one byte and more, each behind its length. */
static bool alpn_fits(struct cursor value)
{
    if (!cursor_left(&value))
        return false;
    while (!value.failed && cursor_left(&value)) {
        uint8_t length = cursor_u8(&value);
        if (!length)
            return false;
        cursor_bytes(&value, length);
    }
    return !value.failed;
}

/* Section 8: keys that strictly ascend, and not itself. */
static bool mandatory_fits(struct cursor value)
{
    uint16_t last = DNS_SVC_MANDATORY;
    if (!cursor_left(&value))
        return false;
    while (!value.failed && cursor_left(&value)) {
        uint16_t key = cursor_u16(&value);
        if (key <= last)
            return false;
        last = key;
    }
    return !value.failed;
}

static bool value_fits(const struct dns_svc_param *param)
{
    size_t length = cursor_left(&param->value);
    switch (param->key) {
    case DNS_SVC_MANDATORY:
        return mandatory_fits(param->value);
    case DNS_SVC_ALPN:
        return alpn_fits(param->value);
    case DNS_SVC_NO_DEFAULT_ALPN:
        return !length;
    case DNS_SVC_PORT:
        return length == 2;
    case DNS_SVC_IPV4_HINT:
        return length && length % 4 == 0;
    case DNS_SVC_IPV6_HINT:
        return length && length % 16 == 0;
    default:
        return true;
    }
}

/* Section 8: what is mandatory must be there. LISTED, which is in order, against the keys of WALK, which are as well.
 */
static bool has_keys(struct cursor listed, struct dns_svcb walk)
{
    struct dns_svc_param param = {0};
    while (cursor_left(&listed)) {
        uint16_t key = cursor_u16(&listed);
        while (param.key < key)
            if (!dns_svcb_next(&walk, &param))
                return false;
        if (param.key != key)
            return false;
    }
    return true;
}

bool dns_svcb_next(struct dns_svcb *svcb, struct dns_svc_param *param)
{
    if (svcb->params.failed || !cursor_left(&svcb->params))
        return false;
    param->key = cursor_u16(&svcb->params);
    param->value = cursor_sub(&svcb->params, cursor_u16(&svcb->params));
    return !svcb->params.failed;
}

enum status dns_svcb_parse(struct cursor rdata, struct dns_svcb *svcb)
{
    svcb->priority = cursor_u16(&rdata);
    size_t from = cursor_offset(&rdata);
    if (dns_name_parse(&rdata, &svcb->target) != ST_OK || cursor_offset(&rdata) - from != svcb->target.length)
        return ST_INVALID; /* a pointer takes less than the name */
    svcb->params = rdata;
    struct dns_svcb walk = {.params = rdata};
    struct dns_svc_param param;
    int last = -1;
    while (dns_svcb_next(&walk, &param)) {
        if (param.key <= last || !value_fits(&param))
            return ST_INVALID;
        if (param.key == DNS_SVC_MANDATORY && !has_keys(param.value, walk))
            return ST_INVALID;
        last = param.key;
    }
    return walk.params.failed ? ST_INVALID : ST_OK;
}
