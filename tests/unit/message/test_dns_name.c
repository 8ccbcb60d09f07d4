#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packet.h"

static enum status parse_at(struct packet *packet, size_t offset, struct dname *name, size_t *end)
{
    struct cursor cursor = cursor_over(packet_exact(packet), packet_length(packet));
    cursor_bytes(&cursor, offset);
    enum status status = dns_name_parse(&cursor, name);
    *end = cursor_offset(&cursor);
    return status;
}

static void assert_refused(struct packet *packet, size_t offset)
{
    struct dname name;
    size_t end;
    assert_int_equal(parse_at(packet, offset, &name, &end), ST_INVALID);
}

static void a_plain_name_is_read_in_the_case_sent(void **state)
{
    struct packet *packet = *state;
    struct dname name, expected = name_of("wWw.Example.com");
    size_t end;
    packet_start(packet, 0, 1, 0, 0, 0);
    packet_name(packet, "wWw.Example.com");
    assert_int_equal(parse_at(packet, 12, &name, &end), ST_OK);
    assert_int_equal(name.labels, 3);
    assert_int_equal(name.length, expected.length);
    assert_memory_equal(name.wire, expected.wire, expected.length);
    assert_int_equal(end, packet_length(packet));
}

static void a_compressed_name_ends_behind_its_first_pointer(void **state)
{
    struct packet *packet = *state;
    struct dname name, expected = name_of("a.b.example.com");
    size_t end;
    packet_start(packet, 0, 1, 0, 0, 0);
    packet_name(packet, "example.com");          /* at 12 */
    wire_bytes(&packet->wire, "\1b\xc0\x0c", 4); /* at 25 */
    wire_bytes(&packet->wire, "\1a\xc0\x19", 4);
    wire_bytes(&packet->wire, "rest", 4);
    assert_int_equal(parse_at(packet, 29, &name, &end), ST_OK);
    assert_true(dname_equal(&name, &expected));
    assert_int_equal(name.labels, 4);
    assert_int_equal(end, 33);
}

static void the_root_is_a_name(void **state)
{
    struct packet *packet = *state;
    struct dname name;
    size_t end;
    packet_start(packet, 0, 1, 0, 0, 0);
    wire_u8(&packet->wire, 0);
    assert_int_equal(parse_at(packet, 12, &name, &end), ST_OK);
    assert_int_equal(name.length, 1);
    assert_int_equal(name.labels, 0);
}

static void a_pointer_to_itself_is_refused(void **state)
{
    struct packet *packet = *state;
    packet_start(packet, 0, 1, 0, 0, 0);
    wire_u16(&packet->wire, 0xc00c);
    assert_refused(packet, 12);
}

static void a_pointer_that_goes_forward_is_refused(void **state)
{
    struct packet *packet = *state;
    packet_start(packet, 0, 1, 0, 0, 0);
    wire_u16(&packet->wire, 0xc00e);
    packet_name(packet, "a.com");
    assert_refused(packet, 12);
}

static void a_pointer_into_the_header_is_refused(void **state)
{
    struct packet *packet = *state;
    packet_start(packet, 0, 1, 0, 0, 0);
    wire_u16(&packet->wire, 0xc004);
    assert_refused(packet, 12);
}

static void a_pointer_to_the_labels_before_it_is_a_loop_and_refused(void **state)
{
    struct packet *packet = *state;
    packet_start(packet, 0, 1, 0, 0, 0);
    wire_bytes(&packet->wire, "\1a\xc0\x0c", 4);
    assert_refused(packet, 12);
    packet_start(packet, 0, 1, 0, 0, 0);
    wire_bytes(&packet->wire, "\1a\xc0\x0e\xc0\x0c", 6); /* two that point at each other */
    assert_refused(packet, 16);
}

static void a_name_that_runs_on_past_its_pointer_is_refused(void **state)
{
    struct packet *packet = *state;
    packet_start(packet, 0, 1, 0, 0, 0);
    wire_bytes(&packet->wire, "\3a\xc0\x0c\0", 5); /* the label at 12 holds the pointer at 14; a root follows */
    assert_refused(packet, 14);
    packet_start(packet, 0, 1, 0, 0, 0);
    wire_bytes(&packet->wire, "\1a\1b\xc0\x0c\0", 7); /* at 14: the labels before it lead into its own */
    assert_refused(packet, 14);
}

