#include "reputation/user_lists.h"

#include "fixture.h"

static struct user_lists *new_lists(void)
{
    struct user_lists *lists = user_lists_new();
    assert_non_null(lists);
    return lists;
}

static struct user_entry entry_of(enum user_verb verb, const char *subject, const char *group)
{
    return (struct user_entry){
        .subject = subject, .verb = verb, .group = group, .note = "", .category = CATEGORY_OTHER, .created_s = 1000};
}

static const struct user_entry *put(struct user_lists *lists, struct user_entry entry)
{
    const struct user_entry *replaced;
    struct fault fault = {0};
    if (user_lists_put(lists, &entry, &replaced, &fault) != ST_OK)
        fail_msg("%s", fault.text);
    return replaced;
}

static void the_later_entry_replaces_the_earlier(void **state)
{
    (void)state;
    struct user_lists *lists = new_lists();
    assert_null(put(lists, entry_of(USER_ALLOW, "evil.example", "")));
    assert_null(put(lists, entry_of(USER_DENY, "evil.example", "kids")));
    assert_null(put(lists, entry_of(USER_DENY, "=evil.example", "")));
    const struct user_entry *replaced = put(lists, entry_of(USER_DENY, "evil.example", ""));
    assert_non_null(replaced);
    assert_int_equal(replaced->verb, USER_ALLOW);
    assert_int_equal(user_lists_count(lists), 3);
    assert_int_equal(user_lists_find(lists, "evil.example", "")->verb, USER_DENY);
    assert_true(user_lists_remove(lists, "evil.example", ""));
    assert_false(user_lists_remove(lists, "evil.example", ""));
    assert_null(user_lists_find(lists, "evil.example", ""));
    assert_non_null(user_lists_find(lists, "evil.example", "kids"));
    user_lists_free(lists);
}

static void entries_stand_in_order_however_they_came(void **state)
{
    (void)state;
    struct user_lists *lists = new_lists();
    char subject[32];
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(subject, sizeof subject, "n%03u.example", i * 377 % 1000);
        put(lists, entry_of(USER_DENY, subject, ""));
    }
    memset(subject, 'x', sizeof subject - 1); /* they are copies */
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(subject, sizeof subject, "n%03u.example", i);
        assert_string_equal(user_lists_at(lists, i)->subject, subject);
        assert_ptr_equal(user_lists_find(lists, subject, ""), user_lists_at(lists, i));
    }
    user_lists_free(lists);
}

static void what_has_expired_is_pruned(void **state)
{
    (void)state;
    struct user_lists *lists = new_lists();
    struct user_entry over = entry_of(USER_DENY, "a.example", ""), left = entry_of(USER_DENY, "b.example", "");
    over.expires_s = 2000;
    left.expires_s = 2001;
    put(lists, over);
    put(lists, left);
    put(lists, entry_of(USER_DENY, "c.example", ""));
    user_lists_prune(lists, 2000);
    assert_int_equal(user_lists_count(lists), 2);
    assert_string_equal(user_lists_at(lists, 0)->subject, "b.example");
    user_lists_free(lists);
}

static void texts_that_would_hurt_are_refused(void **state)
{
    (void)state;
    struct user_lists *lists = new_lists();
    static char long_note[USER_NOTE_MAX + 2];
    memset(long_note, 'x', USER_NOTE_MAX + 1);
    const char *const notes[] = {long_note, "two\nlines", "\x1b[31m", "\xff"};
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        struct user_entry entry = entry_of(USER_DENY, "evil.example", "");
        const struct user_entry *replaced;
        struct fault fault = {0};
        entry.note = notes[i];
        assert_int_equal(user_lists_put(lists, &entry, &replaced, &fault), ST_INVALID);
        assert_non_null(strstr(fault.text, "note"));
    }
    long_note[USER_NOTE_MAX] = '\0';
    struct user_entry entry = entry_of(USER_DENY, "evil.example", "");
    entry.note = long_note;
    put(lists, entry);
    user_lists_free(lists);
}

