#include "reputation/key_facts.h"

#include <string.h>

static void tell(struct key_facts *facts, const void *key, size_t n, enum filter_fact fact)
{
    if (facts->count < sizeof facts->facts / sizeof *facts->facts) /* always, of a name that was one */
        facts->facts[facts->count++] = (struct key_fact){filter_hash(key, n), fact};
}

static void remember(struct key_facts *facts, struct str key)
{
    facts->last_length = key.length < sizeof facts->last ? key.length : sizeof facts->last;
    memcpy(facts->last, key.data, facts->last_length);
}

/* The ancestors of two labels or more are new where the key before lay under others. */
static void name_facts(struct key_facts *facts, struct str key)
{
    const uint8_t *bytes = (const uint8_t *)key.data;
    size_t same = 0;
    while (same < key.length && same < facts->last_length && bytes[same] == facts->last[same])
        same++;
    tell(facts, bytes, key.length, FILTER_ENTRY);
    unsigned labels = 0;
    for (size_t at = 0; at < key.length;) {
        at += bytes[at] + 1u;
        labels++;
        if (labels == 2 && at > same && at <= key.length) {
            facts->has_root = true;
            facts->root_hash = filter_hash(bytes, at);
        }
        bool known = at <= same && at < facts->last_length;
        if (labels >= 2 && at < key.length && !known)
            tell(facts, bytes, at, FILTER_PARENT);
    }
    remember(facts, key);
}

/* The host's part of a URL key. A label may hold a zero byte, so that it is not searched for. */
static struct str host_of(struct str url_key)
{
    size_t at = 0;
    while (at < url_key.length && url_key.data[at])
        at += (uint8_t)url_key.data[at] + 1u;
    return (struct str){url_key.data, at < url_key.length ? at : url_key.length};
}

static void url_facts(struct key_facts *facts, struct str key)
{
    struct str host = host_of(key);
    if (str_eq(host, (struct str){(const char *)facts->last, facts->last_length}))
        return;
    tell(facts, host.data, host.length, FILTER_URL_HOST);
    remember(facts, host);
}

void key_facts_next(struct key_facts *facts, enum indicator_kind kind, struct str key)
{
    facts->count = 0;
    facts->has_root = false;
    switch (kind) {
    case INDICATOR_NAME:
        name_facts(facts, key);
        break;
    case INDICATOR_URL:
        url_facts(facts, key);
        break;
    case INDICATOR_NETWORK:
        tell(facts, key.data, key.length, FILTER_NETWORK);
        break;
    }
}
