/* DNS messages (RFC 1035 section 4, EDNS of RFC 6891), parsed strictly and built with care for size.
 *
 * Nothing is allocated: a parsed message is offsets into the packet. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/cursor.h"
#include "base/dname.h"
#include "base/status.h"
#include "base/text.h"

enum {
    DNS_HEADER_BYTES = 12,
    DNS_UDP_LIMIT = 1232, /* what we send at most by UDP; flag day 2020, RFC 9715 */
    DNS_UDP_LIMIT_PLAIN = 512,
    DNS_MESSAGE_MAX = 65535,
    DNS_MAX_RECORDS = 2048, /* in one message we are willing to look at */
};

enum dns_type {
    DNS_TYPE_A = 1,
    DNS_TYPE_NS = 2,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_SOA = 6,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_MX = 15,
    DNS_TYPE_TXT = 16,
    DNS_TYPE_SIG = 24,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_SRV = 33,
    DNS_TYPE_DNAME = 39,
    DNS_TYPE_OPT = 41,
    DNS_TYPE_DS = 43,
    DNS_TYPE_RRSIG = 46,
    DNS_TYPE_NSEC = 47,
    DNS_TYPE_NSEC3 = 50,
    DNS_TYPE_SVCB = 64,
    DNS_TYPE_HTTPS = 65,
    DNS_TYPE_NXNAME = 128,
    DNS_TYPE_TKEY = 249,
    DNS_TYPE_TSIG = 250,
    DNS_TYPE_IXFR = 251,
    DNS_TYPE_AXFR = 252,
    DNS_TYPE_MAILB = 253,
    DNS_TYPE_MAILA = 254,
    DNS_TYPE_ANY = 255,
};
enum dns_class { DNS_CLASS_IN = 1, DNS_CLASS_CH = 3, DNS_CLASS_NONE = 254, DNS_CLASS_ANY = 255 };
enum dns_opcode { DNS_OPCODE_QUERY = 0, DNS_OPCODE_NOTIFY = 4, DNS_OPCODE_UPDATE = 5 };
enum dns_rcode {
    DNS_RCODE_NOERROR = 0,
    DNS_RCODE_FORMERR = 1,
    DNS_RCODE_SERVFAIL = 2,
    DNS_RCODE_NXDOMAIN = 3,
    DNS_RCODE_NOTIMP = 4,
    DNS_RCODE_REFUSED = 5,
    DNS_RCODE_YXDOMAIN = 6,
    DNS_RCODE_NOTAUTH = 9,
    DNS_RCODE_BADVERS = 16,
    DNS_RCODE_BADCOOKIE = 23, /* RFC 7873 section 8 */
};
enum dns_flag { /* bits of the header's second word */
                DNS_FLAG_QR = 0x8000,
                DNS_FLAG_AA = 0x0400,
                DNS_FLAG_TC = 0x0200,
                DNS_FLAG_RD = 0x0100,
                DNS_FLAG_RA = 0x0080,
                DNS_FLAG_AD = 0x0020,
                DNS_FLAG_CD = 0x0010,
};
enum dns_ede { /* RFC 8914 section 4 and IANA's registry */
               DNS_EDE_OTHER = 0,
               DNS_EDE_STALE_ANSWER = 3,
               DNS_EDE_BOGUS = 6,
               DNS_EDE_NSEC_MISSING = 12, /* the last that tells of a failed validation */
               DNS_EDE_NOT_READY = 14,
               DNS_EDE_BLOCKED = 15,
               DNS_EDE_CENSORED = 16,
               DNS_EDE_FILTERED = 17,
               DNS_EDE_PROHIBITED = 18,
               DNS_EDE_STALE_NXDOMAIN = 19,
               DNS_EDE_NOT_AUTHORITATIVE = 20,
               DNS_EDE_NOT_SUPPORTED = 21,
               DNS_EDE_NO_REACHABLE_AUTHORITY = 22,
               DNS_EDE_NETWORK_ERROR = 23,
               DNS_EDE_INVALID_DATA = 24,
};
enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL };

struct dns_header {
    uint16_t id, flags; /* flags with opcode and rcode */
    uint16_t qdcount, ancount, nscount, arcount;
};

struct dns_question {
    struct dname name; /* case as sent */
    uint16_t type, class;
};

struct dns_edns {
    bool present;
    uint8_t version, extended_rcode;
    uint16_t udp_size; /* as sent */
    bool dnssec_ok;
    bool structured;    /* reasons are wanted as JSON: an option for them, or an extended error in a query */
    struct str options; /* the OPT record's rdata, well-formed */
};

/* A query or response whose header, question and, for responses, all records were walked. */
struct dns_message {
    struct dns_header header;
    struct dns_question question;
    size_t question_end; /* offset past the question; 0 when it was not read */
    struct dns_edns edns;
    size_t records_end; /* offset past the last record; what follows is trailing junk */
    bool is_signed;     /* a request: it has a TSIG or SIG(0) */
};

uint16_t dns_header_opcode(const struct dns_header *header);
uint16_t dns_header_rcode(const struct dns_header *header); /* the header's four bits */

