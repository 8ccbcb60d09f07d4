#include "net_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "net/pipe_pool.h"
#include "net/stream.h"

enum {
    TOTAL = 32 << 20, /* more than all the sockets hold */
    STALLED_TURNS = 200,
};

/* Two streams, each the other's sink, and a plain socket at the far end of each: what `sender` says arrives at
 * `receiver`. The owner copies what it is told of. */
struct line {
    struct loop *loop;
    int sender, receiver;
    struct stream *from, *to;
    size_t copied;
    unsigned eof, from_failed, to_failed;
    const char *said;
    char *heard;
    size_t said_count, heard_count;
};

static char said[TOTAL], heard[TOTAL];

static void on_data(void *arg)
{
    struct line *line = arg;
    struct str input = stream_input(line->from);
    line->copied += input.length;
    if (stream_write(line->to, input.data, input.length) == ST_OK)
        stream_flush(line->to);
    stream_consume(line->from, input.length);
}

static void on_eof(void *arg)
{
    struct line *line = arg;
    line->eof++;
    stream_shutdown(line->to);
}

static void on_from_failed(void *arg, enum status status)
{
    struct line *line = arg;
    assert_int_not_equal(status, ST_OK);
    line->from_failed++;
}

static void on_to_failed(void *arg, enum status status)
{
    struct line *line = arg;
    assert_int_equal(status, ST_CLOSED);
    line->to_failed++;
}

static void on_nothing(void *arg)
{
    (void)arg;
}

static int tcp_pair(int *other)
{
    struct addr any = loopback(0);
    int listening = plain_bound(SOCK_STREAM, &any);
    assert_int_equal(listen(listening, 1), 0);
    struct addr addr = plain_addr(listening);
    int plain = plain_connected(SOCK_STREAM, &addr);
    *other = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(*other >= 0);
    close(listening);
    return plain;
}

static int set_up(void **state)
{
    static const struct stream_ops from_ops = {.on_data = on_data, .on_eof = on_eof, .on_failed = on_from_failed};
    static const struct stream_ops to_ops = {.on_data = on_nothing, .on_failed = on_to_failed};
    struct line *line = calloc(1, sizeof *line);
    int fd;
    line->loop = loop_new();
    line->said = said;
    line->heard = heard;
    line->sender = tcp_pair(&fd);
    line->from = stream_new_own(line->loop, fd, &from_ops, line);
    line->receiver = tcp_pair(&fd);
    line->to = stream_new_own(line->loop, fd, &to_ops, line);
    assert_true(line->from && line->to);
    stream_set_sink(line->from, line->to);
    stream_set_sink(line->to, line->from);
    *state = line;
    return 0;
}

static int tear_down(void **state)
{
    struct line *line = *state;
    stream_free(line->from);
    stream_free(line->to);
    if (line->sender >= 0)
        close(line->sender);
    if (line->receiver >= 0)
        close(line->receiver);
    loop_free(line->loop);
    free(line);
    clock_real();
    return 0;
}

