#include "fixture.h"

#include <string.h>
#include <sys/socket.h>

static const char *const connect_a = "CONNECT a.test:%P HTTP/1.1\r\nHost: a.test:%P\r\n\r\n";

struct ends {
    struct peer *client, *origin;
};

static struct ends tunnel(struct fixture *f, const char *request)
{
    struct ends ends = {.client = ask(f, request)};
    ends.origin = accept_origin(f);
    wait_for(f, ends.client, "\r\n\r\n");
    buf_clear(&ends.client->got);
    return ends;
}

static void add_u16(struct buf *out, size_t n)
{
    buf_add_char(out, (char)(n >> 8));
    buf_add_char(out, (char)n);
}

/* The handshake message of a ClientHello with NAME and an extension TYPE. */
static struct buf message_with(const char *name, uint16_t type, const struct buf *extension)
{
    struct buf body = {0}, out = {0};
    size_t length = strlen(name), extensions = 9 + length + 4 + extension->length;
    buf_add(&body, "\x03\x03", 2);
    for (int i = 0; i < 32; i++)
        buf_add_char(&body, (char)i);
    buf_add(&body, "\0\0\x02\x13\x01\x01\0", 7);
    add_u16(&body, extensions);
    add_u16(&body, 0);
    add_u16(&body, length + 5);
    add_u16(&body, length + 3);
    buf_add_char(&body, 0);
    add_u16(&body, length);
    buf_add_text(&body, name);
    add_u16(&body, type);
    add_u16(&body, extension->length);
    buf_add(&body, extension->data, extension->length);
    buf_add(&out, "\x01\0", 2);
    add_u16(&out, body.length);
    buf_add(&out, body.data, body.length);
    buf_free(&body);
    return out;
}

static struct buf in_records(struct buf message, size_t record_bytes)
{
    struct buf out = {0};
    for (size_t at = 0; at < message.length; at += record_bytes) {
        size_t n = message.length - at < record_bytes ? message.length - at : record_bytes;
        buf_add(&out, "\x16\x03\x01", 3);
        add_u16(&out, n);
        buf_add(&out, message.data + at, n);
    }
    buf_free(&message);
    return out;
}

/* With PADDING bytes of an extension that nobody knows, in records of RECORD_BYTES. */
static struct buf hello_for(const char *name, size_t padding, size_t record_bytes)
{
    struct buf extension = {0};
    for (size_t i = 0; i < padding; i++)
        buf_add_char(&extension, (char)(i * 7));
    struct buf message = message_with(name, 0xfafa, &extension);
    buf_free(&extension);
    return in_records(message, record_bytes);
}

/* The hello around an encrypted one: NAME is that of the server in front. */
static struct buf outer_hello_for(const char *name)
{
    struct buf extension = {0};
    buf_add(&extension, "\0\0\x01\0\x01\x2a", 6);
    add_u16(&extension, 32);
    for (int i = 0; i < 32; i++)
        buf_add_char(&extension, (char)(i * 5));
    add_u16(&extension, 239);
    for (int i = 0; i < 239; i++)
        buf_add_char(&extension, (char)(i * 11));
    struct buf message = message_with(name, 0xfe0d, &extension);
    buf_free(&extension);
    return in_records(message, 16384);
}

static void wait_bytes(struct fixture *f, struct peer *peer, size_t count)
{
    int64_t end = real_ms() + WAIT_MS;
    while (peer->got.length < count && real_ms() < end)
        turn(f);
    assert_int_equal(peer->got.length, count);
}

static void expect_untouched(struct fixture *f, struct ends e, const struct buf *hello)
{
    wait_bytes(f, e.origin, hello->length);
    assert_memory_equal(e.origin->got.data, hello->data, hello->length);
    say(f, e.origin, "answer");
    wait_for(f, e.client, "answer");
}

static void expect_blocked(struct fixture *f, struct ends e)
{
    wait_closed(f, e.client);
    wait_closed(f, e.origin);
    assert_int_equal(e.origin->got.length, 0);
    assert_int_equal(e.client->got.length, 0);
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].channel, CHANNEL_CONNECT);
    assert_int_equal(recorded[0].match, MATCH_SNI);
    assert_int_equal(recorded[0].verdict.action, ACTION_BLOCK);
    assert_int_equal(proxy_server_counters(f->proxy)->blocked, 1);
}

