#include "net_fixture.h"

#include "net/system_servers.h"

/* A file of TEXT that is gone with the test. */
static const char *file_of(char path[32], const char *text)
{
    snprintf(path, 32, "/tmp/test_servers.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    return path;
}

struct result {
    enum status status;
    struct addr servers[3];
    size_t count;
    struct fault fault;
};

static struct result servers_of(const char *text, const char *resolved, const char *own_text)
{
    struct result result = {0};
    char path[32], resolved_path[32] = "/nonexistent/list";
    struct addr own = {0};
    if (own_text)
        assert_int_equal(addr_parse(str_of(own_text), 0, &own), ST_OK);
    file_of(path, text);
    if (resolved)
        file_of(resolved_path, resolved);
    struct system_places places = {.resolv_conf = path, .lists = {resolved_path, NULL}};
    result.status = system_servers(&places, &own, own_text != NULL, result.servers, 3, &result.count, &result.fault);
    unlink(path);
    unlink(resolved_path);
    return result;
}

static void expect_server(const struct result *result, size_t i, const char *text)
{
    char got[ADDR_TEXT_SIZE];
    assert_true(i < result->count);
    addr_format(&result->servers[i], got);
    assert_string_equal(got, text);
}

static void name_servers_are_read_in_order(void **state)
{
    (void)state;
    struct result r =
        servers_of("# made by hand\nsearch example.test\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 \r\n"
                   "nameserver 192.0.2.1\nnameserver not-an-address\nnameserver fe80::1%eth0\n"
                   "options edns0\nnameservers 192.0.2.9\nnameserver 192.0.2.3#x\nnameserver 192.0.2.4\n",
                   NULL, NULL);
    assert_int_equal(r.status, ST_OK);
    assert_int_equal(r.count, 3);
    expect_server(&r, 0, "192.0.2.1:53");
    expect_server(&r, 1, "[2001:db8::1]:53");
    expect_server(&r, 2, "192.0.2.3:53");
}

static void the_stub_gives_way_to_the_list_behind_it(void **state)
{
    (void)state;
    struct result r = servers_of("nameserver 127.0.0.53\n", "nameserver 192.0.2.7\n", NULL);
    assert_int_equal(r.status, ST_OK);
    assert_int_equal(r.count, 1);
    expect_server(&r, 0, "192.0.2.7:53");
    r = servers_of("nameserver 127.0.0.54\n", "nameserver 192.0.2.7\n", NULL);
    expect_server(&r, 0, "192.0.2.7:53");
    r = servers_of("nameserver 127.0.0.53\n", NULL, NULL);
    assert_int_equal(r.status, ST_OK);
    expect_server(&r, 0, "127.0.0.53:53");
}

static void d24_we_never_ask_ourselves(void **state)
{
    (void)state;
    struct result r = servers_of("nameserver 127.0.0.1\nnameserver 192.0.2.1\n", NULL, "127.0.0.1:53");
    assert_int_equal(r.count, 1);
    expect_server(&r, 0, "192.0.2.1:53");
    r = servers_of("nameserver 127.0.0.1\n", NULL, "127.0.0.1:5335"); /* another server, at port 53 */
    assert_int_equal(r.count, 1);
    r = servers_of("nameserver 127.0.0.9\nnameserver ::1\n", NULL, "0.0.0.0:53");
    assert_int_equal(r.count, 1);
    expect_server(&r, 0, "[::1]:53");
    r = servers_of("nameserver 127.0.0.1\nnameserver 0.0.0.0\n", NULL, "127.0.0.1:53");
    assert_int_equal(r.status, ST_NOT_FOUND);
    assert_non_null(strstr(r.fault.text, "but this program itself"));
}

static void where_the_system_asks_us_the_lists_behind_it_tell_whom_to_ask(void **state)
{
    (void)state;
    struct result r =
        servers_of("nameserver 127.0.0.1\n", "nameserver 127.0.0.1\nnameserver 192.0.2.7\n", "127.0.0.1:53");
    assert_int_equal(r.status, ST_OK);
    assert_int_equal(r.count, 1);
    expect_server(&r, 0, "192.0.2.7:53");
    r = servers_of("", "nameserver 192.0.2.7\n", NULL);
    expect_server(&r, 0, "192.0.2.7:53");
    r = servers_of("nameserver 127.0.0.53\n", "nameserver 127.0.0.1\n", "127.0.0.1:53"); /* the stub asks us */
    assert_int_equal(r.status, ST_NOT_FOUND);
    r = servers_of("nameserver 192.0.2.1\n", "nameserver 192.0.2.7\n", NULL);
    assert_int_equal(r.count, 1);
    expect_server(&r, 0, "192.0.2.1:53");
}

static void behind_resolv_conf_stand_resolveds_list_and_networkmanagers(void **state)
{
    (void)state;
    struct system_places places = system_places_of("/etc/resolv.conf");
    assert_string_equal(places.resolv_conf, "/etc/resolv.conf");
    assert_string_equal(places.lists[0], "/run/systemd/resolve/resolv.conf");
    assert_string_equal(places.lists[1], "/run/NetworkManager/no-stub-resolv.conf");
    assert_string_equal(places.lists[2], "/run/NetworkManager/resolv.conf");
    assert_null(places.lists[3]);

    char stub[32], ours[32], list[32];
    struct addr own = addr_v4(INADDR_LOOPBACK, 53), server;
    struct addr expected = addr_v4(0xc0000207, 53);
    size_t count;
    struct fault fault = {0};
    places = (struct system_places){.resolv_conf = file_of(stub, "nameserver 127.0.0.53\n"),
                                    .lists = {"/nonexistent/list", file_of(ours, "nameserver 127.0.0.1\n"),
                                              file_of(list, "nameserver 192.0.2.7\n")}};
    assert_int_equal(system_servers(&places, &own, 1, &server, 1, &count, &fault), ST_OK);
    assert_int_equal(count, 1);
    assert_true(addr_same_ip(&server, &expected));
    unlink(stub);
    unlink(ours);
    unlink(list);
}

static void a_change_is_seen_in_the_stamp(void **state)
{
    (void)state;
    char path[32], other[32];
    struct system_places places = {.resolv_conf = file_of(path, "nameserver 192.0.2.1\n"),
                                   .lists = {"/nonexistent", NULL}};
    uint64_t first = system_servers_stamp(&places), second;
    assert_int_equal(system_servers_stamp(&places), first);
    assert_int_equal(rename(file_of(other, "nameserver 192.0.2.2\n"), path), 0);
    second = system_servers_stamp(&places);
    assert_true(second != first);
    assert_int_equal(unlink(path), 0);
    assert_true(system_servers_stamp(&places) != second);
    file_of(other, "");
    places.lists[0] = other;
    uint64_t empty = system_servers_stamp(&places);
    FILE *file = fopen(other, "a");
    fputs("nameserver 192.0.2.1\n", file);
    fclose(file);
    assert_true(system_servers_stamp(&places) != empty);
    unlink(other);
}

static void a_file_without_servers_is_told(void **state)
{
    (void)state;
    struct result r = servers_of("", NULL, NULL);
    assert_int_equal(r.status, ST_NOT_FOUND);
    assert_int_equal(r.count, 0);
    assert_non_null(strstr(r.fault.text, "names no DNS server"));
    struct addr server;
    size_t count = 9;
    struct fault fault = {0};
    struct system_places places = {.resolv_conf = "/nonexistent/resolv.conf"};
    assert_int_equal(system_servers(&places, NULL, 0, &server, 1, &count, &fault), ST_NOT_FOUND);
    assert_int_equal(count, 0);
    assert_non_null(strstr(fault.text, "/nonexistent/resolv.conf: No such file"));
}

static void both_stubs_of_systemd_resolved_are_known_at_any_port(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool stub;
    } rows[] = {
        {SYSTEM_STUB_TEXT, true}, {"127.0.0.54", true}, {"127.0.0.52", false}, {"127.0.0.55", false}, {"::1", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct addr addr;
        assert_int_equal(addr_parse_ip(str_of(rows[i].text), &addr), ST_OK);
        addr.port = (uint16_t)(5353 * i);
        assert_int_equal(system_servers_is_stub(&addr), rows[i].stub);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_servers_are_read_in_order),
        cmocka_unit_test(the_stub_gives_way_to_the_list_behind_it),
        cmocka_unit_test(both_stubs_of_systemd_resolved_are_known_at_any_port),
        cmocka_unit_test(d24_we_never_ask_ourselves),
        cmocka_unit_test(where_the_system_asks_us_the_lists_behind_it_tell_whom_to_ask),
        cmocka_unit_test(behind_resolv_conf_stand_resolveds_list_and_networkmanagers),
        cmocka_unit_test(a_change_is_seen_in_the_stamp),
        cmocka_unit_test(a_file_without_servers_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
