/* CONNECT to a blocked host, with a signer that the test plays. */
#include "fixture.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../net/fake_signer.h"
#include "blockpage/page_https.h"

struct world {
    struct fixture *f;
    struct fake_signer signer;
    struct leaf_source *leaves;
    struct page_https *page;
};

static int set_up_page(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    void *inner;
    static const uint16_t ports[] = {443};
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(set_up_closed(&inner), 0);
    world->f = inner;
    world->leaves = open_fake_signer(&world->signer, world->f->loop);
    world->page = page_https_new(world->f->loop, world->leaves, &world->f->judge, "help@school.example");
    assert_non_null(world->page);
    world->f->settings.page = world->page;
    world->f->settings.connect_ports = ports;
    world->f->settings.connect_port_count = 1;
    fixture_open(world->f);
    snprintf(rule.host, sizeof rule.host, "evil.example");
    rule.action = ACTION_BLOCK;
    *state = world;
    return 0;
}

static int tear_down_page(void **state)
{
    struct world *world = *state;
    void *inner = world->f;
    /* In the order of a worker. */
    proxy_server_close(world->f->proxy);
    world->f->proxy = NULL;
    page_https_free(world->page);
    leaf_source_free(world->leaves);
    close_fake_signer(&world->signer);
    free(world);
    return tear_down(&inner);
}

static struct peer *connect_to(struct world *world, const char *host)
{
    char text[256];
    struct peer *peer = new_client(world->f);
    snprintf(text, sizeof text, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", host, host);
    say(world->f, peer, text);
    return peer;
}

/* TLS as to the server itself, to which the firewall did not let it. */
static struct peer *connect_redirected(struct world *world)
{
    redirected_from = addr_v4(0xc0000201, 443);
    world->f->proxy_addr = world->f->transparent_addr;
    return new_client(world->f);
}

static void wait_for_ask(struct world *world)
{
    for (int64_t end = real_ms() + WAIT_MS; !signer_got(&world->signer);) {
        assert_true(real_ms() < end);
        turn(world->f);
    }
}

/* The page as a client gets it that trusts what it is shown; the text is freed by the caller. */
static void get_page(struct world *world, struct peer *peer, struct buf *page)
{
    static const char request[] =
        "GET /x HTTP/1.1\r\nHost: evil.example\r\nAccept: text/html\r\nConnection: close\r\n\r\n";
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    int fd = dup(peer->fd), result = 0;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    SSL_set_fd(ssl, fd);
    SSL_set_tlsext_host_name(ssl, "evil.example");
    SSL_set_connect_state(ssl);
    peer->fd = -1; /* the fixture does not read it any more */
    for (int64_t end = real_ms() + WAIT_MS; (result = SSL_do_handshake(ssl)) != 1 && real_ms() < end;) {
        loop_run_once(world->f->loop, false);
        if (signer_got(&world->signer)) /* of a redirected client the greeting is what asks */
            signer_says(&world->signer, world->signer.request.name);
    }
    assert_int_equal(result, 1);
    assert_int_equal(SSL_write(ssl, request, sizeof request - 1), sizeof request - 1);
    for (int64_t end = real_ms() + WAIT_MS; real_ms() < end;) {
        char text[4096];
        int n = SSL_read(ssl, text, sizeof text);
        if (n > 0)
            buf_add(page, text, (size_t)n);
        else if (SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ)
            break;
        loop_run_once(world->f->loop, false);
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(fd);
    ERR_clear_error();
}

static void the_page_stands_in_the_tls_of_a_blocked_connect(void **state)
{
    struct world *world = *state;
    struct buf page = {0};
    struct peer *peer = connect_to(world, "evil.example:443");
    wait_for_ask(world);
    assert_string_equal(world->signer.request.name, "evil.example");
    assert_int_equal(recorded_count, 0); /* nothing is answered yet */
    signer_says(&world->signer, "evil.example");
    wait_for(world->f, peer, "HTTP/1.1 200 ");
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].channel, CHANNEL_CONNECT);
    int kept = peer->fd;
    get_page(world, peer, &page);
    peer->fd = kept;
    assert_memory_equal(buf_text(&page), "HTTP/1.1 403 ", 13);
    assert_non_null(strstr(buf_text(&page), "hxxps://evil[.]example/x"));
    assert_int_equal(recorded[1].channel, CHANNEL_PAGE);
    assert_string_equal(recorded[1].subject, "https://evil.example/x");
    assert_int_equal(world->f->lookups, 0); /* nobody was asked for its address */
    buf_free(&page);
}

