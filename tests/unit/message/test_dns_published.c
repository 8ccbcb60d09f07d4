/* Odd and malformed DNS messages that other projects publish: nothing breaks, and what is taken can be worked on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "published.h"
#include "tests/fuzz/check_dns_message.h"

static unsigned taken;

static void check_packet(const char *folder, const char *name)
{
    struct str file = published_file(folder, name);
    assert_non_null(file.data);
    uint8_t *packet = (uint8_t *)(uintptr_t)file.data;
    check_dns_query(packet, file.length);
    taken += check_dns_response(packet, file.length);
    if (file.length > 2 && !(packet[2] & 0x80)) {
        packet[2] |= 0x80; /* queries are seeds for responses too */
        check_dns_response(packet, file.length);
    }
    published_free(file);
}

static void whole_messages(void **state)
{
    (void)state;
    static const char *const folders[] = {"dns/bind9-dns_message_parse.in", "dns/bind9-dns_message_checksig.in",
                                          "dns/cznic-seed", "dns/c-ares-fuzzinput", "dns/pdns"};
    unsigned files = 0;
    taken = 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        files += published_each(folders[i], check_packet);
    if (!files)
        skip();
    print_message("%u of %u messages taken as responses\n", taken, files);
    assert_true(taken > files / 4);
}

/* Behind a header, as a name in a message stands. */
static void check_name(const char *folder, const char *name)
{
    struct str file = published_file(folder, name);
    assert_non_null(file.data);
    uint8_t *packet = calloc(1, DNS_HEADER_BYTES + file.length);
    assert_non_null(packet);
    memcpy(packet + DNS_HEADER_BYTES, file.data, file.length);
    struct cursor cursor = cursor_over(packet, DNS_HEADER_BYTES + file.length);
    cursor_bytes(&cursor, DNS_HEADER_BYTES);
    struct dname parsed, again;
    if (dns_name_parse(&cursor, &parsed) == ST_OK) {
        assert_int_equal(dname_from_wire(parsed.wire, parsed.length, &again), ST_OK);
        assert_int_equal(again.labels, parsed.labels);
        taken++;
    }
    free(packet);
    published_free(file);
}

static void bare_names(void **state)
{
    (void)state;
    static const char *const folders[] = {"dns/bind9-dns_name_fromwire.in", "dns/knot-dname", "dns/c-ares-fuzznames"};
    unsigned files = 0;
    taken = 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        files += published_each(folders[i], check_name);
    if (!files)
        skip();
    print_message("%u of %u names taken\n", taken, files);
    assert_true(taken > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_messages),
        cmocka_unit_test(bare_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
