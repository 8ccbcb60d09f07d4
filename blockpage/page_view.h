/* What a page says: the values of its facts, and the texts that fit them, under the names that templates use. */
#pragma once

#include "blockpage/negotiate.h"
#include "blockpage/page.h"
#include "blockpage/template.h"

enum {
    PAGE_VIEW_VALUES = 32,
    PAGE_VIEW_VALUE_SIZE = 800, /* an address of 200 bytes, each percent-encoded; longer values are cut */
    PAGE_URL_MAX = 200,
};

struct catalogue;

struct page_view {
    const struct catalogue *catalogue;
    const char *group; /* "c2", "malware", "phishing", "rules", "notblocked", "report": first part of a text's key */
    const char *stage; /* "first", "repeated"; of "report" what came of it */
    size_t count;
    struct {
        const char *name;
        char text[PAGE_VIEW_VALUE_SIZE];
    } values[PAGE_VIEW_VALUES];
};

/* TOKEN: of the form; empty: there is none. */
void page_view_of_block(struct page_view *view, enum page_language language, const struct page_facts *facts,
                        const char *token);
/* STAGE: "taken", "stale", "toomany", "unreadable", "toolarge". */
void page_view_of_report(struct page_view *view, enum page_language language, const char *stage,
                         const struct page_facts *facts);
void page_view_of_not_blocked(struct page_view *view, enum page_language language, struct str host);

/* A value, else the text for GROUP.STAGE.name, GROUP.name, STAGE.name or name, in this order; for template_render(). */
bool page_view_find(const void *view, struct str name, struct template_value *value);

/* URL for a person's eyes, as a thing that nothing turns into a link: hxxp://bad[.]example/path, without query and
 * fragment, at most PAGE_URL_MAX bytes of it, what is not printable ASCII percent-encoded. */
void page_view_defang(char *out, size_t size, struct str url);
