#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "dnsfilter/dns_notify.h"

enum { WORKERS = 4, ROUNDS = 2000 };

static const struct addr primary = {.ip = {[10] = 0xff, 0xff, 192, 0, 2, 53}, .port = 53};
static const uint8_t packet[] = "\0\1\x24\0\0\1\0\0\0\0\0\0\3rpz\7example\0\0\6\0\1";

static struct dns_notify *table(void)
{
    struct dns_notify_zone zone = {.primary = primary};
    assert_int_equal(dname_from_text(STR("rpz.example"), &zone.name), ST_OK);
    struct dns_notify *notify = dns_notify_new(&zone, 1);
    assert_non_null(notify);
    return notify;
}

static unsigned answer(struct dns_notify *notify)
{
    struct dns_message message;
    uint8_t out[512];
    struct addr from = primary;
    from.port = 4242;
    if (dns_header_parse(packet, sizeof packet - 1, &message.header) != ST_OK)
        return 99;
    size_t n = dns_notify_answer(notify, &from, packet, sizeof packet - 1, &message, out, sizeof out);
    return n ? out[3] & 15u : 99;
}

static void without_a_table_all_is_refused(void **state)
{
    (void)state;
    assert_int_equal(answer(NULL), DNS_RCODE_REFUSED);
    struct dns_notify *none = dns_notify_new(NULL, 0);
    assert_non_null(none);
    assert_int_equal(answer(none), DNS_RCODE_REFUSED);
    dns_notify_unref(none);
    dns_notify_unref(NULL);
    assert_null(dns_notify_ref(NULL));
}

static void what_is_heard_is_taken_once(void **state)
{
    (void)state;
    struct dns_notify *notify = table();
    assert_false(dns_notify_take(notify, 0));
    assert_int_equal(answer(notify), DNS_RCODE_NOERROR);
    assert_int_equal(answer(notify), DNS_RCODE_NOERROR);
    assert_true(dns_notify_take(notify, 0));
    assert_false(dns_notify_take(notify, 0));
    dns_notify_unref(notify);
}

static void *hear_again_and_again(void *arg)
{
    size_t refused = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct dns_notify *mine = dns_notify_ref(arg);
        refused += answer(mine) != DNS_RCODE_NOERROR;
        dns_notify_unref(mine);
    }
    return refused ? arg : NULL;
}

static void workers_and_the_control_thread_share_it(void **state)
{
    pthread_t threads[WORKERS];
    bool heard = false;
    (void)state;
    struct dns_notify *notify = table();
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hear_again_and_again, notify), 0);
    while (!heard)
        heard = dns_notify_take(notify, 0);
    for (int i = 0; i < WORKERS; i++) {
        void *refused;
        assert_int_equal(pthread_join(threads[i], &refused), 0);
        assert_null(refused);
    }
    dns_notify_unref(notify);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_table_all_is_refused),
        cmocka_unit_test(what_is_heard_is_taken_once),
        cmocka_unit_test(workers_and_the_control_thread_share_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
