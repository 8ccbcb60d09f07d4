/* A key that a primary knows too (RFC 8945): its name, its algorithm, its secret. */
#pragma once

#include "base/digest.h"
#include "base/dname.h"

enum { TSIG_SECRET_MAX = 256, TSIG_KEY_TEXT_MAX = 4096 };

struct tsig_key {
    struct dname name; /* in lower case, as is the next */
    struct dname algorithm;
    enum hmac_hash hash;
    size_t secret_length;
    uint8_t secret[TSIG_SECRET_MAX];
};

/* One statement as BIND has it in its configuration and tsig-keygen(8) prints it, with comments of its kinds:
 *
 *     key "NAME" { algorithm hmac-sha256; secret "BASE64"; };
 *
 * or, as dig -y takes it, hmac-sha256:NAME:BASE64. hmac-sha256, -sha384 and -sha512 are taken; MD5 and SHA-1 are too
 * weak. ST_INVALID: the fault says what is wrong, and never has the secret. Forget a key with explicit_bzero(). */
enum status tsig_key_parse(struct str text, struct tsig_key *key, struct fault *fault) MUST_CHECK;

/* "hmac-sha256" and so on. */
const char *tsig_hash_text(enum hmac_hash hash);