static void h22_a_blocked_name_does_not_get_out_in_the_tunnel_of_an_allowed_host(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.alias = "evil.test", .action = ACTION_BLOCK};
    struct ends e = tunnel(f, connect_a);
    struct buf hello = hello_for("evil.test", 0, 16384);
    say_bytes(f, e.client, hello.data, hello.length);
    expect_blocked(f, e);
    assert_string_equal(recorded[0].subject, "evil.test");
    assert_string_equal(recorded[0].method, "CONNECT");
    buf_free(&hello);
    settle(f);
    assert_true(proxy_server_idle(f->proxy));
}

static void h22_a_hello_that_came_along_with_the_connect_is_judged(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.alias = "evil.test", .action = ACTION_BLOCK};
    struct buf early = {0}, hello = hello_for("evil.test", 0, 16384);
    buf_add_text(&early, with_port(f, connect_a));
    buf_add(&early, hello.data, hello.length);
    struct ends e = {.client = new_client(f)};
    say_bytes(f, e.client, early.data, early.length);
    e.origin = accept_origin(f);
    wait_closed(f, e.client);
    wait_closed(f, e.origin);
    assert_int_equal(e.origin->got.length, 0);
    assert_int_equal(recorded[0].match, MATCH_SNI);
    buf_free(&early);
    buf_free(&hello);
}

static void h22_another_name_than_the_hosts_is_recorded_and_let_through(void **state)
{
    struct fixture *f = *state;
    struct ends e = tunnel(f, connect_a);
    struct buf hello = hello_for("front.test", 0, 16384);
    say_bytes(f, e.client, hello.data, hello.length);
    expect_untouched(f, e, &hello);
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].channel, CHANNEL_CONNECT);
    assert_int_equal(recorded[0].match, MATCH_MISMATCH);
    assert_int_equal(recorded[0].verdict.action, ACTION_LOG);
    assert_string_equal(recorded[0].subject, "front.test");
    assert_string_equal(recorded[0].verdict.indicator, "a.test");
    assert_int_not_equal(recorded[0].verdict.indicator_id, 0);
    buf_free(&hello);
}

static void the_cover_name_of_an_encrypted_hello_is_no_mismatch(void **state)
{
    struct fixture *f = *state;
    struct ends e = tunnel(f, connect_a);
    struct buf hello = outer_hello_for("front.test");
    say_bytes(f, e.client, hello.data, hello.length);
    expect_untouched(f, e, &hello);
    assert_int_equal(recorded_count, 0);
    buf_free(&hello);
}

static void the_cover_name_of_an_encrypted_hello_is_judged(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.alias = "evil.test", .action = ACTION_BLOCK};
    struct ends e = tunnel(f, connect_a);
    struct buf hello = outer_hello_for("evil.test");
    say_bytes(f, e.client, hello.data, hello.length);
    expect_blocked(f, e);
    buf_free(&hello);
}

static void the_hosts_own_name_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    struct ends e = tunnel(f, connect_a);
    struct buf hello = hello_for("A.tESt.", 0, 16384);
    unsigned asked = rule.asked_name;
    say_bytes(f, e.client, hello.data, hello.length);
    expect_untouched(f, e, &hello);
    assert_int_equal(recorded_count, 0);
    assert_int_equal(rule.asked_name, asked);
    buf_free(&hello);
}

static void a_name_in_the_tunnel_of_an_address_is_judged_and_no_mismatch(void **state)
{
    struct fixture *f = *state;
    static const char *const request = "CONNECT 127.0.0.1:%P HTTP/1.1\r\nHost: 127.0.0.1:%P\r\n\r\n";
    struct ends e = tunnel(f, request);
    struct buf hello = hello_for("b.test", 0, 16384);
    say_bytes(f, e.client, hello.data, hello.length);
    expect_untouched(f, e, &hello);
    assert_int_equal(recorded_count, 0);
    rule = (struct rule){.alias = "b.test", .action = ACTION_BLOCK};
    e = tunnel(f, request);
    say_bytes(f, e.client, hello.data, hello.length);
    expect_blocked(f, e);
    buf_free(&hello);
}

static void a_name_that_is_only_logged_passes(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.alias = "odd.test", .action = ACTION_LOG};
    struct ends e = tunnel(f, connect_a);
    struct buf hello = hello_for("odd.test", 0, 16384);
    say_bytes(f, e.client, hello.data, hello.length);
    expect_untouched(f, e, &hello);
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].match, MATCH_SNI);
    assert_int_equal(recorded[0].verdict.action, ACTION_LOG);
    buf_free(&hello);
}

