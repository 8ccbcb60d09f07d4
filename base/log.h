/* The program's own log, for operators: one line per event on standard error. Callbacks have a log of their own.
 *
 * Lines start with <N> (sd-daemon(3)) when standard error is the journal, else with the level's word. Control bytes in
 * the text are escaped. Any thread. */
#pragma once

#include "base/status.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);
enum log_level log_level(void);

void log_error(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *format, ...) PRINTF_LIKE(1, 2);
void log_info(const char *format, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *format, ...) PRINTF_LIKE(1, 2);
