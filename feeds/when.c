#include "feeds/when.h"

#include <stdbool.h>
#include <time.h>

/* Two or four digits at AT, within MIN..MAX. */
static bool digits(struct str text, size_t at, size_t count, uint64_t min, uint64_t max, int *value)
{
    uint64_t number;
    if (at + count > text.length || text_u64((struct str){text.data + at, count}, max, &number) != ST_OK ||
        number < min)
        return false;
    *value = (int)number;
    return true;
}

static bool char_at(struct str text, size_t at, char c)
{
    return at < text.length && text.data[at] == c;
}

/* "+02:00" or "+0200" as seconds; anything else is UTC. */
static int zone_offset_s(struct str text)
{
    int hours, minutes;
    if (!char_at(text, 0, '+') && !char_at(text, 0, '-'))
        return 0;
    size_t at = char_at(text, 3, ':') ? 4 : 3;
    if (!digits(text, 1, 2, 0, 14, &hours) || !digits(text, at, 2, 0, 59, &minutes))
        return 0;
    int seconds = (hours * 60 + minutes) * 60;
    return text.data[0] == '-' ? -seconds : seconds;
}

uint32_t when_parse(struct str text)
{
    struct tm tm = {0};
    uint64_t seconds;
    int year, month, offset = 0;
    text = str_trim(text);
    if (text_u64(text, UINT32_MAX, &seconds) == ST_OK)
        return (uint32_t)seconds;
    if (!digits(text, 0, 4, 1970, 2105, &year) || !char_at(text, 4, '-') || !digits(text, 5, 2, 1, 12, &month) ||
        !char_at(text, 7, '-') || !digits(text, 8, 2, 1, 31, &tm.tm_mday))
        return 0;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    if (char_at(text, 10, 'T') || char_at(text, 10, ' ')) {
        if (!digits(text, 11, 2, 0, 23, &tm.tm_hour) || !char_at(text, 13, ':') ||
            !digits(text, 14, 2, 0, 59, &tm.tm_min))
            return 0;
        size_t at = 16;
        if (char_at(text, 16, ':')) {
            if (!digits(text, 17, 2, 0, 60, &tm.tm_sec))
                return 0;
            at = 19;
        }
        if (char_at(text, at, '.'))
            for (at++; at < text.length && ascii_digit(text.data[at]); at++)
                ;
        offset = zone_offset_s(str_trim(str_from(text, at)));
    } else if (text.length != 10) {
        return 0;
    }
    time_t when = timegm(&tm) - offset;
    return when > 0 && when <= (time_t)UINT32_MAX ? (uint32_t)when : 0;
}
