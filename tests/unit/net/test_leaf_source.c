/* A worker's certificates for blocked names, with a signer that the test plays. */
#include "net_fixture.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>

#include "fake_signer.h"

enum { PATIENCE_MS = 10000, DAY_MS = 86400 * 1000 };

static const int64_t now_ms = 1768000000000;

struct world {
    struct loop *loop;
    struct fake_signer signer;
    struct leaf_source *source;
};

struct waiter {
    struct leaf_ask ask;
    unsigned called;
    struct tls_leaf *leaf;
};

static void on_leaf(void *arg, struct tls_leaf *leaf)
{
    struct waiter *waiter = arg;
    waiter->called++;
    tls_leaf_unref(waiter->leaf);
    waiter->leaf = leaf ? tls_leaf_ref(leaf) : NULL;
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    signal(SIGPIPE, SIG_IGN);
    clock_fake(1000, now_ms);
    world->loop = loop_new();
    world->source = open_fake_signer(&world->signer, world->loop);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    leaf_source_free(world->source);
    close_fake_signer(&world->signer);
    loop_free(world->loop);
    free(world);
    clock_real();
    return 0;
}

static void ask(struct world *world, struct waiter *waiter, const char *text)
{
    struct dname name;
    struct addr client = loopback(0);
    waiter->ask = (struct leaf_ask){.on_leaf = on_leaf, .arg = waiter};
    assert_int_equal(dname_from_text(str_of(text), &name), ST_OK);
    leaf_source_ask(world->source, &name, &client, &waiter->ask);
}

static void reply(struct world *world, const char *signed_name)
{
    signer_says(&world->signer, signed_name);
    loop_run_once(world->loop, false);
}

/* Asks for NAME and has it signed. */
static void obtain(struct world *world, struct waiter *waiter, const char *name)
{
    ask(world, waiter, name);
    assert_true(signer_got(&world->signer));
    reply(world, name);
    assert_non_null(waiter->leaf);
}

static void a_name_is_asked_for_once_for_all_who_wait_and_kept(void **state)
{
    struct world *world = *state;
    struct waiter one = {0}, two = {0}, later = {0};
    ask(world, &one, "evil.example");
    ask(world, &two, "EVIL.Example.");
    assert_true(signer_got(&world->signer));
    assert_string_equal(world->signer.request.name, "evil.example");
    struct addr client = loopback(0);
    assert_true(addr_same_ip(&world->signer.request.client, &client));
    assert_false(signer_got(&world->signer));
    assert_int_equal(one.called + two.called, 0);
    reply(world, "evil.example");
    assert_int_equal(one.called + two.called, 2);
    assert_string_equal(tls_leaf_name(one.leaf), "evil.example");
    ask(world, &later, "evil.example");
    assert_int_equal(later.called, 1);
    assert_ptr_equal(later.leaf, one.leaf);
    assert_false(signer_got(&world->signer));
    tls_leaf_unref(one.leaf);
    tls_leaf_unref(two.leaf);
    tls_leaf_unref(later.leaf);
}

static void without_a_signer_there_is_no_leaf_at_once(void **state)
{
    struct world *world = *state;
    struct waiter waiter = {0};
    atomic_store(&world->signer.generation, 0);
    ask(world, &waiter, "evil.example");
    assert_int_equal(waiter.called, 1);
    assert_null(waiter.leaf);
    assert_false(signer_got(&world->signer));
    assert_false(leaf_source_is_up(NULL));
}

static void a_silent_signer_costs_a_client_little(void **state)
{
    struct world *world = *state;
    struct waiter waiter = {0}, next = {0};
    ask(world, &waiter, "evil.example");
    clock_fake_advance(1499);
    loop_run_once(world->loop, false);
    assert_int_equal(waiter.called, 0);
    clock_fake_advance(1);
    loop_run_once(world->loop, false);
    assert_int_equal(waiter.called, 1);
    assert_null(waiter.leaf);
    assert_true(signer_got(&world->signer));
    reply(world, "evil.example"); /* too late: nobody is told twice */
    assert_int_equal(waiter.called, 1);
    obtain(world, &next, "evil.example");
    tls_leaf_unref(next.leaf);
}

