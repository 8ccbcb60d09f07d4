#include "fixture.h"
#include "reputation/key.h"
#include "reputation/url_expression.h"

#define VECTORS CCWARD_SHARED_DATA "/../research/url-vectors/"

static struct canonical_url url;

static enum status parse(const char *text)
{
    return canonical_url(str_of(text), &url);
}

/* The whole canonical text of a URL that must be one. */
static const char *canonical(const char *text)
{
    static char out[CANONICAL_URL_MAX + 1];
    assert_int_equal(parse(text), ST_OK);
    assert_ptr_equal(url.host.data, url.text);
    text_copy(out, sizeof out, (struct str){url.text, url.host.length + url.path.length + url.query.length});
    return out;
}

/* C escapes in place: \t \r \n \xNN. */
static void unescape_c(char *text)
{
    char *out = text;
    for (const char *in = text; *in; in++) {
        if (*in != '\\') {
            *out++ = *in;
        } else if (*++in == 'x') {
            *out++ = (char)(hex_value(in[1]) << 4 | hex_value(in[2]));
            in += 2;
        } else {
            *out++ = *in == 't' ? '\t' : *in == 'r' ? '\r' : '\n';
        }
    }
    *out = '\0';
}

static const char *without_scheme(const char *text)
{
    const char *at = strstr(text, "://");
    return at ? at + 3 : text;
}

static void the_published_vectors_hold(void **state)
{
    (void)state;
    char line[1024];
    unsigned count = 0;
    FILE *file = fopen(VECTORS "gsb_v4_canonical.tsv", "r");
    if (!file)
        skip();
    while (fgets(line, sizeof line, file)) {
        char *tab = strchr(line, '\t');
        if (line[0] == '#' || !tab)
            continue;
        *tab = '\0';
        tab[1 + strcspn(tab + 1, "\n")] = '\0';
        unescape_c(line);
        assert_string_equal(canonical(line), without_scheme(tab + 1));
        count++;
    }
    fclose(file);
    assert_int_equal(count, 33);
}

static bool has_word(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at++)
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
            return true;
    return false;
}

/* The expressions of the URL parsed last, each of which must be among WORDS but those of the public suffix BESIDES;
 * returns how many are. */
static unsigned expressions_among(const char *words, const char *besides)
{
    struct name_key key;
    unsigned skips[URL_MAX_HOSTS], count = 0;
    size_t lengths[URL_MAX_PATHS];
    name_key_from_host(&url, &key);
    size_t hosts = url_host_skips(&url, key.labels, skips), paths = url_path_lengths(&url, lengths);
    for (size_t h = 0; h < hosts; h++) {
        struct str host = url.host, dropped;
        for (unsigned i = 0; i < skips[h]; i++)
            assert_true(str_cut(host, '.', &dropped, &host));
        for (size_t p = 0; p < paths; p++, count++) {
            char text[1024];
            snprintf(text, sizeof text, "%.*s%.*s", (int)host.length, host.data, (int)lengths[p], url.path.data);
            if (besides && str_eq(host, str_of(besides)))
                count--;
            else if (!has_word(words, text))
                fail_msg("%s is not expected", text);
        }
    }
    return count;
}

static void the_published_expressions_hold(void **state)
{
    (void)state;
    char line[2048];
    unsigned count = 0;
    FILE *file = fopen(VECTORS "gsb_expressions.tsv", "r");
    if (!file)
        skip();
    while (fgets(line, sizeof line, file)) {
        char *generation = strchr(line, '\t'), *words = generation ? strchr(generation + 1, '\t') : NULL;
        if (line[0] == '#' || !words)
            continue;
        *generation = '\0';
        *words++ = '\0';
        words[strcspn(words, "\n")] = '\0';
        unsigned expected = 1;
        for (const char *c = words; *c; c++)
            expected += *c == ' ';
        assert_int_equal(parse(line), ST_OK);
        /* v5 leaves public suffixes out of what is tried. v4 does not, and neither do we: no feed may list one. */
        assert_int_equal(expressions_among(words, "co.uk"), expected);
        count++;
    }
    fclose(file);
    assert_int_equal(count, 6);
}

static void at_most_four_directories_are_tried(void **state)
{
    (void)state;
    assert_int_equal(parse("http://evil.example/a/b/c/d/e/f.html?x"), ST_OK);
    assert_int_equal(expressions_among("evil.example/a/b/c/d/e/f.html?x evil.example/a/b/c/d/e/f.html evil.example/ "
                                       "evil.example/a/ evil.example/a/b/ evil.example/a/b/c/",
                                       NULL),
                     6);
}

static void an_address_is_read_in_any_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *text, *address; /* NULL: a name */
    } vectors[] = {
        {"123.123.0.0.1", NULL},
        {"255.0.0.1", "255.0.0.1"},
        {"12.0x12.01234", "12.18.2.156"},
        {"276.2.3", "20.2.0.3"},
        {"012.034.01.055", "10.28.1.45"},
        {"0x12.0x43.0x44.0x01", "18.67.68.1"},
        {"167838211", "10.1.2.3"},
        {"3279880203", "195.127.0.11"},
        {"4294967295", "255.255.255.255"},
        {"10.192.95.89 xy", "10.192.95.89"},
        {"1.2.3.00x0", NULL},
        {"4294967296", NULL},
        {"0x", NULL},
        {"08.1.1.1", NULL},
        {"\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.1", "127.0.0.1"}, /* full-width digits */
        {"[0:0:0:0:0:0:0:1]", "[::1]"},
        {"[2001:0db8:0000:0000:0000:ff00:0042:8329]", "[2001:db8::ff00:42:8329]"},
        {"[::ffff:0102:0304]", "1.2.3.4"},
        {"[64:ff9b::102:304]", "1.2.3.4"},
        {"[64:ff9b:1::102:304]", "[64:ff9b:1::102:304]"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "http://%s/", vectors[i].text);
        assert_int_equal(parse(text), ST_OK);
        assert_int_equal(url.host_is_address, vectors[i].address != NULL);
        if (vectors[i].address)
            assert_true(str_eq(url.host, str_of(vectors[i].address)));
    }
}

