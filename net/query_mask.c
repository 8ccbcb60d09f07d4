#include "net/query_mask.h"

#include <string.h>

#include "base/check.h"
#include "message/dns_message.h"

enum { QUESTION_TAIL_BYTES = 4 }; /* type and class */

enum status query_mask_set(struct query_mask *mask, const uint8_t *query, size_t n)
{
    struct dns_message message;
    if (dns_query_parse(query, n, &message) != ST_OK)
        return ST_INVALID;
    if (message.records_end > sizeof mask->bytes)
        return ST_TOO_LARGE;
    memcpy(mask->bytes, query, message.records_end); /* trailing junk goes no further (RFC 5625 section 4.1) */
    mask->length = message.records_end;
    mask->question_end = message.question_end;
    mask->name_length = message.question.name.length;
    CHECK(mask->question_end == DNS_HEADER_BYTES + mask->name_length + QUESTION_TAIL_BYTES);
    memcpy(mask->own_id, query, sizeof mask->own_id);
    memcpy(mask->own_name, query + DNS_HEADER_BYTES, mask->name_length);
    return ST_OK;
}

/* Label lengths are under 64 and so never taken for letters. */
void query_mask_draw(struct query_mask *mask, struct random_pool *pool, bool mix_case)
{
    uint8_t *name = mask->bytes + DNS_HEADER_BYTES;
    random_pool_take(pool, mask->bytes, sizeof mask->own_id);
    memcpy(name, mask->own_name, mask->name_length);
    if (!mix_case)
        return;
    uint8_t bits[(DNAME_MAX_BYTES + 7) / 8];
    random_pool_take(pool, bits, (mask->name_length + 7) / 8);
    for (size_t i = 0; i < mask->name_length; i++)
        if (ascii_alpha((char)name[i]) && bits[i / 8] >> i % 8 & 1)
            name[i] ^= 0x20;
}

static bool same_but_for_case(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ascii_lower((char)a[i]) != ascii_lower((char)b[i]))
            return false;
    return true;
}

enum query_match query_mask_match(const struct query_mask *mask, const uint8_t *reply, size_t n)
{
    struct dns_header header;
    struct dns_message message;
    const uint8_t *asked = mask->bytes + DNS_HEADER_BYTES, *echoed = reply + DNS_HEADER_BYTES;
    if (n < mask->question_end || dns_header_parse(reply, n, &header) != ST_OK)
        return MATCH_NONE;
    if (memcmp(reply, mask->bytes, sizeof mask->own_id) || !(header.flags & DNS_FLAG_QR) ||
        dns_header_opcode(&header) != DNS_OPCODE_QUERY || header.qdcount != 1)
        return MATCH_NONE;
    if (memcmp(asked + mask->name_length, echoed + mask->name_length, QUESTION_TAIL_BYTES) ||
        !same_but_for_case(asked, echoed, mask->name_length))
        return MATCH_NONE;
    bool truncated = header.flags & DNS_FLAG_TC; /* servers cut in the middle of a record, too */
    if (!truncated && dns_response_parse(reply, n, &message) != ST_OK)
        return MATCH_NONE;
    if (memcmp(asked, echoed, mask->name_length))
        return MATCH_CASE_ONLY;
    return truncated ? MATCH_TRUNCATED : MATCH_ANSWER;
}

void query_mask_undo(const struct query_mask *mask, uint8_t *reply)
{
    memcpy(reply, mask->own_id, sizeof mask->own_id);
    memcpy(reply + DNS_HEADER_BYTES, mask->own_name, mask->name_length);
}
