#include "blockpage/template.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct {
    const char *name, *text;
    bool is_template;
} values[] = {
    {"plain", "abc", false},        {"markup", "<b a=\"1\" b='2'>&amp;</b>", false},
    {"braces", "{{plain}}", false}, {"text", "say {{plain}} & {{markup}}", true},
    {"loop", "{{loop}}", true},     {"quoted", "a\"b\\c", false},
    {"empty", "", false},
};

static bool find(const void *arg, struct str name, struct template_value *value)
{
    (void)arg;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (!str_eq(str_of(values[i].name), name))
            continue;
        *value = (struct template_value){.text = str_of(values[i].text), .is_template = values[i].is_template};
        return true;
    }
    return false;
}

static void assert_renders(enum template_form form, const char *source, const char *expected)
{
    struct buf out = {0};
    template_render(&out, form, str_of(source), find, NULL);
    assert_false(out.failed);
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
}

static void a_value_stands_in_place_of_its_name(void **state)
{
    (void)state;
    assert_renders(TEMPLATE_HTML, "", "");
    assert_renders(TEMPLATE_HTML, "<p>x</p>", "<p>x</p>");
    assert_renders(TEMPLATE_HTML, "{{plain}}", "abc");
    assert_renders(TEMPLATE_HTML, "<p>{{plain}}-{{plain}}</p>", "<p>abc-abc</p>");
    assert_renders(TEMPLATE_PLAIN, "a } b { c }} {{empty}}.", "a } b { c }} .");
}

static void every_character_with_a_meaning_is_escaped(void **state)
{
    (void)state;
    assert_renders(TEMPLATE_HTML, "{{markup}}", "&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;amp;&lt;/b&gt;");
    assert_renders(TEMPLATE_JSON, "\"{{quoted}}\"", "\"a\\\"b\\\\c\"");
    assert_renders(TEMPLATE_PLAIN, "{{quoted}}", "a\"b\\c");
}

static void braces_in_a_value_are_text(void **state)
{
    (void)state;
    assert_renders(TEMPLATE_HTML, "{{braces}}", "{{plain}}");
}

static void a_text_may_name_values_and_is_escaped_itself(void **state)
{
    (void)state;
    assert_renders(TEMPLATE_HTML, "<i>{{text}}</i>",
                   "<i>say abc &amp; &lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;amp;&lt;/b&gt;</i>");
}

static void a_section_stays_when_its_value_is_not_empty(void **state)
{
    (void)state;
    assert_renders(TEMPLATE_HTML, "a{{?plain}}[{{plain}}]{{/plain}}b", "a[abc]b");
    assert_renders(TEMPLATE_HTML, "a{{?empty}}[{{plain}}]{{/empty}}b", "ab");
    assert_renders(TEMPLATE_HTML, "{{?plain}}1{{?empty}}2{{/empty}}3{{/plain}}4", "134");
    assert_renders(TEMPLATE_HTML, "{{?empty}}1{{?plain}}2{{/plain}}3{{/empty}}4", "4");
}

static void assert_is_a_bug(const char *source)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        struct buf out = {0};
        signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        template_render(&out, TEMPLATE_HTML, str_of(source), find, NULL);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void a_faulty_template_is_a_bug(void **state)
{
    (void)state;
    assert_is_a_bug("{{unknown}}");
    assert_is_a_bug("{{?unknown}}x{{/unknown}}");
    assert_is_a_bug("{{plain");
    assert_is_a_bug("{{?plain}} never closed");
    assert_is_a_bug("{{loop}}");
}

static void a_bounded_buffer_fails_and_does_not_overflow(void **state)
{
    (void)state;
    struct buf out = {.max_bytes = 4};
    template_render(&out, TEMPLATE_HTML, STR("{{plain}}{{plain}}"), find, NULL);
    assert_true(out.failed);
    assert_true(out.length <= 4);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_stands_in_place_of_its_name),
        cmocka_unit_test(every_character_with_a_meaning_is_escaped),
        cmocka_unit_test(braces_in_a_value_are_text),
        cmocka_unit_test(a_text_may_name_values_and_is_escaped_itself),
        cmocka_unit_test(a_section_stays_when_its_value_is_not_empty),
        cmocka_unit_test(a_faulty_template_is_a_bug),
        cmocka_unit_test(a_bounded_buffer_fails_and_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
