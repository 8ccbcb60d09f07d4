#include "message/dns_rdata.h"

#include "message/dns_svcb.h"

/* What the data of each type consists of, one character a field:
 *
 *   1 to 9  as many bytes               s  a string behind its length, of one byte
 *   c       a name, may be compressed   S  one string or more, to the end
 *   n       a name that may not be      k  a string that is not empty
 *   N       such names, to the end      b  a bitmap of types, to the end; B: not empty
 *   r       bytes, to the end           R  one or more
 *   d, D    a digest, to the end, of the kind that the byte before says: of a key's print, of a delegation
 *   l       location   g  gateway   h  host identity   v  service binding
 *
 * after an @ where it has that form in class IN only. Names may be compressed in the types of RFC 1035, and in those
 * that RFC 3597 section 4 says to expect. */
static const char *const forms[] = {
    [DNS_TYPE_A] = "@4",         [DNS_TYPE_NS] = "c",          [3 /* MD */] = "c",          [4 /* MF */] = "c",
    [DNS_TYPE_CNAME] = "c",      [DNS_TYPE_SOA] = "cc992",     [7 /* MB */] = "c",          [8 /* MG */] = "c",
    [9 /* MR */] = "c",          [11 /* WKS */] = "@5r",       [DNS_TYPE_PTR] = "c",        [13 /* HINFO */] = "ss",
    [14 /* MINFO */] = "cc",     [DNS_TYPE_MX] = "2c",         [DNS_TYPE_TXT] = "S",        [17 /* RP */] = "cc",
    [18 /* AFSDB */] = "2c",     [19 /* X25 */] = "s",         [21 /* RT */] = "2c",        [DNS_TYPE_SIG] = "99cr",
    [25 /* KEY */] = "4r",       [26 /* PX */] = "@2cc",       [DNS_TYPE_AAAA] = "@88",     [29 /* LOC */] = "l",
    [30 /* NXT */] = "cr",       [DNS_TYPE_SRV] = "@6c",       [35 /* NAPTR */] = "@4sssc", [36 /* KX */] = "@2n",
    [37 /* CERT */] = "5R",      [DNS_TYPE_DNAME] = "c",       [DNS_TYPE_DS] = "4D",        [44 /* SSHFP */] = "2d",
    [45 /* IPSECKEY */] = "1gr", [DNS_TYPE_RRSIG] = "99nR",    [DNS_TYPE_NSEC] = "nB",      [48 /* DNSKEY */] = "4R",
    [DNS_TYPE_NSEC3] = "4skb",   [51 /* NSEC3PARAM */] = "4s", [52 /* TLSA */] = "3R",      [53 /* SMIMEA */] = "3R",
    [55 /* HIP */] = "hN",       [59 /* CDS */] = "4D",        [60 /* CDNSKEY */] = "4R",   [61 /* OPENPGPKEY */] = "R",
    [62 /* CSYNC */] = "6b",     [DNS_TYPE_SVCB] = "@v",       [DNS_TYPE_HTTPS] = "@v",     [99 /* SPF */] = "S",
    [104 /* NID */] = "28",      [105 /* L32 */] = "24",       [106 /* L64 */] = "28",      [107 /* LP */] = "2n",
    [108 /* EUI48 */] = "6",     [109 /* EUI64 */] = "8",      [256 /* URI */] = "4R",      [257 /* CAA */] = "1kr",
};

static void expect(struct cursor *rdata, bool fits)
{
    rdata->failed = rdata->failed || !fits;
}

static void take_rest(struct cursor *rdata)
{
    cursor_bytes(rdata, cursor_left(rdata));
}

static void take_name(struct cursor *rdata, struct dname *name)
{
    expect(rdata, dns_name_parse(rdata, name) == ST_OK);
}

/* A name that its type forbids to compress: the bytes taken are the name's own. */
static void take_plain_name(struct cursor *rdata)
{
    struct dname name;
    size_t from = cursor_offset(rdata);
    take_name(rdata, &name);
    expect(rdata, !rdata->failed && cursor_offset(rdata) - from == name.length);
}

static void take_string(struct cursor *rdata, bool filled)
{
    uint8_t length = cursor_u8(rdata);
    expect(rdata, length || !filled);
    cursor_bytes(rdata, length);
}

/* RFC 4034 section 4.1.2: windows in order, none empty, each as short as it can be. */
static void take_bitmap(struct cursor *rdata)
{
    enum { WINDOW_BYTES = 32 };
    int last = -1;
    while (!rdata->failed && cursor_left(rdata)) {
        uint8_t window = cursor_u8(rdata), length = cursor_u8(rdata);
        const uint8_t *bits = cursor_bytes(rdata, length);
        expect(rdata, window > last && length && length <= WINDOW_BYTES && bits && bits[length - 1]);
        last = window;
    }
}