static void the_page_stands_in_the_tls_that_the_firewall_redirected(void **state)
{
    struct world *world = *state;
    struct buf page = {0};
    struct peer *peer = connect_redirected(world);
    int kept = peer->fd;
    get_page(world, peer, &page);
    peer->fd = kept;
    assert_string_equal(world->signer.request.name, "evil.example");
    assert_memory_equal(buf_text(&page), "HTTP/1.1 403 ", 13);
    assert_non_null(strstr(buf_text(&page), "hxxps://evil[.]example/x"));
    assert_int_equal(recorded[0].channel, CHANNEL_TLS);
    assert_int_equal(recorded[0].match, MATCH_SNI);
    assert_string_equal(recorded[0].subject, "evil.example:443");
    assert_int_equal(recorded[1].channel, CHANNEL_PAGE);
    assert_int_equal(world->f->lookups, 0);
    buf_free(&page);
}

static void what_is_not_signed_for_is_refused_as_without_an_authority(void **state)
{
    struct world *world = *state;
    struct peer *peer = connect_to(world, "evil.example:443");
    wait_for_ask(world);
    signer_says(&world->signer, NULL);
    wait_for(world->f, peer, "HTTP/1.1 403 ");
    wait_closed(world->f, peer);
    assert_int_equal(recorded_count, 1);
    assert_int_equal(count_of(peer, "HTTP/1.1 "), 1);
}

static void without_a_signer_a_connect_is_refused_at_once(void **state)
{
    struct world *world = *state;
    atomic_store(&world->signer.generation, 0);
    struct peer *peer = connect_to(world, "evil.example:443");
    wait_for(world->f, peer, "HTTP/1.1 403 ");
    assert_false(signer_got(&world->signer));
}

static void other_ports_and_methods_are_not_asked_for(void **state)
{
    struct world *world = *state;
    struct peer *peer = connect_to(world, "evil.example:8080");
    wait_for(world->f, peer, "HTTP/1.1 403 ");
    peer = new_client(world->f);
    say(world->f, peer, "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    wait_for(world->f, peer, "HTTP/1.1 403 ");
    assert_false(signer_got(&world->signer));
}

static void a_client_that_leaves_while_the_signer_works_is_gone(void **state)
{
    struct world *world = *state;
    struct peer *peer = connect_to(world, "evil.example:443"), *stays = connect_to(world, "evil.example:443");
    wait_for_ask(world);
    settle(world->f);
    hang_up_hard(peer);
    settle(world->f);
    signer_says(&world->signer, "evil.example");
    wait_for(world->f, stays, "HTTP/1.1 200 ");
}

static void the_proxy_may_end_while_the_signer_works(void **state)
{
    struct world *world = *state;
    connect_to(world, "evil.example:443");
    wait_for_ask(world);
    assert_false(proxy_server_idle(world->f->proxy)); /* tear_down_page() ends it so */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_page_stands_in_the_tls_of_a_blocked_connect, set_up_page, tear_down_page),
        cmocka_unit_test_setup_teardown(the_page_stands_in_the_tls_that_the_firewall_redirected, set_up_page,
                                        tear_down_page),
        cmocka_unit_test_setup_teardown(what_is_not_signed_for_is_refused_as_without_an_authority, set_up_page,
                                        tear_down_page),
        cmocka_unit_test_setup_teardown(without_a_signer_a_connect_is_refused_at_once, set_up_page, tear_down_page),
        cmocka_unit_test_setup_teardown(other_ports_and_methods_are_not_asked_for, set_up_page, tear_down_page),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_while_the_signer_works_is_gone, set_up_page,
                                        tear_down_page),
        cmocka_unit_test_setup_teardown(the_proxy_may_end_while_the_signer_works, set_up_page, tear_down_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
