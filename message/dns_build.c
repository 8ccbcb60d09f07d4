#include <string.h>

#include "base/check.h"
#include "message/dns_message.h"

enum {
    QUESTION_POINTER = 0xc000 | DNS_HEADER_BYTES,
    OPT_FIXED_BYTES = 11, /* root, type, class, TTL, length */
    OPTION_EDE = 15,      /* RFC 8914 section 2 */
    EDE_FIXED_BYTES = 6,  /* code, length, info-code */
    OPT_DO = 0x8000,      /* in the TTL */
};

static struct dns_build start(void *memory, size_t size, struct dns_header header, const struct dns_question *question)
{
    static const uint8_t room[DNS_HEADER_BYTES];
    struct dns_build build = {.wire = wire_into(memory, size), .header = header};
    wire_bytes(&build.wire, room, sizeof room);
    if (!question)
        return build;
    wire_bytes(&build.wire, question->name.wire, question->name.length);
    wire_u16(&build.wire, question->type);
    wire_u16(&build.wire, question->class);
    build.header.qdcount = 1;
    return build;
}

struct dns_build dns_build_response(void *memory, size_t size, const struct dns_message *query, unsigned rcode)
{
    struct dns_header header = {.id = query->header.id};
    uint16_t opcode = (uint16_t)(dns_header_opcode(&query->header) << 11);
    uint16_t kept = query->header.flags & (DNS_FLAG_RD | DNS_FLAG_CD);
    header.flags = (uint16_t)(DNS_FLAG_QR | DNS_FLAG_RA | opcode | kept | (rcode & 15));
    return start(memory, size, header, query->question_end ? &query->question : NULL);
}

struct dns_build dns_build_query(void *memory, size_t size, uint16_t id, const struct dns_question *question,
                                 uint16_t flags)
{
    struct dns_header header = {.id = id, .flags = flags | DNS_FLAG_RD};
    return start(memory, size, header, question);
}

static void count_record(struct dns_header *header, enum dns_section section)
{
    switch (section) {
    case DNS_ANSWER:
        CHECK(!header->nscount && !header->arcount);
        header->ancount++;
        break;
    case DNS_AUTHORITY:
        CHECK(!header->arcount);
        header->nscount++;
        break;
    case DNS_ADDITIONAL:
        header->arcount++;
        break;
    }
}

static void add_after_owner(struct dns_build *build, enum dns_section section, uint16_t type, uint32_t ttl,
                            const void *rdata, size_t rdata_length)
{
    if (rdata_length > UINT16_MAX)
        build->wire.failed = true;
    wire_u16(&build->wire, type);
    wire_u16(&build->wire, DNS_CLASS_IN);
    wire_u32(&build->wire, ttl);
    wire_u16(&build->wire, (uint16_t)rdata_length);
    wire_bytes(&build->wire, rdata, rdata_length);
    count_record(&build->header, section);
}

void dns_build_own_record(struct dns_build *build, enum dns_section section, uint16_t type, uint32_t ttl,
                          const void *rdata, size_t rdata_length)
{
    CHECK(build->header.qdcount == 1);
    wire_u16(&build->wire, QUESTION_POINTER);
    add_after_owner(build, section, type, ttl, rdata, rdata_length);
}

void dns_build_record(struct dns_build *build, enum dns_section section, const struct dname *owner, uint16_t type,
                      uint32_t ttl, const void *rdata, size_t rdata_length)
{
    wire_bytes(&build->wire, owner->wire, owner->length);
    add_after_owner(build, section, type, ttl, rdata, rdata_length);
}

/* TEXT cut to at most N bytes, not inside a UTF-8 character. */
static struct str cut_text(struct str text, size_t n)
{
    if (text.length <= n)
        return text;
    while (n && ((unsigned char)text.data[n] & 0xc0) == 0x80)
        n--;
    return (struct str){text.data, n};
}

void dns_build_opt(struct dns_build *build, uint16_t udp_size, bool dnssec_ok, unsigned rcode, int ede_code,
                   struct str ede_text)
{
    struct wire *wire = &build->wire;
    size_t room = (size_t)(wire->end - wire->at);
    if (room > OPT_FIXED_BYTES + UINT16_MAX)
        room = OPT_FIXED_BYTES + UINT16_MAX;
    bool has_ede = ede_code >= 0 && room >= OPT_FIXED_BYTES + EDE_FIXED_BYTES;
    if (has_ede)
        ede_text = cut_text(ede_text, room - OPT_FIXED_BYTES - EDE_FIXED_BYTES);

    wire_u8(wire, 0); /* the root */
    wire_u16(wire, DNS_TYPE_OPT);
    wire_u16(wire, udp_size);
    wire_u32(wire, (uint32_t)(rcode >> 4 & 0xff) << 24 | (dnssec_ok ? OPT_DO : 0));
    wire_u16(wire, has_ede ? (uint16_t)(EDE_FIXED_BYTES + ede_text.length) : 0);
    if (has_ede) {
        wire_u16(wire, OPTION_EDE);
        wire_u16(wire, (uint16_t)(2 + ede_text.length));
        wire_u16(wire, (uint16_t)ede_code);
        wire_bytes(wire, ede_text.data, ede_text.length);
    }
    count_record(&build->header, DNS_ADDITIONAL);
}

size_t dns_build_finish(struct dns_build *build)
{
    struct wire *wire = &build->wire;
    const struct dns_header *header = &build->header;
    if (wire->failed)
        return 0;
    wire_patch_u16(wire, 0, header->id);
    wire_patch_u16(wire, 2, header->flags);
    wire_patch_u16(wire, 4, header->qdcount);
    wire_patch_u16(wire, 6, header->ancount);
    wire_patch_u16(wire, 8, header->nscount);
    wire_patch_u16(wire, 10, header->arcount);
    return wire_length(wire);
}
