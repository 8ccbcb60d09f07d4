/* The verbs of `ccward feeds` that choose feeds: catalogue, enable, disable, promote, monitor. */
#pragma once

#include "commands/command.h"

/* Whether WORD is one of them. */
bool feeds_choice_knows(const char *word);
/* As cmd_feeds(). */
int feeds_choice(const struct command *command, int argc, char **argv);
