/* Reading the callback log back, for `ccward hits`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

enum hits_form { HITS_TABLE, HITS_JSON, HITS_CSV };

struct hits_settings {
    const char *state_dir;
    int64_t since_ms; /* wall; 0: all */
    enum hits_form form;
    bool follow; /* goes on until *STOP is set or the output's reader is gone, which is no failure then */
    const volatile int *stop;
};

/* Prints to standard output, oldest first, lines of one callback merged (counts added). A damaged line is skipped and
 * told on standard error with its number. No log yet is no error: a table is its head alone then, and standard error
 * tells that there are no callbacks yet. What comes while it follows is printed line by line: a callback that goes on
 * gets further rows with what was added. ST_CLOSED: nobody reads the output any more; ST_IO: the log can't be read, or
 * the output not be written (a full disk). */
enum status hits_print(const struct hits_settings *settings, struct fault *fault) MUST_CHECK;
enum status hits_print_to(const struct hits_settings *settings, FILE *out, FILE *errors,
                          struct fault *fault) MUST_CHECK;
