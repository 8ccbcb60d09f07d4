#include "fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net/original_dst.h"
#include "proxy/password_checker.h"

struct rule rule;
struct addr redirected_from;
struct callback recorded[MAX_RECORDED];
unsigned recorded_count;

enum status original_dst_find(int fd, struct addr *addr)
{
    (void)fd;
    *addr = redirected_from;
    return redirected_from.port ? ST_OK : ST_NOT_FOUND;
}

void recorder_record(struct recorder *recorder, const struct callback *callback)
{
    (void)recorder;
    assert_true(recorded_count < MAX_RECORDED);
    recorded[recorded_count++] = *callback;
}

void incidents_look(const struct incidents *incidents, const struct addr *client, const struct verdict *verdict,
                    struct incident_view *view)
{
    (void)incidents, (void)client, (void)verdict;
    *view = (struct incident_view){.id = "CC-00000001"};
}

void fixture_answer_lookup(struct fixture *f)
{
    struct dname *lent = calloc(f->lookup_alias_count + 1, sizeof *lent);
    struct resolver_answer answer = {.status = f->lookup_status,
                                     .addrs = f->lookup_addrs,
                                     .addr_count = f->lookup_count,
                                     .aliases = lent,
                                     .alias_count = f->lookup_alias_count,
                                     .servers = f->lookup_servers.name_count ? &f->lookup_servers : NULL};
    assert_non_null(lent);
    for (size_t i = 0; i < f->lookup_alias_count; i++)
        lent[i] = f->lookup_aliases[i];
    f->done(f->done_arg, &answer);
    free(lent);
}

void fixture_add_alias(struct fixture *f, const char *name)
{
    assert_int_equal(dname_from_text(str_of(name), &f->lookup_aliases[f->lookup_alias_count++]), ST_OK);
}

static void fake_lookup(void *self, const struct dname *name, resolver_done_fn *done, void *arg)
{
    struct fixture *f = self;
    f->lookups++;
    f->looked_up = *name;
    f->done = done;
    f->done_arg = arg;
    if (!f->lookup_late)
        fixture_answer_lookup(f);
}

static void fake_cancel(void *self, void *arg)
{
    struct fixture *f = self;
    assert_ptr_equal(arg, f->done_arg);
    f->cancels++;
}

int make_listener(struct addr *addr)
{
    struct sockaddr_storage sa;
    socklen_t length = addr_to_sockaddr(addr, &sa);
    int on = 1, fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, length), 0);
    assert_int_equal(listen(fd, 64), 0);
    length = sizeof sa;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &length), 0);
    assert_true(addr_from_sockaddr((struct sockaddr *)&sa, addr));
    return fd;
}

static const uint16_t *the_connect_ports(uint16_t port)
{
    static uint16_t ports[2];
    ports[0] = 443;
    ports[1] = port;
    return ports;
}

static void fixture_settings(struct fixture *f)
{
    static struct addr listen;
    static struct network loopback;
    assert_int_equal(network_parse(STR("127.0.0.0/8"), &loopback), ST_OK);
    listen = addr_v4(0x7f000001, 0);
    f->settings = (struct proxy_settings){
        .listen = &listen,
        .listen_count = 1,
        .socks_listen = &listen,
        .socks_listen_count = 1,
        .transparent_listen = &listen,
        .transparent_listen_count = 1,
        .allow_destinations = &loopback,
        .allow_destination_count = 1,
        .connect_ports = the_connect_ports(f->origin_port),
        .connect_port_count = 2,
        .socks_ports = the_connect_ports(f->origin_port),
        .socks_port_count = 2,
        .contact = "admin@example.net",
        .head_timeout_ms = 10000,
        .idle_timeout_ms = 60000,
        .connect_timeout_ms = 10000,
        .response_timeout_ms = 120000,
        .tunnel_idle_ms = 600000,
    };
    f->max_clients = f->max_clients_per_address = 64;
}

