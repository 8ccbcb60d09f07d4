#include "daemon/refresh_reasons.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "reputation/store.h"

struct reason {
    char feed[SOURCE_NAME_SIZE];
    char text[512]; /* empty: none */
};

struct refresh_reasons {
    struct reason *items;
    size_t count;
};

struct refresh_reasons *refresh_reasons_new(void)
{
    return calloc(1, sizeof(struct refresh_reasons));
}

void refresh_reasons_free(struct refresh_reasons *reasons)
{
    if (!reasons)
        return;
    free(reasons->items);
    free(reasons);
}

static struct reason *find(const struct refresh_reasons *reasons, const char *feed)
{
    for (size_t i = 0; i < reasons->count; i++)
        if (!strcmp(reasons->items[i].feed, feed))
            return &reasons->items[i];
    return NULL;
}

static struct reason *find_or_add(struct refresh_reasons *reasons, const char *feed)
{
    struct reason *reason = find(reasons, feed);
    if (reason)
        return reason;
    struct reason *items = reallocarray(reasons->items, reasons->count + 1, sizeof *items);
    if (!items)
        return NULL;
    reasons->items = items;
    reason = &items[reasons->count++];
    *reason = (struct reason){0};
    text_copy(reason->feed, sizeof reason->feed, str_of(feed));
    return reason;
}

/* "<3>" of the journal, "ccward: ", "error: ". */
static struct str without_prefixes(struct str line)
{
    static const struct str prefixes[] = {{"ccward: ", 8}, {"error: ", 7}, {"warning: ", 9}};
    if (line.length > 3 && line.data[0] == '<' && line.data[2] == '>')
        line = str_from(line, 3);
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (str_starts(line, prefixes[i]))
            line = str_from(line, prefixes[i].length);
    return line;
}

static struct str last_line(const char *output)
{
    struct str text = str_of(output);
    while (text.length && strchr("\r\n\t ", text.data[text.length - 1]))
        text.length--;
    const char *before = text.length ? memrchr(text.data, '\n', text.length) : NULL;
    return without_prefixes(before ? str_from(text, (size_t)(before - text.data) + 1) : text);
}

void refresh_reasons_failed(struct refresh_reasons *reasons, const char *feed, const char *output)
{
    char text[sizeof reasons->items->text];
    struct str line = last_line(output);
    text_printable(text, sizeof text, line.length ? line : STR("it ended without saying why"));
    struct reason *reason = find_or_add(reasons, feed);
    if (!reason || strcmp(reason->text, text))
        log_error("feed %s: %s", feed, text);
    if (reason)
        memcpy(reason->text, text, sizeof text);
}

void refresh_reasons_clear(struct refresh_reasons *reasons, const char *feed)
{
    struct reason *reason = find(reasons, feed);
    if (!reason || !reason->text[0])
        return;
    log_info("feed %s can be refreshed again", feed);
    reason->text[0] = '\0';
}

const char *refresh_reasons_of(const struct refresh_reasons *reasons, const char *feed)
{
    const struct reason *reason = find(reasons, feed);
    return reason ? reason->text : "";
}
