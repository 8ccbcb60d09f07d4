/* hosts(5): lines of an address and its names. What cannot be read is skipped and counted, as libc does, so that one
 * bad line takes no others with it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/dname.h"

enum { HOSTS_FILE_MAX_NAMES = 500000 };

struct hosts_file_facts {
    size_t names;
    size_t skipped;    /* lines that are no entry, or have a name that is none; the good names of those are taken */
    size_t first_line; /* the first of these, from 1 */
    bool cut;          /* there were more than HOSTS_FILE_MAX_NAMES */
};

/* FIRST: the name stands first behind its address, and is that of the host. False ends the reading. */
typedef bool hosts_file_fn(void *arg, const struct addr *addr, const struct dname *name, bool first);

/* Calls TAKE for each name in TEXT. Entries with a zone (fe80::1%lo0) mean something on one machine alone and are left
 * out, as are names under localhost, which nobody may move. False: TAKE ended it. */
bool hosts_file_read(struct str text, hosts_file_fn *take, void *arg, struct hosts_file_facts *facts);
