/* The words for what can be set of a feed. */
#include "feeds/feeds.h"

#include <string.h>

const char *feed_use_text(enum feed_use use)
{
    static const char *const texts[] = {
        [FEED_BLOCKS] = "block", [FEED_MONITORS] = "monitor", [FEED_EXEMPTS] = "allow", [FEED_GUARDS] = "guard"};
    return texts[use];
}

const char *feed_match_text(enum feed_match match)
{
    return match == FEED_MATCH_EXACT ? "exact" : "subtree";
}

const char *feed_retain_text(enum feed_retain retain)
{
    return retain == FEED_RETAIN_WINDOW ? "window" : "snapshot";
}

/* RFC 9110 section 5.6.2: what the name of a field may be; of a query's parameter the same will do. */
static bool is_token(struct str text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!ascii_alpha(text.data[i]) && !ascii_digit(text.data[i]) && !memchr("!#$%&'*+-.^_`|~", text.data[i], 15))
            return false;
    return text.length > 0;
}

bool feed_key_as_valid(struct str text)
{
    struct str way = text, name = {0};
    if (str_eq(text, STR("bearer")) || str_eq(text, STR("basic")))
        return true;
    return str_cut(text, ' ', &way, &name) && (str_eq(way, STR("header")) || str_eq(way, STR("query"))) &&
           is_token(name);
}

const struct feed *feed_find(const struct feed_site *site, const char *name)
{
    for (size_t i = 0; i < site->feed_count; i++)
        if (!strcmp(site->feeds[i].name, name))
            return &site->feeds[i];
    return NULL;
}
