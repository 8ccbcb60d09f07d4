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

static void unknown_types_and_classes_are_opaque(void **state)
{
    struct packet *packet = *state;
    IS_TAKEN(65280, "");
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
        packet_test(unknown_types_and_classes_are_opaque),
        packet_test(data_past_the_end_of_the_message_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
