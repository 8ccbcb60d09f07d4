/* One line of the callback log (docs/callback-log.md). */
#pragma once

#include "base/buf.h"
#include "callbacks/contacts.h"

/* Appends the JSON object, without a line end, for the hits that are in no line yet. All text is made printable. On
 * failure (memory) OUT is as before. */
enum status log_line_build(const struct contact *contact, struct buf *out) MUST_CHECK;
