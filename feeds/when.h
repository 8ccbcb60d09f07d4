/* Points in time as feeds write them. */
#pragma once

#include <stdint.h>

#include "base/text.h"

/* Seconds since 1970 of "2024-04-04", "2024-04-04 07:03:03", "2024/04/04 07:03:03 UTC", "2024-04-04T07:03:03.5Z",
 * "...+02:00", "20240404", "20240404070303", "Thu, 04 Apr 2024 07:03:03 GMT", "Apr 4, 2024", or of a number of seconds
 * or, of 13 digits, milliseconds; 0: none of these. Without a zone it is UTC. "4/4/2024" is no one's day. */
uint32_t when_parse(struct str text);