static void there_is_a_bound_to_their_number(void **state)
{
    (void)state;
    struct user_lists *lists = new_lists();
    char subject[32];
    for (unsigned i = 0; i < USER_LISTS_MAX; i++) {
        snprintf(subject, sizeof subject, "n%05u.example", i);
        put(lists, entry_of(USER_DENY, subject, ""));
    }
    struct user_entry entry = entry_of(USER_ALLOW, "one-more.example", "");
    const struct user_entry *replaced;
    struct fault fault = {0};
    assert_int_equal(user_lists_put(lists, &entry, &replaced, &fault), ST_TOO_LARGE);
    assert_non_null(strstr(fault.text, "feeds import"));
    entry.subject = "n00007.example"; /* a change needs no room */
    assert_int_equal(user_lists_put(lists, &entry, &replaced, &fault), ST_OK);
    user_lists_free(lists);
}

static void the_document_holds_all_that_an_entry_says(void **state)
{
    (void)state;
    struct user_lists *lists = new_lists(), *again = new_lists();
    struct user_entry entry = entry_of(USER_ALLOW, "evil.example:8080/a?b=\"c\"", "kids");
    struct buf text = {0}, same = {0};
    struct fault fault = {0};
    entry.note = "für die Schule, \"bis\" Freitag \\ {[";
    entry.log_only = true;
    entry.category = CATEGORY_PHISHING;
    entry.expires_s = 4102444800;
    put(lists, entry);
    put(lists, entry_of(USER_DENY, "192.0.2.0/24", ""));
    assert_int_equal(user_lists_build(lists, &text), ST_OK);
    assert_int_equal(user_lists_parse(again, (struct str){text.data, text.length}, "x", &fault), ST_OK);
    assert_int_equal(user_lists_count(again), 2);
    const struct user_entry *read = user_lists_find(again, "evil.example:8080/a?b=\"c\"", "kids");
    assert_non_null(read);
    assert_int_equal(read->verb, USER_ALLOW);
    assert_true(read->log_only);
    assert_string_equal(read->note, entry.note);
    assert_int_equal(read->category, CATEGORY_PHISHING);
    assert_int_equal(read->created_s, 1000);
    assert_true(read->expires_s == 4102444800);
    assert_int_equal(user_lists_build(again, &same), ST_OK);
    assert_string_equal(buf_text(&text), buf_text(&same));
    buf_free(&text);
    buf_free(&same);
    user_lists_free(lists);
    user_lists_free(again);
}

#define DOCUMENT(entries) "{\"schema\": 1, \"entries\": [\n" entries "\n]}\n"

static const struct {
    const char *text, *why;
    enum status status;
} damaged[] = {
    {"", "list:1: this is not JSON", ST_INVALID},
    {"{\"schema\": 1, \"entries\": [\n\n", "list:3: this is not JSON", ST_INVALID},
    {"\x7f\x45\x4c\x46", "list:1: this is not JSON", ST_INVALID},
    {"[]", "list:1: it is no list of ccward's", ST_INVALID},
    {"{\"entries\": []}", "list:1: it is no list of ccward's", ST_INVALID},
    {"{\"schema\": 1, \"entries\": {}}", "list:1: it is no list of ccward's", ST_INVALID},
    {"{\"schema\": 1, \"entries\": [], \"more\": 1}", "list:1: it is no list of ccward's", ST_INVALID},
    {"{\"schema\": 2, \"entries\": []}", "list:1: schema 2", ST_UNSUPPORTED},
    {DOCUMENT("1"), "entries[0]: is no object", ST_INVALID},
    {DOCUMENT("{}"), "list:2: entries[0].verb", ST_INVALID},
    {DOCUMENT("{\"subject\": \"a.example\", \"verb\": \"block\"}"), "list:2: entries[0].verb: is neither", ST_INVALID},
    {DOCUMENT("{\"verb\": \"deny\"}"), "list:2: entries[0].subject: a name", ST_INVALID},
    {DOCUMENT("{\"subject\": \"a\\u0000.example\", \"verb\": \"deny\"}"), "this is not JSON", ST_INVALID},
    {DOCUMENT("{\"subject\": \"a b\", \"verb\": \"deny\"}"), "list:2: entries[0].subject: 'a b' is no", ST_INVALID},
    {DOCUMENT("{\"subject\": \"x.example\", \"verb\": \"deny\", \"note\": \"}]\\\"{\"},\n"
              "{\"subject\": \"x.example\", \"verb\": \"deny\", \"level\": 9}"),
     "list:3: entries[1]: has a member", ST_INVALID},
    {DOCUMENT(
         "{\"subject\": \"x.example\", \"verb\": \"deny\"},\n\n{\"subject\": \"X.Example.\", \"verb\": \"allow\"}"),
     "list:4: entries[1].subject: stands there twice", ST_INVALID},
    {DOCUMENT("{\"subject\": \"x.example\", \"verb\": \"deny\", \"group\": 1}"), "entries[0].group", ST_INVALID},
    {DOCUMENT("{\"subject\": \"x.example\", \"verb\": \"deny\", \"note\": \"a\\nb\"}"), "list:2: entries[0]: a note",
     ST_INVALID},
    {DOCUMENT("{\"subject\": \"x.example\", \"verb\": \"deny\", \"category\": \"x\"}"), "entries[0].category",
     ST_INVALID},
    {DOCUMENT("{\"subject\": \"x.example\", \"verb\": \"deny\", \"log_only\": 1}"), "entries[0].log_only", ST_INVALID},
    {DOCUMENT("{\"subject\": \"x.example\", \"verb\": \"deny\", \"created\": -1}"), "entries[0].created", ST_INVALID},
    {DOCUMENT("{\"subject\": \"x.example\", \"verb\": \"deny\", \"expires\": 1.5}"), "entries[0].expires", ST_INVALID},
    {DOCUMENT("{\"subject\": \"x.example\", \"verb\": \"deny\", \"verb\": \"allow\"}"), "list:2: this is not JSON",
     ST_INVALID},
};

