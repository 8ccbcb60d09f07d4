#include "feed_test.h"

#include <fcntl.h>
#include <signal.h>

#include "fake_primary.h"
#include "feeds/interrupt.h"
#include "feeds/zone_transfer.h"

static struct fetch_limits limits = {
    .connect_ms = 2000, .total_ms = 5000, .low_speed_bytes_s = 1, .low_speed_s = 60, .max_bytes = 1 << 20};

static struct transfer_result result;
static struct fault fault;
static char zone_text[1 << 16];
static struct tsig_key key;

#define SOA_LINE(serial) "rpz.example. 60 IN SOA ns. host. " serial " 3600 600 86400 30\n"
static const char old_zone[] = SOA_LINE("1") "a.rpz.example. 60 IN CNAME .\nb.rpz.example. 60 IN CNAME .\n";

struct options {
    const char *old; /* NULL: none */
    bool incremental, sign;
};

static enum status transfer_from(const struct addr *primaries, size_t count, struct options options)
{
    struct dname zone = name_of("rpz.example");
    struct progress bar;
    int old = options.old ? open(write_text("old", options.old), O_RDONLY) : -1;
    int fd = open(in_scratch("zone"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct transfer_request request = {.primaries = primaries,
                                       .primary_count = count,
                                       .zone = &zone,
                                       .key = options.sign ? &key : NULL,
                                       .incremental = options.incremental,
                                       .old_fd = old,
                                       .limits = &limits};
    assert_true(fd >= 0);
    progress_init(&bar, false, "test", 0);
    fault = (struct fault){0};
    enum status st = zone_transfer(&request, fd, &bar, &result, &fault);
    fake_wait();
    assert_int_equal(st == ST_OK, !fault.text[0]);
    ssize_t n = pread(fd, zone_text, sizeof zone_text - 1, 0);
    assert_true(n >= 0);
    zone_text[n] = '\0';
    if (st != ST_OK)
        assert_string_equal(zone_text, "");
    close(fd);
    if (old >= 0)
        close(old);
    return st;
}

static struct addr fake_addr(void)
{
    struct addr addr = addr_v4(INADDR_LOOPBACK, fake.port);
    if (fake.family == AF_INET6) {
        addr = (struct addr){.port = fake.port};
        addr.ip[15] = 1;
    }
    return addr;
}

static enum status transfer(struct options options)
{
    struct addr addr = fake_addr();
    return transfer_from(&addr, 1, options);
}

#define SCRIPT(...) fake_script((fake_step *const[]){__VA_ARGS__, NULL})

/* --- What primaries do. --- */

static void begin(uint16_t type)
{
    reply_start(&fake.reply, "rpz.example", type);
}

static void soa(uint32_t serial)
{
    reply_soa(&fake.reply, "rpz.example", serial);
}

static void tell_soa_2(struct fake *primary)
{
    (void)primary;
    begin(DNS_TYPE_SOA);
    soa(2);
    fake_answer();
}

static void tell_soa_1(struct fake *primary)
{
    (void)primary;
    begin(DNS_TYPE_SOA);
    soa(1);
    fake_answer();
}

static void send_zone(struct fake *primary)
{
    (void)primary;
    begin(fake.types[atomic_load(&fake.asked) - 1]);
    soa(2);
    reply_rule(&fake.reply, "c.rpz.example");
    soa(2);
    fake_answer();
}

static void send_zone_in_parts(struct fake *primary)
{
    (void)primary;
    begin(DNS_TYPE_AXFR);
    soa(2);
    fake_answer();
    for (int i = 0; i < 250; i++) {
        char owner[64];
        snprintf(owner, sizeof owner, "n%d.rpz.example", i);
        begin(0);
        reply_rule(&fake.reply, owner);
        if (i % 100 < 90)
            fake_answer_unsigned();
        else
            fake_answer();
    }
    begin(0);
    soa(2);
    fake_answer();
}

static void send_end_unsigned(struct fake *primary)
{
    (void)primary;
    begin(DNS_TYPE_AXFR);
    soa(2);
    fake_answer();
    begin(0);
    soa(2);
    fake_answer_unsigned();
}

static void send_differences(struct fake *primary)
{
    (void)primary;
    begin(DNS_TYPE_IXFR);
    soa(2);
    soa(1);
    reply_rule(&fake.reply, "a.rpz.example");
    soa(2);
    reply_rule(&fake.reply, "c.rpz.example");
    soa(2);
    fake_answer();
}

static void send_misfit(struct fake *primary)
{
    (void)primary;
    begin(DNS_TYPE_IXFR);
    soa(2);
    soa(1);
    reply_rule(&fake.reply, "never.rpz.example");
    soa(2);
    soa(2);
    fake_answer();
}

static void say_notimp(struct fake *primary)
{
    (void)primary;
    begin(DNS_TYPE_IXFR);
    fake.reply.build.header.flags |= DNS_RCODE_NOTIMP;
    fake_answer_unsigned();
}

static void say_refused(struct fake *primary)
{
    (void)primary;
    begin(DNS_TYPE_AXFR);
    fake.reply.build.header.flags |= DNS_RCODE_REFUSED;
    fake_answer_unsigned();
}

static void hang_up(struct fake *primary)
{
    (void)primary;
}

static void cut_the_stream(struct fake *primary)
{
    (void)primary;
    begin(DNS_TYPE_AXFR);
    soa(2);
    reply_rule(&fake.reply, "c.rpz.example");
    fake_answer();
}

static void cut_a_message(struct fake *primary)
{
    (void)primary;
    begin(DNS_TYPE_AXFR);
    soa(2);
    size_t n = fake_finish();
    uint8_t prefix[] = {0, (uint8_t)(n + 1)};
    fake_send_bytes(prefix, 2);
    fake_send_bytes(fake.reply.bytes, n);
}

static void answer_another(struct fake *primary)
{
    (void)primary;
    begin(DNS_TYPE_AXFR);
    soa(2);
    fake.id++;
    fake_answer();
}

static void send_garbage(struct fake *primary)
{
    (void)primary;
    fake_send_bytes("HTTP/1.1 400 Bad Request\r\n\r\n", 28);
}

static void send_nothing_long(struct fake *primary)
{
    (void)primary;
    fake_send_bytes("\0\0\0\0", 4);
}

static void wait_for_the_end(struct fake *primary)
{
    (void)primary;
    uint8_t byte;
    recv(fake.fd, &byte, 1, 0);
}

static void drip(struct fake *primary)
{
    uint8_t ignored;
    (void)primary;
    begin(DNS_TYPE_AXFR);
    soa(2);
    size_t n = fake_finish();
    fake_send_bytes("\0\xff", 2);
    for (size_t i = 0; i < n; i++) { /* a byte now and then, until the other side has had enough */
        fake_send_bytes(fake.reply.bytes + i, 1);
        struct pollfd gone = {.fd = fake.fd, .events = POLLIN};
        if (poll(&gone, 1, 20) > 0 && recv(fake.fd, &ignored, 1, 0) <= 0)
            return;
    }
}

static void never_end(struct fake *primary)
{
    uint8_t ignored;
    (void)primary;
    begin(DNS_TYPE_AXFR);
    soa(2);
    fake_answer();
    for (unsigned i = 0; recv(fake.fd, &ignored, 1, MSG_DONTWAIT) < 0; i++) {
        char owner[64];
        begin(0);
        for (int k = 0; k < 1000; k++) {
            snprintf(owner, sizeof owner, "n%u-%d.rpz.example", i, k);
            reply_rule(&fake.reply, owner);
        }
        fake_answer();
    }
}

/* --- What comes of it. --- */

static void the_first_time_the_whole_zone_is_fetched(void **state)
{
    (void)state;
    SCRIPT(send_zone);
    assert_int_equal(transfer((struct options){.incremental = true}), ST_OK);
    assert_string_equal(zone_text, SOA_LINE("2") "c.rpz.example. 60 IN CNAME .\n");
    assert_int_equal(atomic_load(&fake.asked), 1);
    assert_int_equal(fake.types[0], DNS_TYPE_AXFR);
    assert_false(fake.request_signed);
    assert_false(result.not_modified || result.incremental);
    assert_int_equal(result.soa.serial, 2);
    assert_int_equal(result.soa.refresh_s, 3600);
    assert_int_equal(result.soa.expire_s, 86400);
    assert_int_equal(result.records, 2);
    assert_true(result.bytes > 50);
}

static void a_zone_that_is_the_same_is_not_fetched(void **state)
{
    (void)state;
    SCRIPT(tell_soa_1);
    assert_int_equal(transfer((struct options){.old = old_zone}), ST_OK);
    assert_true(result.not_modified);
    assert_int_equal(atomic_load(&fake.asked), 1);
    assert_int_equal(fake.types[0], DNS_TYPE_SOA);
    assert_int_equal(result.soa.retry_s, 600);
    assert_string_equal(zone_text, "");
}

static void a_newer_zone_is_fetched_whole_where_no_differences_are_wanted(void **state)
{
    (void)state;
    SCRIPT(tell_soa_2, send_zone);
    assert_int_equal(transfer((struct options){.old = old_zone}), ST_OK);
    assert_int_equal(fake.types[1], DNS_TYPE_AXFR);
    assert_string_equal(zone_text, SOA_LINE("2") "c.rpz.example. 60 IN CNAME .\n");
}

static void differences_are_applied_to_the_last_good_zone(void **state)
{
    (void)state;
    SCRIPT(tell_soa_2, send_differences);
    assert_int_equal(transfer((struct options){.old = old_zone, .incremental = true}), ST_OK);
    assert_int_equal(fake.types[1], DNS_TYPE_IXFR);
    assert_int_equal(fake.serials[1], 1);
    assert_true(result.incremental);
    assert_int_equal(result.records, 3);
    assert_string_equal(zone_text, SOA_LINE("2") "b.rpz.example. 60 IN CNAME .\nc.rpz.example. 60 IN CNAME .\n");
}

static void who_answers_differences_with_the_zone_is_asked_no_more(void **state)
{
    (void)state;
    SCRIPT(tell_soa_2, send_zone);
    assert_int_equal(transfer((struct options){.old = old_zone, .incremental = true}), ST_OK);
    assert_int_equal(atomic_load(&fake.asked), 2);
    assert_int_equal(fake.types[1], DNS_TYPE_IXFR);
    assert_string_equal(zone_text, SOA_LINE("2") "c.rpz.example. 60 IN CNAME .\n");
}

static void where_differences_cannot_be_had_the_whole_zone_is_fetched(void **state)
{
    static fake_step *const ways[] = {say_notimp, say_refused, hang_up, send_misfit};
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        SCRIPT(tell_soa_2, ways[i], send_zone);
        assert_int_equal(transfer((struct options){.old = old_zone, .incremental = true}), ST_OK);
        assert_int_equal(atomic_load(&fake.asked), 3);
        assert_int_equal(fake.types[2], DNS_TYPE_AXFR);
        assert_false(result.incremental);
        assert_string_equal(zone_text, SOA_LINE("2") "c.rpz.example. 60 IN CNAME .\n");
    }
}

static void an_old_zone_that_is_another_is_not_built_on(void **state)
{
    static const char *const old[] = {"other.example. 60 IN SOA ns. host. 1 3600 600 86400 30\n", "evil.example\n", ""};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        SCRIPT(send_zone);
        assert_int_equal(transfer((struct options){.old = old[i], .incremental = true}), ST_OK);
        assert_int_equal(fake.types[0], DNS_TYPE_AXFR);
    }
}

