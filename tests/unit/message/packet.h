/* DNS packets put together by hand, parsed from memory of their exact size so that a sanitizer sees reads past it. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/dname.h"
#include "message/dns_message.h"

struct packet {
    uint8_t bytes[66000];
    struct wire wire;
    uint8_t *exact; /* the last copy handed to a parser */
};

static inline void packet_start(struct packet *packet, uint16_t flags, unsigned qd, unsigned an, unsigned ns,
                                unsigned ar)
{
    free(packet->exact);
    packet->exact = NULL;
    packet->wire = wire_into(packet->bytes, sizeof packet->bytes);
    const unsigned words[] = {0x1234, flags, qd, an, ns, ar};
    for (size_t i = 0; i < 6; i++)
        wire_u16(&packet->wire, (uint16_t)words[i]);
}

static inline struct dname name_of(const char *text)
{
    struct dname name;
    if (dname_from_text(str_of(text), &name) != ST_OK)
        abort();
    return name;
}

static inline void packet_name(struct packet *packet, const char *text)
{
    struct dname name = name_of(text);
    wire_bytes(&packet->wire, name.wire, name.length);
}

static inline void packet_question(struct packet *packet, const char *name, uint16_t type)
{
    packet_name(packet, name);
    wire_u16(&packet->wire, type);
    wire_u16(&packet->wire, DNS_CLASS_IN);
}

/* The record's rest after its owner. */
static inline void packet_data(struct packet *packet, uint16_t type, uint16_t class, uint32_t ttl, const void *rdata,
                               size_t n)
{
    wire_u16(&packet->wire, type);
    wire_u16(&packet->wire, class);
    wire_u32(&packet->wire, ttl);
    wire_u16(&packet->wire, (uint16_t)n);
    wire_bytes(&packet->wire, rdata, n);
}

/* A record owned by the question's name. */
static inline void packet_record(struct packet *packet, uint16_t type, const void *rdata, size_t n)
{
    wire_u16(&packet->wire, 0xc00c);
    packet_data(packet, type, DNS_CLASS_IN, 300, rdata, n);
}

static inline void packet_opt(struct packet *packet, uint16_t udp_size, uint32_t ttl, const void *options, size_t n)
{
    wire_u8(&packet->wire, 0);
    packet_data(packet, DNS_TYPE_OPT, udp_size, ttl, options, n);
}

static inline size_t packet_length(const struct packet *packet)
{
    return wire_length(&packet->wire);
}

static inline const uint8_t *packet_exact(struct packet *packet)
{
    size_t n = packet_length(packet);
    free(packet->exact);
    packet->exact = malloc(n ? n : 1);
    if (!packet->exact)
        abort();
    memcpy(packet->exact, packet->bytes, n);
    return packet->exact;
}

static inline enum status packet_parse_query(struct packet *packet, struct dns_message *message)
{
    return dns_query_parse(packet_exact(packet), packet_length(packet), message);
}

static inline enum status packet_parse_response(struct packet *packet, struct dns_message *message)
{
    return dns_response_parse(packet_exact(packet), packet_length(packet), message);
}

static inline int packet_free(void **state)
{
    struct packet *packet = *state;
    free(packet->exact);
    free(packet);
    return 0;
}

static inline int packet_new(void **state)
{
    *state = calloc(1, sizeof(struct packet));
    return !*state;
}

#define packet_test(function) cmocka_unit_test_setup_teardown(function, packet_new, packet_free)
