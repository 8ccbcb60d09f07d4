#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const get = "GET http://a.test:%P/ HTTP/1.1\r\nHost: a.test\r\n\r\n";

struct pair {
    struct peer *client, *origin;
};

static struct pair exchange(struct fixture *f, const char *request)
{
    struct pair pair = {.client = ask(f, request)};
    pair.origin = accept_origin(f);
    wait_for(f, pair.origin, "\r\n\r\n");
    return pair;
}

static bool ends_with(const struct peer *peer, const char *text)
{
    size_t n = strlen(text);
    return peer->got.length >= n && !memcmp(peer->got.data + peer->got.length - n, text, n);
}

static bool starts_with(const struct peer *peer, const char *text)
{
    return str_starts((struct str){peer->got.data, peer->got.length}, str_of(text));
}

static void a_get_is_passed_on_and_its_answer_comes_back(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, "GET http://a.test:%P/x?y=%20&z HTTP/1.1\r\nHost: a.test:%P\r\nX-A: 1\r\n\r\n");
    assert_true(
        has(p.origin, with_port(f, "GET /x?y=%20&z HTTP/1.1\r\nHost: a.test:%P\r\nX-A: 1\r\nVia: 1.1 ccward (")));
    say(f, p.origin, "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\n\r\nhello");
    wait_for(f, p.client, "hello");
    assert_string_equal(buf_text(&p.client->got),
                        "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\nVia: 1.1 ccward\r\n\r\nhello");
    assert_open(f, p.client);
    assert_int_equal(f->lookups, 1);
}

static void a_chunked_response_is_framed_anew(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, get);
    say(f, p.origin,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
        "00003;ext=\"x\"\r\nabc\r\n1\r\nd\r\n0\r\nX: dropped\r\n\r\n");
    wait_for(f, p.client, "0\r\n\r\n");
    assert_true(has(p.client, "Transfer-Encoding: chunked\r\n"));
    assert_true(ends_with(p.client, "\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"));
    assert_false(has(p.client, "Trailer"));
    assert_open(f, p.client);
}

static void a_response_until_close_is_chunked_for_a_client_that_can(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, get);
    say(f, p.origin, "HTTP/1.0 200 OK\r\n\r\nabc");
    wait_for(f, p.client, "abc\r\n");
    hang_up(p.origin);
    wait_for(f, p.client, "0\r\n\r\n");
    assert_true(ends_with(p.client, "3\r\nabc\r\n0\r\n\r\n"));
    assert_open(f, p.client);
}