static void a_name_that_a_list_allows_is_no_mismatch(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.alias = "mine.test", .action = ACTION_ALLOW};
    struct ends e = tunnel(f, connect_a);
    struct buf hello = hello_for("mine.test", 0, 16384);
    say_bytes(f, e.client, hello.data, hello.length);
    expect_untouched(f, e, &hello);
    assert_int_equal(recorded_count, 0);
    buf_free(&hello);
}

/* H22; as browsers send it: 2 KB and more, cut where the network likes. */
static void a_hello_in_many_segments_and_records_is_one(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.alias = "evil.test", .action = ACTION_BLOCK};
    for (size_t piece = 1; piece < 3000; piece = piece * 7 + 1) {
        recorded_count = 0;
        struct buf hello = hello_for("evil.test", 2000, piece > 100 ? 16384 : 97);
        uint64_t blocked = proxy_server_counters(f->proxy)->blocked;
        struct ends e = tunnel(f, connect_a);
        for (size_t at = 0; at < hello.length; at += piece) {
            say_bytes(f, e.client, hello.data + at, hello.length - at < piece ? hello.length - at : piece);
            turn(f);
            assert_int_equal(e.origin->got.length, 0);
        }
        wait_closed(f, e.client);
        wait_closed(f, e.origin);
        assert_int_equal(e.origin->got.length, 0);
        assert_int_equal(recorded_count, 1);
        assert_int_equal(proxy_server_counters(f->proxy)->blocked, blocked + 1);
        buf_free(&hello);
    }
}

static void a_hello_in_pieces_arrives_byte_for_byte(void **state)
{
    struct fixture *f = *state;
    struct ends e = tunnel(f, connect_a);
    struct buf hello = hello_for("a.test", 2000, 300);
    for (size_t at = 0; at < hello.length; at += 500) {
        say_bytes(f, e.client, hello.data + at, hello.length - at < 500 ? hello.length - at : 500);
        settle(f);
        assert_int_equal(e.origin->got.length, at + 500 < hello.length ? 0 : hello.length);
    }
    expect_untouched(f, e, &hello);
    buf_free(&hello);
}

static void what_is_no_hello_goes_on_at_once(void **state)
{
    struct fixture *f = *state;
    static const struct str firsts[] = {
        {"GET / HTTP/1.1\r\n", 16},
        {"\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9},      /* a ServerHello */
        {"\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9},      /* of 16 MiB */
        {"\x17\x03\x03\x00\x02xx", 7},                    /* data */
        {"\x80\x2e\x01\x03\x01", 5},                      /* of SSL 2.0 */
        {"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03", 10}, /* cut off in its version */
        {"\x16\x03\x01\x00\x00", 5},                      /* an empty record */
    };
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        struct ends e = tunnel(f, connect_a);
        struct buf first = {.data = (char *)(uintptr_t)firsts[i].data, .length = firsts[i].length};
        say_bytes(f, e.client, first.data, first.length);
        expect_untouched(f, e, &first);
    }
    assert_int_equal(recorded_count, 0);
}

static void a_hello_without_a_name_goes_on(void **state)
{
    struct fixture *f = *state;
    static const char body[] = "\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x03"
                               "0123456789abcdef0123456789abcdef\0\0\x02\x13\x01\x01\0";
    struct buf hello = {.data = (char *)(uintptr_t)body, .length = sizeof body - 1};
    struct ends e = tunnel(f, connect_a);
    say_bytes(f, e.client, hello.data, hello.length);
    expect_untouched(f, e, &hello);
    assert_int_equal(recorded_count, 0);
}

static void a_hello_that_takes_too_long_goes_on_as_it_is(void **state)
{
    struct fixture *f = *state;
    clock_fake(1000, 1000000);
    struct ends e = tunnel(f, connect_a);
    struct buf hello = hello_for("front.test", 2000, 16384);
    clock_fake_advance(60000); /* silence is no hello: time runs from the first byte on */
    say_bytes(f, e.client, hello.data, 1000);
    settle(f);
    clock_fake_advance(4900);
    settle(f);
    assert_int_equal(e.origin->got.length, 0);
    clock_fake_advance(200);
    wait_bytes(f, e.origin, 1000);
    say_bytes(f, e.client, hello.data + 1000, hello.length - 1000);
    expect_untouched(f, e, &hello);
    assert_int_equal(recorded_count, 0);
    buf_free(&hello);
}

static void a_hello_over_16_kib_goes_on_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct ends e = tunnel(f, connect_a);
    struct buf hello = hello_for("front.test", 17000, 4096);
    say_bytes(f, e.client, hello.data, hello.length);
    expect_untouched(f, e, &hello);
    assert_int_equal(recorded_count, 0);
    buf_free(&hello);
}

