#include "net_fixture.h"

#include <sys/resource.h>

#include "base/buf.h"
#include "net/stream.h"

/* The owner of a stream: notes what it is told, consumes as it is bid. */
struct owner {
    struct stream *stream;
    struct buf got;
    unsigned connected, data, eof, drained, failed;
    enum status status;
    size_t consume_at_most; /* of each announcement; 0: all */
    bool keep_all, done;
    const char *free_in; /* the callback in which to free the stream */
    const char *done_at;
};

static void note(struct owner *owner, const char *event)
{
    if (owner->done_at && !strcmp(owner->done_at, event))
        owner->done = true;
    if (owner->free_in && !strcmp(owner->free_in, event)) {
        stream_free(owner->stream);
        owner->stream = NULL;
    }
}

static void on_connected(void *arg)
{
    struct owner *owner = arg;
    owner->connected++;
    note(owner, "connected");
}

static void on_data(void *arg)
{
    struct owner *owner = arg;
    struct str input = stream_input(owner->stream);
    owner->data++;
    assert_true(input.length > 0);
    if (owner->consume_at_most && input.length > owner->consume_at_most)
        input.length = owner->consume_at_most;
    if (!owner->keep_all) {
        buf_add(&owner->got, input.data, input.length);
        stream_consume(owner->stream, input.length);
    }
    note(owner, "data");
}

static void on_eof(void *arg)
{
    struct owner *owner = arg;
    owner->eof++;
    note(owner, "eof");
}

static void on_drained(void *arg)
{
    struct owner *owner = arg;
    owner->drained++;
    note(owner, "drained");
}

static void on_failed(void *arg, enum status status)
{
    struct owner *owner = arg;
    owner->failed++;
    owner->status = status;
    note(owner, "failed");
}

static const struct stream_ops ops = {on_connected, on_data, on_eof, on_drained, on_failed};

/* A connected pair over loopback TCP: a plain blocking socket, and a non-blocking one for a stream. */
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

static int open_pair(struct loop *loop, struct owner *owner)
{
    int other, plain = tcp_pair(&other);
    owner->stream = stream_new_own(loop, other, &ops, owner);
    assert_non_null(owner->stream);
    return plain;
}

static void close_pair(struct owner *owner, int plain)
{
    stream_free(owner->stream);
    buf_free(&owner->got);
    if (plain >= 0)
        close(plain);
}

static void reset(int fd)
{
    struct linger now = {.l_onoff = 1};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(fd);
}

static void expect(int fd, const char *text)
{
    char got[256];
    size_t length = strlen(text);
    assert_int_equal(recv(fd, got, length, MSG_WAITALL), length);
    assert_memory_equal(got, text, length);
}

/* Input */

static void input_that_is_not_consumed_waits_and_grows(void **state)
{
    struct owner owner = {.keep_all = true, .done_at = "data"};
    int plain = open_pair(*state, &owner);
    send(plain, "abc", 3, 0);
    assert_true(run_until(*state, &owner.done, 20000));
    assert_true(str_eq(stream_input(owner.stream), STR("abc")));
    stream_consume(owner.stream, 1);
    owner.done = false;
    send(plain, "def", 3, 0);
    assert_true(run_until(*state, &owner.done, 20000));
    assert_true(str_eq(stream_input(owner.stream), STR("bcdef")));
    stream_consume(owner.stream, 5);
    assert_int_equal(stream_input(owner.stream).length, 0);
    assert_int_equal(owner.data, 2);
    close_pair(&owner, plain);
}

static void input_consumed_in_part_keeps_its_rest(void **state)
{
    struct owner owner = {.consume_at_most = 4, .done_at = "data"};
    int plain = open_pair(*state, &owner);
    send(plain, "0123456789", 10, 0);
    assert_true(run_until(*state, &owner.done, 20000));
    assert_true(str_eq(stream_input(owner.stream), STR("456789")));
    owner.done = false;
    owner.consume_at_most = 0;
    send(plain, "x", 1, 0);
    assert_true(run_until(*state, &owner.done, 20000));
    assert_string_equal(buf_text(&owner.got), "0123456789x");
    close_pair(&owner, plain);
}

