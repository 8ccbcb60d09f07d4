/* Reasons that a program can read: the text of an extended error as JSON (draft-ietf-dnsop-structured-dns-error). */
#pragma once

#include "dnsfilter/dns_answer.h"

/* The draft's registry of sub-errors. */
enum dns_sub_error {
    DNS_SUB_NONE = 0,
    DNS_SUB_MALWARE = 1,
    DNS_SUB_PHISHING = 2,
    DNS_SUB_SPYWARE = 4,
    DNS_SUB_POLICY = 6, /* of whoever runs this resolver */
};
enum dns_sub_error dns_sub_error_of(enum category category);

enum { DNS_STRUCTURED_MAX = 700 };

/* NOTE's text as the justification in minified JSON, with its sub-error and contact; of more than ROOM bytes the
 * justification and who is responsible are left out. Returns the length in OUT; 0: not even that has room. */
size_t dns_structured_text(const struct dns_note *note, size_t room, char out[DNS_STRUCTURED_MAX]);
