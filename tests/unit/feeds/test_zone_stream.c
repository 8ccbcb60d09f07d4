#include "feed_test.h"

#include <fcntl.h>

#include "feeds/zone_stream.h"
#include "zone_message.h"

enum { NOW_S = 1700000000 };

static struct dname zone;
static struct zone_file file;
static struct zone_stream stream;
static struct reply reply;
static struct fault fault;

/* A question of TYPE by one who has OLD_SERIAL, or nothing where that is negative. */
static void ask(uint16_t type, int64_t old_serial)
{
    if (file.fd > 0)
        close(file.fd);
    zone_file_free(&file);
    zone_stream_free(&stream);
    zone = name_of("rpz.example");
    file = (struct zone_file){
        .fd = open(in_scratch("zone"), O_RDWR | O_CREAT | O_TRUNC, 0600), .max_bytes = 1 << 20, .max_records = 1000};
    assert_true(file.fd > 0);
    stream = (struct zone_stream){.zone = &zone,
                                  .id = REPLY_ID,
                                  .type = type,
                                  .has_old = old_serial >= 0,
                                  .old_serial = (uint32_t)old_serial,
                                  .file = &file};
}

static enum status take_bytes(size_t n)
{
    uint8_t *exact = malloc(n + 1); /* of its size, so that a sanitizer sees reads past it */
    assert_non_null(exact);
    memcpy(exact, reply.bytes, n);
    fault = (struct fault){0};
    enum status st = zone_stream_take(&stream, exact, n, NOW_S, &fault);
    assert_int_equal(st == ST_OK, !fault.text[0]);
    free(exact);
    return st;
}

static enum status take(void)
{
    return take_bytes(reply_finish(&reply));
}

static void start(uint16_t type)
{
    reply_start(&reply, "rpz.example", type);
}

static void soa(uint32_t serial)
{
    reply_soa(&reply, "rpz.example", serial);
}

static void rule(const char *owner)
{
    reply_rule(&reply, owner);
}

static const char *written(void)
{
    static char text[65536];
    ssize_t n = pread(file.fd, text, sizeof text - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    return text;
}

#define SOA_LINE(serial) "rpz.example. 60 IN SOA ns. host. " serial " 3600 600 86400 30\n"

static void a_whole_zone_in_one_message_is_written(void **state)
{
    (void)state;
    ask(DNS_TYPE_AXFR, -1);
    start(DNS_TYPE_AXFR);
    soa(7);
    rule("Evil.example.RPZ.example");
    rule("*.evil.example.rpz.example");
    soa(7);
    assert_int_equal(take(), ST_OK);
    assert_int_equal(stream.state, ZONE_STREAM_END);
    assert_false(stream.incremental);
    assert_int_equal(stream.soa.serial, 7);
    assert_int_equal(stream.soa.retry_s, 600);
    assert_string_equal(written(), SOA_LINE("7") "evil.example.rpz.example. 60 IN CNAME .\n"
                                                 "*.evil.example.rpz.example. 60 IN CNAME .\n");
}

static void a_zone_may_come_in_many_messages_without_questions(void **state)
{
    (void)state;
    ask(DNS_TYPE_AXFR, -1);
    start(DNS_TYPE_AXFR);
    soa(7);
    assert_int_equal(take(), ST_OK);
    for (int i = 0; i < 500; i++) {
        char owner[64];
        snprintf(owner, sizeof owner, "n%d.rpz.example", i);
        start(i % 2 ? DNS_TYPE_AXFR : 0);
        rule(owner);
        assert_int_equal(take(), ST_OK);
        assert_int_equal(stream.state, ZONE_STREAM_ZONE);
    }
    start(0);
    soa(7);
    assert_int_equal(take(), ST_OK);
    assert_int_equal(stream.state, ZONE_STREAM_END);
    assert_int_equal(file.records, 501);
}

static void a_zone_of_which_we_have_the_newest_is_unchanged(void **state)
{
    static const uint16_t types[] = {DNS_TYPE_SOA, DNS_TYPE_IXFR, DNS_TYPE_AXFR};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        ask(types[i], 7);
        start(types[i]);
        soa(7);
        rule("evil.example.rpz.example"); /* who has no differences may send all */
        assert_int_equal(take(), ST_OK);
        assert_true(stream.unchanged);
        assert_int_equal(stream.state, ZONE_STREAM_END);
        assert_string_equal(written(), "");
    }
}

