/* What an entry of the user's own is about, in one form however it was written. */
#pragma once

#include "reputation/record.h"

enum { USER_SUBJECT_SIZE = 2048 };

struct user_subject {
    enum indicator_kind kind;
    bool exact;             /* NAME: itself alone */
    struct dname name;      /* NAME; URL: its host where that is a name */
    struct addr addr;       /* URL: its host where that is none */
    struct network network; /* NETWORK */
    uint16_t port;          /* NETWORK: 0: every port */
    /* Reads back to the same: "evil.example", "=evil.example" (exact), "evil.example/a", "evil.example:8080/",
     * "http://192.0.2.1/a", "192.0.2.1", "192.0.2.0/24", "192.0.2.1:443", "[2001:db8::1]:443". */
    char text[USER_SUBJECT_SIZE];
};

/* Takes what people write: a name (also *.NAME, with all below it as well, and in any script), =NAME, NAME:PORT, an
 * http or https URL or one without its scheme, an address, a network, an address with a port. ST_INVALID or
 * ST_TOO_LARGE, with what is wrong. */
enum status user_subject_parse(struct str text, struct user_subject *subject, struct fault *fault) MUST_CHECK;

/* Whether an entry for SUBJECT can be meant as it is. ST_DENIED, with why: it would hold for names or addresses of all
 * and everyone; DENY: or for this machine itself. */
enum status user_subject_check(const struct user_subject *subject, bool deny, struct fault *why) MUST_CHECK;

/* As the store takes it, without the record. Views of SUBJECT and of URL, which is filled where it is one. */
struct indicator user_subject_indicator(const struct user_subject *subject, char url[USER_SUBJECT_SIZE + 8]);