static void what_the_signer_refuses_or_signs_for_another_name_is_no_leaf(void **state)
{
    struct world *world = *state;
    struct waiter refused = {0}, wrong = {0};
    ask(world, &refused, "good.example");
    assert_true(signer_got(&world->signer));
    reply(world, NULL);
    assert_int_equal(refused.called, 1);
    assert_null(refused.leaf);
    ask(world, &wrong, "evil.example");
    assert_true(signer_got(&world->signer));
    reply(world, "www.evil.example");
    assert_int_equal(wrong.called, 1);
    assert_null(wrong.leaf);
}

static void garbage_from_the_signer_is_passed_over(void **state)
{
    static char large[LEAF_REPLY_MAX + 100];
    struct world *world = *state;
    struct waiter waiter = {0};
    ask(world, &waiter, "evil.example");
    assert_true(signer_got(&world->signer));
    assert_int_equal(send(world->signer.fd, "x", 1, 0), 1);
    assert_int_equal(send(world->signer.fd, large, sizeof large, 0), sizeof large);
    loop_run_once(world->loop, false);
    assert_int_equal(waiter.called, 0);
    reply(world, "evil.example");
    assert_non_null(waiter.leaf);
    tls_leaf_unref(waiter.leaf);
}

static void another_is_asked_for_at_half_of_its_time(void **state)
{
    struct world *world = *state;
    struct waiter first = {0}, again = {0}, late = {0};
    obtain(world, &first, "evil.example");
    clock_fake(1000, now_ms + 3 * (int64_t)DAY_MS);
    ask(world, &again, "evil.example");
    assert_ptr_equal(again.leaf, first.leaf);
    clock_fake(1000, now_ms + 4 * (int64_t)DAY_MS);
    obtain(world, &late, "evil.example");
    assert_ptr_not_equal(late.leaf, first.leaf);
    tls_leaf_unref(first.leaf);
    tls_leaf_unref(again.leaf);
    tls_leaf_unref(late.leaf);
}

static void what_an_earlier_signer_signed_is_forgotten(void **state)
{
    struct world *world = *state;
    struct waiter first = {0}, again = {0};
    obtain(world, &first, "evil.example");
    atomic_store(&world->signer.generation, 2);
    obtain(world, &again, "evil.example");
    assert_ptr_not_equal(again.leaf, first.leaf);
    tls_leaf_unref(first.leaf);
    tls_leaf_unref(again.leaf);
}

static void an_ask_that_was_taken_back_is_not_told(void **state)
{
    struct world *world = *state;
    struct waiter gone = {0}, stays = {0};
    ask(world, &gone, "evil.example");
    ask(world, &stays, "evil.example");
    leaf_ask_cancel(&gone.ask);
    assert_true(signer_got(&world->signer));
    reply(world, "evil.example");
    assert_int_equal(gone.called, 0);
    assert_int_equal(stays.called, 1);
    tls_leaf_unref(stays.leaf);
}

static void h35_more_than_the_signer_keeps_up_with_is_refused_at_once(void **state)
{
    enum { MANY = 70 };
    struct world *world = *state;
    struct waiter waiters[MANY] = {0};
    unsigned refused = 0;
    for (int i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof name, "evil%d.example", i);
        ask(world, &waiters[i], name);
        refused += waiters[i].called;
    }
    assert_int_equal(refused, MANY - 64);
    leaf_source_free(world->source);
    world->source = NULL;
    for (int i = 0; i < MANY; i++)
        assert_int_equal(waiters[i].called, 1);
}

