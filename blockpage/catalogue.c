#include "blockpage/catalogue.h"

bool catalogue_next(struct str *rest, struct str *key, struct str *text)
{
    while (rest->length) {
        struct str line = *rest;
        if (!str_cut(*rest, '\n', &line, rest))
            *rest = (struct str){0};
        if (!line.length || line.data[0] == '#' || !str_cut(line, ':', key, text))
            continue;
        *text = str_trim(*text);
        return true;
    }
    return false;
}

bool catalogue_find(struct str catalogue, struct str key, struct str *text)
{
    struct str found;
    while (catalogue_next(&catalogue, &found, text))
        if (str_eq(found, key))
            return true;
    return false;
}
