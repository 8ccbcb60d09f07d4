#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

static atomic_int threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, (int)level);
}

enum log_level log_level(void)
{
    return (enum log_level)atomic_load(&threshold);
}

static void PRINTF_LIKE(2, 0) log_line(enum log_level level, const char *format, va_list args)
{
    static const char *const words[] = {"error", "warning", "info", "debug"};
    static const int priorities[] = {3, 4, 6, 7};
    if ((int)level > atomic_load(&threshold))
        return;
    char raw[1024], safe[1536], line[1600];
    vsnprintf(raw, sizeof raw, format, args);
    text_printable(safe, sizeof safe, str_of(raw));
    int n = getenv("JOURNAL_STREAM") ? snprintf(line, sizeof line, "<%d>%s\n", priorities[level], safe)
                                     : snprintf(line, sizeof line, "ccward: %s: %s\n", words[level], safe);
    /* One write, so that lines of several threads do not mix; a lost log line is no reason to stop. */
    if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
        return;
}

#define DEFINE_LOG(name, level)                                                                                        \
    void name(const char *format, ...)                                                                                 \
    {                                                                                                                  \
        va_list args;                                                                                                  \
        va_start(args, format);                                                                                        \
        log_line(level, format, args);                                                                                 \
        va_end(args);                                                                                                  \
    }

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)
