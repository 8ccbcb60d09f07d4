#include "feed_test.h"

#include "feeds/tsig.h"

/* Made with dnspython: the key "xfr.key", the time 1700000000. An answer of three messages, signed at one and two
 * seconds later; the second is not signed. */
enum { NOW_S = 1700000000 };
static const char query_sha256[] =
    "1234000000010000000000010372707a076578616d706c650000fc000103786672036b65790000fa00ff00000000003d0b68"
    "6d61632d7368613235360000006553f100012c0020569bd93e311a23b9f7195356ca32fbcec0ef343152c11bff0da57897e4"
    "611762123400000000";
static const char query_sha384[] =
    "1234000000010000000000010372707a076578616d706c650000fc000103786672036b65790000fa00ff00000000004d0b68"
    "6d61632d7368613338340000006553f100012c003076bc0757c4281304248325e75b1577af619f2f585d6c2507631e17bc8b"
    "f41fb4e40d771bda647d84400392805d5b08c2123400000000";
static const char query_sha512[] =
    "1234000000010000000000010372707a076578616d706c650000fc000103786672036b65790000fa00ff00000000005d0b68"
    "6d61632d7368613531320000006553f100012c0040dc592267caa6bd3be2fe0bce96448f5e7a0bb4c90f6f217676f7d46777"
    "3593e7b28f002b8ba0f66e108f08cc51bf4d298855e77da3679b3dc1a44d423c2a40c2123400000000";
static const char answer_first[] =
    "1234840000010001000000010372707a076578616d706c650000fc0001c00c000600010000003c001d026e73c00c0168c00c"
    "000000070000003c0000001e000002580000003c03786672036b65790000fa00ff00000000003d0b686d61632d7368613235"
    "360000006553f101012c0020b2bee2ff1467e67fff6eca3647921a3223f7ea721c21de9ccab8577336b4bda5123400000000";
static const char answer_second[] = "12348400000000010000000001610372707a076578616d706c6500000500010000003c000100";
static const char answer_third[] =
    "12348400000000020000000101620372707a076578616d706c6500000500010000003c000100c00e000600010000003c001d"
    "026e73c00e0168c00e000000070000003c0000001e000002580000003c03786672036b65790000fa00ff00000000003d0b68"
    "6d61632d7368613235360000006553f102012c00207da5e45505542018b051076aecc83887ae3e22d4c4f6d7ca63e5e65884"
    "a5a519123400000000";

static const char secret[] = "sixteen bytes of key";

static struct tsig_key key_of(const char *algorithm)
{
    struct tsig_key key;
    struct fault fault = {0};
    char text[128];
    snprintf(text, sizeof text, "%s:xfr.key:c2l4dGVlbiBieXRlcyBvZiBrZXk=", algorithm);
    assert_int_equal(tsig_key_parse(str_of(text), &key, &fault), ST_OK);
    assert_memory_equal(key.secret, secret, strlen(secret));
    return key;
}

struct bytes {
    uint8_t data[1024];
    size_t n;
};

static struct bytes bytes_of(const char *hex)
{
    struct bytes bytes = {.n = strlen(hex) / 2};
    assert_true(bytes.n <= sizeof bytes.data);
    for (size_t i = 0; i < bytes.n; i++)
        bytes.data[i] = (uint8_t)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
    return bytes;
}

static const uint8_t question[] = "\x12\x34\0\0\0\1\0\0\0\0\0\0\3rpz\7example\0\0\374\0\1";

/* One who has signed the question. */
static struct tsig *asked(const struct tsig_key *key, struct bytes *query)
{
    struct tsig *tsig = tsig_new(key);
    assert_non_null(tsig);
    query->n = sizeof question - 1;
    memcpy(query->data, question, query->n);
    assert_int_equal(tsig_sign(tsig, query->data, sizeof query->data, &query->n, NOW_S), ST_OK);
    return tsig;
}

static struct fault fault;

static enum status take(struct tsig *tsig, const struct bytes *answer, int64_t now_s)
{
    struct dns_message message;
    fault = (struct fault){0};
    assert_int_equal(dns_transfer_parse(answer->data, answer->n, &message), ST_OK);
    enum status st = tsig_take(tsig, answer->data, answer->n, &message, now_s, &fault);
    assert_int_equal(st == ST_OK, !fault.text[0]);
    return st;
}

static void a_question_is_signed_as_others_sign_it(void **state)
{
    static const char *const expected[] = {query_sha256, query_sha384, query_sha512};
    static const char *const algorithms[] = {"hmac-sha256", "hmac-sha384", "hmac-sha512"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct tsig_key key = key_of(algorithms[i]);
        struct bytes query, want = bytes_of(expected[i]);
        tsig_free(asked(&key, &query));
        assert_int_equal(query.n, want.n);
        assert_memory_equal(query.data, want.data, want.n);
    }
}