static void an_http_1_0_client_gets_no_chunks_no_interim_response_and_a_close(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, "GET http://a.test:%P/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_true(starts_with(p.origin, "GET / HTTP/1.1\r\n"));
    say(f, p.origin,
        "HTTP/1.1 100 Continue\r\n\r\n"
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    wait_closed(f, p.client);
    assert_true(p.client->eof);
    assert_true(starts_with(p.client, "HTTP/1.1 200 "));
    assert_true(has(p.client, "Connection: close\r\n"));
    assert_false(has(p.client, "Transfer-Encoding"));
    assert_true(ends_with(p.client, "\r\n\r\nabc"));
}

static void h28_responses_without_content_end_with_their_head(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, "HEAD http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n");
    say(f, p.origin, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    wait_for(f, p.client, "\r\n\r\n");
    assert_true(has(p.client, "Content-Length: 1000\r\n"));
    say(f, p.client, with_port(f, get));
    wait_count(f, p.origin, "GET / ", 1);
    say(f, p.origin, "HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 7\r\n\r\n");
    wait_for(f, p.client, "304");
    say(f, p.client, with_port(f, get));
    wait_count(f, p.origin, "GET / ", 2);
    say(f, p.origin, "HTTP/1.1 204 No Content\r\n\r\n");
    wait_for(f, p.client, "204");
    assert_open(f, p.client);
    assert_null(try_accept(f));
}

static void h16_an_expectation_and_its_interim_answer_pass(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, "POST http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
                                "Expect: 100-continue\r\n\r\n");
    assert_true(has(p.origin, "Expect: 100-continue\r\n"));
    say(f, p.origin, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    wait_for(f, p.client, "100 Continue\r\nVia: 1.1 ccward\r\n\r\n");
    assert_true(starts_with(p.client, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n"));
    say(f, p.client, "data");
    wait_for(f, p.origin, "\r\n\r\ndata");
    say(f, p.origin, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    wait_for(f, p.client, "HTTP/1.1 200 OK");
    assert_open(f, p.client);
}

static void h27_endless_interim_responses_are_502(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, get);
    for (int i = 0; i < 101; i++)
        say(f, p.origin, "HTTP/1.1 102 Processing\r\n\r\n");
    wait_for(f, p.client, "HTTP/1.1 502 ");
}

static void a_chunked_request_is_framed_anew_without_its_trailers(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, "POST http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "005;a=b\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n");
    wait_for(f, p.origin, "0\r\n\r\n");
    assert_true(ends_with(p.origin, "Transfer-Encoding: chunked\r\nVia: 1.1 ccward (") ||
                has(p.origin, "\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
    assert_false(has(p.origin, "Content-Length"));
    say(f, p.origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wait_for(f, p.client, "ok");
    assert_open(f, p.client);
}

static void h6_a_bad_chunk_is_400_and_the_origin_does_not_take_the_body_for_whole(void **state)
{
    static const char *const chunks[] = {"0x5\r\nhello", "+5\r\nhello", " 5\r\nhello", "5 \r\nhello",          "\r\n",
                                         "5\nhello",     "-1\r\n",      "g\r\n",       "11111111111111111\r\n"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        struct pair p = exchange(f, "POST http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    "2\r\nok\r\n");
        say(f, p.client, chunks[i]);
        wait_for(f, p.client, "HTTP/1.1 400 ");
        wait_closed(f, p.client);
        wait_closed(f, p.origin);
        assert_true(ends_with(p.origin, "2\r\nok\r\n"));
    }
}

static void a_head_in_single_bytes_is_the_same_request(void **state)
{
    struct fixture *f = *state;
    struct peer *client = new_client(f);
    const char *request =
        with_port(f, "POST http://a.test:%P/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "5\r\nhello\r\n0\r\n\r\n");
    for (size_t i = 0; i < strlen(request); i++) {
        say_bytes(f, client, request + i, 1);
        turn(f);
    }
    struct peer *origin = accept_origin(f);
    wait_for(f, origin, "0\r\n\r\n");
    const char *response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for (size_t i = 0; i < strlen(response); i++) {
        say_bytes(f, origin, response + i, 1);
        turn(f);
    }
    wait_for(f, client, "0\r\n\r\n");
    assert_open(f, client);
}

static void h27_a_garbage_answer_is_502(void **state)
{
    static const char *const answers[] = {
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n",
        "HTTP/1.1 099 No\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct pair p = exchange(f, get);
        say(f, p.origin, answers[i]);
        wait_for(f, p.client, "error=http_protocol_error");
        assert_true(starts_with(p.client, "HTTP/1.1 502 "));
        assert_false(has(p.client, "hello"));
        wait_closed(f, p.origin);
        assert_open(f, p.client);
    }
}

static void a_response_head_over_the_limit_is_502(void **state)
{
    struct fixture *f = *state;
    static char text[40000];
    memset(text, 'x', sizeof text);
    struct pair p = exchange(f, get);
    say(f, p.origin, "HTTP/1.1 200 OK\r\nX: ");
    say_bytes(f, p.origin, text, sizeof text);
    wait_for(f, p.client, "HTTP/1.1 502 ");
}

static void an_origin_that_hangs_up_without_a_word_is_502(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, get);
    hang_up(p.origin);
    wait_for(f, p.client, "error=connection_terminated");
    assert_open(f, p.client);
    p = exchange(f, get);
    say(f, p.origin, "HTTP/1.1 200 OK\r\nX:");
    hang_up_hard(p.origin);
    wait_for(f, p.client, "HTTP/1.1 502 ");
    assert_int_equal(proxy_server_counters(f->proxy)->failed, 2);
}

static void h27_a_response_that_is_cut_off_is_never_completed(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct pair p = exchange(f, get);
        say(f, p.origin, answers[i]);
        wait_for(f, p.client, "abc");
        if (p.origin->fd >= 0)
            hang_up(p.origin);
        wait_closed(f, p.client);
        assert_false(ends_with(p.client, "0\r\n\r\n"));
        assert_int_equal(count_of(p.client, "HTTP/1.1 "), 1);
    }
}

static void a_reset_does_not_end_a_response_until_close(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, get);
    say(f, p.origin, "HTTP/1.0 200 OK\r\n\r\nabc");
    wait_for(f, p.client, "abc");
    hang_up_hard(p.origin);
    wait_closed(f, p.client);
    assert_false(ends_with(p.client, "0\r\n\r\n"));
}

static void what_follows_a_response_is_no_response(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, get);
    say(f, p.origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 Forged\r\nContent-Length: 0\r\n\r\n");
    wait_for(f, p.client, "\r\n\r\nok");
    wait_closed(f, p.origin);
    say(f, p.client, with_port(f, get));
    struct peer *second = accept_origin(f);
    wait_for(f, second, "GET / ");
    say(f, second, "HTTP/1.1 200 Honest\r\nContent-Length: 0\r\n\r\n");
    wait_for(f, p.client, "Honest");
    assert_false(has(p.client, "Forged"));
}

static void an_origin_that_does_not_answer_is_504(void **state)
{
    struct fixture *f = *state;
    clock_fake(1000, 1000000);
    struct pair p = exchange(f, get);
    clock_fake_advance(119000);
    assert_open(f, p.client);
    clock_fake_advance(2000);
    wait_for(f, p.client, "HTTP/1.1 504 ");
    assert_true(has(p.client, "error=http_response_timeout"));
    wait_closed(f, p.origin);
}

static void an_origin_that_refuses_is_502_after_all_its_addresses(void **state)
{
    struct fixture *f = *state;
    close(f->origin_fd);
    f->lookup_addrs[1] = addr_v4(0x7f000003, 0);
    f->lookup_count = 2;
    struct peer *client = ask(f, get);
    wait_for(f, client, "HTTP/1.1 502 ");
    assert_true(has(client, "error=destination_unavailable"));
    struct addr addr = addr_v4(0x7f000001, f->origin_port);
    f->origin_fd = make_listener(&addr);
}

static void the_next_address_is_tried_when_one_refuses(void **state)
{
    struct fixture *f = *state;
    f->lookup_addrs[0] = addr_v4(0x7f000003, 0);
    f->lookup_addrs[1] = addr_v4(0x7f000001, 0);
    f->lookup_count = 2;
    exchange(f, get);
}

static void an_idle_connection_is_used_again_for_the_same_host_alone(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, get);
    say(f, p.origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wait_for(f, p.client, "ok");
    struct peer *other_client = ask(f, "GET http://A.TEST:%P/again HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, p.origin, "GET /again ");
    say(f, p.origin, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes");
    wait_for(f, other_client, "yes");
    ask(f, "GET http://b.test:%P/other HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, accept_origin(f), "GET /other ");
}

static void a_connection_that_the_origin_ends_is_not_used_again(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < 2; i++) {
        struct pair p = exchange(f, get);
        say(f, p.origin, answers[i]);
        wait_for(f, p.client, "ok");
        wait_closed(f, p.origin);
        assert_open(f, p.client);
    }
}

static void h27_a_get_on_a_stale_connection_is_sent_once_more(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, get);
    say(f, p.origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wait_for(f, p.client, "ok");
    say(f, p.client, with_port(f, get));
    wait_count(f, p.origin, "GET / ", 2);
    hang_up_hard(p.origin);
    struct peer *second = accept_origin(f);
    wait_for(f, second, "GET / ");
    say(f, second, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond");
    wait_for(f, p.client, "second");
    assert_false(has(p.client, " 502 "));
    say(f, p.client, with_port(f, get));
    wait_count(f, second, "GET / ", 2);
    hang_up(second); /* the new connection dies too, and the one after it */
    struct peer *third = accept_origin(f);
    wait_for(f, third, "GET / ");
    hang_up(third);
    wait_for(f, p.client, "HTTP/1.1 502 ");
    assert_no_origin(f);
}

static void h27_a_retry_stops_at_the_first_byte_of_a_response(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, get);
    say(f, p.origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wait_for(f, p.client, "ok");
    say(f, p.client, with_port(f, get));
    wait_count(f, p.origin, "GET / ", 2);
    say(f, p.origin, "H");
    hang_up(p.origin);
    wait_for(f, p.client, "HTTP/1.1 502 ");
    assert_no_origin(f);
}

static void a_post_gets_a_connection_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, get);
    say(f, p.origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wait_for(f, p.client, "ok");
    say(f, p.client, with_port(f, "POST http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"));
    struct peer *second = accept_origin(f);
    wait_for(f, second, "POST / ");
    hang_up(second);
    wait_for(f, p.client, "HTTP/1.1 502 ");
    assert_no_origin(f);
}

static void h26_a_client_that_vanishes_closes_the_origin(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, get);
    say(f, p.origin, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc");
    wait_for(f, p.client, "abc");
    hang_up_hard(p.client);
    wait_closed(f, p.origin);
    p = exchange(f, "POST http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
    hang_up(p.client); /* mid-upload: the origin must not see the end of a whole request */
    wait_closed(f, p.origin);
    settle(f);
    assert_true(proxy_server_idle(f->proxy));
}

static void h25_a_client_that_ends_its_direction_still_gets_its_response(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, get);
    shutdown(p.client->fd, SHUT_WR);
    settle(f);
    say(f, p.origin, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    wait_for(f, p.client, "hello");
    wait_closed(f, p.client);
    assert_true(p.client->eof);
}

static void an_early_answer_to_an_upload_reaches_the_client(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, "POST http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\nabc");
    say(f, p.origin, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
    wait_for(f, p.client, "\r\n\r\nbig");
    assert_true(has(p.client, "Connection: close\r\n"));
    wait_closed(f, p.origin);
    wait_closed(f, p.client);
}

static void a_connection_with_half_a_request_on_it_is_not_used_again(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, "POST http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
    say(f, p.origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wait_for(f, p.client, "\r\n\r\nok");
    wait_closed(f, p.origin);
    wait_closed(f, p.client);
}

static size_t resident_bytes(void)
{
    char line[128];
    size_t pages = 0, ignored;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    assert_int_equal(sscanf(line, "%zu %zu", &ignored, &pages), 2);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

enum { BIG_BYTES = 64 << 20 };

/* What FD takes until the proxy holds back: the system's buffers, which may be large, and what the proxy keeps. */
static size_t fill(struct fixture *f, int fd, size_t most)
{
    static char bytes[65536];
    size_t sent = 0;
    for (int idle = 0; idle < 50 && sent < most;) {
        ssize_t n =
            send(fd, bytes, sizeof bytes < most - sent ? sizeof bytes : most - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        loop_run_once(f->loop, false);
        idle = n > 0 ? 0 : idle + 1;
        sent += n > 0 ? (size_t)n : 0;
    }
    return sent;
}

static size_t drain(struct fixture *f, int from, int to, size_t sent)
{
    static char bytes[65536];
    size_t received = 0;
    int64_t end = real_ms() + 60000;
    while (received < BIG_BYTES && real_ms() < end) {
        size_t left = BIG_BYTES - sent < sizeof bytes ? BIG_BYTES - sent : sizeof bytes;
        ssize_t n = left ? send(from, bytes, left, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
        sent += n > 0 ? (size_t)n : 0;
        loop_run_once(f->loop, false);
        n = recv(to, bytes, sizeof bytes, MSG_DONTWAIT);
        received += n > 0 ? (size_t)n : 0;
    }
    return received;
}

static void h29_a_slow_reader_slows_the_origin_down(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, get);
    char head[128];
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BIG_BYTES);
    say(f, p.origin, head);
    wait_for(f, p.client, "\r\n\r\n");
    size_t before = resident_bytes();
    size_t sent = fill(f, p.origin->fd, BIG_BYTES);
    assert_true(sent > 0 && sent < BIG_BYTES / 2);
    assert_true(resident_bytes() < before + (8 << 20));
    assert_int_equal(drain(f, p.origin->fd, p.client->fd, sent), BIG_BYTES);
    assert_true(resident_bytes() < before + (8 << 20));
    say(f, p.client, with_port(f, get));
    wait_for(f, p.origin, "GET / ");
}

static void h30_a_slow_origin_slows_an_upload_down(void **state)
{
    struct fixture *f = *state;
    char request[256];
    snprintf(request, sizeof request, "POST http://a.test:%%P/ HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
             BIG_BYTES);
    struct pair p = exchange(f, request);
    size_t before = resident_bytes();
    size_t sent = fill(f, p.client->fd, BIG_BYTES);
    assert_true(sent > 0 && sent < BIG_BYTES / 2);
    assert_true(resident_bytes() < before + (8 << 20));
    assert_int_equal(drain(f, p.client->fd, p.origin->fd, sent), BIG_BYTES);
    say(f, p.origin, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    wait_for(f, p.client, "HTTP/1.1 200 ");
    assert_open(f, p.client);
}

static void a_client_that_stops_reading_is_given_up(void **state)
{
    struct fixture *f = *state;
    clock_fake(1000, 1000000);
    struct pair p = exchange(f, get);
    say(f, p.origin, "HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n");
    wait_for(f, p.client, "\r\n\r\n");
    fill(f, p.origin->fd, BIG_BYTES);
    clock_fake_advance(59000);
    loop_run_once(f->loop, false);
    assert_false(proxy_server_idle(f->proxy));
    clock_fake_advance(2000);
    for (int i = 0; i < 10; i++)
        loop_run_once(f->loop, false);
    assert_true(proxy_server_idle(f->proxy));
    wait_closed(f, p.origin);
}

static void h3_an_upload_that_stops_is_given_up(void **state)
{
    struct fixture *f = *state;
    clock_fake(1000, 1000000);
    struct pair p = exchange(f, "POST http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
    clock_fake_advance(19000);
    assert_open(f, p.client);
    clock_fake_advance(2000);
    wait_for(f, p.client, "HTTP/1.1 408 ");
    assert_true(has(p.client, "too slowly"));
    wait_closed(f, p.client);
    wait_closed(f, p.origin);
}

/* Over loopback the system's buffer is so large that a slow reader takes minutes until it can be written to again. */
static void h29_a_client_that_reads_slowly_is_not_given_up(void **state)
{
    static char bytes[65536];
    struct fixture *f = *state;
    clock_fake(1000, 1000000);
    struct pair p = exchange(f, get);
    say(f, p.origin, "HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n");
    wait_for(f, p.client, "\r\n\r\n");
    fill(f, p.origin->fd, BIG_BYTES);
    for (int i = 0; i < 8; i++) {
        for (size_t left = 2 * sizeof bytes; left;) {
            ssize_t n = recv(p.client->fd, bytes, left < sizeof bytes ? left : sizeof bytes, 0);
            assert_true(n > 0);
            left -= (size_t)n;
        }
        clock_fake_advance(40000);
        for (int k = 0; k < 10; k++)
            loop_run_once(f->loop, false);
        assert_false(proxy_server_idle(f->proxy));
    }
    for (int i = 0; i < 3; i++) { /* and then not at all */
        clock_fake_advance(61000);
        for (int k = 0; k < 10; k++)
            loop_run_once(f->loop, false);
    }
    assert_true(proxy_server_idle(f->proxy));
}

/* N seconds with so many bytes of an upload in each. */
static void trickle(struct fixture *f, struct peer *client, int seconds, int bytes_per_s)
{
    static const char bytes[1024];
    for (int i = 0; i < seconds && !client->eof; i++) {
        say_bytes(f, client, bytes, (size_t)bytes_per_s);
        settle(f);
        clock_fake_advance(1000);
    }
    settle(f);
}

static const char *const big_upload = "POST http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";

static void h3_an_upload_that_trickles_is_given_up_and_a_slow_one_is_not(void **state)
{
    struct fixture *f = *state;
    clock_fake(1000, 1000000);
    struct pair slow = exchange(f, big_upload);
    trickle(f, slow.client, 45, 300);
    assert_open(f, slow.client);
    trickle(f, slow.client, 45, 200); /* a good start does not help for ever */
    wait_for(f, slow.client, "HTTP/1.1 408 ");
    wait_closed(f, slow.origin);
}

static void h3_a_client_that_stops_sending_when_its_answer_comes_is_not_too_slow(void **state)
{
    static const char *const requests[] = {
        "POST http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc",
        "POST http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n"};
    struct fixture *f = *state;
    clock_fake(1000, 1000000);
    for (size_t i = 0; i < 2; i++) {
        struct pair p = exchange(f, requests[i]);
        say(f, p.origin, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 413 Too Large\r\nContent-Length: 10\r\n\r\n");
        wait_for(f, p.client, "Content-Length: 10\r\n");
        for (int k = 0; k < 10; k++) {
            say(f, p.origin, "x");
            wait_count(f, p.client, "x", (unsigned)k + 1);
            clock_fake_advance(15000);
        }
        wait_closed(f, p.client);
        assert_int_equal(count_of(p.client, "HTTP/1.1 "), 2);
    }
}

static void h3_who_waits_for_the_origin_is_not_too_slow(void **state)
{
    static char bytes[65536];
    struct fixture *f = *state;
    clock_fake(1000, 1000000);
    struct pair p = exchange(f, "POST http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
                                "Expect: 100-continue\r\n\r\n");
    for (int i = 0; i < 9; i++) {
        clock_fake_advance(10000);
        assert_open(f, p.client);
    }
    say(f, p.origin, "HTTP/1.1 100 Continue\r\n\r\n");
    wait_for(f, p.client, "100 Continue");
    clock_fake_advance(19000);
    assert_open(f, p.client);
    say_bytes(f, p.client, bytes, sizeof bytes);
    settle(f);
    clock_fake_advance(2000);
    assert_open(f, p.client);
    say_bytes(f, p.client, bytes, 100000 - sizeof bytes);
    settle(f);
    clock_fake_advance(60000); /* all has come: now it is the origin's turn */
    assert_open(f, p.client);
    say(f, p.origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wait_for(f, p.client, "\r\n\r\nok");
}

static void a_silent_stream_of_events_is_not_cut_by_the_idle_timeout(void **state)
{
    struct fixture *f = *state;
    clock_fake(1000, 1000000);
    struct pair p = exchange(f, get);
    say(f, p.origin, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    wait_for(f, p.client, "first");
    clock_fake_advance(100000);
    assert_open(f, p.client);
    say(f, p.origin, "6\r\nsecond\r\n");
    wait_for(f, p.client, "second");
    clock_fake_advance(121000);
    wait_closed(f, p.client);
    assert_false(ends_with(p.client, "0\r\n\r\n"));
}

static void h36_only_a_websocket_upgrade_is_asked_for(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                                "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n");
    assert_false(has(p.origin, "pgrade"));
    assert_false(has(p.origin, "HTTP2-Settings"));
    p = exchange(f, "POST http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    "Content-Length: 2\r\n\r\nab");
    assert_false(has(p.origin, "pgrade"));
}

static void a_websocket_becomes_a_tunnel_after_101(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, "GET http://a.test:%P/ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n"
                                "Upgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n\r\n");
    assert_true(has(p.origin, "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    assert_true(has(p.origin, "Sec-WebSocket-Key: k\r\n"));
    say(f, p.origin,
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Accept: s\r\n\r\n\x81\x02hi");
    wait_for(f, p.client, "\x81\x02hi");
    assert_true(starts_with(p.client, "HTTP/1.1 101 Switching Protocols\r\n"));
    assert_true(has(p.client, "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    say(f, p.client, "GET http://not.parsed/\r\n\r\n");
    wait_for(f, p.origin, "GET http://not.parsed/");
    hang_up(p.client);
    wait_closed(f, p.origin);
    assert_int_equal(proxy_server_counters(f->proxy)->tunnels, 1);
}

static void a_refused_websocket_is_an_ordinary_response(void **state)
{
    struct fixture *f = *state;
    struct pair p = exchange(f, "GET http://a.test:%P/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                                "Upgrade: websocket\r\n\r\n");
    say(f, p.origin, "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
    wait_for(f, p.client, "\r\n\r\nno");
    say(f, p.client, with_port(f, get));
    wait_for(f, p.origin, "GET / HTTP/1.1");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_get_is_passed_on_and_its_answer_comes_back),
        T(a_chunked_response_is_framed_anew),
        T(a_response_until_close_is_chunked_for_a_client_that_can),
        T(an_http_1_0_client_gets_no_chunks_no_interim_response_and_a_close),
        T(h28_responses_without_content_end_with_their_head),
        T(h16_an_expectation_and_its_interim_answer_pass),
        T(h27_endless_interim_responses_are_502),
        T(a_chunked_request_is_framed_anew_without_its_trailers),
        T(h6_a_bad_chunk_is_400_and_the_origin_does_not_take_the_body_for_whole),
        T(a_head_in_single_bytes_is_the_same_request),
        T(h27_a_garbage_answer_is_502),
        T(a_response_head_over_the_limit_is_502),
        T(an_origin_that_hangs_up_without_a_word_is_502),
        T(h27_a_response_that_is_cut_off_is_never_completed),
        T(a_reset_does_not_end_a_response_until_close),
        T(what_follows_a_response_is_no_response),
        T(an_origin_that_does_not_answer_is_504),
        T(an_origin_that_refuses_is_502_after_all_its_addresses),
        T(the_next_address_is_tried_when_one_refuses),
        T(an_idle_connection_is_used_again_for_the_same_host_alone),
        T(a_connection_that_the_origin_ends_is_not_used_again),
        T(h27_a_get_on_a_stale_connection_is_sent_once_more),
        T(h27_a_retry_stops_at_the_first_byte_of_a_response),
        T(a_post_gets_a_connection_of_its_own),
        T(h26_a_client_that_vanishes_closes_the_origin),
        T(h25_a_client_that_ends_its_direction_still_gets_its_response),
        T(an_early_answer_to_an_upload_reaches_the_client),
        T(a_connection_with_half_a_request_on_it_is_not_used_again),
        T(h29_a_slow_reader_slows_the_origin_down),
        T(h30_a_slow_origin_slows_an_upload_down),
        T(a_client_that_stops_reading_is_given_up),
        T(h29_a_client_that_reads_slowly_is_not_given_up),
        T(h3_an_upload_that_stops_is_given_up),
        T(h3_an_upload_that_trickles_is_given_up_and_a_slow_one_is_not),
        T(h3_a_client_that_stops_sending_when_its_answer_comes_is_not_too_slow),
        T(h3_who_waits_for_the_origin_is_not_too_slow),
        T(a_silent_stream_of_events_is_not_cut_by_the_idle_timeout),
        T(h36_only_a_websocket_upgrade_is_asked_for),
        T(a_websocket_becomes_a_tunnel_after_101),
        T(a_refused_websocket_is_an_ordinary_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
