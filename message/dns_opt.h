/* Options of EDNS (RFC 6891 section 6.1.2): found in a query, added to a finished answer. What is of our own making is
 * not parsed again: names and rdata are skipped. */
#pragma once

#include "message/dns_message.h"

enum dns_option {
    DNS_OPTION_COOKIE = 10,    /* RFC 7873 */
    DNS_OPTION_KEEPALIVE = 11, /* RFC 7828 */
    DNS_OPTION_PADDING = 12,   /* RFC 7830 */
};
enum { DNS_OPT_FIXED_BYTES = 11, DNS_OPTION_HEAD_BYTES = 4 };

/* The data of the first option CODE in OPTIONS (an OPT record's rdata, well-formed); false: there is none. */
bool dns_option_find(struct str options, uint16_t code, struct str *data);

/* The offset of the OPT record that ends a message. ST_NOT_FOUND: the last record is no OPT, or something follows it.
 */
enum status dns_opt_find(const uint8_t *packet, size_t n, size_t *offset) MUST_CHECK;

/* Adds an option of LENGTH bytes to the OPT record at OFFSET, which ends the message of N bytes. DATA: NULL for zeros.
 * Returns the new length; N when it does not fit into SIZE. */
size_t dns_opt_add(uint8_t *packet, size_t n, size_t size, size_t offset, uint16_t code, const void *data,
                   size_t length);

/* How long an answer may be kept by who cannot look into it: its least TTL (RFC 8484 section 5.1), where it has no
 * answers that of its SOA; 0 where there is neither. */
uint32_t dns_least_ttl_s(const uint8_t *packet, size_t n);
