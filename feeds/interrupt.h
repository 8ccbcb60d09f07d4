/* Ctrl-C in the midst of an import: noticed at the next look, so that what was begun is taken away again. */
#pragma once

#include <stdbool.h>

/* Catches SIGINT and SIGTERM until interrupt_end(), which puts back what was there. Pairs may nest. */
void interrupt_begin(void);
void interrupt_end(void);
bool interrupted(void);
