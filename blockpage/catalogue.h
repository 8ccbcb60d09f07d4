/* The texts of the pages in one language: lines of "key: text" in texts/en.txt and texts/ja.txt. Empty lines and lines
 * that start with # are for the translator. */
#pragma once

#include <stdbool.h>

#include "base/text.h"

/* The text of KEY; false if there is none. An empty text is one. */
bool catalogue_find(struct str catalogue, struct str key, struct str *text);

/* The next "key: text" of *REST, which is taken off it; false at the end. For tests. */
bool catalogue_next(struct str *rest, struct str *key, struct str *text);