static void unconsumed_input_stops_at_its_limit(void **state)
{
    struct owner owner = {.keep_all = true};
    int plain = open_pair(*state, &owner);
    static char block[256 << 10];
    memset(block, 'z', sizeof block);
    struct timeval soon = {.tv_usec = 1000};
    setsockopt(plain, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
    stream_set_input_limit(owner.stream, 10000);
    size_t total = 0;
    for (ssize_t n; (n = send(plain, block, sizeof block, 0)) > 0;)
        total += (size_t)n;
    run_for(*state, 50);
    assert_int_equal(stream_input(owner.stream).length, 10000);
    owner.keep_all = false;
    stream_consume(owner.stream, 10000);
    shutdown(plain, SHUT_WR);
    owner.done_at = "eof";
    assert_true(run_until(*state, &owner.done, 5000));
    assert_int_equal(owner.got.length, total - 10000);
    close_pair(&owner, plain);
}

static void a_paused_stream_announces_what_waits_when_it_resumes(void **state)
{
    struct owner owner = {.keep_all = true, .done_at = "data"};
    int plain = open_pair(*state, &owner);
    send(plain, "one", 3, 0);
    assert_true(run_until(*state, &owner.done, 20000));
    stream_pause(owner.stream);
    send(plain, "two", 3, 0);
    run_for(*state, 30);
    assert_int_equal(owner.data, 1);
    owner.keep_all = false;
    stream_resume(owner.stream);
    assert_int_equal(owner.data, 1); /* not from within the call */
    run_for(*state, 30);
    assert_string_equal(buf_text(&owner.got), "onetwo");
    close_pair(&owner, plain);
}

static void a_half_closed_peer_still_gets_its_answer(void **state)
{
    struct owner owner = {.done_at = "eof"};
    int plain = open_pair(*state, &owner);
    send(plain, "ask", 3, 0);
    shutdown(plain, SHUT_WR);
    assert_true(run_until(*state, &owner.done, 20000));
    assert_string_equal(buf_text(&owner.got), "ask");
    assert_true(stream_saw_eof(owner.stream));
    assert_int_equal(stream_write(owner.stream, "answer", 6), ST_OK);
    stream_shutdown(owner.stream);
    assert_int_equal(stream_write(owner.stream, "more", 4), ST_CLOSED);
    run_for(*state, 20);
    expect(plain, "answer");
    char byte;
    assert_int_equal(recv(plain, &byte, 1, 0), 0);
    assert_int_equal(owner.eof, 1);
    assert_int_equal(owner.failed, 0);
    close_pair(&owner, plain);
}

/* Output */

static void the_writes_of_one_round_leave_together(void **state)
{
    int fds[2];
    struct owner owner = {.done_at = "drained"};
    char got[64];
    /* Of all stream sockets only this kind shows where a send ended. */
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    owner.stream = stream_new_own(*state, fds[0], &ops, &owner);
    assert_int_equal(stream_write(owner.stream, "head ", 5), ST_OK);
    assert_int_equal(stream_write(owner.stream, "body", 4), ST_OK);
    assert_int_equal(recv(fds[1], got, sizeof got, 0), -1);
    assert_true(run_until(*state, &owner.done, 20000));
    assert_int_equal(recv(fds[1], got, sizeof got, 0), 9);
    assert_memory_equal(got, "head body", 9);
    assert_int_equal(stream_write(owner.stream, "now", 3), ST_OK);
    stream_flush(owner.stream);
    assert_int_equal(recv(fds[1], got, sizeof got, 0), 3);
    assert_int_equal(owner.drained, 1); /* not from within stream_flush() */
    run_for(*state, 10);
    assert_int_equal(owner.drained, 2);
    close_pair(&owner, fds[1]);
}

static void a_slow_reader_bounds_what_a_patient_writer_queues(void **state)
{
    enum { TOTAL = 8 << 20, PIECE = 20000 };
    struct owner owner = {0};
    int plain = open_pair(*state, &owner);
    char *sent = malloc(TOTAL), *got = malloc(TOTAL);
    for (size_t i = 0; i < TOTAL; i++)
        sent[i] = (char)(i * 7 + i / 251);
    size_t written = 0, read = 0, most = 0;
    while (read < TOTAL) {
        while (written < TOTAL && !stream_is_full(owner.stream)) {
            size_t n = written % 3 ? PIECE : 100; /* sometimes queued, sometimes sent right away */
            n = n < TOTAL - written ? n : TOTAL - written;
            assert_int_equal(stream_write(owner.stream, sent + written, n), ST_OK);
            written += n;
        }
        most = stream_queued(owner.stream) > most ? stream_queued(owner.stream) : most;
        loop_run_once(*state, false);
        ssize_t n = recv(plain, got + read, TOTAL - read < 30000 ? TOTAL - read : 30000, MSG_DONTWAIT);
        read += n > 0 ? (size_t)n : 0;
    }
    assert_memory_equal(sent, got, TOTAL);
    assert_in_range(most, 64 << 10, (64 << 10) + PIECE);
    assert_true(owner.drained > 0);
    free(sent);
    free(got);
    close_pair(&owner, plain);
}

static void a_writer_without_patience_is_stopped(void **state)
{
    struct owner owner = {0};
    int plain = open_pair(*state, &owner);
    static char block[1 << 20];
    enum status status = ST_OK;
    for (int i = 0; i < 64 && status == ST_OK; i++)
        status = stream_write(owner.stream, block, sizeof block);
    assert_int_equal(status, ST_NOMEM);
    run_for(*state, 10);
    assert_int_equal(owner.failed, 1);
    assert_int_equal(owner.status, ST_NOMEM);
    close_pair(&owner, plain);
}

/* Failure */

static void a_reset_is_told_once(void **state)
{
    struct owner owner = {.done_at = "failed"};
    int plain = open_pair(*state, &owner);
    reset(plain);
    assert_true(run_until(*state, &owner.done, 20000));
    assert_int_equal(owner.status, ST_CLOSED);
    assert_int_equal(stream_write(owner.stream, "x", 1), ST_CLOSED);
    stream_shutdown(owner.stream);
    run_for(*state, 20);
    assert_int_equal(owner.failed, 1);
    close_pair(&owner, -1);
}

static void the_last_words_of_a_peer_are_heard_before_the_failure(void **state)
{
    struct owner owner = {.done_at = "failed"};
    int plain = open_pair(*state, &owner);
    send(plain, "goodbye", 7, 0);
    reset(plain);
    static const char block[32 << 10];
    for (int i = 0; i < 3; i++) /* sent at once: fails before anything is read */
        if (stream_write(owner.stream, block, sizeof block) != ST_OK)
            break;
    assert_true(run_until(*state, &owner.done, 20000));
    assert_string_equal(buf_text(&owner.got), "goodbye");
    assert_int_equal(owner.status, ST_CLOSED);
    close_pair(&owner, -1);
}

static void idleness_is_told_and_activity_puts_it_off(void **state)
{
    struct owner owner = {0};
    clock_fake(1000000, 0);
    int plain = open_pair(*state, &owner);
    stream_set_idle_timeout(owner.stream, 5000);
    clock_fake_advance(4000);
    send(plain, "x", 1, 0);
    for (int i = 0; i < 100 && !owner.data; i++) {
        usleep(1000);
        loop_run_once(*state, false);
    }
    clock_fake_advance(4000);
    loop_run_once(*state, false);
    loop_run_once(*state, false);
    assert_int_equal(owner.failed, 0);
    clock_fake_advance(1001);
    loop_run_once(*state, false);
    loop_run_once(*state, false);
    assert_int_equal(owner.failed, 1);
    assert_int_equal(owner.status, ST_TIMEOUT);
    close_pair(&owner, plain);
}

/* Connecting */

static void a_connection_carries_what_was_written_before_it_stood(void **state)
{
    struct addr any = loopback(0);
    int listening = plain_bound(SOCK_STREAM, &any);
    listen(listening, 1);
    struct addr addr = plain_addr(listening);
    struct owner owner = {.done_at = "connected"};
    owner.stream = stream_connect(*state, &addr, 1000, &ops, &owner);
    assert_int_equal(stream_write(owner.stream, "early", 5), ST_OK);
    assert_int_equal(owner.connected, 0);
    assert_true(run_until(*state, &owner.done, 20000));
    run_for(*state, 10);
    int plain = accept(listening, NULL, NULL);
    expect(plain, "early");
    send(plain, "late", 4, 0);
    run_for(*state, 10);
    assert_string_equal(buf_text(&owner.got), "late");
    close(listening);
    close_pair(&owner, plain);
}

static void a_refused_connection_is_unavailable(void **state)
{
    struct addr any = loopback(0);
    int bound = plain_bound(SOCK_STREAM, &any); /* not listening */
    struct addr addr = plain_addr(bound);
    struct owner owner = {.done_at = "failed"};
    owner.stream = stream_connect(*state, &addr, 1000, &ops, &owner);
    assert_non_null(owner.stream);
    assert_int_equal(owner.failed, 0);
    assert_true(run_until(*state, &owner.done, 20000));
    assert_int_equal(owner.status, ST_UNAVAILABLE);
    close(bound);
    close_pair(&owner, -1);
}

static void a_connection_that_is_not_answered_times_out(void **state)
{
    struct addr any = loopback(0);
    int listening = plain_bound(SOCK_STREAM, &any);
    listen(listening, 0);
    struct addr addr = plain_addr(listening);
    struct sockaddr_storage sa;
    socklen_t length = addr_to_sockaddr(&addr, &sa);
    int fill[4]; /* the queue of connections that nobody accepts */
    for (int i = 0; i < 4; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fill[i], (struct sockaddr *)&sa, length);
    }
    struct owner owner = {.done_at = "failed"};
    owner.stream = stream_connect(*state, &addr, 100, &ops, &owner);
    assert_true(run_until(*state, &owner.done, 20000));
    assert_int_equal(owner.status, ST_TIMEOUT);
    for (int i = 0; i < 4; i++)
        close(fill[i]);
    close(listening);
    close_pair(&owner, -1);
}

