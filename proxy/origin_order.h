/* The order in which the addresses of one host are tried: what is likely to work first (RFC 6724), the families in
 * turns (RFC 8305 section 4), so that a family that is dead costs one attempt. */
#pragma once

#include <stddef.h>

#include "base/addr.h"

/* From where a connection to ADDR would come; all zeros where there is no way. socket_local_towards() outside of tests.
 */
typedef struct addr origin_source_fn(const struct addr *addr);

/* Sorts ADDRS in place; each family keeps its order. SOURCE is asked only where both families are there: of one, what
 * has no way fails at once. */
void origin_order(struct addr *addrs, size_t count, origin_source_fn *source);