static void a_serial_that_went_back_is_refused(void **state)
{
    static const uint16_t types[] = {DNS_TYPE_SOA, DNS_TYPE_IXFR, DNS_TYPE_AXFR};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        ask(types[i], 7);
        start(types[i]);
        soa(6);
        assert_int_equal(take(), ST_INVALID);
        assert_non_null(strstr(fault.text, "serial 6 is behind ours, 7"));
    }
    ask(DNS_TYPE_SOA, UINT32_MAX); /* but serials go round */
    start(DNS_TYPE_SOA);
    soa(0);
    assert_int_equal(take(), ST_OK);
    assert_false(stream.unchanged);
}

static void differences_are_gathered_in_their_order(void **state)
{
    (void)state;
    ask(DNS_TYPE_IXFR, 1);
    start(DNS_TYPE_IXFR);
    soa(3);
    soa(1);
    rule("a.rpz.example");
    soa(2);
    rule("b.rpz.example");
    assert_int_equal(take(), ST_OK);
    assert_true(stream.incremental);
    start(0);
    soa(2);
    soa(3);
    rule("c.rpz.example");
    assert_int_equal(take(), ST_OK);
    assert_int_equal(stream.state, ZONE_STREAM_ADDED);
    start(0);
    soa(3);
    assert_int_equal(take(), ST_OK);
    assert_int_equal(stream.state, ZONE_STREAM_END);

    int old = open(write_text("old", SOA_LINE("1") "a.rpz.example. 60 IN CNAME .\n"), O_RDONLY);
    struct str line = {stream.soa_line.data, stream.soa_line.length};
    assert_int_equal(zone_changes_apply(&stream.changes, old, line, &file, &fault), ST_OK);
    assert_string_equal(written(), SOA_LINE("3") "b.rpz.example. 60 IN CNAME .\nc.rpz.example. 60 IN CNAME .\n");
    close(old);
}

static void who_is_asked_for_differences_may_send_the_whole_zone(void **state)
{
    (void)state;
    ask(DNS_TYPE_IXFR, 1);
    start(DNS_TYPE_IXFR);
    soa(3);
    assert_int_equal(take(), ST_OK);
    assert_int_equal(stream.state, ZONE_STREAM_SECOND);
    start(0);
    rule("a.rpz.example");
    soa(3);
    assert_int_equal(take(), ST_OK);
    assert_false(stream.incremental);
    assert_string_equal(written(), SOA_LINE("3") "a.rpz.example. 60 IN CNAME .\n");
    ask(DNS_TYPE_IXFR, 1);
    start(DNS_TYPE_IXFR);
    soa(3);
    soa(3); /* a zone that has become empty */
    assert_int_equal(take(), ST_OK);
    assert_int_equal(stream.state, ZONE_STREAM_END);
    assert_string_equal(written(), SOA_LINE("3"));
}

static void differences_that_do_not_follow_one_another_are_told_from_failures(void **state)
{
    static const uint32_t serials[][6] = {
        {3, 1, 1},       /* removed from 1, added to 1 */
        {3, 1, 0},       /* ... to an older one */
        {4, 1, 2, 3},    /* from 1 to 2, from 3 */
        {4, 1, 2, 2, 2}, /* from 2 to 2 */
        {4, 1, 2, 4},    /* the end, while it is at 2 */
    };
    (void)state;
    for (size_t i = 0; i < sizeof serials / sizeof serials[0]; i++) {
        ask(DNS_TYPE_IXFR, 1);
        start(DNS_TYPE_IXFR);
        for (size_t k = 0; k < 6 && (serials[i][k] || k == 2); k++)
            soa(serials[i][k]);
        assert_int_equal(take(), ST_UNSUPPORTED);
        assert_non_null(strstr(fault.text, "do not follow"));
    }
}

static void an_answer_to_differences_that_is_no_zone_either_is_malformed(void **state)
{
    (void)state;
    ask(DNS_TYPE_IXFR, 1);
    start(DNS_TYPE_IXFR);
    soa(4);
    soa(2); /* neither ours nor the newest */
    assert_int_equal(take(), ST_INVALID);
    assert_non_null(strstr(fault.text, "another SOA"));
}