static void a_signed_zone_in_many_messages_is_taken(void **state)
{
    (void)state;
    fake.key = &key;
    SCRIPT(send_zone_in_parts);
    assert_int_equal(transfer((struct options){.sign = true}), ST_OK);
    assert_true(fake.request_signed);
    assert_int_equal(result.records, 251);
    SCRIPT(tell_soa_2, send_differences);
    assert_int_equal(transfer((struct options){.old = old_zone, .sign = true, .incremental = true}), ST_OK);
    SCRIPT(tell_soa_2, say_notimp, send_zone);
    assert_int_equal(transfer((struct options){.old = old_zone, .sign = true, .incremental = true}), ST_OK);
    fake.key = NULL;
}

static void what_is_not_signed_as_agreed_is_refused(void **state)
{
    static struct tsig_key other;
    static const struct {
        const struct tsig_key *key;
        int64_t clock_off_s;
        fake_step *step;
        enum status expected;
        const char *reason;
    } cases[] = {
        {NULL, 0, send_zone, ST_DENIED, "is not signed"},
        {&other, 0, send_zone, ST_DENIED, "signature is wrong"},
        {&key, 1000, send_zone, ST_DENIED, "clocks are -"},
        {&key, 0, send_end_unsigned, ST_DENIED, "the end of the answer is not signed"},
        {NULL, 0, say_refused, ST_UNAVAILABLE, "REFUSED"},
    };
    (void)state;
    other = key;
    other.secret[0] ^= 1;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake.key = cases[i].key;
        fake.clock_off_s = cases[i].clock_off_s;
        SCRIPT(cases[i].step);
        assert_int_equal(transfer((struct options){.sign = true}), cases[i].expected);
        assert_non_null(strstr(fault.text, cases[i].reason));
    }
    fake.clock_off_s = 0;
    fake.key = &key;
    SCRIPT(send_zone); /* signed, though nobody asked for it */
    assert_int_equal(transfer((struct options){0}), ST_INVALID);
    fake.key = NULL;
}

