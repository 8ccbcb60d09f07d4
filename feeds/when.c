#include "feeds/when.h"

#include <stdbool.h>
#include <string.h>
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

/* "10:11:12.5 +0200", "T10:11Z" or nothing behind a date. False: it is no time. */
static bool take_time(struct str text, struct tm *tm, int *offset_s)
{
    text = str_trim(str_starts(text, STR("T")) ? str_from(text, 1) : text);
    if (!text.length)
        return true;
    if (!digits(text, 0, 2, 0, 23, &tm->tm_hour) || !char_at(text, 2, ':') || !digits(text, 3, 2, 0, 59, &tm->tm_min))
        return false;
    size_t at = 5;
    if (char_at(text, 5, ':')) {
        if (!digits(text, 6, 2, 0, 60, &tm->tm_sec))
            return false;
        at = 8;
    }
    if (char_at(text, at, '.') || char_at(text, at, ','))
        for (at++; at < text.length && ascii_digit(text.data[at]); at++)
            ;
    *offset_s = zone_offset_s(str_trim(str_from(text, at)));
    return true;
}

static uint32_t seconds_of(struct tm *tm, int offset_s)
{
    time_t when = timegm(tm) - offset_s;
    return when > 0 && when <= (time_t)UINT32_MAX ? (uint32_t)when : 0;
}

/* "2024-01-31", "2024/01/31". */
static uint32_t parse_numeric(struct str text)
{
    struct tm tm = {0};
    int year, month, offset_s = 0;
    bool slashes = char_at(text, 4, '/');
    char separator = slashes ? '/' : '-';
    if (!digits(text, 0, 4, 1970, 2105, &year) || !char_at(text, 4, separator) || !digits(text, 5, 2, 1, 12, &month) ||
        !char_at(text, 7, separator) || !digits(text, 8, 2, 1, 31, &tm.tm_mday))
        return 0;
    bool time_follows = char_at(text, 10, 'T') || char_at(text, 10, ' ');
    if (!time_follows && text.length != 10)
        return 0;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    return take_time(str_from(text, 10), &tm, &offset_s) ? seconds_of(&tm, offset_s) : 0;
}

/* "20240131", "20240131101112", "20240131T101112Z". */
static uint32_t parse_compact(struct str text)
{
    struct tm tm = {0};
    int year, month;
    if (!digits(text, 0, 4, 1970, 2105, &year) || !digits(text, 4, 2, 1, 12, &month) ||
        !digits(text, 6, 2, 1, 31, &tm.tm_mday))
        return 0;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    size_t at = char_at(text, 8, 'T') ? 9 : 8;
    if (at < text.length && (!digits(text, at, 2, 0, 23, &tm.tm_hour) || !digits(text, at + 2, 2, 0, 59, &tm.tm_min) ||
                             !digits(text, at + 4, 2, 0, 60, &tm.tm_sec)))
        return 0;
    return seconds_of(&tm, 0);
}

/* 1 to 12; 0: none. */
static int month_of(struct str word)
{
    static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                         "jul", "aug", "sep", "oct", "nov", "dec"};
    for (int i = 0; i < 12 && word.length >= 3; i++)
        if (str_eq_nocase((struct str){word.data, 3}, str_of(months[i])))
            return i + 1;
    return 0;
}

/* The next part of a date in words, which blanks, commas and hyphens end. */
static struct str date_word(struct str *text)
{
    size_t start = 0, n = 0;
    while (start < text->length && memchr(" ,-", text->data[start], 3))
        start++;
    while (start + n < text->length && !memchr(" ,-", text->data[start + n], 3))
        n++;
    struct str word = {text->data + start, n};
    *text = str_from(*text, start + n);
    return word;
}

/* "Sun, 22 Nov 2026 00:00:00 GMT", "22-Nov-2026", "Nov 22, 2026". */
static uint32_t parse_words(struct str text)
{
    struct tm tm = {0};
    uint64_t day = 0, year = 0;
    int month = 0, offset_s = 0;
    for (int i = 0; i < 4 && text.length && !year; i++) {
        struct str word = date_word(&text);
        if (!day && word.length <= 2 && text_u64(word, 31, &day) == ST_OK)
            continue;
        if (day && month && text_u64(word, 2105, &year) == ST_OK)
            break;
        month = month ? month : month_of(word);
    }
    if (!day || !month || year < 1970)
        return 0;
    tm.tm_mday = (int)day;
    tm.tm_mon = month - 1;
    tm.tm_year = (int)year - 1900;
    return take_time(str_trim(text), &tm, &offset_s) ? seconds_of(&tm, offset_s) : 0;
}

uint32_t when_parse(struct str text)
{
    enum { COMPACT_DATE = 8, MILLISECONDS = 13, COMPACT_TIME = 14 };
    uint64_t number;
    text = str_trim(text);
    if (text.length < COMPACT_DATE)
        return text_u64(text, UINT32_MAX, &number) == ST_OK ? (uint32_t)number : 0;
    struct str whole = text, fraction;
    if (!memchr(text.data, ':', text.length))
        str_cut(text, '.', &whole, &fraction);
    if (text_u64(whole, UINT64_MAX, &number) == ST_OK) {
        if (whole.length == COMPACT_DATE || whole.length == COMPACT_TIME)
            return parse_compact(whole);
        number = whole.length == MILLISECONDS ? number / 1000 : number;
        return number <= UINT32_MAX ? (uint32_t)number : 0;
    }
    uint32_t when = parse_numeric(text);
    if (!when)
        when = parse_compact(text);
    return when ? when : parse_words(text);
}