static bool say(struct line *line, size_t up_to)
{
    ssize_t n =
        send(line->sender, line->said + line->said_count, up_to - line->said_count, MSG_DONTWAIT | MSG_NOSIGNAL);
    line->said_count += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static bool hear(struct line *line, size_t most)
{
    size_t room = TOTAL - line->heard_count;
    ssize_t n = recv(line->receiver, line->heard + line->heard_count, room < most ? room : most, MSG_DONTWAIT);
    line->heard_count += n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* The receiver takes nothing until nothing moves any more. */
static void say_until_it_stalls(struct line *line)
{
    for (int idle = 0; idle < STALLED_TURNS; idle++) {
        if (say(line, TOTAL))
            idle = 0;
        loop_run_once(line->loop, false);
    }
    assert_true(line->said_count < TOTAL);
}

static void hear_the_rest(struct line *line)
{
    for (int idle = 0; idle < 50000 && line->heard_count < line->said_count; idle++) {
        if (hear(line, TOTAL))
            idle = 0;
        else
            usleep(100);
        loop_run_once(line->loop, false);
    }
    assert_int_equal(line->heard_count, line->said_count);
    assert_memory_equal(line->heard, line->said, line->heard_count);
}

static bool is_at_its_end(const struct line *line)
{
    char byte;
    return recv(line->receiver, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void say_and_hear_all(struct line *line, size_t at_a_time)
{
    while (line->heard_count < TOTAL) {
        say(line, TOTAL);
        loop_run_once(line->loop, false);
        hear(line, at_a_time);
    }
    assert_memory_equal(line->heard, line->said, TOTAL);
}

static void much_goes_unseen_and_in_order(void **state)
{
    struct line *line = *state;
    say_and_hear_all(line, 100000);
    assert_in_range(line->copied, 1, TOTAL / 2);
}

static void little_is_announced(void **state)
{
    struct line *line = *state;
    say_and_hear_all(line, TOTAL);
    while (stream_queued(line->to))
        loop_run_once(line->loop, false);
    for (int i = 0; i < 100; i++) {
        size_t before = line->copied;
        assert_int_equal(send(line->sender, "small", 5, 0), 5);
        for (int turns = 0; turns < 50000 && recv(line->receiver, line->heard, 5, MSG_DONTWAIT) != 5; turns++) {
            loop_run_once(line->loop, false);
            usleep(100);
        }
        assert_memory_equal(line->heard, "small", 5);
        if (i > 0) /* the first may find the pipe in use: that is where it is seen that little comes */
            assert_int_equal(line->copied, before + 5);
    }
}

/* H25 */
static void the_end_is_told_after_everything(void **state)
{
    struct line *line = *state;
    say_until_it_stalls(line);
    shutdown(line->sender, SHUT_WR);
    for (int i = 0; i < STALLED_TURNS; i++)
        loop_run_once(line->loop, false);
    assert_int_equal(line->eof, 0);
    hear_the_rest(line);
    for (int i = 0; i < 50000 && !is_at_its_end(line); i++) {
        loop_run_once(line->loop, false);
        usleep(100);
    }
    assert_int_equal(line->eof, 1);
    assert_true(is_at_its_end(line));
}

/* H29 */
static void a_slow_receiver_slows_the_sender_down(void **state)
{
    struct line *line = *state;
    say_until_it_stalls(line);
    size_t stalled_at = line->said_count;
    for (int i = 0; i < STALLED_TURNS; i++) {
        say(line, TOTAL);
        loop_run_once(line->loop, false);
    }
    assert_int_equal(line->said_count, stalled_at);
    assert_in_range(stream_queued(line->to), 0, 128 << 10);
    hear_the_rest(line);
}

static void what_is_on_the_way_is_sent_when_its_stream_goes(void **state)
{
    struct line *line = *state;
    say_until_it_stalls(line);
    struct linger now = {.l_onoff = 1};
    /* What the sender's and the receiver's sockets hold is lost with them: that is for TCP to say. */
    assert_int_equal(setsockopt(line->sender, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    stream_free(line->from);
    line->from = NULL;
    size_t queued = stream_queued(line->to);
    assert_in_range(queued, 1, PIPE_BYTES);
    stream_finish_own(line->to, 2000, NULL, NULL);
    line->to = NULL;
    for (int i = 0; i < 50000 && !is_at_its_end(line); i++) {
        if (!hear(line, 50000))
            usleep(100);
        loop_run_once(line->loop, false);
    }
    assert_true(line->heard_count > queued);
    assert_memory_equal(line->heard, line->said, line->heard_count);
    assert_true(is_at_its_end(line));
}

static void a_write_in_between_comes_after_what_is_on_the_way(void **state)
{
    struct line *line = *state;
    say_until_it_stalls(line);
    assert_int_equal(stream_write(line->to, "written", 7), ST_OK);
    for (int idle = 0; idle < 50000; idle++) {
        if (hear(line, TOTAL))
            idle = 0;
        else
            usleep(100);
        loop_run_once(line->loop, false);
        if (line->heard_count == line->said_count + 7)
            break;
    }
    const char *at = memmem(line->heard, line->heard_count, "written", 7);
    assert_non_null(at);
    size_t before = (size_t)(at - line->heard);
    assert_memory_equal(line->heard, line->said, before);
    assert_memory_equal(at + 7, line->said + before, line->said_count - before);
}

static void a_receiver_that_is_gone_is_told(void **state)
{
    struct line *line = *state;
    struct linger now = {.l_onoff = 1};
    say_until_it_stalls(line);
    assert_int_equal(setsockopt(line->receiver, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(line->receiver);
    line->receiver = -1;
    for (int i = 0; i < 50000 && !line->to_failed; i++) {
        loop_run_once(line->loop, false);
        usleep(100);
    }
    assert_int_equal(line->to_failed, 1);
}

static void a_sender_that_breaks_off_is_told(void **state)
{
    struct line *line = *state;
    struct linger now = {.l_onoff = 1};
    say_until_it_stalls(line);
    assert_int_equal(setsockopt(line->sender, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(line->sender);
    line->sender = -1;
    for (int i = 0; i < 50000 && !line->from_failed; i++) {
        hear(line, TOTAL);
        loop_run_once(line->loop, false);
        usleep(100);
    }
    assert_int_equal(line->from_failed, 1);
    assert_memory_equal(line->heard, line->said, line->heard_count);
}

static void without_descriptors_it_is_copied(void **state)
{
    struct line *line = *state;
    struct rlimit before, none;
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    say_and_hear_all(line, TOTAL);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(line->copied, TOTAL);
}

static void a_silent_line_holds_no_pipe(void **state)
{
    struct line *line = *state;
    say_and_hear_all(line, TOTAL);
    assert_int_equal(loop_pipes(line->loop)->lent_count, 0);
    assert_int_equal(loop_pipes(line->loop)->spare_count, 1);
}

static void moving_puts_idleness_off(void **state)
{
    struct line *line = *state;
    clock_fake(1000, 0);
    stream_set_idle_timeout(line->to, 60000);
    for (size_t part = TOTAL / 8; part <= TOTAL; part += TOTAL / 8) {
        for (int i = 0; i < 50000 && line->heard_count < part; i++) {
            say(line, part);
            loop_run_once(line->loop, false);
            if (hear(line, TOTAL))
                i = 0;
        }
        clock_fake_advance(59000);
        loop_run_once(line->loop, false);
    }
    assert_int_equal(line->heard_count, TOTAL);
    assert_true(line->copied < TOTAL);
    assert_int_equal(line->to_failed, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(much_goes_unseen_and_in_order),
        T(little_is_announced),
        T(the_end_is_told_after_everything),
        T(a_slow_receiver_slows_the_sender_down),
        T(what_is_on_the_way_is_sent_when_its_stream_goes),
        T(a_write_in_between_comes_after_what_is_on_the_way),
        T(a_receiver_that_is_gone_is_told),
        T(a_sender_that_breaks_off_is_told),
        T(without_descriptors_it_is_copied),
        T(a_silent_line_holds_no_pipe),
        T(moving_puts_idleness_off),
    };
    for (size_t i = 0; i < TOTAL; i++)
        said[i] = (char)(i * 7 + i / 251);
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
