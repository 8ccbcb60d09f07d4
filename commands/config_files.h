/* What a start reads besides the configuration, and refuses to start without. */
#pragma once

#include "config/config.h"

/* Looks at all of it, as the user that asks; adds a fault for each file that cannot be taken. NAME stands for the
 * configuration where a fault has no better place. */
void config_files_check(const struct config *config, const char *name, struct config_faults *faults);
