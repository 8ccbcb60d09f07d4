/* How many client connections there are, in all and for each address: one table for all workers, asked once per
 * connection. */
#pragma once

#include "base/addr.h"
#include "base/status.h"

struct client_counts;

/* At most MOST in all and MOST_PER_ADDRESS of one address. NULL when out of memory. */
struct client_counts *client_counts_new(size_t most, size_t most_per_address);
void client_counts_free(struct client_counts *counts); /* NULL is allowed; nobody is counted any more */

/* From any thread. One more of ADDR's (ports do not matter): ST_DENIED when there are enough already, ST_NOMEM. */
enum status client_counts_add(struct client_counts *counts, const struct addr *addr) MUST_CHECK;
void client_counts_remove(struct client_counts *counts, const struct addr *addr);
