#include "reputation/source_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "reputation/key.h"
#include "reputation/record_codec.h"
#include "reputation/source.h"
#include "reputation/source_dir.h"
#include "reputation/store_reader.h"

enum { PASSES = 3 };

/* The newest that can be opened. ST_NOT_FOUND with VANISHED: a writer took a file away, so that there is a newer one.
 */
static enum status open_listed(int dirfd, const char *dir, const char *name, bool last_pass, bool *vanished,
                               struct source **source, struct fault *fault)
{
    struct source_listing listing;
    enum status found = ST_NOT_FOUND, status = source_listing_read(dirfd, &listing);
    if (status != ST_OK)
        return fault_set(fault, status, "%s: %s", dir, status_text(status));
    for (size_t i = 0; i < listing.count && found != ST_OK; i++) {
        const struct source_entry *entry = &listing.entries[i];
        if (entry->kind != SOURCE_MANIFEST || strcmp(entry->name, name))
            continue;
        status = source_open_at(dirfd, dir, name, entry->generation, NULL, source, fault);
        if (status == ST_NOT_FOUND && !last_pass) {
            *vanished = true;
            break;
        }
        if (status == ST_OK || found == ST_NOT_FOUND) /* of several failures that of the newest tells */
            found = status;
    }
    source_listing_free(&listing);
    return found;
}

enum status source_open_newest(const char *dir, const char *name, struct source **source, struct fault *fault)
{
    enum status status = ST_NOT_FOUND;
    int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0 && errno != ENOENT)
        return fault_errno(fault, errno == EACCES ? ST_DENIED : ST_IO, "%s", dir);
    for (unsigned pass = 1; dirfd >= 0 && pass <= PASSES; pass++) {
        struct fault why = {0};
        bool vanished = false;
        status = open_listed(dirfd, dir, name, pass == PASSES, &vanished, source, &why);
        if (vanished)
            continue;
        if (status != ST_OK && why.text[0])
            fault_set(fault, status, "%s", why.text);
        break;
    }
    if (dirfd >= 0)
        close(dirfd);
    return status == ST_NOT_FOUND ? fault_set(fault, status, "no source named %s", name) : status;
}

/* The labels of a name key, root first, as a name. Returns how long the key's name is: a URL's goes on behind it. */
static bool name_of_key(struct str key, bool is_url, struct dname *name, size_t *used)
{
    const uint8_t *bytes = (const uint8_t *)key.data;
    uint8_t starts[DNAME_MAX_LABELS];
    unsigned labels = 0;
    size_t at = 0;
    while (at < key.length && !(is_url && !bytes[at])) {
        if (labels == DNAME_MAX_LABELS || !bytes[at] || at + bytes[at] + 1u > key.length || at >= DNAME_MAX_BYTES)
            return false;
        starts[labels++] = (uint8_t)at;
        at += bytes[at] + 1u;
    }
    *used = at;
    uint8_t wire[DNAME_MAX_BYTES + 1];
    size_t n = 0;
    while (labels--) {
        const uint8_t *label = bytes + starts[labels];
        if (n + label[0] + 1u >= DNAME_MAX_BYTES)
            return false;
        memcpy(wire + n, label, label[0] + 1u);
        n += label[0] + 1u;
    }
    wire[n++] = 0;
    return dname_from_wire(wire, n, name) == ST_OK;
}

static bool describe_url(struct stored_entry *entry)
{
    size_t host;
    if (!name_of_key(entry->key, true, &entry->name, &host) || host >= entry->key.length)
        return false;
    struct str path = str_from(entry->key, host + 1);
    entry->whole_host = str_eq(path, STR("/"));
    /* An address is the one label that its text is. */
    struct str text = {entry->key.data + 1, host ? host - 1 : 0};
    entry->host_is_address = entry->name.labels == 1 && addr_parse_ip(text, &entry->addr) == ST_OK;
    return true;
}

static bool describe(struct stored_entry *entry)
{
    size_t used;
    switch (entry->kind) {
    case INDICATOR_NAME:
        return name_of_key(entry->key, false, &entry->name, &used);
    case INDICATOR_URL:
        return describe_url(entry);
    case INDICATOR_NETWORK:
        if (entry->key.length != NETWORK_KEY_BYTES)
            return false;
        memcpy(entry->network.ip, entry->key.data, sizeof entry->network.ip);
        entry->network.prefix = (uint8_t)entry->key.data[NETWORK_KEY_BYTES - 1];
        return true;
    }
    return false;
}

