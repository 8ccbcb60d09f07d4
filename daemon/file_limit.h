/* How many files the process may have open, which its connections are part of. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* As many as the system lets us have, up to 65,536. */
void file_limit_raise(void);

/* Of the WANTED connections of clients as many as leave room for one to a server each, and for everything else: half
 * the limit but 64. Where that is less, it is told in the log. */
size_t file_limit_clients(uint64_t wanted);
