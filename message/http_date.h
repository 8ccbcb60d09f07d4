/* Dates as HTTP has them. */
#pragma once

#include <stdint.h>

enum { HTTP_DATE_SIZE = 32 };

/* IMF-fixdate (RFC 9110 section 5.6.7), whatever the locale: "Sun, 06 Nov 1994 08:49:37 GMT". WALL_MS since 1970, UTC,
 * as of clock_wall_ms(). */
void http_date_format(int64_t wall_ms, char out[HTTP_DATE_SIZE]);
