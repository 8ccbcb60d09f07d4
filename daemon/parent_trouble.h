/* What the parent proxy does not do: told in the log where it begins and ends, and in the status as long as it lasts.
 */
#pragma once

#include "proxy/parent_watch.h"

/* "cannot be reached", ...: what a person wants to know first of a parent with such TROUBLE. */
const char *parent_trouble_text(enum origin_result trouble);
/* Control thread, often: looks at WATCH (NULL: there is no parent). TOLD is what was told last, ORIGIN_CONNECTED at
 * first; URL what the parent is called in the configuration. */
void parent_trouble_step(struct parent_watch *watch, const char *url, enum origin_result *told);
