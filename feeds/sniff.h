/* What a file is, by how it begins. */
#pragma once

#include "base/text.h"

/* Why a file that begins so can't be a text feed, for people, or NULL. ALSO: characters that it may start with. */
const char *sniff_refusal(struct str sample, const char *also);
