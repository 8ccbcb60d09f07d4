/* Names below which anyone may have a name of their own. */
#pragma once

#include "base/dname.h"

/* Of the registries: "com", "co.uk"; also a name of one label that no list knows. PRIVATE_TOO: of companies as well:
 * "github.io". NAME in lower case, A-labels. Any thread. */
bool public_suffix_is(const struct dname *name, bool private_too);
