/* The ClientHello that opens a TLS connection: which host the client says it wants, without any decrypting. */
#pragma once

#include <stdbool.h>

#include "base/status.h"
#include "base/text.h"

enum { TLS_HELLO_MAX_BYTES = 16384, TLS_SNI_SIZE = 256 };

struct tls_hello {
    char sni[TLS_SNI_SIZE]; /* host name as sent, of printable ASCII without blanks; empty: none */
    /* The extension of Encrypted Client Hello is there and well-formed: the true hello may be inside it and sni a cover
     * name, or it is there for practice alone, which looks the same (RFC 9849 sections 5, 6.2). */
    bool has_ech;
    size_t missing_bytes; /* with ST_TRUNCATED: to parse again is of no use before so many more have come; at least 1 */
};

/* Parses the bytes that a client sent first, records and all (RFC 8446 sections 5.1, 4.1.2, 4.2; RFC 6066 section 3).
 * ST_TRUNCATED until the ClientHello is whole, however it is split over segments and records; nothing is kept between
 * calls. ST_INVALID for what is no ClientHello or breaks its grammar, ST_TOO_LARGE when it would take over
 * TLS_HELLO_MAX_BYTES. */
enum status tls_hello_parse(struct str input, struct tls_hello *hello) MUST_CHECK;