static enum status walk_records(struct stored_entry *entry, struct str value, stored_entry_fn *fn, void *user)
{
    struct cursor cursor = cursor_over(value.data, value.length);
    enum status status = ST_OK;
    while (status == ST_OK && cursor_left(&cursor))
        status = record_decode(&cursor, &entry->record) ? fn(user, entry) : ST_CORRUPT;
    return status;
}

static enum status walk_table(struct lmdb_txn *txn, enum source_table table, enum indicator_kind kind,
                              stored_entry_fn *fn, void *user)
{
    struct lmdb_cursor *cursor;
    struct str key, value;
    enum status status = lmdb_cursor_open(txn, table, &cursor);
    if (status != ST_OK)
        return status;
    while ((status = lmdb_cursor_next(cursor, &key, &value)) == ST_OK) {
        struct stored_entry entry = {.kind = kind, .key = key};
        status = describe(&entry) ? walk_records(&entry, value, fn, user) : ST_CORRUPT;
        if (status != ST_OK)
            break;
    }
    lmdb_cursor_close(cursor);
    return status;
}

enum status source_walk(const struct source *source, stored_entry_fn *fn, void *user)
{
    static const enum source_table tables[INDICATOR_KINDS] = {TABLE_NAMES, TABLE_URLS, TABLE_NETS};
    struct lmdb_txn *txn;
    enum status status = lmdb_begin_read(source->env, &txn);
    if (status != ST_OK)
        return status;
    for (unsigned kind = 0; status == ST_OK && kind < INDICATOR_KINDS; kind++) {
        status = walk_table(txn, tables[kind], (enum indicator_kind)kind, fn, user);
        if (status == ST_NOT_FOUND) /* its end */
            status = ST_OK;
    }
    lmdb_abort(txn);
    return status;
}

/* The first key of TABLE that is at or after KEY. */
static bool seek(const struct store_lane *lane, enum source_table table, struct str key, bool past, struct str *found)
{
    struct lmdb_cursor *cursor;
    struct str value;
    if (lmdb_cursor_open(lane->txn, table, &cursor) != ST_OK)
        return false;
    enum status status = lmdb_cursor_seek(cursor, key, found, &value);
    if (status == ST_OK && past && str_eq(*found, key))
        status = lmdb_cursor_next(cursor, found, &value);
    lmdb_cursor_close(cursor);
    return status == ST_OK;
}

bool store_has_name_below(struct store_reader *reader, const struct dname *name)
{
    struct name_key bytes;
    if (name->labels < 2) /* no filter knows what is below those */
        return false;
    name_key_from(name, &bytes);
    struct str found, key = {(const char *)bytes.bytes, bytes.end[bytes.labels]};
    uint64_t hash = filter_hash(key.data, key.length);
    for (size_t i = 0; i < reader->count; i++) {
        const struct store_lane *lane = &reader->lanes[i];
        /* All below lies behind it in the order of the keys. */
        if (lane->has_names && filter_has(&lane->filter, hash, FILTER_PARENT) &&
            seek(lane, TABLE_NAMES, key, true, &found) && str_starts(found, key))
            return true;
    }
    return false;
}

bool store_has_network_within(struct store_reader *reader, const struct network *network)
{
    uint8_t key[NETWORK_KEY_BYTES], ip[16];
    memcpy(ip, network->ip, sizeof ip);
    network_mask(ip, network->prefix);
    network_key_from(ip, network->prefix, key);
    for (size_t i = 0; i < reader->count; i++) {
        const struct store_lane *lane = &reader->lanes[i];
        struct str found;
        if (!lane->has_networks ||
            !seek(lane, TABLE_NETS, (struct str){(const char *)key, sizeof key}, false, &found) ||
            found.length != sizeof key)
            continue;
        uint8_t first[16];
        memcpy(first, found.data, sizeof first);
        network_mask(first, network->prefix);
        if (!memcmp(first, ip, sizeof ip))
            return true;
    }
    return false;
}
