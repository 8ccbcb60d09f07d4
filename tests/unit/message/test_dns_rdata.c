#include "message/dns_rdata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packet.h"

/* A response with one answer of this data. The question is example.com, at offset 12; \xc0\x0c points to it. */
static enum status with_data(struct packet *packet, uint16_t type, uint16_t class, const void *rdata, size_t n)
{
    struct dns_message message;
    packet_start(packet, DNS_FLAG_QR, 1, 1, 0, 0);
    packet_question(packet, "example.com", type);
    wire_u16(&packet->wire, 0xc00c);
    packet_data(packet, type, class, 60, rdata, n);
    return packet_parse_response(packet, &message);
}

#define IS_TAKEN(type, rdata)                                                                                          \
    assert_int_equal(with_data(packet, (type), DNS_CLASS_IN, (rdata), sizeof(rdata) - 1), ST_OK)
#define IS_REFUSED(type, rdata)                                                                                        \
    assert_int_equal(with_data(packet, (type), DNS_CLASS_IN, (rdata), sizeof(rdata) - 1), ST_INVALID)

static void addresses_have_their_size(void **state)
{
    struct packet *packet = *state;
    IS_TAKEN(DNS_TYPE_A, "1234");
    IS_REFUSED(DNS_TYPE_A, "");
    IS_REFUSED(DNS_TYPE_A, "123");
    IS_REFUSED(DNS_TYPE_A, "12345");
    IS_TAKEN(DNS_TYPE_AAAA, "0123456789abcdef");
    IS_REFUSED(DNS_TYPE_AAAA, "0123");
    IS_REFUSED(DNS_TYPE_AAAA, "0123456789abcdefg");
}

static void records_of_one_name_hold_just_that(void **state)
{
    struct packet *packet = *state;
    static const uint16_t types[] = {DNS_TYPE_NS, DNS_TYPE_CNAME, DNS_TYPE_PTR, DNS_TYPE_DNAME};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        IS_TAKEN(types[i], "\1a\0");
        IS_TAKEN(types[i], "\1a\xc0\x0c");
        IS_TAKEN(types[i], "\0");
        IS_REFUSED(types[i], "");
        IS_REFUSED(types[i], "\1a\xc0\x0c!");
        IS_REFUSED(types[i], "\1a\xc0\xff");
        IS_REFUSED(types[i], "\1a");
    }
}

static void a_name_must_not_run_past_its_data(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    packet_start(packet, DNS_FLAG_QR, 1, 2, 0, 0);
    packet_question(packet, "example.com", DNS_TYPE_CNAME);
    packet_record(packet, DNS_TYPE_CNAME, "\5a", 2); /* the label would end in the next record */
    packet_record(packet, DNS_TYPE_A, "1234", 4);
    assert_int_equal(packet_parse_response(packet, &message), ST_INVALID);
}

static void soa_has_two_names_and_five_numbers(void **state)
{
    struct packet *packet = *state;
    IS_TAKEN(DNS_TYPE_SOA, "\2ns\xc0\x0c\4root\xc0\x0c"
                           "aaaabbbbccccddddeeee");
    IS_REFUSED(DNS_TYPE_SOA, "\2ns\xc0\x0c\4root\xc0\x0c"
                             "aaaabbbbccccddddeee");
    IS_REFUSED(DNS_TYPE_SOA, "\2ns\xc0\x0c\4root\xc0\x0c"
                             "aaaabbbbccccddddeeeef");
    IS_REFUSED(DNS_TYPE_SOA, "\2ns\xc0\x0c");
}

static void mx_and_srv_have_numbers_before_their_name(void **state)
{
    struct packet *packet = *state;
    IS_TAKEN(DNS_TYPE_MX, "\0\12\2mx\xc0\x0c");
    IS_REFUSED(DNS_TYPE_MX, "\0\12");
    IS_REFUSED(DNS_TYPE_MX, "\0");
    IS_TAKEN(DNS_TYPE_SRV, "\0\1\0\2\0\x50\3srv\xc0\x0c");
    IS_REFUSED(DNS_TYPE_SRV, "\0\1\0\2\0\x50");
    IS_REFUSED(DNS_TYPE_SRV, "\0\1\0\2\0\x50\0x");
}

