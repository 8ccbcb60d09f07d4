/* Where a worker gets certificates for blocked names from: its own cache, else the signer, who is asked without
 * waiting. One thread. */
#pragma once

#include <stdatomic.h>

#include "base/addr.h"
#include "base/dname.h"
#include "net/tls_leaf.h"

struct leaf_source;
struct leaf_query;

/* An ask that waits, embedded in whom it is for. */
struct leaf_ask {
    /* Once, unless it is taken back; LEAF is lent. NULL: there is none, and the reason is of no use to a client. */
    void (*on_leaf)(void *arg, struct tls_leaf *leaf);
    void *arg;
    struct leaf_query *query; /* NULL: it does not wait */
    LIST_ENTRY(leaf_ask) entry;
};

/* FD: the socket to the signer (net/leaf_wire.h), not blocking; taken over, also on failure. GENERATION: 0 while there
 * is no signer, else another number for each; borrowed. What an earlier signer has signed is forgotten. */
struct leaf_source *leaf_source_new_own(struct loop *loop, int fd, const atomic_uint *generation) MUST_CHECK;
/* Asks that wait are told of no leaf. NULL is allowed. */
void leaf_source_free(struct leaf_source *source);

/* Whether it may be worth asking: there is a signer. NULL is allowed. */
bool leaf_source_is_up(const struct leaf_source *source);
/* For NAME, which is blocked for CLIENT as the caller knows. May call on_leaf() at once. Answered within 1.5 s. */
void leaf_source_ask(struct leaf_source *source, const struct dname *name, const struct addr *client,
                     struct leaf_ask *ask);
void leaf_ask_cancel(struct leaf_ask *ask);
