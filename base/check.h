/* CHECK(): a bug, not a failure. On in every build; ends the process with the place. */
#pragma once

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (__builtin_expect(!(condition), 0))                                                                         \
            check_failed(#condition, __FILE__, __LINE__);                                                              \
    } while (0)

_Noreturn void check_failed(const char *condition, const char *file, int line);