static void a_service_binding_has_its_keys_in_order(void **state)
{
    struct packet *packet = *state;
    static const uint16_t types[] = {DNS_TYPE_SVCB, DNS_TYPE_HTTPS};
    for (size_t i = 0; i < 2; i++) {
        IS_TAKEN(types[i], "\0\1\0");
        IS_TAKEN(types[i], "\0\0\1a\0"); /* alias */
        IS_TAKEN(types[i], "\0\1\0\0\1\0\3\2h2\0\3\0\2\1\xbb");
        IS_REFUSED(types[i], "\0\1\0\0\3\0\2\1\xbb\0\1\0\3\2h2"); /* keys descend */
        IS_REFUSED(types[i], "\0\1\0\0\1\0\3\2h2\0\1\0\3\2h2");   /* and repeat */
        IS_REFUSED(types[i], "\0\1\0\0\1\0\4\2h2");               /* value past the end */
        IS_REFUSED(types[i], "\0\1\0\0\1\0");
        IS_REFUSED(types[i], "\0\1");
        IS_REFUSED(types[i], "\0\1\xc0\x0c"); /* RFC 9460 section 2.2: not compressed */
    }
}

static void parameters_of_a_service_have_the_form_that_their_key_wants(void **state)
{
    struct packet *packet = *state;
    IS_TAKEN(DNS_TYPE_HTTPS, "\0\1\0\0\0\0\4\0\1\0\3\0\1\0\6\2h2\2h3\0\3\0\2\1\xbb");
    IS_TAKEN(DNS_TYPE_HTTPS, "\0\1\0\0\1\0\3\2h2\0\2\0\0");
    IS_TAKEN(DNS_TYPE_HTTPS, "\0\1\0\0\5\0\0");                /* ECH: for its own software to judge */
    IS_TAKEN(DNS_TYPE_HTTPS, "\0\1\0\0\x08\0\1!\xff\xff\0\0"); /* keys of the future */
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\0\0\0");
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\0\0\1\0");
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\0\0\2\0\0");     /* itself */
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\0\0\4\0\4\0\4"); /* twice */
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\1\0\0");
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\1\0\4\2h2\0"); /* an empty protocol */
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\1\0\3\3h2");   /* one past the end */
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\2\0\1\0");
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\3\0\1\1");
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\3\0\3\1\2\3");
}

static void address_hints_are_whole_addresses(void **state)
{
    struct packet *packet = *state;
    IS_TAKEN(DNS_TYPE_HTTPS, "\0\1\0\0\4\0\10abcdabcd");
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\4\0\0");
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\4\0\5abcda");
    IS_TAKEN(DNS_TYPE_HTTPS, "\0\1\0\0\6\0\x10"
                             "0123456789abcdef");
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\6\0\10abcdabcd");
}

static void a_signer_is_a_plain_name(void **state)
{
    struct packet *packet = *state;
    IS_TAKEN(DNS_TYPE_RRSIG, "0123456789abcdefgh\3com\0signature");
    IS_REFUSED(DNS_TYPE_RRSIG, "0123456789abcdefgh\xc0\x0csignature");
    IS_REFUSED(DNS_TYPE_RRSIG, "0123456789abcdefgh\3co");
    IS_REFUSED(DNS_TYPE_RRSIG, "0123456789abcdef");
}

/* Whole, without its last byte, with one more. */
static void is_whole(struct packet *packet, uint16_t type, const char *rdata, size_t n, enum status longer)
{
    char more[300];
    assert_true(n > 0 && n < sizeof more);
    memcpy(more, rdata, n);
    more[n] = 1; /* whatever follows: no empty string */
    if (with_data(packet, type, DNS_CLASS_IN, rdata, n) != ST_OK)
        fail_msg("type %u is not taken", type);
    if (with_data(packet, type, DNS_CLASS_IN, rdata, n - 1) != ST_INVALID)
        fail_msg("type %u is taken short of a byte", type);
    if (with_data(packet, type, DNS_CLASS_IN, more, n + 1) != longer)
        fail_msg("type %u with one byte more", type);
    assert_int_equal(with_data(packet, type, DNS_CLASS_IN, NULL, 0), ST_INVALID);
}

#define HAS_ITS_END(type, rdata)   is_whole(packet, (type), (rdata), sizeof(rdata) - 1, ST_INVALID)
#define MAY_BE_LONGER(type, rdata) is_whole(packet, (type), (rdata), sizeof(rdata) - 1, ST_OK)
#define DIGEST_20                  "0123456789abcdefghij"
#define DIGEST_32                  DIGEST_20 "0123456789ab"
#define DIGEST_48                  DIGEST_32 "0123456789abcdef"