void fixture_open(struct fixture *f)
{
    struct fault fault = {0};
    client_counts_free(f->settings.clients); /* of a proxy that was closed */
    f->settings.clients = client_counts_new(f->max_clients, f->max_clients_per_address);
    assert_non_null(f->settings.clients);
    assert_int_equal(proxy_server_open(f->loop, &f->settings, &f->judge, &f->resolver, &f->proxy, &fault), ST_OK);
    f->proxy_addr = proxy_server_addr(f->proxy, 0);
    if (f->settings.listen_count == 1 && f->settings.socks_listen_count && f->settings.transparent_listen_count) {
        f->socks_addr = proxy_server_addr(f->proxy, 1);
        f->transparent_addr = proxy_server_addr(f->proxy, 2);
    }
}

struct proxy_users *open_with_users(struct fixture *f, struct password_checker **checker)
{
    struct proxy_users *users;
    assert_int_equal(proxy_users_parse(STR("me:$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy\n"),
                                       "users", &users, NULL),
                     ST_OK);
    assert_int_equal(password_checker_new(4, checker, NULL), ST_OK);
    assert_int_equal(login_strikes_new(&f->settings.strikes), ST_OK);
    f->settings.users = users;
    f->settings.checker = *checker;
    fixture_open(f);
    return users;
}

void close_with_users(struct fixture *f, struct proxy_users *users, struct password_checker *checker)
{
    proxy_server_close(f->proxy);
    f->proxy = NULL;
    proxy_users_unref(users);
    password_checker_free(checker);
    login_strikes_free(f->settings.strikes);
}

/* Everything but the proxy itself, so that a test may change the settings. */
int set_up_closed(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    signal(SIGPIPE, SIG_IGN); /* as the daemon has it blocked */
    memset(&rule, 0, sizeof rule);
    recorded_count = 0;
    redirected_from = (struct addr){0};
    f->loop = loop_new();
    assert_non_null(f->loop);
    struct addr addr = addr_v4(0x7f000001, 0);
    f->origin_fd = make_listener(&addr);
    f->origin_port = addr.port;
    f->resolver = (struct resolver){.self = f, .lookup = fake_lookup, .cancel = fake_cancel};
    f->lookup_addrs[0] = addr_v4(0x7f000001, 0);
    f->lookup_count = 1;
    fixture_settings(f);
    *state = f;
    return 0;
}

int set_up(void **state)
{
    set_up_closed(state);
    fixture_open(*state);
    return 0;
}

int tear_down(void **state)
{
    struct fixture *f = *state;
    clock_real();
    if (f->proxy)
        proxy_server_close(f->proxy);
    client_counts_free(f->settings.clients);
    for (size_t i = 0; i < f->peer_count; i++) {
        if (f->peers[i].fd >= 0)
            close(f->peers[i].fd);
        buf_free(&f->peers[i].got);
    }
    close(f->origin_fd);
    loop_free(f->loop);
    free(f);
    return 0;
}

struct peer *add_peer(struct fixture *f, int fd)
{
    int on = 1;
    assert_true(f->peer_count < sizeof f->peers / sizeof *f->peers);
    struct peer *peer = &f->peers[f->peer_count++];
    *peer = (struct peer){.fd = fd};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return peer;
}

int64_t real_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* One turn: the proxy does what it can, then all peers read. */
void turn(struct fixture *f)
{
    char bytes[65536];
    loop_run_once(f->loop, false);
    for (size_t i = 0; i < f->peer_count; i++) {
        struct peer *peer = &f->peers[i];
        if (peer->fd < 0 || peer->eof || peer->reset)
            continue;
        ssize_t n = recv(peer->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n > 0)
            buf_add(&peer->got, bytes, (size_t)n);
        else if (n == 0)
            peer->eof = true;
        else if (errno != EAGAIN)
            peer->reset = true;
    }
}

/* Turns a few times without regard to the clock: enough for what needs no waiting. */
void settle(struct fixture *f)
{
    for (int i = 0; i < 20; i++) {
        turn(f);
        if (i > 10)
            poll(NULL, 0, 1);
    }
}

bool has(const struct peer *peer, const char *text)
{
    return peer->got.length && memmem(peer->got.data, peer->got.length, text, strlen(text));
}

unsigned count_of(const struct peer *peer, const char *text)
{
    unsigned n = 0;
    struct str rest = {peer->got.data, peer->got.length};
    for (;;) {
        const char *at = rest.length ? memmem(rest.data, rest.length, text, strlen(text)) : NULL;
        if (!at)
            return n;
        n++;
        rest = str_from(rest, (size_t)(at - rest.data) + strlen(text));
    }
}