static void the_end_in_mid_hello_is_passed_on(void **state)
{
    struct fixture *f = *state;
    struct ends e = tunnel(f, connect_a);
    struct buf hello = hello_for("a.test", 0, 16384);
    say_bytes(f, e.client, hello.data, 40);
    shutdown(e.client->fd, SHUT_WR);
    wait_closed(f, e.origin);
    assert_int_equal(e.origin->got.length, 40);
    say(f, e.origin, "answer");
    wait_for(f, e.client, "answer");
    hang_up(e.origin);
    wait_closed(f, e.client);
    buf_free(&hello);
    settle(f);
    assert_true(proxy_server_idle(f->proxy));
}

static void one_who_only_listens_is_served(void **state)
{
    struct fixture *f = *state;
    struct peer *client = ask(f, connect_a);
    shutdown(client->fd, SHUT_WR);
    struct peer *origin = accept_origin(f);
    wait_closed(f, origin);
    say(f, origin, "news");
    wait_for(f, client, "news");
    hang_up(origin);
    wait_closed(f, client);
}

static void a_client_gone_in_mid_hello_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct ends e = tunnel(f, connect_a);
    struct buf hello = hello_for("a.test", 0, 16384);
    say_bytes(f, e.client, hello.data, 40);
    settle(f);
    hang_up_hard(e.client);
    wait_closed(f, e.origin);
    e = tunnel(f, connect_a);
    say_bytes(f, e.client, hello.data, 40);
    settle(f);
    hang_up_hard(e.origin);
    wait_closed(f, e.client);
    buf_free(&hello);
    settle(f);
    assert_true(proxy_server_idle(f->proxy));
}

static void a_server_that_speaks_first_is_not_kept_waiting(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.alias = "evil.test", .action = ACTION_BLOCK};
    struct ends e = tunnel(f, connect_a);
    struct buf hello = hello_for("evil.test", 0, 16384);
    say(f, e.origin, "220 ready");
    wait_for(f, e.client, "220 ready");
    say_bytes(f, e.client, hello.data, 40);
    settle(f);
    say(f, e.origin, "still here");
    wait_for(f, e.client, "still here");
    say_bytes(f, e.client, hello.data + 40, hello.length - 40);
    wait_closed(f, e.client);
    wait_closed(f, e.origin);
    assert_int_equal(e.origin->got.length, 0);
    buf_free(&hello);
}

static void a_websocket_is_no_connect(void **state)
{
    struct fixture *f = *state;
    struct peer *client = ask(f, "GET http://a.test:%P/ HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\n"
                                 "Upgrade: websocket\r\n\r\n");
    struct peer *origin = accept_origin(f);
    wait_for(f, origin, "\r\n\r\n");
    say(f, origin, "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    wait_for(f, client, "\r\n\r\n");
    say(f, client, "\x16\x03");
    wait_for(f, origin, "\x16\x03");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(h22_a_blocked_name_does_not_get_out_in_the_tunnel_of_an_allowed_host),
        T(h22_a_hello_that_came_along_with_the_connect_is_judged),
        T(h22_another_name_than_the_hosts_is_recorded_and_let_through),
        T(the_cover_name_of_an_encrypted_hello_is_no_mismatch),
        T(the_cover_name_of_an_encrypted_hello_is_judged),
        T(the_hosts_own_name_leaves_no_trace),
        T(a_name_in_the_tunnel_of_an_address_is_judged_and_no_mismatch),
        T(a_name_that_is_only_logged_passes),
        T(a_name_that_a_list_allows_is_no_mismatch),
        T(a_hello_in_many_segments_and_records_is_one),
        T(a_hello_in_pieces_arrives_byte_for_byte),
        T(what_is_no_hello_goes_on_at_once),
        T(a_hello_without_a_name_goes_on),
        T(a_hello_that_takes_too_long_goes_on_as_it_is),
        T(a_hello_over_16_kib_goes_on_as_it_is),
        T(the_end_in_mid_hello_is_passed_on),
        T(one_who_only_listens_is_served),
        T(a_client_gone_in_mid_hello_leaves_nothing),
        T(a_server_that_speaks_first_is_not_kept_waiting),
        T(a_websocket_is_no_connect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