static void what_has_no_host_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        ":",
        "/blah",
        "#ref",
        "?q",
        "http://#ref",
        "http:///x",
        "http://",
        "mailto:a@b",
        "http://...",
        "http://@/",
        "http://:80/",
        "http:evil",
        "https:/x",
        "http://[::1",
        "http://[::1]x",
        "http://[]/",
        "http://a:b/",
        "http://a:",
        "http://a:65536/",
        "http://a:0/",
        "http://[fe80::1%25eth0]/",
        "javascript:alert(1)",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(texts[i], "http://a:")) /* an empty port is the scheme's (RFC 3986 section 3.2.3) */
            assert_int_equal(parse(texts[i]), ST_INVALID);
    assert_int_equal(parse("http://a:"), ST_OK);
    assert_int_equal(url.port, 80);
    assert_int_equal(parse("ftp://evil.example/"), ST_UNSUPPORTED);
}

static void an_escaped_delimiter_is_none(void **state)
{
    (void)state;
    assert_string_equal(canonical("http://good.example%2f.evil.example/x"), "good.example%2F.evil.example/x");
    assert_string_equal(canonical("http://good.example%3a80@evil.example/"), "evil.example/");
    assert_string_equal(canonical("http://evil.example/a%3Fb"), "evil.example/a%3Fb");
    assert_int_equal(url.query.length, 0);
    assert_string_equal(canonical("http://evil.example/%2e%2e/%2e/a%2Fb"), "evil.example/a/b");
}

static void the_port_is_kept_beside_the_text(void **state)
{
    (void)state;
    assert_string_equal(canonical("evil.example:8080/a"), "evil.example/a");
    assert_int_equal(url.port, 8080);
    assert_string_equal(canonical("HTTPS://Evil.Example"), "evil.example/");
    assert_int_equal(url.port, 443);
    assert_string_equal(canonical("http://[2001:db8::1]:81"), "[2001:db8::1]/");
    assert_int_equal(url.port, 81);
}

static void only_paths_are_resolved(void **state)
{
    (void)state;
    assert_string_equal(canonical("http://a/b/../../../c/./d/?e/../f"), "a/c/d/?e/../f");
    assert_string_equal(canonical("http://a/.."), "a/");
    assert_string_equal(canonical("http://a/b/."), "a/b/");
    assert_string_equal(canonical("http://a/b/.."), "a/");
    assert_string_equal(canonical("http://a?"), "a/?");
    assert_string_equal(canonical("http://a\\b"), "a/\\b");
}

static void a_url_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    static char text[3 * CANONICAL_URL_MAX];
    memset(text, '\x01', sizeof text - 1);
    memcpy(text, "http://evil.example/", 20);
    memset(text + 20, 'a', CANONICAL_URL_MAX - 30);
    text[CANONICAL_URL_MAX - 10] = '\0';
    assert_int_equal(parse(text), ST_OK);
    memset(text + 20, '#' + 1, CANONICAL_URL_MAX - 30);
    assert_int_equal(parse(text), ST_OK);
    memset(text + 20, '%', CANONICAL_URL_MAX - 30); /* each becomes three bytes */
    assert_int_equal(parse(text), ST_OK);
    memset(text + 20, 'a', sizeof text - 21);
    assert_int_equal(parse(text), ST_TOO_LARGE);
    memset(text + 7, 'a', 64);
    text[71] = '\0';
    assert_int_equal(parse(text), ST_TOO_LARGE); /* a label of 64 bytes */
}

static void parts_give_the_same_as_the_whole(void **state)
{
    (void)state;
    static struct canonical_url parts;
    const char *expected = canonical("http://Evil.Example:81/a/../b?c");
    assert_int_equal(canonical_url_parts(STR("Evil.Example."), 81, STR("/a/../b?c"), &parts), ST_OK);
    assert_memory_equal(parts.text, expected, strlen(expected));
    assert_int_equal(parts.port, 81);
    assert_int_equal(canonical_url_parts(STR("[::1]"), 80, STR(""), &parts), ST_OK);
    assert_true(parts.host_is_address);
    assert_true(str_eq(parts.path, STR("/")));
    assert_int_equal(canonical_url_parts(STR("::1"), 80, STR("/"), &parts), ST_OK);
    assert_true(str_eq(parts.host, STR("[::1]")));
    assert_int_equal(canonical_url_parts(STR("evil.example"), 80, STR("*"), &parts), ST_OK);
    assert_true(str_eq(parts.path, STR("/*")));
    assert_int_equal(canonical_url_parts(STR(""), 80, STR("/"), &parts), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_vectors_hold),         cmocka_unit_test(the_published_expressions_hold),
        cmocka_unit_test(at_most_four_directories_are_tried), cmocka_unit_test(an_address_is_read_in_any_spelling),
        cmocka_unit_test(what_has_no_host_is_refused),        cmocka_unit_test(an_escaped_delimiter_is_none),
        cmocka_unit_test(the_port_is_kept_beside_the_text),   cmocka_unit_test(only_paths_are_resolved),
        cmocka_unit_test(a_url_that_does_not_fit_is_refused), cmocka_unit_test(parts_give_the_same_as_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
