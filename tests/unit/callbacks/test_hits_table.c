#include "fixture.h"

#include "callbacks/hits_table.h"

static void add(struct hits_table *table, const char *ip, const char *family, const char *subject, long long count)
{
    struct log_entry entry = {.object = json_pack("{s:{s:s},s:s,s:s,s:s,s:s}", "client", "ip", ip, "action", "block",
                                                  "category", "c2", "family", family, "subject", subject),
                              .time_ms = fixture_start_ms,
                              .count = count};
    hits_table_add(table, &entry);
    json_decref(entry.object);
}

static char *table_of(unsigned width, void (*fill)(struct hits_table *table))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct hits_table *table = hits_table_new(out, width);
    setenv("TZ", "UTC", 1);
    fill(table);
    hits_table_flush(table);
    hits_table_free(table);
    fclose(out);
    return text;
}

static void fill_wide(struct hits_table *table)
{
    add(table, "192.0.2.1", "Emotet", "averylongnamewithoutend.averylongnamewithoutend.example", 1);
    add(table, "192.0.2.1", "日本語の家族の名前がとても長いものですから", "ドメイン名がとても長い例のひとつ.example",
        1);
    add(table, "192.0.2.1", "x", "short.example", 1);
}

static void wide_text_is_cut_to_the_terminal(void **state)
{
    char *text = table_of(110, fill_wide);
    assert_string_equal(
        text, "TIME                 CLIENT     PROCESS  ACTION  CATEGORY                          COUNT  SUBJECT\n"
              "2026-01-31 12:00:00  192.0.2.1  -        block   c2/Emotet                             1  "
              "averylongnamewithou\u2026\n"
              "2026-01-31 12:00:00  192.0.2.1  -        block   c2/日本語の家族の名前がとても長\u2026      1  "
              "ドメイン名がとても\u2026\n"
              "2026-01-31 12:00:00  192.0.2.1  -        block   c2/x                                  1  "
              "short.example\n");
    free(text);
    assert_null(*state);
}

static void fill_many(struct hits_table *table)
{
    for (int i = 0; i < 1000; i++)
        add(table, "192.0.2.1", "", "x.example", i);
}

static void there_is_one_header(void **state)
{
    char *text = table_of(0, fill_many), *second;
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 1001);
    second = strstr(text + 1, "TIME");
    assert_null(second);
    free(text);
    assert_null(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_text_is_cut_to_the_terminal),
        cmocka_unit_test(there_is_one_header),
    };
    return cmocka_run_group_tests_name("hits_table", tests, NULL, NULL);
}
