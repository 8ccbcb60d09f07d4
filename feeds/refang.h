/* Indicators that were made harmless for people to click on: "hxxps[:]//evil[.]example". */
#pragma once

#include <stddef.h>

#include "base/text.h"

/* Makes TEXT whole again, into OUT of SIZE bytes where it changes. What does not fit is left as it is. */
struct str refang(struct str text, char *out, size_t size);
