#include "tests/replay/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *path_now;
static unsigned line_number;
static char *rest_of_text; /* what is not read yet */

void script_start(const char *path, char *text)
{
    path_now = path;
    line_number = 0;
    rest_of_text = text;
}

unsigned script_line(void)
{
    return line_number;
}

void script_set_line(unsigned number)
{
    line_number = number;
}

_Noreturn void script_fail(const char *what, const char *detail)
{
    fprintf(stderr, "%s:%u: %s%s%s\n", path_now, line_number, what, *detail ? ":\n" : "", detail);
    exit(1);
}

void script_need(bool condition, const char *what)
{
    if (!condition)
        script_fail(what, "");
}

/* The next word; what is left starts with the one after it. */
struct str script_word(struct str *text)
{
    struct str word = str_word(text);
    *text = str_trim(*text);
    return word;
}

bool script_peek(struct str *line, char **after)
{
    if (!*rest_of_text)
        return false;
    char *end = strchr(rest_of_text, '\n');
    *after = end ? end + 1 : rest_of_text + strlen(rest_of_text);
    *line = (struct str){rest_of_text, (size_t)(end ? end - rest_of_text : *after - rest_of_text)};
    struct str before, comment;
    if (str_cut(*line, ';', &before, &comment))
        *line = before;
    *line = str_trim(*line);
    return true;
}

void script_next(char *after)
{
    rest_of_text = after;
    line_number++;
}

/* The lines that belong to the one before: of these first words. */
void script_block(const char *const *words, struct buf *out)
{
    struct str line;
    for (char *after; script_peek(&line, &after); script_next(after)) {
        struct str rest = line, first = script_word(&rest);
        bool known = !line.length;
        for (size_t i = 0; words[i]; i++)
            known |= str_eq(first, str_of(words[i]));
        if (!known)
            return;
        if (line.length) {
            buf_add(out, line.data, line.length);
            buf_add_char(out, '\n');
        }
    }
}

uint64_t script_number(struct str text)
{
    uint64_t value = 0;
    script_need(text_u64(text, UINT32_MAX, &value) == ST_OK, "not a number");
    return value;
}

/* "key=value": the value, where TEXT has this key. */
bool script_option(struct str text, const char *key, struct str *value)
{
    struct str name;
    return str_cut(text, '=', &name, value) && str_eq(name, str_of(key));
}

struct addr script_address(struct str text)
{
    struct addr addr = addr_v4(0, 0);
    script_need(addr_parse_ip(text, &addr) == ST_OK, "not an address");
    addr.port = 40000;
    return addr;
}

size_t script_hex(struct str text, uint8_t *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i + 1 < text.length; i += 2) {
        int high = hex_value(text.data[i]), low = hex_value(text.data[i + 1]);
        script_need(high >= 0 && low >= 0 && n < size, "not hex");
        out[n++] = (uint8_t)(high * 16 + low);
    }
    return n;
}
