#include "blockpage/catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static int compare(const void *left, const void *right)
{
    const struct str *a = &((const struct catalogue_entry *)left)->key;
    const struct str *b = &((const struct catalogue_entry *)right)->key;
    size_t common = a->length < b->length ? a->length : b->length;
    int order = common ? memcmp(a->data, b->data, common) : 0;
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

void catalogue_load(struct catalogue *catalogue, struct str file)
{
    catalogue->count = 0;
    while (file.length) {
        struct str line = file, key, text;
        if (!str_cut(file, '\n', &line, &file))
            file = (struct str){0};
        if (!line.length || line.data[0] == '#' || !str_cut(line, ':', &key, &text))
            continue;
        CHECK(catalogue->count < CATALOGUE_MAX);
        catalogue->entries[catalogue->count++] = (struct catalogue_entry){key, str_trim(text)};
    }
    qsort(catalogue->entries, catalogue->count, sizeof catalogue->entries[0], compare);
}

bool catalogue_find(const struct catalogue *catalogue, struct str key, struct str *text)
{
    struct catalogue_entry wanted = {.key = key};
    const struct catalogue_entry *found =
        bsearch(&wanted, catalogue->entries, catalogue->count, sizeof catalogue->entries[0], compare);
    if (found)
        *text = found->text;
    return found != NULL;
}
