#include "feeds/window.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

struct carrying {
    const struct feed *feed;
    struct guard_set *guards;
    struct source_writer *writer;
    uint32_t now_s;
    uint64_t *carried;
    char last_key[512]; /* records of one key follow each other and count as one */
    size_t last_length;
    enum indicator_kind last_kind;
};

static enum guard guard_of(struct guard_set *guards, const struct stored_entry *entry)
{
    struct network network = {.prefix = 128};
    switch (entry->kind) {
    case INDICATOR_NAME:
        return guard_set_name(guards, &entry->name, entry->record.flags);
    case INDICATOR_NETWORK:
        return guard_set_network(guards, &entry->network);
    case INDICATOR_URL:
        if (!entry->whole_host)
            return GUARD_NOT;
        if (!entry->host_is_address)
            return guard_set_name(guards, &entry->name, 0);
        memcpy(network.ip, entry->addr.ip, sizeof network.ip);
        return guard_set_network(guards, &network);
    }
    return GUARD_NOT;
}

/* What was guarded then is judged by what is guarded now. */
static void judge(const struct carrying *carrying, struct stored_entry *entry)
{
    struct record *record = &entry->record;
    bool unsure = record->confidence && record->confidence < carrying->feed->min_confidence;
    if (record->flags & RECORD_ALLOW || record->trigger == TRIGGER_CLIENT)
        return;
    if (record->flags & RECORD_GUARDED)
        record->flags &= (uint8_t) ~(RECORD_GUARDED | RECORD_LOG);
    if (carrying->guards && guard_of(carrying->guards, entry) != GUARD_NOT)
        record->flags |= RECORD_GUARDED | RECORD_LOG;
    if (unsure)
        record->flags |= RECORD_LOG;
}

static void count(struct carrying *carrying, const struct stored_entry *entry)
{
    if (carrying->last_kind == entry->kind &&
        str_eq(entry->key, (struct str){carrying->last_key, carrying->last_length}))
        return;
    carrying->carried[entry->kind]++;
    carrying->last_kind = entry->kind;
    carrying->last_length = entry->key.length < sizeof carrying->last_key ? entry->key.length : 0;
    memcpy(carrying->last_key, entry->key.data, carrying->last_length);
}

static enum status carry(void *user, const struct stored_entry *stored)
{
    struct carrying *carrying = user;
    struct stored_entry entry = *stored;
    bool taken = false;
    if (!entry.record.expires || entry.record.expires <= carrying->now_s)
        return ST_OK;
    judge(carrying, &entry);
    enum status st = source_writer_carry(carrying->writer, &entry, &taken);
    if (st == ST_OK && taken)
        count(carrying, &entry);
    return st;
}

enum status window_carry(const char *store_dir, const struct feed *feed, struct guard_set *guards,
                         struct source_writer *writer, uint64_t carried[INDICATOR_KINDS], struct fault *fault)
{
    struct source *source = NULL;
    struct fault why = {0};
    enum status st = source_open_newest(store_dir, feed->name, &source, &why);
    if (st == ST_NOT_FOUND)
        return ST_OK;
    if (st == ST_OK) {
        struct carrying carrying = {.feed = feed,
                                    .guards = guards,
                                    .writer = writer,
                                    .now_s = (uint32_t)(clock_wall_ms() / 1000),
                                    .carried = carried};
        st = source_walk(source, carry, &carrying);
        source_close(source);
    }
    if (st == ST_NOMEM)
        return fault_set(fault, st, "%s: can't take over what it listed before: %s", feed->name, status_text(st));
    if (st != ST_OK)
        log_warning("feed %s: what it listed before is lost: %s", feed->name, why.text[0] ? why.text : status_text(st));
    return ST_OK;
}
