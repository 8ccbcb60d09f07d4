/* The texts of the pages in one language: lines of "key: text" in texts/en.txt and texts/ja.txt. Empty lines and lines
 * that start with # are for the translator. */
#pragma once

#include <stdbool.h>

#include "base/text.h"

enum { CATALOGUE_MAX = 256 };

/* Sorted by key; views into the file's text. */
struct catalogue {
    size_t count;
    struct catalogue_entry {
        struct str key, text;
    } entries[CATALOGUE_MAX];
};

/* FILE is ours and stays; more than CATALOGUE_MAX lines are a bug. */
void catalogue_load(struct catalogue *catalogue, struct str file);

/* The text of KEY; false if there is none. An empty text is one. */
bool catalogue_find(const struct catalogue *catalogue, struct str key, struct str *text);
