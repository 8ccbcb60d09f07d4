/* Reading a scenario: lines of words, with the place of a fault. */
#pragma once

#include "base/addr.h"
#include "base/buf.h"

/* TEXT is borrowed until the next call. */
void script_start(const char *path, char *text);
unsigned script_line(void);
void script_set_line(unsigned number); /* that a fault is told with */

/* Ends the program with WHAT at the line read last. */
_Noreturn void script_fail(const char *what, const char *detail);
void script_need(bool condition, const char *what);

/* The next line without its comment; script_next() takes it. False at the end. */
bool script_peek(struct str *line, char **after);
void script_next(char *after);
/* Takes the lines that follow and start with one of WORDS (ended by NULL). */
void script_block(const char *const *words, struct buf *out);

/* Words within a line. */
struct str script_word(struct str *text); /* what is left starts with the one after it */
uint64_t script_number(struct str text);
bool script_option(struct str text, const char *key, struct str *value); /* "key=value" */
struct addr script_address(struct str text);
size_t script_hex(struct str text, uint8_t *out, size_t size);
