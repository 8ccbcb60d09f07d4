/* The block page for any request and any facts. Input: a request head, and after its empty line the text that stands
 * for URL, family, sources, indicator and contact. The answer must be a well-formed response whose header the text
 * cannot change, and whose page holds no markup but ours. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "blockpage/negotiate.h"
#include "blockpage/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned count_of(struct str text, char c)
{
    unsigned count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += text.data[i] == c;
    return count;
}

static struct str answer(struct buf *response, const struct http_head *request, const struct page_facts *facts,
                         struct http_head *head)
{
    enum http_reject reject;
    buf_clear(response);
    page_answer(response, request, facts, request->keep_alive);
    CHECK(!response->failed);
    struct str whole = {buf_text(response), response->length};
    CHECK(http_response_parse(whole, request->method, head, &reject) == ST_OK);
    CHECK(head->status == 403);
    struct str body = str_from(whole, head->length);
    CHECK(str_eq(request->method, STR("HEAD"))
              ? !body.length
              : str_eq(request->method, STR("CONNECT")) || body.length == head->content_length);
    return body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_head request, plain, hostile;
    enum http_reject reject;
    struct str input = {(const char *)data, size};
    if (http_request_parse(input, &request, &reject) != ST_OK)
        return 0;
    struct str text = str_from(input, request.length);
    struct verdict verdict = {
        .action = ACTION_BLOCK, .matched = true, .category = (enum category)(text.length % CATEGORY_COUNT)};
    struct page_facts facts = {.verdict = &verdict, .time_ms = 1767268800000, .incident = {.id = "CC-7F3A91B2"}};
    struct buf response = {0};

    /* First with harmless values, empty where the text will be, so that the same rows are there. */
    const char *one = text.length && text.data[0] ? "x" : "";
    text_copy(verdict.family, sizeof verdict.family, str_of(one));
    text_copy(verdict.sources, sizeof verdict.sources, str_of(one));
    text_copy(verdict.indicator, sizeof verdict.indicator, str_of(one));
    struct str body = answer(&response, &request, &facts, &plain);
    unsigned brackets = count_of(body, '<');

    char *contact = malloc(text.length + 1);
    CHECK(contact);
    text_copy(contact, text.length + 1, text);
    text_copy(verdict.family, sizeof verdict.family, text);
    text_copy(verdict.sources, sizeof verdict.sources, text);
    text_copy(verdict.indicator, sizeof verdict.indicator, text);
    facts.url = text;
    facts.contact = contact;
    body = answer(&response, &request, &facts, &hostile);
    CHECK(plain.field_count == hostile.field_count);
    enum page_form form = negotiate_form(&request);
    if (form == PAGE_FORM_FRAME)
        CHECK(count_of(body, '<') == brackets);
    if (form == PAGE_FORM_PAGE) /* the note on a test address is one paragraph; a row may be left out */
        CHECK(count_of(body, '<') <= brackets + 2 && count_of(body, '>') == count_of(body, '<'));
    free(contact);
    buf_free(&response);
    return 0;
}
