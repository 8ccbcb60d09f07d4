/* What the objects of STIX 2 say of each other, wherever they stand in a file of several bundles or pages: which
 * version of an object is the newest, and which malware an indicator indicates. */
#pragma once

#include <jansson.h>

#include "base/status.h"
#include "base/text.h"

/* Objects past the first bound are all taken for the newest; past the second, indicators have no family. */
enum { STIX_INDEX_MAX_OBJECTS = 4 * 1000 * 1000, STIX_INDEX_MAX_RELATIONS = 1000 * 1000 };

struct stix_index;

struct stix_index *stix_index_new(void); /* NULL: out of memory */
void stix_index_free(struct stix_index *index);

/* The first reading: each object. */
enum status stix_index_add(struct stix_index *index, const json_t *object) MUST_CHECK;

/* Then: */
/* Whether there is a later version of OBJECT. */
bool stix_index_is_superseded(struct stix_index *index, const json_t *object);
/* The name of the malware, tool, campaign or group that INDICATOR indicates; empty: unknown. */
struct str stix_index_family(const struct stix_index *index, const json_t *indicator);
