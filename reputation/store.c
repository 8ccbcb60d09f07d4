#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "reputation/source.h"
#include "reputation/source_dir.h"
#include "reputation/store_reader.h"

struct store {
    struct source *sources[STORE_MAX_SOURCES];
    size_t count;
    const struct store *previous; /* its unchanged sources are shared; borrowed */
    struct store_damage *damages;
    size_t damage_count;
    struct roots *roots; /* once it is prepared: of all sources, each with its group */
    uint8_t groups[STORE_MAX_SOURCES];
};

struct store *store_new(void)
{
    return calloc(1, sizeof(struct store));
}

void store_free(struct store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < store->count; i++)
        source_close(store->sources[i]);
    free(store->damages);
    roots_unref(store->roots);
    free(store);
}

struct store *store_new_after(const struct store *previous)
{
    struct store *store = store_new();
    if (store)
        store->previous = previous;
    return store;
}

/* STORE's count: there is none. */
static size_t index_of(const struct store *store, const char *name)
{
    size_t i = 0;
    while (i < store->count && strcmp(store->sources[i]->info.name, name))
        i++;
    return i;
}

static struct source *find_source(const struct store *store, const char *name)
{
    size_t i = store ? index_of(store, name) : 0;
    return store && i < store->count ? store->sources[i] : NULL;
}

enum status store_add_own(struct store *store, struct source *source)
{
    enum status status = ST_OK;
    CHECK(!store->roots);
    if (store->count == STORE_MAX_SOURCES)
        status = ST_TOO_LARGE;
    else if (find_source(store, source->info.name))
        status = ST_EXISTS;
    if (status == ST_OK)
        store->sources[store->count++] = source;
    else
        source_close(source);
    return status;
}

size_t store_source_count(const struct store *store)
{
    return store->count;
}

const struct source_info *store_source_info(const struct store *store, size_t index)
{
    return &store->sources[index]->info;
}

size_t store_damage_count(const struct store *store)
{
    return store->damage_count;
}

const struct store_damage *store_damage_at(const struct store *store, size_t index)
{
    return &store->damages[index];
}

/* The same reason is told once, however often the store is opened anew. */
static bool is_told(const struct store *store, const struct store_damage *damage)
{
    for (size_t i = 0; store && i < store->damage_count; i++)
        if (!strcmp(store->damages[i].name, damage->name) && !strcmp(store->damages[i].why.text, damage->why.text))
            return true;
    return false;
}

static enum status note_damage(struct store *store, const char *name, const struct fault *why)
{
    struct store_damage *damages = reallocarray(store->damages, store->damage_count + 1, sizeof *damages);
    if (!damages)
        return ST_NOMEM;
    store->damages = damages;
    struct store_damage *damage = &damages[store->damage_count++];
    *damage = (struct store_damage){.why = *why};
    text_copy(damage->name, sizeof damage->name, str_of(name));
    if (!is_told(store->previous, damage))
        log_error("reputation source %s: %s", name, why->text);
    return ST_OK;
}

/* One directory on its way into a store. */
struct directory {
    const char *name;
    int fd;
    bool last_pass;
    bool vanished; /* a listed file was gone: a writer took an old generation away, so that there is a newer one */
};

enum { DIRECTORY_PASSES = 3 };

/* Adds the newest generation that can be opened, of the entries of one name. */
static enum status add_newest(struct store *store, struct directory *dir, const struct source_entry *first, size_t n)
{
    bool damaged = false;
    enum status status = ST_NOT_FOUND;
    struct source *source = NULL;
    for (const struct source_entry *entry = first; status != ST_OK && entry < first + n; entry++) {
        struct fault fault = {0};
        if (entry->kind != SOURCE_MANIFEST)
            continue;
        status = source_open_at(dir->fd, dir->name, entry->name, entry->generation,
                                find_source(store->previous, entry->name), &source, &fault);
        if (status == ST_OK)
            break;
        if (status == ST_NOT_FOUND && !dir->last_pass) {
            dir->vanished = true;
            return ST_OK;
        }
        if (!damaged && note_damage(store, entry->name, &fault) != ST_OK)
            return ST_NOMEM;
        damaged = true;
    }
    return status == ST_OK ? store_add_own(store, source) : ST_OK;
}

