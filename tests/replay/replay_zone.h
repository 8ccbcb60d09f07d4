/* A policy zone of a scenario: the lines of its file, read as a feed of format rpz. */
#pragma once

#include "base/buf.h"
#include "reputation/source_writer.h"

/* ZONE is a struct buf with the text. Ends the program where a line is no record. A replay_fill_fn. */
void replay_zone_fill(void *zone, struct source_writer *writer);