static void connecting_without_descriptors_fails_from_the_loop(void **state)
{
    struct addr addr = loopback(9);
    struct owner owner = {.done_at = "failed"};
    struct rlimit before, none;
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    owner.stream = stream_connect(*state, &addr, 100, &ops, &owner);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_non_null(owner.stream);
    assert_int_equal(owner.failed, 0);
    assert_true(run_until(*state, &owner.done, 20000));
    assert_int_equal(owner.status, ST_NOMEM);
    close_pair(&owner, -1);
}

/* Freeing */

static void the_owner_may_free_the_stream_in_any_callback(void **state)
{
    static const char *const events[] = {"data", "eof", "drained", "failed"};
    for (size_t i = 0; i < 4; i++) {
        struct owner owner = {.free_in = events[i], .done_at = events[i]};
        int plain = open_pair(*state, &owner);
        assert_int_equal(stream_write(owner.stream, "x", 1), ST_OK);
        if (i == 3) {
            reset(plain);
            plain = -1;
        } else {
            send(plain, "hello", 5, 0);
            shutdown(plain, SHUT_WR);
        }
        assert_true(run_until(*state, &owner.done, 20000));
        assert_null(owner.stream);
        run_for(*state, 5);
        close_pair(&owner, plain);
    }
    struct addr any = loopback(0);
    int listening = plain_bound(SOCK_STREAM, &any);
    listen(listening, 1);
    struct addr addr = plain_addr(listening);
    struct owner owner = {.free_in = "connected", .done_at = "connected"};
    owner.stream = stream_connect(*state, &addr, 1000, &ops, &owner);
    assert_true(run_until(*state, &owner.done, 20000));
    close(listening);
}