/* Adds every source that STORE does not have yet. */
static enum status add_listed(struct store *store, struct directory *dir)
{
    struct source_listing listing;
    enum status status = source_listing_read(dir->fd, &listing);
    for (size_t i = 0, n; status == ST_OK && i < listing.count; i += n) {
        const struct source_entry *first = &listing.entries[i];
        for (n = 1; i + n < listing.count && !strcmp(first[n].name, first->name);)
            n++;
        if (!find_source(store, first->name))
            status = add_newest(store, dir, first, n);
    }
    source_listing_free(&listing);
    return status;
}

enum status store_add_directory(struct store *store, const char *name, unsigned *damaged, struct fault *fault)
{
    struct directory dir = {.name = name, .fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    *damaged = 0;
    if (dir.fd < 0)
        return errno == ENOENT ? ST_OK : fault_errno(fault, errno == EACCES ? ST_DENIED : ST_IO, "%s", name);
    enum status status = ST_OK;
    size_t before = store->damage_count;
    for (unsigned pass = 1; status == ST_OK && pass <= DIRECTORY_PASSES; pass++) {
        dir.vanished = false;
        dir.last_pass = pass == DIRECTORY_PASSES;
        status = add_listed(store, &dir);
        if (!dir.vanished)
            break;
        store->damage_count = before; /* the next pass notes again what is left out */
    }
    close(dir.fd);
    *damaged = (unsigned)(store->damage_count - before);
    return status == ST_OK ? ST_OK : fault_set(fault, status, "%s: %s", name, status_text(status));
}

static unsigned least_used_group(const struct store *store, const bool *given)
{
    unsigned uses[ROOTS_GROUPS] = {0}, least = 0;
    for (size_t i = 0; i < store->count; i++)
        uses[store->groups[i]] += given[i];
    for (unsigned group = 1; group < ROOTS_GROUPS; group++)
        if (uses[group] < uses[least])
            least = group;
    return least;
}

/* A source of a name that PREVIOUS has keeps its group, so that its roots stay right. */
static void give_groups(struct store *store, const struct store *previous)
{
    bool given[STORE_MAX_SOURCES] = {0};
    for (size_t i = 0; previous && i < store->count; i++) {
        size_t before = index_of(previous, store->sources[i]->info.name);
        given[i] = before < previous->count;
        if (given[i])
            store->groups[i] = previous->groups[before];
    }
    for (size_t i = 0; i < store->count; i++) {
        if (!given[i])
            store->groups[i] = (uint8_t)least_used_group(store, given);
        given[i] = true;
    }
}

enum status store_prepare(struct store *store)
{
    const struct store *previous = store->previous && store->previous->roots ? store->previous : NULL;
    uint64_t count = 0;
    CHECK(!store->roots);
    for (size_t i = 0; i < store->count; i++)
        count += store->sources[i]->aids.roots.length / sizeof(uint32_t);
    if (previous && !roots_fit(previous->roots, count))
        previous = NULL;
    give_groups(store, previous);
    if (previous)
        store->roots = roots_ref(previous->roots);
    else if (roots_new(count, &store->roots) != ST_OK)
        return ST_NOMEM;
    for (size_t i = 0; i < store->count; i++)
        if (!previous || find_source(previous, store->sources[i]->info.name) != store->sources[i])
            roots_add(store->roots, store->groups[i], store->sources[i]->aids.roots);
    return ST_OK;
}

enum status store_reader_new(const struct store *store, struct store_reader **out)
{
    struct store_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return ST_NOMEM;
    enum status status = ST_OK;
    reader->roots = store->roots;
    for (size_t i = 0; status == ST_OK && i < store->count; i++) {
        const struct source *source = store->sources[i];
        struct store_lane *lane = &reader->lanes[i];
        status = lmdb_begin_read(source->env, &lane->txn);
        if (status != ST_OK)
            break;
        lane->filter = source->aids.filter;
        lane->index = source->aids.index;
        lane->header = &source->header;
        lane->has_names = source->header.counts[INDICATOR_NAME] > 0;
        lane->has_urls = source->header.counts[INDICATOR_URL] > 0;
        lane->has_networks = source->header.counts[INDICATOR_NETWORK] > 0;
        lane->single_labels = source->header.single_labels;
        lane->triggers = source->header.triggers;
        reader->triggers |= lane->triggers;
        lane->group = store->groups[i];
        reader->single_labels |= lane->single_labels;
        reader->count++;
    }
    if (status == ST_OK)
        *out = reader;
    else
        store_reader_free(reader);
    return status;
}

void store_reader_free(struct store_reader *reader)
{
    if (!reader)
        return;
    for (size_t i = 0; i < reader->count; i++)
        lmdb_abort(reader->lanes[i].txn);
    free(reader);
}
