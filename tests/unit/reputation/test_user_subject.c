#include "reputation/user_subject.h"

#include "fixture.h"

static const struct {
    const char *written, *text;
    enum indicator_kind kind;
} forms[] = {
    {"Evil.Example.", "evil.example", INDICATOR_NAME},
    {"  evil.example\t", "evil.example", INDICATOR_NAME},
    {"*.evil.example", "evil.example", INDICATOR_NAME},
    {".evil.example", "evil.example", INDICATOR_NAME},
    {"=WWW.evil.example", "=www.evil.example", INDICATOR_NAME},
    {"bücher.example", "xn--bcher-kva.example", INDICATOR_NAME},
    {"ＥＶＩＬ。example", "evil.example", INDICATOR_NAME},
    {"_dmarc.evil.example", "_dmarc.evil.example", INDICATOR_NAME},
    {"http://Evil.example", "evil.example/", INDICATOR_URL},
    {"https://user:secret@evil.example:443/a/../b?x=%31#there", "evil.example/b?x=1", INDICATOR_URL},
    {"evil.example/a", "evil.example/a", INDICATOR_URL},
    {"evil.example?a", "evil.example/?a", INDICATOR_URL},
    {"evil.example:8080", "evil.example:8080/", INDICATOR_URL},
    {"http://bücher.example:8080/ü", "xn--bcher-kva.example:8080/%C3%BC", INDICATOR_URL},
    {"http://0xc0000201/a", "http://192.0.2.1/a", INDICATOR_URL},
    {"192.0.2.1/bin.sh", "http://192.0.2.1/bin.sh", INDICATOR_URL},
    {"192.0.2.1:8080/24", "http://192.0.2.1:8080/24", INDICATOR_URL},
    {"http://192.0.2.1/24", "http://192.0.2.1/24", INDICATOR_URL},
    {"http://[2001:DB8::1]/", "http://[2001:db8::1]/", INDICATOR_URL},
    {"192.0.2.1", "192.0.2.1", INDICATOR_NETWORK},
    {"192.0.2.1/32", "192.0.2.1", INDICATOR_NETWORK},
    {"192.0.2.0/24", "192.0.2.0/24", INDICATOR_NETWORK},
    {"192.0.2.1:443", "192.0.2.1:443", INDICATOR_NETWORK},
    {"2001:DB8:0::1", "2001:db8::1", INDICATOR_NETWORK},
    {"[2001:db8::1]:443", "[2001:db8::1]:443", INDICATOR_NETWORK},
    {"2001:db8::/32", "2001:db8::/32", INDICATOR_NETWORK},
    {"::ffff:192.0.2.1", "192.0.2.1", INDICATOR_NETWORK},
    {"64:ff9b::192.0.2.1", "192.0.2.1", INDICATOR_NETWORK},
};

static void each_way_of_writing_has_one_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct user_subject subject, again;
        struct fault fault = {0};
        if (user_subject_parse(str_of(forms[i].written), &subject, &fault) != ST_OK)
            fail_msg("%s: %s", forms[i].written, fault.text);
        if (strcmp(subject.text, forms[i].text) || subject.kind != forms[i].kind)
            fail_msg("%s: %s (%d)", forms[i].written, subject.text, (int)subject.kind);
        assert_int_equal(user_subject_parse(str_of(subject.text), &again, &fault), ST_OK);
        assert_string_equal(again.text, subject.text);
        assert_int_equal(again.kind, subject.kind);
    }
}

static const struct {
    const char *written, *why;
} faults[] = {
    {"", "nothing"},
    {" ", "nothing"},
    {"bad name", "no name, URL, address or network"},
    {"a..example", "no name, URL"},
    {"192.168.1", "no whole address"},
    {"256.1.1.1", "no whole address"},
    {"192.0.2.7/24", "write 192.0.2.0/24"},
    {"2001:db8::1/32", "write 2001:db8::/32"},
    {"192.0.2.0/33", "0 to 32"},
    {"2001:db8::/129", "0 to 128"},
    {"ftp://evil.example/", "http:// or https://"},
    {"http://", "no name, URL"},
    {"http://bad name/", "no name and no address as its host"},
    {"http://a..b%00.example/x", "no name and no address as its host"},
    {"someone@evil.example", "no name, URL"},
    {"evil.example:99999", "no name, URL"},
    {"192.0.2.1:0", "no name, URL"},
    {"fe80::1%eth0", "no name, URL"},
    {"=192.0.2.1", "no whole address"},
    {"=evil.example/a", "no name, URL"},
    {"=*.evil.example", "the name alone"},
    {"evil\x1b[31m.example", "\\x1b[31m"},
    {"\xff\xfe.example", "\\xff\\xfe"},
};

