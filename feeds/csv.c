#include "feeds/csv.h"

/* The end of the quoted field that starts at AT (behind its quote): where its closing quote is; LENGTH: nowhere. */
static size_t closing_quote(struct str line, size_t at)
{
    while (at < line.length) {
        if (line.data[at] != '"')
            at++;
        else if (at + 1 < line.length && line.data[at + 1] == '"')
            at += 2;
        else
            return at;
    }
    return line.length;
}

size_t csv_split(struct str line, struct str fields[CSV_FIELDS])
{
    size_t count = 0, at = 0;
    for (;;) {
        if (count == CSV_FIELDS)
            return 0;
        while (at < line.length && (line.data[at] == ' ' || line.data[at] == '\t'))
            at++;
        size_t start = at;
        if (at < line.length && line.data[at] == '"') {
            start = at + 1;
            at = closing_quote(line, start);
            if (at == line.length)
                return 0;
            fields[count++] = (struct str){line.data + start, at - start};
            at++;
        } else {
            while (at < line.length && line.data[at] != ',')
                at++;
            fields[count++] = str_trim((struct str){line.data + start, at - start});
        }
        if (at >= line.length)
            return count;
        if (line.data[at++] != ',')
            return 0;
    }
}
