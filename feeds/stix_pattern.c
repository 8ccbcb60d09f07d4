#include "feeds/stix_pattern.h"

#include <string.h>

enum comparison { NONE, EQUAL, ONE_OF, SUBSET, OTHER };

struct scan {
    struct str rest;
    struct str path; /* of the comparison at hand; empty: none */
    enum comparison op;
    bool negated, listed /* within IN's parentheses */, combined;
    char value[STIX_VALUE_SIZE];
    void (*take)(void *user, const struct stix_value *value); /* NULL: only looks */
    void *user;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Where the quoted text that starts at AT ends, its quote included; 0: nowhere. */
static size_t quoted_end(struct str text, size_t at)
{
    for (size_t i = at + 1; i < text.length; i++) {
        if (text.data[i] == '\\')
            i++;
        else if (text.data[i] == '\'')
            return i + 1;
    }
    return 0;
}

/* A keyword or a path, which may have an index and quoted parts: file:hashes.'SHA-256', x:y_refs[*].value. */
static struct str take_word(struct scan *scan)
{
    struct str text = scan->rest;
    size_t n = 0;
    while (n < text.length && !is_blank(text.data[n]) && !strchr("=!<>(),]", text.data[n])) {
        if (text.data[n] == '\'') {
            n = quoted_end(text, n);
            if (!n)
                return (struct str){0};
        } else if (text.data[n] == '[') {
            const char *end = memchr(text.data + n, ']', text.length - n);
            if (!end)
                return (struct str){0};
            n = (size_t)(end - text.data) + 1;
        } else {
            n++;
        }
    }
    scan->rest = str_from(text, n);
    return (struct str){text.data, n};
}

static void apply_word(struct scan *scan, struct str word)
{
    if (str_eq(word, STR("AND")) || str_eq(word, STR("FOLLOWEDBY")))
        scan->combined = true;
    else if (str_eq(word, STR("NOT")))
        scan->negated = true;
    else if (str_eq(word, STR("IN")))
        scan->op = ONE_OF;
    else if (str_eq(word, STR("ISSUBSET")))
        scan->op = SUBSET;
    else if (str_eq(word, STR("LIKE")) || str_eq(word, STR("MATCHES")) || str_eq(word, STR("ISSUPERSET")))
        scan->op = OTHER;
    else if (memchr(word.data, ':', word.length) && !memchr(word.data, '\'', 2 < word.length ? 2 : word.length)) {
        scan->path = word;
        scan->op = NONE;
        scan->negated = false;
    }
}

static void take_operator(struct scan *scan)
{
    size_t n = 0;
    while (n < scan->rest.length && strchr("=!<>", scan->rest.data[n]))
        n++;
    struct str text = {scan->rest.data, n};
    scan->op = str_eq(text, STR("=")) || str_eq(text, STR("==")) ? EQUAL : OTHER;
    scan->rest = str_from(scan->rest, n);
}

static void hand_on(struct scan *scan, struct str text)
{
    struct stix_value value = {scan->path, text, scan->combined};
    if (scan->take && scan->path.length && !scan->negated && scan->op != NONE && scan->op != OTHER)
        scan->take(scan->user, &value);
    if (!scan->listed)
        scan->path = (struct str){0};
}

static bool is_number(struct str word)
{
    uint64_t number;
    return text_u64(word, UINT64_MAX, &number) == ST_OK;
}

static bool take_value(struct scan *scan)
{
    size_t end = quoted_end(scan->rest, 0), n = 0;
    if (!end)
        return false;
    for (size_t i = 1; i < end - 1; i++) {
        if (scan->rest.data[i] == '\\')
            i++;
        if (n == sizeof scan->value)
            return false;
        scan->value[n++] = scan->rest.data[i];
    }
    scan->rest = str_from(scan->rest, end);
    hand_on(scan, (struct str){scan->value, n});
    return true;
}

static bool take_token(struct scan *scan)
{
    char c = scan->rest.data[0];
    if (is_blank(c) || strchr("[],", c)) {
        scan->rest = str_from(scan->rest, 1);
    } else if (c == '(' || c == ')') {
        scan->listed = c == '(' && scan->op == ONE_OF && scan->path.length;
        scan->rest = str_from(scan->rest, 1);
    } else if (strchr("=!<>", c)) {
        take_operator(scan);
    } else if (c == '\'') {
        return take_value(scan);
    } else {
        struct str word = take_word(scan);
        if (!word.length)
            return false;
        if (scan->op != NONE && is_number(word))
            hand_on(scan, word);
        else
            apply_word(scan, word);
    }
    return true;
}

bool stix_pattern_values(struct str pattern, void (*take)(void *user, const struct stix_value *value), void *user)
{
    struct scan scan = {.rest = pattern};
    pattern = str_trim(pattern);
    if (!pattern.length || (pattern.data[0] != '[' && pattern.data[0] != '('))
        return false;
    if (memchr(pattern.data, '\0', pattern.length))
        return false;
    while (scan.rest.length)
        if (!take_token(&scan))
            return false;
    scan = (struct scan){.rest = pattern, .combined = scan.combined, .take = take, .user = user};
    while (scan.rest.length)
        if (!take_token(&scan))
            return false;
    return true;
}
