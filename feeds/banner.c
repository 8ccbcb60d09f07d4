#include "feeds/banner.h"

#include <string.h>

static struct str without_markers(struct str text)
{
    while (text.length && strchr("#;!/ \t", text.data[0]) && text.data[0])
        text = str_from(text, 1);
    return text;
}

/* The number that TEXT starts with, perhaps with commas between thousands, and a blank or nothing behind it. */
static bool take_number(struct str text, uint64_t *count)
{
    uint64_t number = 0;
    size_t n = 0;
    for (; n < text.length && (ascii_digit(text.data[n]) || (n && text.data[n] == ',')); n++)
        if (text.data[n] != ',')
            number = number * 10 + (uint64_t)(text.data[n] - '0');
    if (!n || n > 15 || (n < text.length && text.data[n] != ' ' && text.data[n] != '\t'))
        return false;
    *count = number;
    return true;
}

bool banner_count(struct str comment, uint64_t *count)
{
    static const struct str keys[] = {
        {"Number of entries", 17},
        {"Number of unique domains", 24},
        {"Number of unique hostnames", 26},
        {"Domains", 7},
        {"Entries", 7},
    };
    struct str text = without_markers(comment), rest;
    if (str_starts(text, STR("END ")))
        return take_number(str_from(text, 4), count);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (!str_starts(text, keys[i]))
            continue;
        rest = str_trim(str_from(text, keys[i].length));
        if (str_starts(rest, STR(":")) && take_number(str_trim(str_from(rest, 1)), count))
            return true;
    }
    return false;
}

bool banner_says_end(struct str comment)
{
    static const char *const words[] = {
        "has been deprecated",        "is deprecated",     "is now deprecated",
        "has been discontinued",      "is discontinued",   "no longer maintained",
        "no longer being maintained", "no longer updated", "no longer being updated",
    };
    char text[256];
    text_copy(text, sizeof text, comment);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasestr(text, words[i]))
            return true;
    return false;
}