static void a_signature_needs_its_room(void **state)
{
    struct tsig_key key = key_of("hmac-sha256");
    struct bytes query = {.n = sizeof question - 1};
    (void)state;
    struct tsig *tsig = tsig_new(&key);
    assert_non_null(tsig);
    memcpy(query.data, question, query.n);
    assert_int_equal(tsig_sign(tsig, query.data, query.n + 40, &query.n, NOW_S), ST_TOO_LARGE);
    assert_int_equal(query.n, sizeof question - 1);
    tsig_free(tsig);
}

static void an_answer_of_many_messages_is_believed(void **state)
{
    struct tsig_key key = key_of("hmac-sha256");
    struct bytes query, first = bytes_of(answer_first), second = bytes_of(answer_second),
                        third = bytes_of(answer_third);
    (void)state;
    struct tsig *tsig = asked(&key, &query);
    assert_int_equal(take(tsig, &first, NOW_S), ST_OK);
    assert_int_equal(tsig_end(tsig, &fault), ST_OK);
    assert_int_equal(take(tsig, &second, NOW_S), ST_OK);
    assert_int_equal(tsig_end(tsig, &fault), ST_DENIED);
    assert_non_null(strstr(fault.text, "end of the answer is not signed"));
    assert_int_equal(take(tsig, &third, NOW_S), ST_OK);
    assert_int_equal(tsig_end(tsig, &fault), ST_OK);
    tsig_free(tsig);
}

static void any_changed_byte_is_noticed(void **state)
{
    struct tsig_key key = key_of("hmac-sha256");
    struct bytes query, first = bytes_of(answer_first);
    struct dns_message message;
    unsigned judged = 0;
    (void)state;
    for (size_t i = 2; i < first.n; i++) { /* the number is the original one, in the record */
        struct bytes changed = first;
        changed.data[i] ^= 0x04;
        if (dns_transfer_parse(changed.data, changed.n, &message) != ST_OK)
            continue;
        struct tsig *tsig = asked(&key, &query);
        assert_int_not_equal(take(tsig, &changed, NOW_S), ST_OK);
        tsig_free(tsig);
        judged++;
    }
    assert_true(judged > 100);
}

static void a_change_in_a_message_that_is_not_signed_shows_at_the_next_signature(void **state)
{
    struct tsig_key key = key_of("hmac-sha256");
    struct bytes query, first = bytes_of(answer_first), second = bytes_of(answer_second),
                        third = bytes_of(answer_third);
    (void)state;
    second.data[13] ^= 1;
    struct tsig *tsig = asked(&key, &query);
    assert_int_equal(take(tsig, &first, NOW_S), ST_OK);
    assert_int_equal(take(tsig, &second, NOW_S), ST_OK);
    assert_int_equal(take(tsig, &third, NOW_S), ST_DENIED);
    assert_non_null(strstr(fault.text, "signature is wrong"));
    tsig_free(tsig);

    tsig = asked(&key, &query); /* or one that is left out */
    assert_int_equal(take(tsig, &first, NOW_S), ST_OK);
    assert_int_equal(take(tsig, &third, NOW_S), ST_DENIED);
    tsig_free(tsig);
}

static void the_clocks_may_be_apart_as_far_as_the_fudge_says(void **state)
{
    static const struct {
        int64_t off_s;
        enum status expected;
    } cases[] = {{-300, ST_OK}, {-301, ST_DENIED}, {300, ST_OK}, {301, ST_DENIED}, {-NOW_S - 1, ST_DENIED}};
    struct tsig_key key = key_of("hmac-sha256");
    struct bytes query, first = bytes_of(answer_first);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tsig *tsig = asked(&key, &query);
        assert_int_equal(take(tsig, &first, NOW_S + 1 + cases[i].off_s), cases[i].expected);
        if (cases[i].expected != ST_OK)
            assert_non_null(strstr(fault.text, "s apart"));
        tsig_free(tsig);
    }
}

static void the_first_message_must_be_signed_and_then_every_hundredth(void **state)
{
    struct tsig_key key = key_of("hmac-sha256");
    struct bytes query, first = bytes_of(answer_first), second = bytes_of(answer_second);
    (void)state;
    struct tsig *tsig = asked(&key, &query);
    assert_int_equal(take(tsig, &second, NOW_S), ST_DENIED);
    assert_non_null(strstr(fault.text, "does not use the key"));
    tsig_free(tsig);
    tsig = asked(&key, &query);
    assert_int_equal(take(tsig, &first, NOW_S), ST_OK);
    for (int i = 0; i < TSIG_MAX_UNSIGNED; i++)
        assert_int_equal(take(tsig, &second, NOW_S), ST_OK);
    assert_int_equal(take(tsig, &second, NOW_S), ST_DENIED);
    assert_non_null(strstr(fault.text, "99 messages in a row"));
    tsig_free(tsig);
}

