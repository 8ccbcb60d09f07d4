/* Policies of browsers: which browsers a system has, and where their policies stand. Chromium and its kin read a folder
 * of files, Firefox one file, which is shared with others. ROOT stands before all paths. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/status.h"
#include "base/text.h"

enum { BROWSER_CHROMIUMS = 4 };

#define FIREFOX_POLICIES "/etc/firefox/policies/policies.json"

const char *chromium_settings(size_t index); /* "/etc/chromium": its files are in policies/managed below */
bool chromium_is_there(const char *root, size_t index);
bool firefox_is_there(const char *root);

/* The text of FIREFOX_POLICIES; an empty one is an empty object. NULL with a fault, without the path: it is nothing
 * that can be added to. */
json_t *firefox_policies_parse(struct str text, struct fault *fault);
/* OBJECT's member KEY, made by MAKE where it has none. */
json_t *json_member(json_t *object, const char *key, json_t *(*make)(void));