static void a_stream_with_work_put_off_may_be_freed(void **state)
{
    struct owner owner = {0};
    int plain = open_pair(*state, &owner);
    assert_int_equal(stream_write(owner.stream, "lost", 4), ST_OK);
    stream_free(owner.stream);
    owner.stream = NULL;
    run_for(*state, 10);
    close_pair(&owner, plain);
}

static void another_owner_gets_what_comes_next(void **state)
{
    struct owner first = {.done_at = "data"}, second = {.done_at = "data"};
    int plain = open_pair(*state, &first);
    send(plain, "1", 1, 0);
    assert_true(run_until(*state, &first.done, 20000));
    second.stream = first.stream;
    first.stream = NULL;
    stream_set_owner(second.stream, &ops, &second);
    send(plain, "2", 1, 0);
    assert_true(run_until(*state, &second.done, 20000));
    assert_string_equal(buf_text(&first.got), "1");
    assert_string_equal(buf_text(&second.got), "2");
    close_pair(&first, -1);
    close_pair(&second, plain);
}

/* Finishing */

static void note_gone(void *arg)
{
    ++*(unsigned *)arg;
}

/* Lets MS of the fake clock pass, in steps, so that on a busy machine nothing is late that only waited for its turn. */
static void pass(struct loop *loop, int64_t ms)
{
    enum { STEP_MS = 5 };
    for (; ms > 0; ms -= STEP_MS) {
        clock_fake_advance(STEP_MS);
        for (int i = 0; i < 3; i++)
            loop_run_once(loop, false);
    }
}

