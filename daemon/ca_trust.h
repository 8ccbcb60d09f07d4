/* Who on a machine trusts the authority. ROOT stands before all paths: "" is this machine. */
#pragma once

#include "base/buf.h"
#include "base/text.h"

/* Appends the places where the certificate is trusted, a line each. */
void ca_trust_places(const char *root, struct str pem, struct buf *places);
