/* Points in time as feeds write them. */
#pragma once

#include <stdint.h>

#include "base/text.h"

/* Seconds since 1970 of "2024-04-04", "2024-04-04 07:03:03", "2024-04-04 07:03:03 UTC", "2024-04-04T07:03:03.5Z",
 * "...+02:00", or of a number of seconds; 0: none of these. Without a zone it is UTC. */
uint32_t when_parse(struct str text);
