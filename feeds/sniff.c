#include "feeds/sniff.h"

#include <string.h>

static const struct {
    struct str magic;
    const char *what;
} magics[] = {
    {{"\x1f\x8b", 2}, "it is compressed (gzip): unpack it first"},
    {{"\xfd"
      "7zXZ",
      5},
     "it is compressed (xz): unpack it first"},
    {{"\x28\xb5\x2f\xfd", 4}, "it is compressed (zstd): unpack it first"},
    {{"BZh", 3}, "it is compressed (bzip2): unpack it first"},
    {{"PK\003\004", 4}, "it is a zip archive: unpack it first"},
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
