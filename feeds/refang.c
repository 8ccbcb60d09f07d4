#include "feeds/refang.h"

#include <string.h>

static const struct {
    struct str from, to;
} replacements[] = {
    {{"[.]", 3}, {".", 1}}, {{"(.)", 3}, {".", 1}},     {{"[dot]", 5}, {".", 1}},
    {{"[:]", 3}, {":", 1}}, {{"[://]", 5}, {"://", 3}}, {{"[at]", 4}, {"@", 1}},
};

static bool starts_nocase(struct str text, struct str prefix)
{
    return text.length >= prefix.length && str_eq_nocase((struct str){text.data, prefix.length}, prefix);
}

/* Of replacements[]; -1: none. */
static int replacement_for(struct str text)
{
    for (size_t i = 0; i < sizeof replacements / sizeof replacements[0]; i++)
        if (starts_nocase(text, replacements[i].from))
            return (int)i;
    return -1;
}

struct str refang(struct str text, char *out, size_t size)
{
    bool hxxp = starts_nocase(text, STR("hxxp"));
    size_t at = hxxp ? 4 : 0, n = at;
    if (!text.length || text.length > size ||
        (!hxxp && !memchr(text.data, '[', text.length) && !memchr(text.data, '(', text.length)))
        return text;
    memcpy(out, "http", at);
    while (at < text.length) {
        int i = replacement_for(str_from(text, at));
        if (i >= 0) {
            memcpy(out + n, replacements[i].to.data, replacements[i].to.length);
            n += replacements[i].to.length;
            at += replacements[i].from.length;
        } else {
            out[n++] = text.data[at++];
        }
    }
    return (struct str){out, n};
}
