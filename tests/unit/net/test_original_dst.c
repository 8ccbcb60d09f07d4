/* Redirected connections need a firewall: tests/e2e/test_transparent.py. */
#include "net/original_dst.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/socket.h"

static void a_connection_that_nobody_redirected_is_told_from_others(void **state)
{
    (void)state;
    struct addr addr = addr_v4(0x7f000001, 0), original;
    struct sockaddr_storage sa;
    int listener, client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(socket_bind(&addr, SOCK_STREAM, false, &listener, NULL), ST_OK);
    assert_int_equal(listen(listener, 1), 0);
    addr = socket_local(listener);
    socklen_t length = addr_to_sockaddr(&addr, &sa);
    assert_int_equal(connect(client, (struct sockaddr *)&sa, length), 0);
    int accepted;
    while ((accepted = accept(listener, NULL, NULL)) < 0)
        ;
    assert_int_equal(original_dst_find(accepted, &original), ST_NOT_FOUND);
    close(accepted);
    close(client);
    close(listener);
}

static void what_is_no_connection_was_not_redirected(void **state)
{
    (void)state;
    struct addr original;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(original_dst_find(pair[0], &original), ST_NOT_FOUND);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_that_nobody_redirected_is_told_from_others),
        cmocka_unit_test(what_is_no_connection_was_not_redirected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