static void a_refusal_is_told_by_its_name(void **state)
{
    static const struct {
        uint16_t type, rcode;
        enum status expected;
        const char *reason;
    } cases[] = {
        {DNS_TYPE_AXFR, DNS_RCODE_REFUSED, ST_UNAVAILABLE, "REFUSED (5): it must allow transfers"},
        {DNS_TYPE_AXFR, DNS_RCODE_NOTAUTH, ST_UNAVAILABLE, "NOTAUTH (9)"},
        {DNS_TYPE_AXFR, DNS_RCODE_SERVFAIL, ST_UNAVAILABLE, "SERVFAIL (2)"},
        {DNS_TYPE_SOA, DNS_RCODE_NXDOMAIN, ST_UNAVAILABLE, "NXDOMAIN (3)"},
        {DNS_TYPE_AXFR, 15, ST_UNAVAILABLE, "an error (15)"},
        {DNS_TYPE_IXFR, DNS_RCODE_NOTIMP, ST_UNSUPPORTED, "NOTIMP (4)"},
        {DNS_TYPE_IXFR, DNS_RCODE_FORMERR, ST_UNSUPPORTED, "FORMERR (1)"},
        {DNS_TYPE_IXFR, DNS_RCODE_REFUSED, ST_UNSUPPORTED, "REFUSED (5)"},
        {DNS_TYPE_IXFR, DNS_RCODE_SERVFAIL, ST_UNAVAILABLE, "SERVFAIL (2)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ask(cases[i].type, 1);
        start(i % 2 ? cases[i].type : 0); /* a bare header is enough for an error */
        reply.build.header.flags |= cases[i].rcode;
        assert_int_equal(take(), cases[i].expected);
        assert_non_null(strstr(fault.text, cases[i].reason));
    }
}

static void add_raw(const char *owner, uint16_t type, uint16_t class)
{
    struct dname name = name_of(owner);
    struct wire *wire = &reply.build.wire;
    wire_bytes(wire, name.wire, name.length);
    wire_u16(wire, type);
    wire_u16(wire, class);
    wire_u32(wire, 60);
    wire_u16(wire, 0);
    reply.build.header.ancount++;
}

/* What is wrong with a message; each begins with a good start of a zone. */
static void spoil(const char *how)
{
    if (!strcmp(how, "id"))
        reply.build.header.id++;
    else if (!strcmp(how, "query"))
        reply.build.header.flags &= (uint16_t)~DNS_FLAG_QR;
    else if (!strcmp(how, "opcode"))
        reply.build.header.flags |= DNS_OPCODE_NOTIFY << 11;
    else if (!strcmp(how, "truncated"))
        reply.build.header.flags |= DNS_FLAG_TC;
    else if (!strcmp(how, "class"))
        add_raw("a.rpz.example", 65280, DNS_CLASS_CH);
    else if (!strcmp(how, "meta"))
        add_raw("a.rpz.example", DNS_TYPE_TKEY, DNS_CLASS_IN);
    else if (!strcmp(how, "type 0"))
        add_raw("a.rpz.example", 0, DNS_CLASS_IN);
    else if (!strcmp(how, "outside"))
        rule("evil.example");
    else if (!strcmp(how, "beside"))
        rule("xrpz.example");
    else if (!strcmp(how, "soa below"))
        reply_soa(&reply, "a.rpz.example", 7);
    else if (!strcmp(how, "text"))
        reply_add(&reply, "a.rpz.example", DNS_TYPE_TXT, "\5x", 2);
    else if (!strcmp(how, "rdata"))
        reply_add(&reply, "a.rpz.example", DNS_TYPE_A, "123", 3);
    else if (!strcmp(how, "pointer"))
        reply_add(&reply, "a.rpz.example", DNS_TYPE_CNAME, "\xff\xff", 2);
    else if (!strcmp(how, "other soa"))
        soa(8);
    else if (!strcmp(how, "behind the end"))
        soa(7), rule("a.rpz.example");
    else if (!strcmp(how, "signed"))
        wire_bytes(&reply.build.wire, "\1k\0\0\372\0\377\0\0\0\0\0\0", 13), reply.build.header.arcount++;
    else
        fail();
}

static void what_is_malformed_is_refused(void **state)
{
    static const char *const ways[] = {"id",      "query",     "opcode",         "truncated", "class", "meta",
                                       "type 0",  "outside",   "beside",         "soa below", "text",  "rdata",
                                       "pointer", "other soa", "behind the end", "signed"};
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        ask(DNS_TYPE_AXFR, -1);
        start(DNS_TYPE_AXFR);
        soa(7);
        spoil(ways[i]);
        assert_int_equal(take(), ST_INVALID);
        assert_non_null(strstr(fault.text, "malformed"));
    }
}

