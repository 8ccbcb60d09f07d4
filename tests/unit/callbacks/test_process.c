#include "fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "callbacks/process.h"
#include "callbacks/socket_owner.h"

struct sockets {
    struct process_finder *finder;
    int server, client, accepted;
    struct callback callback;
};

static struct addr name_of(int fd)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    struct addr addr;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
    assert_true(addr_from_sockaddr((struct sockaddr *)&name, &addr));
    return addr;
}

/* A connection of this process to itself, by TCP or UDP. */
static void connect_sockets(struct sockets *sockets, int family, int type)
{
    struct addr any = addr_v4(INADDR_LOOPBACK, 0);
    struct sockaddr_storage to;
    if (family == AF_INET6)
        assert_int_equal(addr_parse_ip(STR("::1"), &any), ST_OK);
    socklen_t length = addr_to_sockaddr(&any, &to);
    sockets->server = socket(family, type | SOCK_CLOEXEC, 0);
    sockets->client = socket(family, type | SOCK_CLOEXEC, 0);
    if (bind(sockets->server, (struct sockaddr *)&to, length))
        skip(); /* no IPv6 here */
    struct addr server = name_of(sockets->server);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(sockets->server, 1), 0);
    length = addr_to_sockaddr(&server, &to);
    assert_int_equal(connect(sockets->client, (struct sockaddr *)&to, length), 0);
    if (type == SOCK_STREAM)
        sockets->accepted = accept(sockets->server, NULL, NULL);
    sockets->callback = a_callback(0, "evil.example", "evil.example");
    sockets->callback.client = name_of(sockets->client);
    sockets->callback.local = server;
    sockets->callback.udp = type == SOCK_DGRAM;
}

static void assert_is_this_process(const struct sockets *sockets)
{
    struct process process;
    const struct passwd *user = getpwuid(getuid());
    assert_true(process_find(sockets->finder, &sockets->callback, &process));
    assert_int_equal(process.pid, getpid());
    assert_string_equal(process.name, "test_callbacks_process");
    if (user)
        assert_string_equal(process.user, user->pw_name);
}

static void close_sockets(struct sockets *sockets)
{
    int *const ends[] = {&sockets->server, &sockets->client, &sockets->accepted};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (*ends[i] >= 0)
            close(*ends[i]);
        *ends[i] = -1;
    }
}

static int setup(void **state)
{
    struct sockets *sockets = calloc(1, sizeof *sockets);
    sockets->server = sockets->client = sockets->accepted = -1;
    sockets->finder = process_finder_new();
    *state = sockets;
    return 0;
}

static int teardown(void **state)
{
    struct sockets *sockets = *state;
    process_finder_free(sockets->finder);
    close_sockets(sockets);
    clock_real();
    free(sockets);
    return 0;
}

/* Each way to ask: the inode is that of the client's end, not of the server's. */
static void the_owner_of_a_socket_is_told_by_its_inode(void **state)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_STREAM, SOCK_DGRAM};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct sockets *sockets = *state;
        struct socket_owner_ways ways = {{DIAG_UNTRIED, DIAG_UNTRIED}};
        struct socket_owner owner;
        struct stat file;
        if (i > 1)
            ways.diag[false] = ways.diag[true] = DIAG_FAILS;
        connect_sockets(sockets, AF_INET, types[i]);
        assert_int_equal(fstat(sockets->client, &file), 0);
        assert_true(socket_owner_find(&ways, &sockets->callback, &owner));
        assert_int_equal(owner.inode, file.st_ino);
        assert_int_equal(owner.uid, getuid());
        close_sockets(sockets);
    }
}

static void a_tcp_client_of_this_machine_is_found(void **state)
{
    connect_sockets(*state, AF_INET, SOCK_STREAM);
    assert_is_this_process(*state);
}

static void a_udp_client_of_this_machine_is_found(void **state)
{
    connect_sockets(*state, AF_INET, SOCK_DGRAM);
    assert_is_this_process(*state);
}

static void an_ipv6_client_of_this_machine_is_found(void **state)
{
    connect_sockets(*state, AF_INET6, SOCK_STREAM);
    assert_is_this_process(*state);
}

static void an_unconnected_udp_socket_is_found(void **state)
{
    struct sockets *sockets = *state;
    struct sockaddr_in any = {.sin_family = AF_INET};
    sockets->client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(sockets->client, (struct sockaddr *)&any, sizeof any), 0);
    sockets->callback = a_callback(0, "evil.example", "evil.example");
    sockets->callback.client = addr_v4(INADDR_LOOPBACK, name_of(sockets->client).port);
    assert_is_this_process(sockets);
}

static void a_client_elsewhere_is_not_looked_for(void **state)
{
    struct sockets *sockets = *state;
    struct process process;
    connect_sockets(sockets, AF_INET, SOCK_DGRAM);
    sockets->callback.client = addr_v4(0xc0000201, sockets->callback.client.port);
    assert_false(process_find(sockets->finder, &sockets->callback, &process));
    assert_int_equal(process.pid, 0);
    assert_string_equal(process.name, "");
}

static void a_socket_that_is_gone_is_unknown(void **state)
{
    struct sockets *sockets = *state;
    struct process process;
    connect_sockets(sockets, AF_INET, SOCK_DGRAM);
    close(sockets->client);
    assert_false(process_find(sockets->finder, &sockets->callback, &process));
    assert_int_equal(process.pid, 0);
    sockets->client = -1;
}

static void look_ups_rest_after_a_few_and_go_on_later(void **state)
{
    struct sockets *sockets = *state;
    struct process process;
    unsigned found = 0;
    clock_fake(1000, 0);
    process_finder_free(sockets->finder);
    sockets->finder = process_finder_new();
    connect_sockets(sockets, AF_INET, SOCK_DGRAM);
    struct callback gone = sockets->callback;
    for (unsigned i = 0; i < 100; i++) {
        gone.client.port = (uint16_t)(1 + i); /* nobody's; each costs a look-up */
        (void)process_find(sockets->finder, &gone, &process);
    }
    found += process_find(sockets->finder, &sockets->callback, &process);
    assert_int_equal(found, 0);
    clock_fake_advance(50);
    assert_true(process_find(sockets->finder, &sockets->callback, &process));
    assert_true(process_find(sockets->finder, &sockets->callback, &process)); /* remembered */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_owner_of_a_socket_is_told_by_its_inode), TEST(a_tcp_client_of_this_machine_is_found),
        TEST(a_udp_client_of_this_machine_is_found),      TEST(an_ipv6_client_of_this_machine_is_found),
        TEST(an_unconnected_udp_socket_is_found),         TEST(a_client_elsewhere_is_not_looked_for),
        TEST(a_socket_that_is_gone_is_unknown),           TEST(look_ups_rest_after_a_few_and_go_on_later),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
