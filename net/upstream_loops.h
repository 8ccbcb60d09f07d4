/* Which servers of a set lead back to us, over whatever stands between: each is asked for a name that nobody else can
 * know, and where that name comes in at a listener of ours, it was asked of a server that leads here. What is found
 * serves all workers; no locks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dname.h"
#include "base/status.h"

struct upstream_loops;

/* SLOTS: servers, each known by its number. NULL when out of memory or random bytes. */
struct upstream_loops *upstream_loops_new(size_t slots);
void upstream_loops_free(struct upstream_loops *loops); /* NULL is allowed */

/* The name to ask of the server SLOT at NOW_MS: below DOMAIN, or where that is the root below `internal`, which is
 * nobody's. ST_TOO_LARGE where DOMAIN leaves no room for it. */
enum status upstream_loops_name(const struct upstream_loops *loops, size_t slot, const struct dname *domain,
                                int64_t now_ms, struct dname *name) MUST_CHECK;

/* Whether NAME may be such a name, of anybody's. Inline, because every query comes through here. */
enum { LOOP_LABEL_CHARS = 28, LOOP_WORD_AT = LOOP_LABEL_CHARS + 1 };
#define LOOP_WORD "\013ccward-loop"
bool upstream_loops_has_form(const struct dname *name);
static inline bool upstream_loops_may_be(const struct dname *name)
{
    return name->wire[0] == LOOP_LABEL_CHARS && name->length > LOOP_WORD_AT + sizeof LOOP_WORD &&
           upstream_loops_has_form(name);
}
/* Whether NAME, for which that holds, is asked of servers for all names: only such a name is nobody's to answer. Those
 * below a domain are asked like any name of it. */
bool upstream_loops_is_for_all(const struct dname *name);

/* NAME, for which that holds, has come in. True: it is one of LOOPS, made a minute ago at most, and the server *SLOT is
 * known to lead back. */
bool upstream_loops_came_in(struct upstream_loops *loops, const struct dname *name, int64_t now_ms, size_t *slot);

/* A query of ours that was asked of SLOT has come in, as its cookie tells. These two say whether that is news. */
bool upstream_loops_note(struct upstream_loops *loops, size_t slot, int64_t now_ms);
/* SLOT has answered what it was asked at ASKED_MS. True: it led back, and does no more. */
bool upstream_loops_note_answer(struct upstream_loops *loops, size_t slot, int64_t asked_ms);

bool upstream_loops_leads_back(const struct upstream_loops *loops, size_t slot);
size_t upstream_loops_count(const struct upstream_loops *loops); /* of those that lead back */
/* SLOT was just asked by upstream_loops_name(). */
void upstream_loops_note_asked(struct upstream_loops *loops, size_t slot, int64_t now_ms);
/* It was to be, but there was no place for one more: it is due again after 1 s. */
void upstream_loops_note_unsent(struct upstream_loops *loops, size_t slot, int64_t now_ms);
/* Whether SLOT is to be looked at again: one that leads back after 10 s; one that has never answered what it was asked
 * after 1 s, 2 s, ... 10 min. */
bool upstream_loops_is_due(const struct upstream_loops *loops, size_t slot, int64_t now_ms);
bool upstream_loops_any_due(const struct upstream_loops *loops, int64_t now_ms);
/* The same; of all workers who ask only one is told so. */
bool upstream_loops_take_look(struct upstream_loops *loops, size_t slot, int64_t now_ms);
