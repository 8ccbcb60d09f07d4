/* What workers hand to the control thread to be written, besides callbacks: reports of false positives, and
 * the access log. */
#pragma once

#include "config/config.h"
#include "daemon/worker.h"

struct journals;

/* Whether the files that CONFIG names for them can be written; nothing is made. */
enum status journals_check(const struct config *config, struct fault *fault) MUST_CHECK;
enum status journals_open(const struct config *config, struct journals **journals, struct fault *fault) MUST_CHECK;
/* Gives SETTINGS, of one worker, its ends. */
enum status journals_add_worker(struct journals *journals, struct worker_settings *settings) MUST_CHECK;
/* Control thread, every 100 ms: writes what has come. */
void journals_step(struct journals *journals, int64_t now_ms);
/* Opens files anew (log rotation by others). */
void journals_reopen(struct journals *journals);
/* Writes what is left. After the workers have stopped; NULL is allowed. */
void journals_close(struct journals *journals);
