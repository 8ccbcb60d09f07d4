/* Tags that people put on indicators: most say what kind of file it is, some which malware. */
#pragma once

#include <stdbool.h>

#include "base/text.h"

/* False: the tag is none that names a malware family: a file type, an architecture, a colour of the traffic light. */
bool tag_is_family(struct str tag);
/* What people write where there is nothing to write: "None", "n/a", "unknown", nothing. */
bool tag_is_none(struct str tag);
/* The first of comma-separated TAGS that is a family; empty: none. */
struct str tags_family(struct str tags);