static void h35_old_leaves_make_room_for_new_ones(void **state)
{
    enum { ROOM = 1024 };
    struct world *world = *state;
    struct waiter used = {0}, waiter = {0};
    obtain(world, &used, "used.example");
    for (int i = 0; i < ROOM; i++) {
        char name[32];
        snprintf(name, sizeof name, "evil%d.example", i);
        obtain(world, &waiter, name);
        ask(world, &used, "used.example");
    }
    assert_false(signer_got(&world->signer));
    obtain(world, &waiter, "evil0.example"); /* the one that was not used for longest went */
    tls_leaf_unref(used.leaf);
    tls_leaf_unref(waiter.leaf);
}

/* Streams that go on as TLS */

struct server {
    struct stream *stream;
    struct buf got;
    bool failed;
};

static void on_plain(void *arg)
{
    (void)arg;
}

static void on_data(void *arg)
{
    struct server *server = arg;
    struct str input = stream_input(server->stream);
    buf_add(&server->got, input.data, input.length);
    stream_consume(server->stream, input.length);
    assert_int_equal(stream_write(server->stream, "answer", 6), ST_OK);
}

static void on_failed(void *arg, enum status status)
{
    (void)status;
    ((struct server *)arg)->failed = true;
}

static void a_stream_goes_on_as_tls_from_bytes_that_had_come_before(void **state)
{
    static const struct stream_ops plain = {.on_data = on_plain, .on_failed = on_failed},
                                   ops = {.on_data = on_data, .on_failed = on_failed};
    struct world *world = *state;
    struct waiter waiter = {0};
    struct server server = {0};
    int fds[2];
    char text[16];
    obtain(world, &waiter, "evil.example");
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    server.stream = stream_new_own(world->loop, fds[0], &plain, &server);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *client = SSL_new(context);
    SSL_set_fd(client, fds[1]);
    SSL_set1_host(client, "evil.example");
    SSL_set_connect_state(client);
    assert_int_equal(SSL_do_handshake(client), -1); /* its hello is sent */
    loop_run_once(world->loop, false);
    assert_true(stream_input(server.stream).length > 100);
    stream_set_owner(server.stream, &ops, &server);
    assert_int_equal(stream_write(server.stream, "x", 1), ST_OK);
    assert_false(tls_leaf_serve(waiter.leaf, server.stream, "http/1.1")); /* something is still to be sent plainly */
    stream_flush(server.stream);
    assert_int_equal(recv(fds[1], text, sizeof text, 0), 1);
    assert_true(tls_leaf_serve(waiter.leaf, server.stream, "http/1.1"));
    int result = 0;
    for (int i = 0; i < PATIENCE_MS && (result = SSL_do_handshake(client)) != 1; i++)
        loop_run_once(world->loop, false);
    assert_int_equal(result, 1);
    assert_int_equal(SSL_write(client, "question", 8), 8);
    for (int i = 0; i < PATIENCE_MS && (result = SSL_read(client, text, sizeof text)) <= 0; i++)
        loop_run_once(world->loop, false);
    assert_int_equal(result, 6);
    assert_memory_equal(server.got.data, "question", 8);
    assert_false(server.failed);
    X509 *seen = SSL_get1_peer_certificate(client);
    assert_int_equal(X509_check_host(seen, "evil.example", 0, 0, NULL), 1);
    X509_free(seen);
    SSL_free(client);
    SSL_CTX_free(context);
    close(fds[1]);
    stream_free(server.stream);
    buf_free(&server.got);
    tls_leaf_unref(waiter.leaf);
    ERR_clear_error();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_name_is_asked_for_once_for_all_who_wait_and_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_signer_there_is_no_leaf_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_silent_signer_costs_a_client_little, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_signer_refuses_or_signs_for_another_name_is_no_leaf, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(garbage_from_the_signer_is_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_is_asked_for_at_half_of_its_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_an_earlier_signer_signed_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_ask_that_was_taken_back_is_not_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(h35_more_than_the_signer_keeps_up_with_is_refused_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(h35_old_leaves_make_room_for_new_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stream_goes_on_as_tls_from_bytes_that_had_come_before, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
