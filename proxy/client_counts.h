/* How many connections each client address has. */
#pragma once

#include "base/addr.h"
#include "base/status.h"

struct client_counts;

struct client_counts *client_counts_new(void); /* NULL when out of memory */
void client_counts_free(struct client_counts *counts);

/* One more of ADDR's (ports do not matter): ST_DENIED when it has LIMIT already, ST_NOMEM. */
enum status client_counts_add(struct client_counts *counts, const struct addr *addr, size_t limit) MUST_CHECK;
void client_counts_remove(struct client_counts *counts, const struct addr *addr);