static void what_goes_wrong_is_a_failure_with_its_reason(void **state)
{
    static const struct {
        fake_step *step;
        enum status expected;
        const char *reason;
    } cases[] = {
        {hang_up, ST_TRUNCATED, "closed the connection"},
        {cut_the_stream, ST_TRUNCATED, "closed the connection"},
        {cut_a_message, ST_TRUNCATED, "closed the connection"},
        {answer_another, ST_INVALID, "another number"},
        {send_garbage, ST_TRUNCATED, "closed the connection"},
        {send_nothing_long, ST_INVALID, "no DNS message"},
        {say_refused, ST_UNAVAILABLE, "REFUSED"},
        {never_end, ST_TOO_LARGE, "larger than a feed may be"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SCRIPT(cases[i].step);
        assert_int_equal(transfer((struct options){0}), cases[i].expected);
        assert_non_null(strstr(fault.text, cases[i].reason));
    }
}

static void one_who_is_too_slow_is_given_up(void **state)
{
    struct fetch_limits kept = limits;
    (void)state;
    limits.total_ms = 300;
    SCRIPT(wait_for_the_end);
    assert_int_equal(transfer((struct options){0}), ST_TIMEOUT);
    assert_non_null(strstr(fault.text, "in time"));
    SCRIPT(drip);
    assert_int_equal(transfer((struct options){0}), ST_TIMEOUT);
    limits = kept;
    limits.low_speed_s = 1;
    limits.low_speed_bytes_s = 1000;
    SCRIPT(drip);
    assert_int_equal(transfer((struct options){0}), ST_TIMEOUT);
    assert_non_null(strstr(fault.text, "too slow"));
    limits = kept;
}

static void the_next_address_is_tried_where_one_cannot_be_reached(void **state)
{
    struct addr addrs[] = {addr_v4(INADDR_LOOPBACK, 1), fake_addr()};
    (void)state;
    SCRIPT(send_zone);
    assert_int_equal(transfer_from(addrs, 2, (struct options){0}), ST_OK);
    assert_int_equal(result.primary.port, fake.port);
    assert_int_equal(transfer_from(addrs, 1, (struct options){0}), ST_UNAVAILABLE);
    assert_non_null(strstr(fault.text, "can't be reached"));
    assert_int_equal(transfer_from(addrs, 0, (struct options){0}), ST_UNAVAILABLE);
}

static void an_interrupt_ends_the_wait(void **state)
{
    (void)state;
    SCRIPT(wait_for_the_end);
    interrupt_begin();
    raise(SIGINT);
    assert_int_equal(transfer((struct options){0}), ST_CLOSED);
    interrupt_end();
}

static int start_with(void **state, int family)
{
    struct fault why = {0};
    if (tsig_key_parse(STR("hmac-sha512:xfr.key:c2l4dGVlbiBieXRlcyBvZiBrZXk="), &key, &why) != ST_OK)
        return -1;
    return make_scratch(state) || fake_start(family);
}

static int start_v4(void **state)
{
    return start_with(state, AF_INET);
}

static int start_v6(void **state)
{
    return start_with(state, AF_INET6);
}

static int stop(void **state)
{
    fake_stop();
    return remove_scratch(state);
}

static bool has_v6(void)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool bound = fd >= 0 && !bind(fd, (struct sockaddr *)&at, sizeof at);
    if (fd >= 0)
        close(fd);
    return bound;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_time_the_whole_zone_is_fetched),
        cmocka_unit_test(a_zone_that_is_the_same_is_not_fetched),
        cmocka_unit_test(a_newer_zone_is_fetched_whole_where_no_differences_are_wanted),
        cmocka_unit_test(differences_are_applied_to_the_last_good_zone),
        cmocka_unit_test(who_answers_differences_with_the_zone_is_asked_no_more),
        cmocka_unit_test(where_differences_cannot_be_had_the_whole_zone_is_fetched),
        cmocka_unit_test(an_old_zone_that_is_another_is_not_built_on),
        cmocka_unit_test(a_signed_zone_in_many_messages_is_taken),
        cmocka_unit_test(what_is_not_signed_as_agreed_is_refused),
        cmocka_unit_test(what_goes_wrong_is_a_failure_with_its_reason),
        cmocka_unit_test(one_who_is_too_slow_is_given_up),
        cmocka_unit_test(the_next_address_is_tried_where_one_cannot_be_reached),
        cmocka_unit_test(an_interrupt_ends_the_wait),
    };
    const struct CMUnitTest over_v6[] = {
        cmocka_unit_test(the_first_time_the_whole_zone_is_fetched),
    };
    int failed = cmocka_run_group_tests(tests, start_v4, stop);
    if (!has_v6()) {
        print_message("no IPv6 loopback here: a transfer over IPv6 is not tried\n");
        return failed;
    }
    return failed + cmocka_run_group_tests(over_v6, start_v6, stop);
}