static void a_question_that_is_not_ours_is_refused(void **state)
{
    static const struct {
        const char *name;
        uint16_t type;
    } questions[] = {{"rpz.example", 0}, {"rpz.example", DNS_TYPE_IXFR}, {"other.example", DNS_TYPE_AXFR}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        ask(DNS_TYPE_AXFR, -1);
        reply_start(&reply, questions[i].name, questions[i].type);
        soa(7);
        assert_int_equal(take(), ST_INVALID);
        assert_non_null(strstr(fault.text, "another question"));
    }
}

static void a_zone_begins_with_its_soa_and_no_message_is_empty(void **state)
{
    (void)state;
    ask(DNS_TYPE_AXFR, -1);
    start(DNS_TYPE_AXFR);
    rule("a.rpz.example");
    assert_int_equal(take(), ST_INVALID);
    assert_non_null(strstr(fault.text, "begin with the zone's SOA"));
    ask(DNS_TYPE_AXFR, -1);
    start(DNS_TYPE_AXFR);
    soa(7);
    assert_int_equal(take(), ST_OK);
    start(0);
    assert_int_equal(take(), ST_INVALID);
    assert_non_null(strstr(fault.text, "no records"));
}

static void an_soa_needs_authority_and_an_answer(void **state)
{
    (void)state;
    ask(DNS_TYPE_SOA, 1);
    start(DNS_TYPE_SOA);
    assert_int_equal(take(), ST_UNAVAILABLE);
    assert_non_null(strstr(fault.text, "no such zone"));
    start(DNS_TYPE_SOA);
    soa(7);
    reply.build.header.flags &= (uint16_t)~DNS_FLAG_AA;
    assert_int_equal(take(), ST_UNAVAILABLE);
    assert_non_null(strstr(fault.text, "with authority"));
}

static void every_cut_of_a_message_is_refused(void **state)
{
    (void)state;
    start(DNS_TYPE_AXFR);
    soa(7);
    rule("a.rpz.example");
    size_t n = reply_finish(&reply);
    for (size_t cut = 0; cut < n; cut++) {
        ask(DNS_TYPE_AXFR, -1);
        assert_int_equal(take_bytes(cut), ST_INVALID);
    }
}

static void a_zone_over_its_bound_is_refused(void **state)
{
    (void)state;
    ask(DNS_TYPE_AXFR, -1);
    file.max_records = 2;
    start(DNS_TYPE_AXFR);
    soa(7);
    rule("a.rpz.example");
    rule("b.rpz.example");
    assert_int_equal(take(), ST_TOO_LARGE);
    ask(DNS_TYPE_AXFR, -1);
    start(DNS_TYPE_AXFR);
    soa(7);
    static uint8_t huge[40000];
    reply_add(&reply, "a.rpz.example", 65280, huge, sizeof huge); /* twice that as hexadecimal digits */
    assert_int_equal(take(), ST_TOO_LARGE);
}

static int tidy(void **state)
{
    zone_stream_free(&stream);
    zone_file_free(&file);
    close(file.fd);
    return remove_scratch(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_zone_in_one_message_is_written),
        cmocka_unit_test(a_zone_may_come_in_many_messages_without_questions),
        cmocka_unit_test(a_zone_of_which_we_have_the_newest_is_unchanged),
        cmocka_unit_test(a_serial_that_went_back_is_refused),
        cmocka_unit_test(differences_are_gathered_in_their_order),
        cmocka_unit_test(who_is_asked_for_differences_may_send_the_whole_zone),
        cmocka_unit_test(differences_that_do_not_follow_one_another_are_told_from_failures),
        cmocka_unit_test(an_answer_to_differences_that_is_no_zone_either_is_malformed),
        cmocka_unit_test(a_refusal_is_told_by_its_name),
        cmocka_unit_test(what_is_malformed_is_refused),
        cmocka_unit_test(a_question_that_is_not_ours_is_refused),
        cmocka_unit_test(a_zone_begins_with_its_soa_and_no_message_is_empty),
        cmocka_unit_test(an_soa_needs_authority_and_an_answer),
        cmocka_unit_test(every_cut_of_a_message_is_refused),
        cmocka_unit_test(a_zone_over_its_bound_is_refused),
    };
    return cmocka_run_group_tests(tests, make_scratch, tidy);
}
