/* JSON that is no list: what services answer instead of one, and what stands beside lists. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* What ROOT seems to be, or says, as the end of a sentence, printable. False: that can't be told. */
bool not_list_explain(json_t *root, char *out, size_t size);