static void d17_strings_fill_their_data(void **state)
{
    struct packet *packet = *state;
    static const uint16_t texts[] = {DNS_TYPE_TXT, 99 /* SPF */};
    for (size_t i = 0; i < 2; i++) {
        HAS_ITS_END(texts[i], "\3abc");
        HAS_ITS_END(texts[i], "\1a\0\2bc");
        IS_TAKEN(texts[i], "\0");
        IS_REFUSED(texts[i], "\4abc");
        IS_REFUSED(texts[i], "\2abc");
    }
    HAS_ITS_END(13 /* HINFO */, "\7RFC8482\0");
    IS_REFUSED(13, "\7RFC8482");
    IS_REFUSED(13, "\1a\1b\1c");
    HAS_ITS_END(19 /* X25 */, "\4"
                              "3110");
    MAY_BE_LONGER(257 /* CAA */, "\0\5issue");
    IS_TAKEN(257, "\0\5issueca.example");
    IS_REFUSED(257, "\0\6issue");
    IS_REFUSED(257, "\0\0issue");
    MAY_BE_LONGER(256 /* URI */, "\0\1\0\1h");
}

static void d17_names_fill_their_data_and_may_be_compressed_where_they_always_could(void **state)
{
    struct packet *packet = *state;
    static const uint16_t one[] = {3, 4, 7, 8, 9}, two[] = {14 /* MINFO */, 17 /* RP */}, numbered[] = {18, 21};
    for (size_t i = 0; i < sizeof one / sizeof *one; i++) {
        HAS_ITS_END(one[i], "\1a\xc0\x0c");
        IS_REFUSED(one[i], "\2a\0");
    }
    for (size_t i = 0; i < 2; i++) {
        HAS_ITS_END(two[i], "\1a\xc0\x0c\1b\0");
        IS_REFUSED(two[i], "\1a\xc0\x0c");
        HAS_ITS_END(numbered[i], "\0\1\1a\xc0\x0c");
        IS_REFUSED(numbered[i], "\0\1\2a\0");
    }
    HAS_ITS_END(26 /* PX */, "\0\1\1a\xc0\x0c\1b\0");
    HAS_ITS_END(35 /* NAPTR */, "\0\1\0\2\1u\3E2U\0\1y\xc0\x0c");
    IS_REFUSED(35, "\0\1\0\2\1u\5E2U\0\1y\xc0\x0c");
    IS_REFUSED(35, "\0\1\0\2\1u\3E2U\xc0\x0c");
    MAY_BE_LONGER(30 /* NXT */, "\1a\xc0\x0c");
}

static void d17_newer_types_have_their_names_written_out(void **state)
{
    struct packet *packet = *state;
    static const uint16_t types[] = {36 /* KX */, 107 /* LP */};
    for (size_t i = 0; i < 2; i++) {
        HAS_ITS_END(types[i], "\0\1\1a\0");
        IS_REFUSED(types[i], "\0\1\1a\xc0\x0c");
        IS_REFUSED(types[i], "\0\1\2a\0");
    }
    MAY_BE_LONGER(45 /* IPSECKEY */, "\1\0\0");
    MAY_BE_LONGER(45, "\1\1\2"
                      "1234");
    MAY_BE_LONGER(45, "\1\2\2"
                      "0123456789abcdef");
    MAY_BE_LONGER(45, "\1\3\2\1a\0");
    IS_REFUSED(45, "\1\3\2\1a\xc0\x0ckey");
    IS_TAKEN(45, "\1\4\2"); /* a gateway of a kind to come */
    IS_TAKEN(55 /* HIP */, "\2\1\0\3hhkkk");
    HAS_ITS_END(55, "\2\1\0\3hhkkk\1a\0");
    IS_REFUSED(55, "\2\1\0\3hhkk");
    IS_REFUSED(55, "\0\1\0\3kkk");
    IS_REFUSED(55, "\2\1\0\3hhkkk\1a\xc0\x0c");
}