/* The header alone; ST_TRUNCATED under 12 bytes. */
enum status dns_header_parse(const uint8_t *packet, size_t n, struct dns_header *header) MUST_CHECK;

/* A name at CURSOR, compressed or not (RFC 1035 section 4.1.4), in a packet that starts at cursor->start. Pointers must
 * go strictly back, to labels that end before the name; loops, labels of other kinds, over 255 bytes: ST_INVALID. The
 * cursor is left past the name. */
enum status dns_name_parse(struct cursor *cursor, struct dname *name) MUST_CHECK;

/* A query. ST_INVALID is a FORMERR: QDCOUNT other than 1, records in answer or authority (but one in IXFR's
 * authority, RFC 1995 section 3), a bad question name (compressed too), an OPT that breaks RFC 6891 section 6.1.1, a
 * TSIG/SIG(0) that is not last or not whole, counts that do not fit. header is set also then, and question when it was
 * read whole (question_end is not 0). ST_TRUNCATED: no header, so nothing to answer. Does not judge QR, opcode, class
 * or type: a caller must look at QR, since a reply is never answered, and at the opcode before it believes a FORMERR.
 * Trailing bytes are allowed and ignored. */
enum status dns_query_parse(const uint8_t *packet, size_t n, struct dns_message *message) MUST_CHECK;

/* As dns_query_parse(), but without a question: a query for a cookie (RFC 7873 section 5.4). */
enum status dns_cookie_request_parse(const uint8_t *packet, size_t n, struct dns_message *message) MUST_CHECK;

/* A response: QR set, opcode QUERY, exactly one question, every record walked, names and the rdata of the types that
 * hold names or have a fixed size checked (A 4, AAAA 16, SOA, MX, SRV, SVCB with its parameters...; other types and
 * classes are opaque), at most one OPT, no bytes after the end. ST_TRUNCATED: no header; all else is ST_INVALID. */
enum status dns_response_parse(const uint8_t *packet, size_t n, struct dns_message *message) MUST_CHECK;

/* One message of a zone transfer: as dns_response_parse(), but the question may be missing (RFC 5936 section 2.2.1;
 * question.name then has no length) and there may be as many records as fit. */
enum status dns_transfer_parse(const uint8_t *packet, size_t n, struct dns_message *message) MUST_CHECK;

/* A NOTIFY request (RFC 1996 section 3): as dns_query_parse(), but a record may stand in the answer. */
enum status dns_notify_parse(const uint8_t *packet, size_t n, struct dns_message *message) MUST_CHECK;

/* Walks the records of a message that dns_response_parse() or dns_transfer_parse() took. */
struct dns_record {
    enum dns_section section;
    struct dname owner;
    uint16_t type, class;
    uint32_t ttl;
    size_t ttl_offset;   /* in the packet, for patching */
    size_t rdata_offset; /* in the packet: names in rdata may be compressed */
    size_t rdata_length;
};
struct dns_walk {
    struct cursor cursor;
    unsigned left[3];
};
struct dns_walk dns_walk_start(const uint8_t *packet, size_t n, const struct dns_message *message);
bool dns_walk_next(struct dns_walk *walk, struct dns_record *record); /* false at the end */

/* Building. A message under construction; counts are kept and written by dns_build_finish(). */
struct dns_build {
    struct wire wire;
    struct dns_header header;
};
/* Starts a response to QUERY (which may have failed to parse after its header): copies id, opcode, RD and CD, sets QR
 * and RA, and writes the question (bytes as the client sent them) when it was read. SIZE bounds the message. */
struct dns_build dns_build_response(void *memory, size_t size, const struct dns_message *query, unsigned rcode);
/* Starts a query of one question with RD set. */
struct dns_build dns_build_query(void *memory, size_t size, uint16_t id, const struct dns_question *question,
                                 uint16_t flags);
/* A record owned by the question's name, which must have been written. Records are added in the order of sections. */
void dns_build_own_record(struct dns_build *build, enum dns_section section, uint16_t type, uint32_t ttl,
                          const void *rdata, size_t rdata_length);
/* A record with any owner, uncompressed. */
void dns_build_record(struct dns_build *build, enum dns_section section, const struct dname *owner, uint16_t type,
                      uint32_t ttl, const void *rdata, size_t rdata_length);
/* An OPT record; EDE_CODE -1 for none. EDE_TEXT is UTF-8, cut to fit on a character's edge; an EDE that does not fit
 * without text is left out (RFC 8914 section 3). RCODE's upper bits go here. */
void dns_build_opt(struct dns_build *build, uint16_t udp_size, bool dnssec_ok, unsigned rcode, int ede_code,
                   struct str ede_text);
/* Bytes of the message, or 0 when something did not fit. */
size_t dns_build_finish(struct dns_build *build);

/* Cuts a response to at most LIMIT bytes (at least DNS_HEADER_BYTES): whole RRsets from the end go, OPT and question
 * stay as long as they fit. TC is set unless only additional records went (RFC 2181 section 9). Returns the new length.
 * The packet should be one that dns_response_parse() takes: of any other that is too long the header is left. */
size_t dns_truncate(uint8_t *packet, size_t n, size_t limit);
