/* Lists of the user's own: what is read is written and read again to the same, and each entry has a key in the store.
 */
#include <string.h>

#include "base/check.h"
#include "reputation/user_lists.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_subject(struct str text)
{
    struct user_subject subject, again;
    struct fault fault = {0}, why = {0};
    if (user_subject_parse(text, &subject, &fault) != ST_OK) {
        CHECK(fault.text[0]);
        return;
    }
    CHECK(!fault.text[0] && user_subject_parse(str_of(subject.text), &again, &fault) == ST_OK);
    CHECK(!strcmp(subject.text, again.text) && subject.kind == again.kind);
    CHECK((user_subject_check(&subject, true, &why) == ST_OK) == !why.text[0]);
}

static void check_same(struct str text)
{
    struct user_lists *lists = user_lists_new(), *again = user_lists_new();
    struct source_writer_settings settings = {.name = SOURCE_USER, .format = "user"};
    struct source_writer *writer;
    struct buf built = {0}, rebuilt = {0};
    struct fault fault = {0};
    CHECK(lists && again && source_writer_new(&settings, &writer) == ST_OK);
    if (user_lists_parse(lists, text, "input", &fault) == ST_OK) {
        CHECK(user_lists_build(lists, &built) == ST_OK);
        CHECK(user_lists_parse(again, (struct str){built.data, built.length}, "built", &fault) == ST_OK);
        CHECK(user_lists_build(again, &rebuilt) == ST_OK && !strcmp(buf_text(&built), buf_text(&rebuilt)));
        CHECK(user_lists_add_to(lists, writer, &fault) == ST_OK);
    } else {
        CHECK(fault.text[0]);
    }
    source_writer_free(writer);
    buf_free(&built);
    buf_free(&rebuilt);
    user_lists_free(lists);
    user_lists_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    check_subject(text);
    check_same(text);
    return 0;
}