static void what_is_none_is_told_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct user_subject subject;
        struct fault fault = {0};
        if (user_subject_parse(str_of(faults[i].written), &subject, &fault) == ST_OK)
            fail_msg("'%s' became %s", faults[i].written, subject.text);
        if (!strstr(fault.text, faults[i].why))
            fail_msg("'%s': %s", faults[i].written, fault.text);
    }
}

static void a_url_that_is_too_long_is_refused(void **state)
{
    (void)state;
    static char url[USER_SUBJECT_SIZE + 20];
    struct user_subject subject;
    struct fault fault = {0};
    memset(url, 'a', sizeof url - 1);
    memcpy(url, "evil.example/", 13);
    assert_int_equal(user_subject_parse(str_of(url), &subject, &fault), ST_TOO_LARGE);
    url[USER_SUBJECT_SIZE - 1] = '\0';
    assert_int_equal(user_subject_parse(str_of(url), &subject, &fault), ST_OK);
    assert_string_equal(subject.text, url);
}

static void what_would_hold_for_everyone_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *written;
        bool allow, deny; /* whether it passes */
    } cases[] = {
        {"evil.example", true, true},
        {"com", false, false},
        {"=com", true, true},
        {"co.uk", false, false},
        {"co.uk/x", false, false},
        {"github.io", true, true},
        {"nas", false, false},
        {"nas/x", true, true},
        {"localhost", false, false},
        {"=localhost", true, false},
        {"app.localhost", true, false},
        {"http://localhost:80/", true, false},
        {"127.0.0.1", true, false},
        {"127.0.0.53:53", true, false},
        {"http://127.0.0.1/x", true, false},
        {"0.0.0.0", true, false},
        {"::1", true, false},
        {"0.0.0.0/0", false, false},
        {"::/0", false, false},
        {"128.0.0.0/1", false, false},
        {"10.0.0.0/7", false, false},
        {"10.0.0.0/8", true, true},
        {"126.0.0.0/7", false, false},
        {"2000::/18", false, false},
        {"2001:db8::/32", true, true},
        {"192.168.1.1", true, true},
        {"::/19", true, false},
        {"::ffff:0.0.0.0/96", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct user_subject subject;
        struct fault allow = {0}, deny = {0};
        assert_int_equal(user_subject_parse(str_of(cases[i].written), &subject, &allow), ST_OK);
        bool allows = user_subject_check(&subject, false, &allow) == ST_OK;
        bool denies = user_subject_check(&subject, true, &deny) == ST_OK;
        if (allows != cases[i].allow || denies != cases[i].deny)
            fail_msg("%s: allow %d (%s), deny %d (%s)", cases[i].written, allows, allow.text, denies, deny.text);
        assert_true(allows == !allow.text[0] && denies == !deny.text[0]);
    }
}

static size_t hits_of(const char *entry, const char *url_or_name, bool is_url)
{
    struct user_subject subject;
    struct fault fault = {0};
    char url[USER_SUBJECT_SIZE + 8];
    assert_int_equal(user_subject_parse(str_of(entry), &subject, &fault), ST_OK);
    struct indicator indicator = user_subject_indicator(&subject, url);
    struct source_writer *writer = new_writer("user");
    struct store *store = store_new();
    assert_int_equal(source_writer_add(writer, &indicator), ST_OK);
    add_source_own(store, writer);
    struct store_reader *reader = new_reader(store);
    struct store_hit hits[STORE_MAX_HITS];
    size_t n = is_url ? find_url(reader, url_or_name, hits) : find_name(reader, url_or_name, hits);
    store_reader_free(reader);
    store_free(store);
    return n;
}

static void the_store_finds_what_was_meant(void **state)
{
    (void)state;
    assert_int_equal(hits_of("evil.example", "www.evil.example", false), 1);
    assert_int_equal(hits_of("=evil.example", "evil.example", false), 1);
    assert_int_equal(hits_of("=evil.example", "www.evil.example", false), 0);
    assert_int_equal(hits_of("evil.example:8080", "http://evil.example:8080/x", true), 1);
    assert_int_equal(hits_of("evil.example:8080", "http://evil.example/x", true), 0);
    assert_int_equal(hits_of("https://evil.example/a?b=%252e", "http://evil.example/a?b=.", true), 1);
    assert_int_equal(hits_of("192.0.2.1/bin.sh", "http://192.0.2.1/bin.sh", true), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_of_writing_has_one_form),  cmocka_unit_test(what_is_none_is_told_why),
        cmocka_unit_test(a_url_that_is_too_long_is_refused), cmocka_unit_test(what_would_hold_for_everyone_is_refused),
        cmocka_unit_test(the_store_finds_what_was_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