static void a_finished_stream_delivers_its_last_answer_to_one_who_still_talks(void **state)
{
    enum { ANSWER = 1 << 20 };
    struct owner owner = {0};
    unsigned gone = 0;
    clock_fake(1000, 0);
    int plain = open_pair(*state, &owner);
    char *answer = malloc(ANSWER), *got = malloc(ANSWER);
    memset(answer, 'a', ANSWER);
    send(plain, "a request", 9, 0);
    pass(*state, 5);
    assert_int_equal(stream_write(owner.stream, answer, ANSWER), ST_OK);
    stream_finish_own(owner.stream, 500, note_gone, &gone);
    size_t read = 0;
    bool ended = false;
    for (int i = 0; i < 5000 && !ended; i++) {
        send(plain, "and more", 8, MSG_NOSIGNAL | MSG_DONTWAIT);
        loop_run_once(*state, false);
        ssize_t n = recv(plain, got + read, ANSWER - read ? ANSWER - read : 1, MSG_DONTWAIT);
        read += n > 0 ? (size_t)n : 0;
        ended = n == 0;
    }
    assert_true(ended); /* by a FIN, not by a reset */
    assert_int_equal(read, ANSWER);
    assert_memory_equal(answer, got, ANSWER);
    free(answer);
    free(got);
    buf_free(&owner.got);
    assert_int_equal(gone, 0);
    close(plain);
    pass(*state, 20);
    assert_int_equal(gone, 1);
}

/* Whether the far end has closed altogether: then what we send is answered by a reset. */
static bool is_closed(struct loop *loop, int plain)
{
    bool closed = false;
    for (int i = 0; i < 10 && !closed; i++) {
        closed = send(plain, "?", 1, MSG_NOSIGNAL) < 0;
        loop_run_once(loop, false);
    }
    return closed;
}

static void lingering_ends(void **state)
{
    struct owner owner = {0};
    unsigned gone = 0;
    clock_fake(1000, 0);
    int plain = open_pair(*state, &owner);
    assert_int_equal(stream_write(owner.stream, "bye", 3), ST_OK);
    stream_finish_own(owner.stream, 100, note_gone, &gone);
    pass(*state, 30);
    expect(plain, "bye");
    assert_false(is_closed(*state, plain));
    assert_int_equal(gone, 0);
    pass(*state, 120);
    assert_true(is_closed(*state, plain));
    assert_int_equal(gone, 1);
    close(plain);
}

static void lingering_ends_also_when_all_was_sent_before(void **state)
{
    struct owner owner = {0};
    unsigned gone = 0;
    clock_fake(1000, 0);
    int plain = open_pair(*state, &owner);
    stream_set_idle_timeout(owner.stream, 60000);
    stream_shutdown(owner.stream);
    pass(*state, 10);
    stream_finish_own(owner.stream, 50, note_gone, &gone);
    pass(*state, 20);
    assert_false(is_closed(*state, plain));
    pass(*state, 60);
    assert_true(is_closed(*state, plain));
    close(plain);
}

/* More than the buffers of both ends take. */
static void fill(struct stream *stream)
{
    static char block[1 << 20];
    for (int i = 0; i < 8; i++)
        assert_int_equal(stream_write(stream, block, sizeof block), ST_OK);
}

static void one_who_never_reads_does_not_hold_a_finished_stream(void **state)
{
    struct owner owner = {0};
    unsigned gone = 0;
    clock_fake(1000, 0);
    int plain = open_pair(*state, &owner);
    stream_set_idle_timeout(owner.stream, 60000); /* the owner's patience, not that of the end */
    fill(owner.stream);
    stream_finish_own(owner.stream, 100, note_gone, &gone);
    pass(*state, 50);
    assert_int_equal(gone, 0);
    pass(*state, 200);
    assert_int_equal(gone, 1);
    assert_true(is_closed(*state, plain));
    close(plain);
}

