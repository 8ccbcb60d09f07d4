/* Patterns of STIX 2 (OASIS STIX 2.1 part 9), as far as they name single values. */
#pragma once

#include <stdbool.h>

#include "base/text.h"

enum { STIX_VALUE_SIZE = 8192 };

/* One value, a text or a whole number, that an object is compared with for equality, in a list (IN), or as a network
 * (ISSUBSET). */
struct stix_value {
    struct str path; /* "domain-name:value" */
    struct str text; /* unescaped */
    bool combined;   /* the pattern wants something else to hold too: AND, FOLLOWEDBY */
};

/* Calls TAKE for each. False: PATTERN is none, or a value is too long; nothing has been taken then. */
bool stix_pattern_values(struct str pattern, void (*take)(void *user, const struct stix_value *value), void *user);