static void another_secret_name_or_algorithm_is_not_believed(void **state)
{
    struct bytes query, first = bytes_of(answer_first);
    struct fault why = {0};
    (void)state;
    static const struct {
        const char *key, *reason;
    } cases[] = {{"hmac-sha256:xfr.key:c2l4dGVlbiBieXRlcyBvZiBrZXg=", "signature is wrong"},
                 {"hmac-sha256:other.key:c2l4dGVlbiBieXRlcyBvZiBrZXk=", "another key: 'xfr.key'"},
                 {"hmac-sha512:xfr.key:c2l4dGVlbiBieXRlcyBvZiBrZXk=", "hmac-sha256"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tsig_key key;
        assert_int_equal(tsig_key_parse(str_of(cases[i].key), &key, &why), ST_OK);
        struct tsig *tsig = asked(&key, &query);
        assert_int_equal(take(tsig, &first, NOW_S), ST_DENIED);
        assert_non_null(strstr(fault.text, cases[i].reason));
        tsig_free(tsig);
    }
}

/* A message with a record of type TSIG that says what is given, put in front of its end or not. */
static struct bytes with_record(uint16_t error, struct str mac, struct str other, bool last)
{
    struct bytes bytes = {0};
    struct wire wire = wire_into(bytes.data, sizeof bytes.data);
    static const uint8_t algorithm[] = "\13hmac-sha256";
    wire_bytes(&wire, "\x12\x34\x84\x09\0\0\0\0\0\0\0", 11);
    wire_u8(&wire, last ? 1 : 2);
    wire_bytes(&wire, "\3xfr\3key", 9);
    wire_bytes(&wire, "\0\372\0\377\0\0\0\0", 8);
    wire_u16(&wire, (uint16_t)(13 + 16 + mac.length + other.length));
    wire_bytes(&wire, algorithm, sizeof algorithm);
    wire_bytes(&wire, "\0\0\x65\x53\xf1\0\1\x2c", 8);
    wire_u16(&wire, (uint16_t)mac.length);
    wire_bytes(&wire, mac.data, mac.length);
    wire_u16(&wire, 0x1234);
    wire_u16(&wire, error);
    wire_u16(&wire, (uint16_t)other.length);
    wire_bytes(&wire, other.data, other.length);
    if (!last)
        wire_bytes(&wire, "\0\0\20\0\1\0\0\0\0\0\1\0", 12);
    assert_false(wire.failed);
    bytes.n = wire_length(&wire);
    return bytes;
}

static void the_errors_of_a_primary_are_told_in_words(void **state)
{
    static const struct {
        uint16_t error;
        struct str other;
        const char *reason;
    } cases[] = {
        {16, {"", 0}, "another secret for the key 'xfr.key'"},
        {17, {"", 0}, "does not know the key 'xfr.key' with hmac-sha256"},
        {18, {"\0\0\x65\x53\xf1\x64", 6}, "off by -100 s"}, /* the primary is 100 s ahead */
        {22, {"", 0}, "too short"},
        {99, {"", 0}, "error 99"},
    };
    struct tsig_key key = key_of("hmac-sha256");
    struct bytes query;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes answer = with_record(cases[i].error, (struct str){"", 0}, cases[i].other, true);
        struct tsig *tsig = asked(&key, &query);
        assert_int_equal(take(tsig, &answer, NOW_S), ST_DENIED);
        assert_non_null(strstr(fault.text, cases[i].reason));
        tsig_free(tsig);
    }
}

static void a_signature_that_is_cut_or_in_the_wrong_place_is_refused(void **state)
{
    struct tsig_key key = key_of("hmac-sha256");
    struct bytes query, cut = with_record(0, (struct str){"0123456789abcdef", 16}, (struct str){"", 0}, true);
    struct bytes early = with_record(0, (struct str){"", 0}, (struct str){"", 0}, false);
    (void)state;
    struct tsig *tsig = asked(&key, &query);
    assert_int_equal(take(tsig, &cut, NOW_S), ST_DENIED);
    assert_non_null(strstr(fault.text, "cut short"));
    tsig_free(tsig);
    tsig = asked(&key, &query);
    assert_int_equal(take(tsig, &early, NOW_S), ST_DENIED);
    assert_non_null(strstr(fault.text, "malformed"));
    tsig_free(tsig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_signed_as_others_sign_it),
        cmocka_unit_test(a_signature_needs_its_room),
        cmocka_unit_test(an_answer_of_many_messages_is_believed),
        cmocka_unit_test(any_changed_byte_is_noticed),
        cmocka_unit_test(a_change_in_a_message_that_is_not_signed_shows_at_the_next_signature),
        cmocka_unit_test(the_clocks_may_be_apart_as_far_as_the_fudge_says),
        cmocka_unit_test(the_first_message_must_be_signed_and_then_every_hundredth),
        cmocka_unit_test(another_secret_name_or_algorithm_is_not_believed),
        cmocka_unit_test(the_errors_of_a_primary_are_told_in_words),
        cmocka_unit_test(a_signature_that_is_cut_or_in_the_wrong_place_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