static void a_pointer_past_the_end_or_cut_in_half_is_refused(void **state)
{
    struct packet *packet = *state;
    packet_start(packet, 0, 1, 0, 0, 0);
    wire_u16(&packet->wire, 0xffff);
    assert_refused(packet, 12);
    packet_start(packet, 0, 1, 0, 0, 0);
    packet_name(packet, "a.com");
    wire_u8(&packet->wire, 0xc0);
    assert_refused(packet, 19);
}

static void a_long_chain_of_pointers_is_refused(void **state)
{
    struct packet *packet = *state;
    struct dname name;
    size_t end, at = 13;
    packet_start(packet, 0, 1, 0, 0, 0);
    wire_u8(&packet->wire, 0);
    wire_u16(&packet->wire, 0xc00c);
    for (unsigned i = 1; i < 127; i++, at += 2)
        wire_u16(&packet->wire, (uint16_t)(0xc000 | at));
    assert_int_equal(parse_at(packet, at, &name, &end), ST_OK);
    wire_u16(&packet->wire, (uint16_t)(0xc000 | at));
    assert_refused(packet, at + 2);
}

static void labels_of_other_kinds_are_refused(void **state)
{
    struct packet *packet = *state;
    for (unsigned kind = 0x40; kind < 0xc0; kind += 0x40) {
        packet_start(packet, 0, 1, 0, 0, 0);
        wire_u8(&packet->wire, (uint8_t)(kind | 1));
        for (unsigned i = 0; i < 200; i++)
            wire_u8(&packet->wire, 0); /* whatever length is read out of it, a root follows */
        assert_refused(packet, 12);
    }
}

static void a_name_that_ends_early_is_refused(void **state)
{
    struct packet *packet = *state;
    packet_start(packet, 0, 1, 0, 0, 0);
    assert_refused(packet, 12);
    wire_bytes(&packet->wire, "\3ww", 3);
    assert_refused(packet, 12);
    wire_bytes(&packet->wire, "w", 1);
    assert_refused(packet, 12);
}

/* N labels of one byte, then a label of LAST bytes and the root. */
static void long_name(struct packet *packet, unsigned n, unsigned last)
{
    packet_start(packet, 0, 1, 0, 0, 0);
    for (unsigned i = 0; i < n; i++)
        wire_bytes(&packet->wire, "\1a", 2);
    if (last) {
        wire_u8(&packet->wire, (uint8_t)last);
        for (unsigned i = 0; i < last; i++)
            wire_u8(&packet->wire, 'b');
    }
    wire_u8(&packet->wire, 0);
}

static void a_name_of_255_bytes_is_taken_and_one_of_256_refused(void **state)
{
    struct packet *packet = *state;
    struct dname name;
    size_t end;
    long_name(packet, 127, 0);
    assert_int_equal(parse_at(packet, 12, &name, &end), ST_OK);
    assert_int_equal(name.length, 255);
    assert_int_equal(name.labels, 127);
    long_name(packet, 126, 2);
    assert_refused(packet, 12);
    long_name(packet, 128, 0);
    assert_refused(packet, 12);
}

static void a_name_over_255_bytes_by_pointers_is_refused(void **state)
{
    struct packet *packet = *state;
    long_name(packet, 126, 0);
    size_t at = packet_length(packet);
    wire_bytes(&packet->wire, "\2aa\xc0\x0c", 5);
    assert_refused(packet, at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        packet_test(a_plain_name_is_read_in_the_case_sent),
        packet_test(a_compressed_name_ends_behind_its_first_pointer),
        packet_test(the_root_is_a_name),
        packet_test(a_pointer_to_itself_is_refused),
        packet_test(a_pointer_that_goes_forward_is_refused),
        packet_test(a_pointer_into_the_header_is_refused),
        packet_test(a_pointer_to_the_labels_before_it_is_a_loop_and_refused),
        packet_test(a_name_that_runs_on_past_its_pointer_is_refused),
        packet_test(a_pointer_past_the_end_or_cut_in_half_is_refused),
        packet_test(a_long_chain_of_pointers_is_refused),
        packet_test(labels_of_other_kinds_are_refused),
        packet_test(a_name_that_ends_early_is_refused),
        packet_test(a_name_of_255_bytes_is_taken_and_one_of_256_refused),
        packet_test(a_name_over_255_bytes_by_pointers_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
