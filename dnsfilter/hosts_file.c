#include "dnsfilter/hosts_file.h"

#include <string.h>

struct reading {
    hosts_file_fn *take;
    void *arg;
    struct hosts_file_facts *facts;
    bool ended;
};

static bool is_name_byte(char c)
{
    return ascii_alpha(c) || ascii_digit(c) || c == '-' || c == '_' || c == '.';
}

/* A host's name and not, say, an address or a name in another script, which nobody would ask for like that. */
static bool read_name(struct str text, struct dname *name)
{
    struct addr addr;
    for (size_t i = 0; i < text.length; i++)
        if (!is_name_byte(text.data[i]))
            return false;
    return addr_parse_ip(text, &addr) != ST_OK && dname_from_text(text, name) == ST_OK && name->labels;
}

static bool is_localhost(const struct dname *name)
{
    static const struct dname localhost = {11, 1, "\011localhost"};
    return dname_is_within(name, &localhost);
}

/* False: a name is none. */
static bool read_names(struct reading *reading, const struct addr *addr, struct str words)
{
    bool good = true, first = true;
    for (struct str word; !reading->ended && (word = str_word(&words)).length;) {
        struct dname name;
        if (!read_name(word, &name)) {
            good = false;
        } else if (reading->facts->names == HOSTS_FILE_MAX_NAMES) {
            reading->facts->cut = true;
            return good;
        } else if (!is_localhost(&name)) {
            reading->facts->names++;
            reading->ended = !reading->take(reading->arg, addr, &name, first);
            first = false;
        }
    }
    return good;
}

/* False: the line is no entry, or has a name that is none. */
static bool read_line(struct reading *reading, struct str line)
{
    struct str comment, zone = {0};
    struct addr addr;
    str_cut(line, '#', &line, &comment);
    struct str first = str_word(&line);
    if (!first.length)
        return true;
    bool zoned = str_cut(first, '%', &first, &zone);
    if (addr_parse_ip(first, &addr) != ST_OK || memchr(first.data, '[', first.length) || !str_trim(line).length)
        return false;
    return zoned || read_names(reading, &addr, line);
}

bool hosts_file_read(struct str text, hosts_file_fn *take, void *arg, struct hosts_file_facts *facts)
{
    struct reading reading = {.take = take, .arg = arg, .facts = facts};
    *facts = (struct hosts_file_facts){0};
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_from(text, 3);
    for (size_t number = 1; text.length && !reading.ended && !facts->cut; number++) {
        struct str line = text, rest = {0};
        str_cut(text, '\n', &line, &rest);
        if (line.length && line.data[line.length - 1] == '\r')
            line.length--;
        if (!read_line(&reading, line) && !facts->skipped++)
            facts->first_line = number;
        text = rest;
    }
    return !reading.ended;
}