static void one_who_reads_slowly_gets_everything(void **state)
{
    enum { TOTAL = 8 << 20, STEP = 64 << 10 };
    struct owner owner = {0};
    unsigned gone = 0;
    clock_fake(1000, 0);
    int plain = open_pair(*state, &owner);
    int small = STEP; /* so that what is read is told to the sender soon */
    assert_int_equal(setsockopt(plain, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    char *got = malloc(STEP);
    fill(owner.stream);
    for (int i = 0; i < 20; i++)
        loop_run_once(*state, false);
    stream_finish_own(owner.stream, 500, note_gone, &gone);
    size_t read = 0;
    for (ssize_t n = 1; n > 0 && read < TOTAL; read += (size_t)n) {
        n = recv(plain, got, STEP, 0);
        assert_true(n > 0);
        clock_fake_advance(60);
        loop_run_once(*state, false);
        loop_run_once(*state, false);
    }
    assert_int_equal(read, TOTAL);
    free(got);
    close(plain);
}

static void one_who_talks_and_never_reads_is_held_for_ten_seconds(void **state)
{
    struct owner owner = {0};
    unsigned gone = 0;
    clock_fake(1000, 0);
    int plain = open_pair(*state, &owner);
    fill(owner.stream);
    loop_run_once(*state, false);
    stream_finish_own(owner.stream, 3000, note_gone, &gone);
    for (int second = 0; second < 10; second++) {
        assert_int_equal(gone, 0);
        send(plain, "still here", 10, MSG_NOSIGNAL);
        for (int i = 0; i < 3; i++)
            loop_run_once(*state, false);
        clock_fake_advance(1000);
    }
    loop_run_once(*state, false);
    loop_run_once(*state, false);
    assert_int_equal(gone, 1);
    close(plain);
}

static void a_stream_that_cannot_send_is_gone_at_once(void **state)
{
    struct owner owner = {0};
    unsigned gone = 0;
    struct addr any = loopback(0);
    int bound = plain_bound(SOCK_STREAM, &any); /* not listening */
    struct addr addr = plain_addr(bound);
    owner.stream = stream_connect(*state, &addr, 1000, &ops, &owner);
    stream_finish_own(owner.stream, 100, note_gone, &gone);
    assert_int_equal(gone, 1);
    close(bound);
}

static void a_stream_that_lingers_may_be_freed_by_its_owner(void **state)
{
    struct owner owner = {0};
    unsigned gone = 0;
    clock_fake(1000, 0);
    int plain = open_pair(*state, &owner);
    fill(owner.stream);
    stream_finish_own(owner.stream, 100, note_gone, &gone);
    stream_free(owner.stream);
    pass(*state, 150);
    assert_int_equal(gone, 0);
    assert_true(is_closed(*state, plain));
    close(plain);
}

static void a_stream_that_lingers_goes_with_its_loop(void **state)
{
    struct loop *loop = loop_new();
    struct owner owner = {0};
    unsigned gone = 0;
    (void)state;
    int plain = open_pair(loop, &owner);
    assert_int_equal(stream_write(owner.stream, "bye", 3), ST_OK);
    stream_finish_own(owner.stream, 10000, note_gone, &gone);
    loop_run_once(loop, false);
    loop_free(loop);
    assert_int_equal(gone, 1);
    close(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(input_that_is_not_consumed_waits_and_grows),
        LOOP_TEST(input_consumed_in_part_keeps_its_rest),
        LOOP_TEST(unconsumed_input_stops_at_its_limit),
        LOOP_TEST(a_paused_stream_announces_what_waits_when_it_resumes),
        LOOP_TEST(a_half_closed_peer_still_gets_its_answer),
        LOOP_TEST(the_writes_of_one_round_leave_together),
        LOOP_TEST(a_slow_reader_bounds_what_a_patient_writer_queues),
        LOOP_TEST(a_writer_without_patience_is_stopped),
        LOOP_TEST(a_reset_is_told_once),
        LOOP_TEST(the_last_words_of_a_peer_are_heard_before_the_failure),
        LOOP_TEST(idleness_is_told_and_activity_puts_it_off),
        LOOP_TEST(a_connection_carries_what_was_written_before_it_stood),
        LOOP_TEST(a_refused_connection_is_unavailable),
        LOOP_TEST(a_connection_that_is_not_answered_times_out),
        LOOP_TEST(connecting_without_descriptors_fails_from_the_loop),
        LOOP_TEST(the_owner_may_free_the_stream_in_any_callback),
        LOOP_TEST(a_stream_with_work_put_off_may_be_freed),
        LOOP_TEST(another_owner_gets_what_comes_next),
        LOOP_TEST(a_finished_stream_delivers_its_last_answer_to_one_who_still_talks),
        LOOP_TEST(lingering_ends),
        LOOP_TEST(lingering_ends_also_when_all_was_sent_before),
        LOOP_TEST(one_who_never_reads_does_not_hold_a_finished_stream),
        LOOP_TEST(one_who_reads_slowly_gets_everything),
        LOOP_TEST(one_who_talks_and_never_reads_is_held_for_ten_seconds),
        LOOP_TEST(a_stream_that_cannot_send_is_gone_at_once),
        LOOP_TEST(a_stream_that_lingers_may_be_freed_by_its_owner),
        cmocka_unit_test(a_stream_that_lingers_goes_with_its_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
