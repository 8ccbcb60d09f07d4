/* What lists say of themselves in their comments. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* "# Number of entries: 1,234", "# END 28 entries", "! Domains: 7355" and the like: how many entries it has. */
bool banner_count(struct str comment, uint64_t *count);
/* "This list has been deprecated" and the like. */
bool banner_says_end(struct str comment);
