#include "feeds/entries.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRY_NAME_SIZE = 2 + DNAME_TEXT_SIZE };

void entries_fini(struct entries *entries)
{
    for (size_t i = 0; i < FEED_DUMP_KINDS; i++)
        buf_free(&entries->text[i]);
}

/* Returns the kind; a star stands for what is below a name server's name. */
static enum feed_dump name_text(const struct indicator *indicator, char out[ENTRY_NAME_SIZE])
{
    bool server = indicator->record.trigger == TRIGGER_NS_NAME;
    uint8_t flags = indicator->record.flags;
    size_t star = server && flags & RECORD_BELOW_ONLY ? 2 : 0;
    memcpy(out, "*.", 2);
    dname_to_text(&indicator->name, out + star);
    if (server)
        return FEED_DUMP_NS_NAMES;
    if (indicator->record.types.length)
        return FEED_DUMP_TYPED_NAMES;
    if (flags & RECORD_ALLOW)
        return FEED_DUMP_ALLOW_NAMES;
    if (flags & RECORD_BELOW_ONLY)
        return FEED_DUMP_BELOW_NAMES;
    return flags & RECORD_EXACT ? FEED_DUMP_EXACT_NAMES : FEED_DUMP_NAMES;
}

static enum feed_dump network_text(const struct indicator *indicator, char out[ADDR_TEXT_SIZE])
{
    struct addr addr = {.port = indicator->record.port};
    memcpy(addr.ip, indicator->network.ip, sizeof addr.ip);
    if (addr.port) {
        addr_format(&addr, out);
        return FEED_DUMP_IP_PORTS;
    }
    if (indicator->record.trigger != TRIGGER_SUBJECT) {
        network_format(&indicator->network, out);
        return indicator->record.trigger == TRIGGER_CLIENT ? FEED_DUMP_CLIENT_CIDRS : FEED_DUMP_NS_CIDRS;
    }
    bool allowed = indicator->record.flags & RECORD_ALLOW;
    if (indicator->network.prefix == 128) {
        addr_format_ip(&addr, out);
        return allowed ? FEED_DUMP_ALLOW_IPS : FEED_DUMP_IPS;
    }
    network_format(&indicator->network, out);
    return allowed ? FEED_DUMP_ALLOW_CIDRS : FEED_DUMP_CIDRS;
}

static enum status keep(struct entries *entries, enum feed_dump kind, struct str text, bool guarded)
{
    entries->count[kind]++;
    buf_add_char(&entries->text[kind], guarded ? ENTRY_GUARDED : ENTRY_TAKEN);
    buf_add(&entries->text[kind], text.data, text.length);
    buf_add_char(&entries->text[kind], '\0');
    return entries->text[kind].failed ? ST_NOMEM : ST_OK;
}

enum status entries_take(void *user, const struct indicator *indicator, bool guarded)
{
    char name[ENTRY_NAME_SIZE], network[ADDR_TEXT_SIZE];
    enum feed_dump kind = FEED_DUMP_NONE;
    struct str text = {0};
    switch (indicator->kind) {
    case INDICATOR_NAME:
        kind = name_text(indicator, name);
        text = str_of(name);
        break;
    case INDICATOR_URL:
        kind = FEED_DUMP_URLS;
        text = indicator->url;
        break;
    case INDICATOR_NETWORK:
        kind = network_text(indicator, network);
        text = str_of(network);
        break;
    }
    return keep(user, kind, text, guarded);
}

enum status entries_aside(void *user, enum feed_dump kind, struct str text)
{
    return keep(user, kind, text, false);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum status entries_sort(const struct entries *entries, enum feed_dump kind, FILE *out, uint64_t *distinct)
{
    size_t count = entries->count[kind];
    *distinct = 0;
    if (!count)
        return ST_OK;
    const char **texts = malloc(count * sizeof *texts);
    if (!texts)
        return ST_NOMEM;
    const char *at = entries->text[kind].data;
    for (size_t i = 0; i < count; i++) {
        texts[i] = ++at;
        at += strlen(at) + 1;
    }
    qsort(texts, count, sizeof *texts, compare);
    for (size_t i = 0; i < count; i++) {
        if (i && !strcmp(texts[i], texts[i - 1]))
            continue;
        *distinct += texts[i][-1] == ENTRY_TAKEN;
        if (out)
            fprintf(out, "%s\n", texts[i]);
    }
    free(texts);
    return !out || (!fflush(out) && !ferror(out)) ? ST_OK : ST_IO;
}
