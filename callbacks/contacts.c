#include "callbacks/contacts.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"

enum { CHAINS = 4096, SUBJECT_COUNTERS = 65536 };

/* How many may be open before no more of this level are opened: each further level has room of its own. */
static const int open_max[FOLD_LEVELS] = {
    [FOLD_NONE] = CONTACTS_MAX - 1024,
    [FOLD_SUBJECTS] = CONTACTS_MAX - 512,
    [FOLD_INDICATORS] = CONTACTS_MAX - 3,
    [FOLD_CLIENTS] = CONTACTS_MAX, /* one for each action */
};

struct contacts {
    uint64_t seed;
    int count;
    int chains[CHAINS];                       /* index of the first contact; -1: none */
    uint16_t open[CONTACTS_MAX];              /* indices: COUNT open ones, then the free ones */
    unsigned char subjects[SUBJECT_COUNTERS]; /* open subjects by hash; two that share a counter fold early */
    struct contact contacts[CONTACTS_MAX];
};

struct contacts *contacts_new(uint64_t seed)
{
    struct contacts *contacts = calloc(1, sizeof *contacts); /* pages are used when contacts are */
    if (!contacts)
        return NULL;
    contacts->seed = seed;
    for (int i = 0; i < CHAINS; i++)
        contacts->chains[i] = -1;
    for (int i = 0; i < CONTACTS_MAX; i++)
        contacts->open[i] = (uint16_t)i;
    return contacts;
}

void contacts_free(struct contacts *contacts)
{
    free(contacts);
}

static struct contact *find(struct contacts *contacts, uint64_t key)
{
    int index = contacts->chains[key % CHAINS];
    while (index >= 0 && contacts->contacts[index].key != key)
        index = contacts->contacts[index].next;
    return index >= 0 ? &contacts->contacts[index] : NULL;
}

static unsigned char *subject_counter(struct contacts *contacts, const struct callback *callback)
{
    return &contacts->subjects[fold_key(contacts->seed, FOLD_SUBJECTS, callback) % SUBJECT_COUNTERS];
}

static bool may_open(struct contacts *contacts, enum fold level, const struct callback *callback)
{
    return contacts->count < open_max[level] &&
           (level != FOLD_NONE || *subject_counter(contacts, callback) < CONTACT_SUBJECTS_MAX);
}

static struct contact *open_one(struct contacts *contacts, enum fold level, uint64_t key,
                                const struct callback *callback)
{
    int index = contacts->open[contacts->count++], *chain = &contacts->chains[key % CHAINS];
    struct contact *contact = &contacts->contacts[index];
    *contact = (struct contact){
        .key = key, .level = level, .callback = *callback, .opened_ms = clock_mono_ms(), .next = *chain};
    contact->callback.count = 0;
    *chain = index;
    if (level == FOLD_NONE)
        ++*subject_counter(contacts, callback);
    return contact;
}

struct contact *contacts_take(struct contacts *contacts, enum fold level, const struct callback *callback, bool *opened)
{
    for (; level < FOLD_LEVELS; level++) {
        uint64_t key = fold_key(contacts->seed, level, callback);
        struct contact *contact = find(contacts, key);
        *opened = !contact && may_open(contacts, level, callback);
        if (*opened)
            return open_one(contacts, level, key, callback);
        if (contact && !contact->muted)
            return contact;
    }
    CHECK(false); /* the last level has a place for every action and is never muted */
}

void contacts_close(struct contacts *contacts, size_t at)
{
    int index = contacts->open[at];
    const struct contact *contact = &contacts->contacts[index];
    int *link = &contacts->chains[contact->key % CHAINS];
    while (*link != index)
        link = &contacts->contacts[*link].next;
    *link = contact->next;
    if (contact->level == FOLD_NONE)
        --*subject_counter(contacts, &contact->callback);
    contacts->open[at] = contacts->open[--contacts->count];
    contacts->open[contacts->count] = (uint16_t)index;
}

void contact_add(struct contact *contact, uint64_t count, int64_t last_ms)
{
    contact->callback.count += count;
    if (last_ms > contact->last_ms)
        contact->last_ms = last_ms;
}

void contact_add_subject(struct contact *contact, uint64_t subject_hash)
{
    enum { BITS = sizeof contact->subjects * 8 };
    contact->subjects[subject_hash % BITS / 64] |= UINT64_C(1) << (subject_hash % 64);
}

unsigned contact_subjects(const struct contact *contact)
{
    unsigned count = 0;
    for (size_t i = 0; i < sizeof contact->subjects / sizeof *contact->subjects; i++)
        count += (unsigned)__builtin_popcountll(contact->subjects[i]);
    return count;
}

size_t contacts_count(const struct contacts *contacts)
{
    return (size_t)contacts->count;
}

struct contact *contacts_at(struct contacts *contacts, size_t at)
{
    return &contacts->contacts[contacts->open[at]];
}
