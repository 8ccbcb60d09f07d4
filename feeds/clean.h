/* What feeds say of an indicator, made fit for logs, pages and terminals. */
#pragma once

#include "reputation/record_codec.h"

struct clean_texts {
    char family[RECORD_FAMILY_MAX + 1], tags[RECORD_TAGS_MAX + 1];
};

/* Control bytes and what is no UTF-8 are escaped in RECORD's family and tags, which may point into TEXTS then; a
 * reference with such is left out: it leads nowhere. */
void clean_record(struct record *record, struct clean_texts *texts);

/* Appends TAG to comma-separated tags in TEXTS, where they fit. Those that say nothing (tag_is_none()) are left out. */
void clean_add_tag(struct record *record, struct clean_texts *texts, struct str tag);
