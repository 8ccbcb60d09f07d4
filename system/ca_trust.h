/* Has a machine trust the authority, and takes that back: the system's store, databases of NSS, policies of browsers.
 * All of it may be done again without harm; what others have put there stays. */
#pragma once

#include <stdio.h>
#include <sys/types.h>

#include "net/authority.h"

struct ca_trust {
    const char *root; /* before all paths; "" is this machine */
    struct str pem;
    const struct authority_facts *facts;
    bool dry_run; /* say, and change nothing */
    FILE *out;    /* a line for each change; NULL: none */
    unsigned failed;
};

void ca_trust_install(struct ca_trust *trust);
void ca_trust_remove(struct ca_trust *trust);
/* Appends the places where the certificate is trusted, a line each. */
void ca_trust_places(struct ca_trust *trust, struct buf *places);

/* For ca_trust*.c. */

enum trust_change { TRUST_INSTALL, TRUST_REMOVE, TRUST_LOOK };

/* PATH with the root before it, in OUT; false: too long. */
bool ca_trust_path(const struct ca_trust *trust, const char *path, char *out, size_t size) MUST_CHECK;
bool ca_trust_has(const struct ca_trust *trust, const char *path);
/* Whether CHANGE is to be done at PLACE; says so. */
bool ca_trust_begin(struct ca_trust *trust, enum trust_change change, const char *place);
void ca_trust_failed(struct ca_trust *trust, const char *place, const struct fault *fault);
/* Where the system's store has the certificate, without the root. */
void ca_trust_system_file(const struct ca_trust *trust, char *out, size_t size);
/* Runs a program with INPUT at its standard input and nothing at its outputs, as USER and GROUP where we are root; its
 * exit code, or -1. */
int ca_trust_run(const char *const argv[], struct str input, uid_t user, gid_t group);

/* PLACES is for TRUST_LOOK alone. */
void ca_trust_nss(struct ca_trust *trust, enum trust_change change, struct buf *places);
void ca_trust_policies(struct ca_trust *trust, enum trust_change change, struct buf *places);
