/* The control thread: starts and stops the workers, collects callbacks, watches the store, runs the console. */
#pragma once

#include "config/config.h"

/* Runs until SIGTERM or SIGINT. Takes CONFIG over (frees it). ANNOUNCE: prints what is listening and what to try. */
enum status control_run_own(struct config *config, bool announce, struct fault *fault) MUST_CHECK;