static void d17_keys_and_digests_are_whole(void **state)
{
    struct packet *packet = *state;
    static const uint16_t delegations[] = {DNS_TYPE_DS, 59 /* CDS */}, keys[] = {48, 60}, pins[] = {52, 53};
    for (size_t i = 0; i < 2; i++) {
        HAS_ITS_END(delegations[i], "\1\2\10\1" DIGEST_20);
        HAS_ITS_END(delegations[i], "\1\2\10\2" DIGEST_32);
        HAS_ITS_END(delegations[i], "\1\2\10\4" DIGEST_48);
        MAY_BE_LONGER(delegations[i], "\0\0\0\0\0"); /* RFC 8078 section 4: remove it */
        IS_REFUSED(delegations[i], "\1\2\10\2" DIGEST_20);
        MAY_BE_LONGER(keys[i], "\1\1\3\15k");
        MAY_BE_LONGER(pins[i], "\3\1\1h");
    }
    HAS_ITS_END(44 /* SSHFP */, "\1\1" DIGEST_20);
    HAS_ITS_END(44, "\4\2" DIGEST_32);
    MAY_BE_LONGER(44, "\4\4h");
    IS_REFUSED(44, "\4\1" DIGEST_32);
    MAY_BE_LONGER(37 /* CERT */, "\0\1\0\1\1c");
    MAY_BE_LONGER(61 /* OPENPGPKEY */, "k");
    MAY_BE_LONGER(DNS_TYPE_RRSIG, "0123456789abcdefgh\3com\0s");
}

static void d17_bitmaps_of_types_are_in_order_and_as_short_as_they_can_be(void **state)
{
    struct packet *packet = *state;
    HAS_ITS_END(DNS_TYPE_NSEC, "\1a\0\0\1\2");
    HAS_ITS_END(DNS_TYPE_NSEC, "\1a\0\0\6\x40\1\0\0\0\3\1\1\x40");
    IS_REFUSED(DNS_TYPE_NSEC, "\1a\xc0\x0c\0\1\2");
    IS_REFUSED(DNS_TYPE_NSEC, "\1a\0");
    IS_REFUSED(DNS_TYPE_NSEC, "\1a\0\0\0");                 /* an empty window */
    IS_REFUSED(DNS_TYPE_NSEC, "\1a\0\0\2\2\0");             /* zeros at its end */
    IS_REFUSED(DNS_TYPE_NSEC, "\1a\0\1\1\2\0\1\2");         /* out of order */
    IS_REFUSED(DNS_TYPE_NSEC, "\1a\0\0\1\2\0\1\2");         /* twice */
    IS_REFUSED(DNS_TYPE_NSEC, "\1a\0\0\x21" DIGEST_32 "!"); /* 33 bytes */
    IS_TAKEN(DNS_TYPE_NSEC, "\1a\0\0\x20" DIGEST_32);
    HAS_ITS_END(DNS_TYPE_NSEC3, "\1\0\0\0\0\x14" DIGEST_20);
    HAS_ITS_END(DNS_TYPE_NSEC3, "\1\0\0\1\2ss\x14" DIGEST_20 "\0\1\2");
    IS_REFUSED(DNS_TYPE_NSEC3, "\1\0\0\1\0\0");
    IS_REFUSED(DNS_TYPE_NSEC3, "\1\0\0\1\3ss\x14" DIGEST_20);
    HAS_ITS_END(51 /* NSEC3PARAM */, "\1\0\0\1\2ss");
    HAS_ITS_END(51, "\1\0\0\0\0");
    IS_REFUSED(51, "\1\0\0\1\3ss");
    IS_TAKEN(62 /* CSYNC */, "\0\0\0\1\0\3");
    HAS_ITS_END(62, "\0\0\0\1\0\3\0\1\2");
}

static void d17_numbers_and_places_have_their_size(void **state)
{
    struct packet *packet = *state;
    HAS_ITS_END(29 /* LOC */, "\0"
                              "\x12\x16\x13"
                              "lat.long"
                              "alt.");
    IS_TAKEN(29, "\1"); /* a version to come */
    HAS_ITS_END(104 /* NID */, "\0\1"
                               "12345678");
    HAS_ITS_END(105 /* L32 */, "\0\1"
                               "1234");
    HAS_ITS_END(106 /* L64 */, "\0\1"
                               "12345678");
    HAS_ITS_END(108 /* EUI48 */, "123456");
    HAS_ITS_END(109 /* EUI64 */, "12345678");
    MAY_BE_LONGER(11 /* WKS */, "1234\6");
}

static void d17_no_section_takes_malformed_data(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    for (unsigned section = 0; section < 3; section++) {
        packet_start(packet, DNS_FLAG_QR, 1, section == 0, section == 1, section == 2);
        packet_question(packet, "example.com", DNS_TYPE_TXT);
        packet_record(packet, DNS_TYPE_TXT, "\4abc", 4);
        assert_int_equal(packet_parse_response(packet, &message), ST_INVALID);
    }
}

