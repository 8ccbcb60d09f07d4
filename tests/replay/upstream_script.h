/* The upstream of a scenario: what it says to which question. */
#pragma once

#include "base/text.h"

void upstream_script_reset(void);
/* The words behind `upstream`, and the lines that follow. */
void upstream_script(struct str words);
void upstream_hold(bool on);
/* Answers all that waits and is scripted, unless held; then runs due timers. */
void upstream_answer_all(void);
struct str upstream_last_asked(void); /* the last query, as sent */
