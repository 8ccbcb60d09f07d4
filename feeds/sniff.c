#include "feeds/sniff.h"

#include <string.h>

static const struct {
    struct str magic;
    const char *what;
} magics[] = {
    {{"\xff\xfe", 2}, "it is UTF-16 text: convert it to UTF-8 first"},
    {{"\xfe\xff", 2}, "it is UTF-16 text: convert it to UTF-8 first"},
};

const char *sniff_refusal(struct str sample, const char *also)
{
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
        if (str_starts(sample, magics[i].magic))
            return magics[i].what;
    size_t at = 0;
    while (at < sample.length && strchr(" \t\r\n", sample.data[at]) && sample.data[at])
        at++;
    char first = at < sample.length ? sample.data[at] : '#';
    if (!first || strchr(also ? also : "", first))
        return NULL;
    if (first == '<')
        return "it is a web page, not a feed";
    return first == '{' ? "it is JSON where a text list is due" : NULL;
}
