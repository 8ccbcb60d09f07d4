/* The page server's TLS port with OpenSSL's client and a signer that the test plays. Policy, recorder and incidents are
 * doubles. */
#include "blockpage/page_server.h"

#include "../net/fake_signer.h"
#include "../net/net_fixture.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>

enum { WAIT_MS = 20000 };

static unsigned recorded_count;
static struct callback recorded;

void policy_decide(struct policy_reader *reader, const struct subject *subject, struct verdict *verdict)
{
    (void)reader;
    char name[DNAME_TEXT_SIZE] = "";
    if (subject->kind == SUBJECT_NAME)
        dname_to_text(subject->name, name);
    bool bad = !strcmp(name, "bad.example") || str_eq(subject->host, STR("bad.example"));
    *verdict = (struct verdict){.action = bad ? ACTION_BLOCK : ACTION_ALLOW,
                                .matched = bad,
                                .category = CATEGORY_C2,
                                .indicator = "bad.example",
                                .sources = "feed"};
}

void recorder_record(struct recorder *recorder, const struct callback *callback)
{
    (void)recorder;
    recorded = *callback;
    recorded_count++;
}

void incidents_look(const struct incidents *incidents, const struct addr *client, const struct verdict *verdict,
                    struct incident_view *view)
{
    (void)incidents, (void)client, (void)verdict;
    *view = (struct incident_view){.id = "CC-7F3A91B2"};
}

struct world {
    struct loop *loop;
    struct judge judge;
    struct fake_signer signer;
    struct leaf_source *leaves;
    struct page_https *https;
    struct page_server *server;
    struct addr tls;
    SSL_CTX *context;
    SSL *ssl;
    int fd;
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct addr any = loopback(0);
    signal(SIGPIPE, SIG_IGN);
    recorded_count = 0;
    world->loop = loop_new();
    world->leaves = open_fake_signer(&world->signer, world->loop);
    world->https = page_https_new(world->loop, world->leaves, &world->judge, NULL);
    struct page_server_settings settings = {.tls_listen = &any, .tls_listen_count = 1, .https = world->https};
    assert_int_equal(page_server_open(world->loop, &settings, &world->judge, &world->server, NULL), ST_OK);
    world->tls = page_server_tls_addr(world->server, 0);
    world->context = SSL_CTX_new(TLS_client_method());
    world->fd = -1;
    *state = world;
    return 0;
}

static void hang_up(struct world *world)
{
    SSL_free(world->ssl);
    world->ssl = NULL;
    if (world->fd >= 0)
        close(world->fd);
    world->fd = -1;
    ERR_clear_error();
}

static int tear_down(void **state)
{
    struct world *world = *state;
    hang_up(world);
    SSL_CTX_free(world->context);
    page_server_close(world->server);
    page_https_free(world->https);
    leaf_source_free(world->leaves);
    close_fake_signer(&world->signer);
    loop_free(world->loop);
    free(world);
    return 0;
}

static void greet(struct world *world, const char *name)
{
    struct sockaddr_storage sa;
    socklen_t length = addr_to_sockaddr(&world->tls, &sa);
    hang_up(world);
    world->fd = plain_socket(AF_INET, SOCK_STREAM);
    assert_int_equal(connect(world->fd, (struct sockaddr *)&sa, length), 0);
    fcntl(world->fd, F_SETFL, O_NONBLOCK);
    world->ssl = SSL_new(world->context);
    SSL_set_fd(world->ssl, world->fd);
    SSL_set_tlsext_host_name(world->ssl, name);
    SSL_set_connect_state(world->ssl);
    assert_int_equal(SSL_do_handshake(world->ssl), -1);
}

static void wait_for_ask(struct world *world)
{
    for (int64_t end = clock_mono_ms() + WAIT_MS; !signer_got(&world->signer);) {
        assert_true(clock_mono_ms() < end);
        loop_run_once(world->loop, false);
    }
}

/* The handshake's result. */
static int finish(struct world *world)
{
    for (int64_t end = clock_mono_ms() + WAIT_MS; clock_mono_ms() < end;) {
        loop_run_once(world->loop, false);
        ERR_clear_error();
        int result = SSL_do_handshake(world->ssl);
        if (result == 1 || SSL_get_error(world->ssl, result) != SSL_ERROR_WANT_READ)
            return result;
    }
    fail_msg("no end of the greeting");
    return 0;
}

static void a_blocked_name_gets_its_certificate_and_the_page(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: bad.example\r\nConnection: close\r\n\r\n";
    struct world *world = *state;
    struct buf page = {0};
    greet(world, "bad.example");
    wait_for_ask(world);
    assert_string_equal(world->signer.request.name, "bad.example");
    assert_int_equal(recorded.channel, CHANNEL_TLS);
    signer_says(&world->signer, "bad.example");
    assert_int_equal(finish(world), 1);
    assert_int_equal(SSL_write(world->ssl, request, sizeof request - 1), sizeof request - 1);
    for (int64_t end = clock_mono_ms() + WAIT_MS; clock_mono_ms() < end;) {
        char text[4096];
        int n = SSL_read(world->ssl, text, sizeof text);
        if (n > 0)
            buf_add(&page, text, (size_t)n);
        else if (SSL_get_error(world->ssl, n) != SSL_ERROR_WANT_READ)
            break;
        loop_run_once(world->loop, false);
    }
    assert_memory_equal(buf_text(&page), "HTTP/1.1 403 ", 13);
    assert_non_null(strstr(buf_text(&page), "Alt-Svc: clear\r\n"));
    assert_int_equal(recorded.channel, CHANNEL_PAGE);
    assert_string_equal(recorded.subject, "https://bad.example/");
    buf_free(&page);
}

static void a_name_that_is_not_blocked_is_not_asked_for(void **state)
{
    struct world *world = *state;
    greet(world, "good.example");
    assert_true(finish(world) < 1);
    assert_false(signer_got(&world->signer));
    assert_int_equal(recorded_count, 0);
}

static void what_is_not_signed_for_ends_with_the_alert(void **state)
{
    struct world *world = *state;
    greet(world, "bad.example");
    wait_for_ask(world);
    signer_says(&world->signer, NULL);
    assert_true(finish(world) < 1);
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), SSL_AD_REASON_OFFSET + SSL_AD_ACCESS_DENIED);
    atomic_store(&world->signer.generation, 0);
    greet(world, "bad.example");
    assert_true(finish(world) < 1);
    assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), SSL_AD_REASON_OFFSET + SSL_AD_ACCESS_DENIED);
    assert_false(signer_got(&world->signer));
}

static void a_client_that_leaves_while_the_signer_works_is_gone(void **state)
{
    struct world *world = *state;
    greet(world, "bad.example");
    wait_for_ask(world);
    hang_up(world);
    for (int i = 0; i < 20; i++)
        loop_run_once(world->loop, false);
    signer_says(&world->signer, "bad.example");
    greet(world, "bad.example"); /* the certificate is there already */
    assert_int_equal(finish(world), 1);
    greet(world, "bad.example");
    loop_run_once(world->loop, false); /* and one that is still there at tear_down */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_blocked_name_gets_its_certificate_and_the_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_that_is_not_blocked_is_not_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_signed_for_ends_with_the_alert, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_while_the_signer_works_is_gone, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
