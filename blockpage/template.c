#include "blockpage/template.h"

#include <string.h>

#include "base/check.h"

enum { MAX_DEPTH = 6 }; /* texts within texts, sections within sections */

struct rendering {
    struct buf *out;
    enum template_form form;
    template_find_fn *find;
    const void *arg;
};

static void render(const struct rendering *r, struct str source, unsigned depth);

static const char *escape_html(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static const char *escape_json(char c)
{
    return c == '"' ? "\\\"" : c == '\\' ? "\\\\" : NULL;
}

static void add_escaped(const struct rendering *r, struct str text)
{
    if (!text.length)
        return;
    size_t kept = 0; /* bytes before this are in the output */
    for (size_t i = 0; i < text.length; i++) {
        const char *escape = r->form == TEMPLATE_HTML   ? escape_html(text.data[i])
                             : r->form == TEMPLATE_JSON ? escape_json(text.data[i])
                                                        : NULL;
        if (!escape)
            continue;
        buf_add(r->out, text.data + kept, i - kept);
        buf_add_text(r->out, escape);
        kept = i + 1;
    }
    buf_add(r->out, text.data + kept, text.length - kept);
}

/* Splits TEXT at the first MARK; false if there is none. */
static bool cut_at(struct str text, struct str mark, struct str *before, struct str *after)
{
    const char *found = text.length ? memmem(text.data, text.length, mark.data, mark.length) : NULL;
    if (!found)
        return false;
    size_t offset = (size_t)(found - text.data);
    *before = (struct str){text.data, offset};
    *after = str_from(text, offset + mark.length);
    return true;
}

static struct template_value find_value(const struct rendering *r, struct str name)
{
    struct template_value value = {0};
    bool known = r->find(r->arg, name, &value);
    CHECK(known);
    return value;
}

/* A text of ours: what stands between its names is escaped too, for a catalogue holds no markup. */
static void render_text(const struct rendering *r, struct str text, unsigned depth)
{
    CHECK(depth < MAX_DEPTH);
    struct str before, name, after;
    while (cut_at(text, STR("{{"), &before, &after)) {
        bool closed = cut_at(after, STR("}}"), &name, &text);
        CHECK(closed);
        add_escaped(r, before);
        struct template_value value = find_value(r, name);
        if (value.is_template)
            render_text(r, value.text, depth + 1);
        else
            add_escaped(r, value.text);
    }
    add_escaped(r, text);
}

/* Takes the section NAME off REST, which starts after its opening mark. */
static struct str cut_section(struct str name, struct str *rest)
{
    char mark[64] = "{{/";
    CHECK(name.length < sizeof mark - 6);
    memcpy(mark + 3, name.data, name.length);
    memcpy(mark + 3 + name.length, "}}", 3);
    struct str section;
    bool closed = cut_at(*rest, str_of(mark), &section, rest);
    CHECK(closed);
    return section;
}

static void render(const struct rendering *r, struct str source, unsigned depth)
{
    CHECK(depth < MAX_DEPTH);
    struct str before, name, after;
    while (cut_at(source, STR("{{"), &before, &after)) {
        bool closed = cut_at(after, STR("}}"), &name, &source);
        CHECK(closed);
        buf_add(r->out, before.data, before.length);
        if (name.length && name.data[0] == '?') {
            name = str_from(name, 1);
            struct str section = cut_section(name, &source);
            if (find_value(r, name).text.length)
                render(r, section, depth + 1);
            continue;
        }
        struct template_value value = find_value(r, name);
        if (value.is_template)
            render_text(r, value.text, depth + 1);
        else
            add_escaped(r, value.text);
    }
    buf_add(r->out, source.data, source.length);
}

void template_render(struct buf *out, enum template_form form, struct str source, template_find_fn *find,
                     const void *arg)
{
    struct rendering rendering = {.out = out, .form = form, .find = find, .arg = arg};
    render(&rendering, source, 0);
}