static void what_is_mandatory_must_be_there(void **state)
{
    struct packet *packet = *state;
    IS_TAKEN(DNS_TYPE_HTTPS, "\0\1\0\0\0\0\4\0\1\xff\0\0\1\0\3\2h2\0\3\0\2\1\xbb\xff\0\0\0");
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\0\0\2\0\1");
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\0\0\2\0\4\0\1\0\3\2h2");
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\0\0\4\0\1\0\4\0\1\0\3\2h2");
    IS_REFUSED(DNS_TYPE_HTTPS, "\0\1\0\0\0\0\4\0\1\0\2\0\1\0\3\2h2\0\3\0\2\1\xbb");
}

static void names_that_may_be_compressed_are_written_out(void **state)
{
    struct packet *packet = *state;
    static const struct {
        uint16_t type;
        size_t n, expanded;
        const char *before, *after;
    } cases[] = {
        {35, 15, 26, "\0\1\0\2\1u\3E2U\0\1y\xc0\x0c", "\0\1\0\2\1u\3E2U\0\1y\7example\3com"},
        {17, 5, 16, "\1a\xc0\x0c\0", "\1a\7example\3com\0"},
        {DNS_TYPE_SIG, 24, 35, "0123456789abcdefgh\1y\xc0\x0csg", "0123456789abcdefgh\1y\7example\3com\0sg"},
        {30, 6, 17, "\1a\xc0\x0c\2b", "\1a\7example\3com\0\2b"},
        {DNS_TYPE_SRV, 10, 21, "\0\1\0\2\0\x50\1y\xc0\x0c", "\0\1\0\2\0\x50\1y\7example\3com"},
        {DNS_TYPE_TXT, 4, 4, "\1y\1\xc0", "\1y\1\xc0"},
        {65280, 4, 4, "\1y\xc0\x0c", "\1y\xc0\x0c"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[64];
        struct wire wire = wire_into(out, sizeof out);
        size_t n = cases[i].n;
        assert_int_equal(with_data(packet, cases[i].type, DNS_CLASS_IN, cases[i].before, n), ST_OK);
        struct cursor rdata = cursor_over(packet_exact(packet), packet_length(packet));
        cursor_bytes(&rdata, packet_length(packet) - n);
        dns_rdata_expand(rdata, cases[i].type, &wire);
        assert_false(wire.failed);
        assert_int_equal(wire_length(&wire), cases[i].expanded);
        assert_memory_equal(out, cases[i].after, cases[i].expanded);
    }
}

static void unknown_types_and_classes_are_opaque(void **state)
{
    struct packet *packet = *state;
    IS_TAKEN(65280, "");
    IS_TAKEN(10 /* NULL */, "\4a");
    IS_TAKEN(65280, "\xff\xff");
    IS_TAKEN(DNS_TYPE_TXT, "\1a");
    assert_int_equal(with_data(packet, DNS_TYPE_A, DNS_CLASS_CH, "\1a\0\0\1", 5), ST_OK);
    assert_int_equal(with_data(packet, DNS_TYPE_CNAME, DNS_CLASS_CH, "\1a", 2), ST_INVALID);
}

static void data_past_the_end_of_the_message_is_refused(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    packet_start(packet, DNS_FLAG_QR, 1, 1, 0, 0);
    packet_question(packet, "example.com", DNS_TYPE_TXT);
    packet_record(packet, DNS_TYPE_TXT, "\3abc", 4);
    packet->bytes[packet_length(packet) - 5]++; /* RDLENGTH */
    assert_int_equal(packet_parse_response(packet, &message), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        packet_test(addresses_have_their_size),
        packet_test(records_of_one_name_hold_just_that),
        packet_test(a_name_must_not_run_past_its_data),
        packet_test(soa_has_two_names_and_five_numbers),
        packet_test(mx_and_srv_have_numbers_before_their_name),
        packet_test(a_service_binding_has_its_keys_in_order),
        packet_test(parameters_of_a_service_have_the_form_that_their_key_wants),
        packet_test(address_hints_are_whole_addresses),
        packet_test(a_signer_is_a_plain_name),
        packet_test(d17_strings_fill_their_data),
        packet_test(d17_names_fill_their_data_and_may_be_compressed_where_they_always_could),
        packet_test(d17_newer_types_have_their_names_written_out),
        packet_test(d17_keys_and_digests_are_whole),
        packet_test(d17_bitmaps_of_types_are_in_order_and_as_short_as_they_can_be),
        packet_test(d17_numbers_and_places_have_their_size),
        packet_test(d17_no_section_takes_malformed_data),
        packet_test(what_is_mandatory_must_be_there),
        packet_test(names_that_may_be_compressed_are_written_out),
        packet_test(unknown_types_and_classes_are_opaque),
        packet_test(data_past_the_end_of_the_message_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
