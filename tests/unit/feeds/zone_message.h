/* Messages of a zone transfer, put together record by record. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "message/dns_message.h"

enum { REPLY_ID = 0x1234 };

struct reply {
    uint8_t bytes[66000];
    struct dns_build build;
};

static inline struct dname name_of(const char *text)
{
    struct dname name;
    if (dname_from_text(str_of(text), &name) != ST_OK)
        abort();
    return name;
}

/* TYPE 0: without a question. */
static inline void reply_start(struct reply *reply, const char *zone, uint16_t type)
{
    struct dns_question question = {.name = name_of(zone), .type = type, .class = DNS_CLASS_IN};
    if (type) {
        reply->build = dns_build_query(reply->bytes, sizeof reply->bytes, REPLY_ID, &question, 0);
    } else {
        static const uint8_t room[DNS_HEADER_BYTES];
        reply->build =
            (struct dns_build){.wire = wire_into(reply->bytes, sizeof reply->bytes), .header = {.id = REPLY_ID}};
        wire_bytes(&reply->build.wire, room, sizeof room);
    }
    reply->build.header.flags = DNS_FLAG_QR | DNS_FLAG_AA;
}

static inline void reply_add(struct reply *reply, const char *owner, uint16_t type, const void *rdata, size_t n)
{
    struct dname name = name_of(owner);
    dns_build_record(&reply->build, DNS_ANSWER, &name, type, 60, rdata, n);
}

static inline void reply_soa(struct reply *reply, const char *zone, uint32_t serial)
{
    uint8_t rdata[64];
    struct wire wire = wire_into(rdata, sizeof rdata);
    wire_bytes(&wire, "\2ns\0\4host\0", 10);
    wire_u32(&wire, serial);
    wire_u32(&wire, 3600); /* refresh */
    wire_u32(&wire, 600);  /* retry */
    wire_u32(&wire, 86400);
    wire_u32(&wire, 30);
    reply_add(reply, zone, DNS_TYPE_SOA, rdata, wire_length(&wire));
}

/* A CNAME to the root, which is what a policy zone is made of. */
static inline void reply_rule(struct reply *reply, const char *owner)
{
    reply_add(reply, owner, DNS_TYPE_CNAME, "", 1);
}

/* The length; the bytes are in reply->bytes. */
static inline size_t reply_finish(struct reply *reply)
{
    size_t n = dns_build_finish(&reply->build);
    if (!n)
        abort();
    return n;
}