/* RFC 4255 section 3.1.2 (1: SHA-1), RFC 6594 (2: SHA-256), RFC 6605 (4: SHA-384, of delegations alone). A digest of
 * another kind has the size that it has; one byte stands for none (RFC 8078 section 4). */
static void take_digest(struct cursor *rdata, bool delegation)
{
    size_t left = cursor_left(rdata);
    switch (rdata->failed ? 0 : rdata->at[-1]) {
    case 1:
        expect(rdata, left == 20);
        break;
    case 2:
        expect(rdata, left == 32);
        break;
    case 4:
        expect(rdata, delegation ? left == 48 : left > 0);
        break;
    default:
        expect(rdata, left > 0);
    }
    take_rest(rdata);
}

/* RFC 1876 section 2: nothing is said of other versions than 0. */
static void take_location(struct cursor *rdata)
{
    enum { AFTER_VERSION_BYTES = 15 };
    if (cursor_u8(rdata))
        take_rest(rdata);
    else
        cursor_bytes(rdata, AFTER_VERSION_BYTES);
}

/* RFC 4025 section 2.1. */
static void take_gateway(struct cursor *rdata)
{
    uint8_t kind = cursor_u8(rdata);
    cursor_u8(rdata); /* the key's algorithm */
    switch (kind) {
    case 0:
        break;
    case 1:
        cursor_bytes(rdata, 4);
        break;
    case 2:
        cursor_bytes(rdata, 16);
        break;
    case 3:
        take_plain_name(rdata);
        break;
    default:
        take_rest(rdata);
    }
}

/* RFC 8005 section 5: the lengths of a tag and of a key, these, and then rendezvous servers. */
static void take_host_identity(struct cursor *rdata)
{
    uint8_t tag = cursor_u8(rdata);
    cursor_u8(rdata); /* the key's algorithm */
    uint16_t key = cursor_u16(rdata);
    expect(rdata, tag && key);
    cursor_bytes(rdata, (size_t)tag + key);
}

static void take_service(struct cursor *rdata)
{
    struct dns_svcb svcb;
    expect(rdata, dns_svcb_parse(*rdata, &svcb) == ST_OK);
    take_rest(rdata);
}

static void take_field(struct cursor *rdata, char kind)
{
    switch (kind) {
    case 'n':
        take_plain_name(rdata);
        break;
    case 'N':
        while (!rdata->failed && cursor_left(rdata))
            take_plain_name(rdata);
        break;
    case 's':
    case 'k':
        take_string(rdata, kind == 'k');
        break;
    case 'S':
        do
            take_string(rdata, false);
        while (!rdata->failed && cursor_left(rdata));
        break;
    case 'b':
    case 'B':
        expect(rdata, kind == 'b' || cursor_left(rdata));
        take_bitmap(rdata);
        break;
    case 'r':
    case 'R':
        expect(rdata, kind == 'r' || cursor_left(rdata));
        take_rest(rdata);
        break;
    case 'd':
    case 'D':
        take_digest(rdata, kind == 'D');
        break;
    case 'l':
        take_location(rdata);
        break;
    case 'g':
        take_gateway(rdata);
        break;
    case 'h':
        take_host_identity(rdata);
        break;
    case 'v':
        take_service(rdata);
        break;
    default:
        cursor_bytes(rdata, (size_t)(kind - '0'));
    }
}

/* Of types that nobody knows: bytes (RFC 3597). */
static const char *form_of(uint16_t type, bool internet)
{
    const char *form = type < sizeof forms / sizeof forms[0] ? forms[type] : NULL;
    if (!form || (*form == '@' && !internet))
        return "r";
    return *form == '@' ? form + 1 : form;
}

bool dns_rdata_fits(struct cursor rdata, uint16_t type, uint16_t class)
{
    struct dname name;
    for (const char *kind = form_of(type, class == DNS_CLASS_IN); *kind && !rdata.failed; kind++)
        if (*kind == 'c')
            take_name(&rdata, &name);
        else
            take_field(&rdata, *kind);
    return !rdata.failed && !cursor_left(&rdata);
}

void dns_rdata_expand(struct cursor rdata, uint16_t type, struct wire *wire)
{
    for (const char *kind = form_of(type, true); *kind && !rdata.failed; kind++) {
        const uint8_t *from = rdata.at;
        struct dname name;
        if (*kind != 'c') {
            take_field(&rdata, *kind);
            wire_bytes(wire, from, (size_t)(rdata.at - from));
            continue;
        }
        take_name(&rdata, &name);
        if (!rdata.failed)
            wire_bytes(wire, name.wire, name.length);
    }
    wire->failed = wire->failed || rdata.failed || cursor_left(&rdata);
}

bool dns_rdata_options_fit(struct cursor rdata)
{
    while (!rdata.failed && cursor_left(&rdata)) {
        cursor_u16(&rdata); /* code */
        cursor_bytes(&rdata, cursor_u16(&rdata));
    }
    return !rdata.failed;
}