static void a_damaged_document_is_refused_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        struct user_lists *lists = new_lists();
        struct fault fault = {0};
        enum status status = user_lists_parse(lists, str_of(damaged[i].text), "list", &fault);
        if (status != damaged[i].status || !strstr(fault.text, damaged[i].why))
            fail_msg("%s: %s: %s", damaged[i].text, status_text(status), fault.text);
        user_lists_free(lists);
    }
}

static void what_people_write_by_hand_is_brought_into_form(void **state)
{
    (void)state;
    struct user_lists *lists = new_lists();
    struct fault fault = {0};
    assert_int_equal(
        user_lists_parse(lists, STR(DOCUMENT("{\"subject\": \"EVIL.Example.\", \"verb\": \"deny\"}")), "list", &fault),
        ST_OK);
    const struct user_entry *entry = user_lists_find(lists, "evil.example", "");
    assert_non_null(entry);
    assert_int_equal(entry->category, CATEGORY_OTHER);
    assert_true(!entry->log_only && !entry->expires_s && !*entry->note);
    user_lists_free(lists);
}

static void records_say_what_the_entries_say(void **state)
{
    (void)state;
    struct user_lists *lists = new_lists();
    struct user_entry entry = entry_of(USER_ALLOW, "evil.example", "kids");
    entry.note = "school";
    entry.log_only = true;
    entry.expires_s = 5000;
    put(lists, entry);
    put(lists, entry_of(USER_DENY, "192.0.2.1:443", ""));
    struct source_writer *writer = new_writer("user");
    struct fault fault = {0};
    assert_int_equal(user_lists_add_to(lists, writer, &fault), ST_OK);
    struct store *store = store_new();
    add_source_own(store, writer);
    struct store_reader *reader = new_reader(store);
    struct store_hit hits[STORE_MAX_HITS];
    assert_int_equal(find_name(reader, "www.evil.example", hits), 1);
    assert_int_equal(hits[0].record.flags, RECORD_ALLOW | RECORD_LOG);
    assert_true(str_eq(hits[0].record.group, STR("kids")) && str_eq(hits[0].record.reference, STR("school")));
    assert_int_equal(hits[0].record.first_seen, 1000);
    assert_int_equal(hits[0].record.expires, 5000);
    assert_int_equal(find_addr(reader, "192.0.2.1", 443, hits), 1);
    assert_int_equal(hits[0].record.flags, 0);
    assert_int_equal(find_addr(reader, "192.0.2.1", 80, hits), 0);
    store_reader_free(reader);
    store_free(store);
    user_lists_free(lists);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_later_entry_replaces_the_earlier),
        cmocka_unit_test(entries_stand_in_order_however_they_came),
        cmocka_unit_test(what_has_expired_is_pruned),
        cmocka_unit_test(texts_that_would_hurt_are_refused),
        cmocka_unit_test(there_is_a_bound_to_their_number),
        cmocka_unit_test(the_document_holds_all_that_an_entry_says),
        cmocka_unit_test(a_damaged_document_is_refused_with_its_line),
        cmocka_unit_test(what_people_write_by_hand_is_brought_into_form),
        cmocka_unit_test(records_say_what_the_entries_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
