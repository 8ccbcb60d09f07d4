/* A set of names, each with a small number, that also knows what lies above them. Names are in lower case. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/dname.h"
#include "base/status.h"

struct name_slot {
    const uint8_t *wire; /* NULL: free */
    uint64_t hash;
    uint8_t length; /* of wire */
    uint8_t value;  /* of the name; 0: it is only above another */
    uint8_t below;  /* of a name below it; 0: there is none */
};

/* `{0}` is an empty set. */
struct name_set {
    struct arena *arena;
    struct name_slot *slots;
    size_t count, capacity;
};

void name_set_fini(struct name_set *set);
/* VALUE is not 0. A name that is there already keeps what it has. ST_NOMEM. */
enum status name_set_add(struct name_set *set, const struct dname *name, uint8_t value) MUST_CHECK;
/* NULL: neither it nor a name below it is in the set. Of names with one label it is never told what is below. */
const struct name_slot *name_set_find(const struct name_set *set, const struct dname *name);
/* The same for a name without its first label; NULL too where nothing is left. */
const struct name_slot *name_set_find_parent(const struct name_set *set, const struct dname *name);
