#include "feeds/clean.h"

#include <string.h>

#include "feeds/tags.h"

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] < ' ' || text.data[i] > '~')
            return false;
    return true;
}

/* TEXT, or how it is to be shown, in OUT, cut where that is longer. */
static struct str clean(struct str text, char *out, size_t size)
{
    if (is_plain(text))
        return text;
    char shown[1024];
    text_printable(shown, sizeof shown, text);
    if (str_eq(text, str_of(shown)))
        return text; /* other than ASCII */
    text_printable(out, size, text);
    return str_of(out);
}

void clean_record(struct record *record, struct clean_texts *texts)
{
    char shown[RECORD_REFERENCE_MAX + 1];
    record->family = clean(str_trim(record->family), texts->family, sizeof texts->family);
    if (!is_plain(record->tags)) { /* they may stand in TEXTS already */
        char tags[sizeof texts->tags];
        text_printable(tags, sizeof tags, record->tags);
        text_copy(texts->tags, sizeof texts->tags, str_of(tags));
        record->tags = str_of(texts->tags);
    }
    if (is_plain(record->reference))
        return;
    text_printable(shown, sizeof shown, record->reference);
    if (!str_eq(record->reference, str_of(shown)))
        record->reference = (struct str){0};
}

void clean_add_tag(struct record *record, struct clean_texts *texts, struct str tag)
{
    tag = str_trim(tag);
    size_t used = record->tags.length;
    if (tag_is_none(tag) || used + 1 + tag.length > RECORD_TAGS_MAX)
        return;
    if (used)
        texts->tags[used++] = ',';
    for (size_t i = 0; i < tag.length; i++)
        texts->tags[used++] = tag.data[i] == ',' ? ' ' : tag.data[i];
    record->tags = (struct str){texts->tags, used};
}
