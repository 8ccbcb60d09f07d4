/* What a look-up tries, as text for people (`ccward why`), the whole subject first. Left out is what no source of the
 * reader can have: names of one label where all have more, prefix lengths that are not in use. */
#pragma once

#include "reputation/store.h"

/* TEXT is valid during the call. */
typedef void candidate_fn(void *context, const char *text);

/* The name, then each of its ancestors: "www.evil.example", "evil.example". */
void candidates_of_name(const struct store_reader *reader, const struct dname *name, candidate_fn *tell, void *context);
/* Each host with each path: "www.evil.example/a?b", "www.evil.example/a", "www.evil.example/", "evil.example/a?b" ...
 */
void candidates_of_url(const struct canonical_url *url, candidate_fn *tell, void *context);
/* The address and each network around it of a prefix length in use: "192.0.2.1", "192.0.2.0/24"; then the same of each
 * IPv4 address that it may stand for. */
void candidates_of_addr(const struct store_reader *reader, const struct addr *addr, candidate_fn *tell, void *context);