void wait_for(struct fixture *f, struct peer *peer, const char *text)
{
    int64_t end = real_ms() + WAIT_MS;
    while (!has(peer, text)) {
        turn(f);
        if (real_ms() > end)
            fail_msg("no \"%s\" in \"%s\" (eof %d reset %d)", text, buf_text(&peer->got), peer->eof, peer->reset);
    }
}

void wait_count(struct fixture *f, struct peer *peer, const char *text, unsigned count)
{
    int64_t end = real_ms() + WAIT_MS;
    while (count_of(peer, text) < count) {
        turn(f);
        if (real_ms() > end)
            fail_msg("not %u times \"%s\" in \"%s\"", count, text, buf_text(&peer->got));
    }
}

/* The other end closed, in whatever way. */
void wait_closed(struct fixture *f, struct peer *peer)
{
    int64_t end = real_ms() + WAIT_MS;
    while (!peer->eof && !peer->reset) {
        turn(f);
        if (real_ms() > end)
            fail_msg("not closed after \"%s\"", buf_text(&peer->got));
    }
}

void assert_open(struct fixture *f, struct peer *peer)
{
    settle(f);
    assert_false(peer->eof || peer->reset);
}

void say_bytes(struct fixture *f, struct peer *peer, const void *data, size_t n)
{
    struct str rest = {data, n};
    int64_t end = real_ms() + WAIT_MS;
    while (rest.length) {
        ssize_t sent = send(peer->fd, rest.data, rest.length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0)
            rest = str_from(rest, (size_t)sent);
        else if (errno != EAGAIN)
            return; /* the other end has closed, which is for the test to see */
        if (rest.length)
            turn(f);
        assert_true(real_ms() < end);
    }
}

void say(struct fixture *f, struct peer *peer, const char *text)
{
    say_bytes(f, peer, text, strlen(text));
}

void hang_up(struct peer *peer)
{
    close(peer->fd);
    peer->fd = -1;
}

void hang_up_hard(struct peer *peer)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    hang_up(peer);
}

struct peer *new_client_from(struct fixture *f, uint32_t address)
{
    struct sockaddr_storage sa;
    struct addr local = addr_v4(address, 0);
    socklen_t length = addr_to_sockaddr(&local, &sa);
    int fd = socket(sa.ss_family, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, length), 0);
    length = addr_to_sockaddr(&f->proxy_addr, &sa);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, length), 0);
    return add_peer(f, fd);
}

struct peer *new_client(struct fixture *f)
{
    return new_client_from(f, addr_is_loopback(&f->proxy_addr) ? 0x7f000001 : 0);
}

struct peer *try_accept(struct fixture *f)
{
    int fd = accept(f->origin_fd, NULL, NULL);
    return fd < 0 ? NULL : add_peer(f, fd);
}

struct peer *accept_origin(struct fixture *f)
{
    int64_t end = real_ms() + WAIT_MS;
    for (;;) {
        turn(f);
        struct peer *peer = try_accept(f);
        if (peer)
            return peer;
        if (real_ms() > end)
            fail_msg("the proxy did not connect to the server");
    }
}

/* Text with %P for the server's port. */
const char *with_port(struct fixture *f, const char *format)
{
    static char out[4][8192];
    static unsigned which;
    char *text = out[which++ % 4], port[8];
    struct str before, after, rest = str_of(format);
    struct buf made = {0};
    snprintf(port, sizeof port, "%u", f->origin_port);
    while (str_cut(rest, '%', &before, &after)) {
        bool is_port = after.length && after.data[0] == 'P';
        buf_add(&made, before.data, before.length);
        buf_add_text(&made, is_port ? port : "%");
        rest = str_from(after, is_port);
    }
    buf_add(&made, rest.data, rest.length);
    text_copy(text, sizeof out[0], (struct str){made.data, made.length});
    buf_free(&made);
    return text;
}

struct peer *ask(struct fixture *f, const char *format)
{
    struct peer *client = new_client(f);
    say(f, client, with_port(f, format));
    return client;
}

/* Nothing reached the server, not even a connection. */
void assert_no_origin(struct fixture *f)
{
    settle(f);
    assert_null(try_accept(f));
}
