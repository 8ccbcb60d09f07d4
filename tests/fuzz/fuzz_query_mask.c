/* What comes back from an upstream. Input: one byte of how the query looked, then the reply, which gets the query's id
 * and question where another bit says so, so that what is behind them is reached. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "net/query_mask.h"

enum { MIXED = 1, WITHOUT_EDNS = 2, COOKIE = 4, SERVER_COOKIE = 8, PADDED = 16, GIVE_ID = 32, GIVE_QUESTION = 64 };

static const uint8_t query[] = {0,   7, 0, 0, 0, 1, 0, 0, 0,    0, 0,   1, 1, 'a', 4, 't', 'e', 's',
                                't', 0, 0, 1, 0, 1, 0, 0, 0x29, 4, 208, 0, 0, 0,   0, 0,   0};

static void draw(struct query_mask *mask, struct query_original *original, uint8_t look)
{
    static struct random_pool pool;
    struct query_cookie cookie = {.bytes = "a client", .length = look & SERVER_COOKIE ? 24 : 8};
    struct query_style style = {.mix_case = look & MIXED,
                                .without_edns = look & WITHOUT_EDNS,
                                .cookie = look & COOKIE ? &cookie : NULL,
                                .pad_to = look & PADDED ? 128 : 0};
    CHECK(query_original_set(original, query, sizeof query) == ST_OK);
    query_mask_draw(mask, original, &pool, &style);
    CHECK(mask->length <= sizeof mask->bytes);
    CHECK(!style.pad_to || !mask->edns || mask->length % style.pad_to == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct query_mask mask;
    struct query_original original;
    struct query_reply info = {0};
    if (!size)
        return 0;
    draw(&mask, &original, data[0]);
    size_t n = size - 1;
    uint8_t *reply = malloc(n + !n);
    CHECK(reply);
    memcpy(reply, data + 1, n);
    if (data[0] & GIVE_ID && n >= 2)
        memcpy(reply, mask.bytes, 2);
    if (data[0] & GIVE_QUESTION && n >= mask.question_end)
        memcpy(reply + DNS_HEADER_BYTES, mask.bytes + DNS_HEADER_BYTES, mask.question_end - DNS_HEADER_BYTES);
    enum query_match match = query_mask_match(&mask, reply, n, &info);
    if (match == MATCH_ANSWER) {
        struct dns_message message;
        CHECK(dns_response_parse(reply, n, &message) == ST_OK);
        CHECK(!info.cookie.length || (mask.has_cookie && !memcmp(info.cookie.bytes, mask.client_cookie, 8)));
        CHECK(info.cookie.length || !mask.cookie_known);
        query_original_restore(&original, reply);
        CHECK(!memcmp(reply, query, 2) && !memcmp(reply + DNS_HEADER_BYTES, query + DNS_HEADER_BYTES, 12));
    }
    free(reply);
    return 0;
}
