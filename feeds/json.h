/* Reading JSON documents of feeds. */
#pragma once

#include <jansson.h>

#include "feeds/intake.h"

/* Views into OBJECT; empty where KEY is missing or no string. */
struct str json_text(const json_t *object, const char *key);
/* {} or []. */
bool json_is_empty(const json_t *root);
/* Tags: a string of several, or a list of strings or of objects with a "name". */
void json_tags(struct intake *intake, const json_t *tags);
/* true, 1 or "1", "true". */
bool json_is_yes(const json_t *object, const char *key);
/* A number, or a string with one. False: neither, or over MAX. */
bool json_number(const json_t *object, const char *key, uint64_t max, uint64_t *value);
/* A point in time: text as when_parse() takes it, or a number of seconds or milliseconds; 0: none. */
uint32_t json_when(const json_t *object, const char *key);

/* The rows of a list: those of ROOT's array MEMBER (may be NULL), of ROOT where it is an array, of the arrays that are
 * ROOT's members (abuse.ch's exports, {"ID": [{...}]}), or ROOT itself. */
void json_rows(struct intake *intake, json_t *root, const char *member,
               void (*take)(struct intake *intake, const json_t *row));
/* The first of them; NULL: there is none. */
const json_t *json_first_row(json_t *root, const char *member);

/* Starts the next entry of a document, shown as TEXT where it is skipped. */
void json_entry(struct intake *intake, struct str text);
