/* Both ends of the proxy: what a client sends, and what the site that it asks for answers. The first two bytes say how
 * long the client's part is, the third where both parts are cut, in parts of 256. What comes out of the proxy at both
 * ends is read again by our own strict parser; it ends whatever comes in. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "message/http_body.h"
#include "proxy/client_counts.h"
#include "proxy/proxy_server.h"

enum { PORT = 8080, MOST_BYTES = 60000, TURNS = 60, PATIENCE = 40, MOST_ORIGINS = 64 };

static struct loop *loop;
static struct proxy_server *proxy;
static struct addr site, proxy_at;
static int site_fd;

/* Doubles: every name leads to the site, and no other address may be dialled. */

bool policy_has_trigger(const struct policy_reader *reader, enum record_trigger trigger)
{
    (void)reader;
    return trigger == TRIGGER_SUBJECT;
}

void policy_decide(struct policy_reader *reader, const struct subject *subject, struct verdict *verdict)
{
    (void)reader;
    bool is_foreign = subject->kind == SUBJECT_ADDRESS && !addr_same_ip(&subject->addr, &site);
    bool is_bad = subject->kind == SUBJECT_URL && str_eq_nocase(subject->host, STR("bad"));
    *verdict = (struct verdict){.action = is_foreign || is_bad ? ACTION_BLOCK : ACTION_ALLOW};
    verdict->matched = is_foreign || is_bad;
}

void recorder_record(struct recorder *recorder, const struct callback *callback)
{
    (void)recorder, (void)callback;
}

void incidents_look(const struct incidents *incidents, const struct addr *client, const struct verdict *verdict,
                    struct incident_view *view)
{
    (void)incidents, (void)client, (void)verdict;
    *view = (struct incident_view){.id = "CC-00000001"};
}

static void look_up(void *self, const struct dname *name, resolver_done_fn *done, void *arg)
{
    (void)self, (void)name;
    struct resolver_answer answer = {.status = ST_OK, .addrs = &site, .addr_count = 1};
    done(arg, &answer);
}

static void cancel(void *self, void *arg)
{
    (void)self, (void)arg;
}

static int make_listener(const struct addr *addr)
{
    struct sockaddr_storage sa;
    socklen_t length = addr_to_sockaddr(addr, &sa);
    int on = 1, fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    CHECK(bind(fd, (struct sockaddr *)&sa, length) == 0 && listen(fd, MOST_ORIGINS) == 0);
    return fd;
}

/* An address of this process alone, so that its port may be the same in every corpus. */
static void prepare(void)
{
    static struct judge judge;
    static struct resolver resolver = {.lookup = look_up, .cancel = cancel};
    static struct network allowed;
    static const uint16_t connect_port = PORT;
    char text[ADDR_TEXT_SIZE];
    struct fault fault = {{0}};
    site = addr_v4(0x7f000000 | (0x010000 + ((uint32_t)getpid() & 0x7fffff)), PORT);
    addr_format_ip(&site, text);
    CHECK(network_parse(str_of(text), &allowed) == ST_OK);
    site_fd = make_listener(&site);
    struct addr listen_at = site;
    listen_at.port = 0;
    struct proxy_settings settings = {
        .listen = &listen_at,
        .listen_count = 1,
        .allow_destinations = &allowed,
        .allow_destination_count = 1,
        .connect_ports = &connect_port,
        .connect_port_count = 1,
        .head_timeout_ms = 10000,
        .idle_timeout_ms = 60000,
        .connect_timeout_ms = 10000,
        .response_timeout_ms = 60000,
        .tunnel_idle_ms = 60000,
        .clients = client_counts_new(8, 8),
    };
    loop = loop_new();
    clock_fake(1000000, 1700000000000);
    CHECK(settings.clients && proxy_server_open(loop, &settings, &judge, &resolver, &proxy, &fault) == ST_OK);
    proxy_at = proxy_server_addr(proxy, 0);
}

/* Ends */

struct end {
    int fd;
    struct str part;   /* to be sent yet */
    size_t first;      /* of it, before anything else happens */
    bool waits, ended; /* waits: for a byte from the proxy, before it says anything */
    struct buf got;
};

/* Gone without a trace, so that a million of them do not use up the ports. */
static void end_close(struct end *end)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(end->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(end->fd);
    buf_free(&end->got);
}

static void end_step(struct end *end)
{
    char bytes[16384];
    ssize_t n = 0;
    if (!end->ended) {
        n = recv(end->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        end->ended = n == 0 || (n < 0 && errno != EAGAIN);
    }
    if (n > 0) {
        buf_add(&end->got, bytes, (size_t)n);
        end->waits = false;
    }
    if (end->waits || !end->part.data)
        return;
    size_t piece = end->first && end->first < end->part.length ? end->first : end->part.length;
    n = piece ? send(end->fd, end->part.data, piece, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    end->first = 0;
    if (n > 0)
        end->part = str_from(end->part, (size_t)n);
    if (!end->part.length) {
        shutdown(end->fd, SHUT_WR);
        end->part.data = NULL;
    }
}

static struct end client;
static struct end origins[MOST_ORIGINS];
static size_t origin_count;

static void accept_origins(struct str answer, size_t first)
{
    int fd;
    while (origin_count < MOST_ORIGINS && (fd = accept(site_fd, NULL, NULL)) >= 0)
        origins[origin_count++] = (struct end){.fd = fd, .part = answer, .first = first, .waits = true};
}

/* What came out */

/* The messages of one connection; the last may be cut off, and what follows a tunnel's head is not ours. */
static void check_requests(struct str bytes)
{
    static struct http_head head;
    enum http_reject reject;
    while (bytes.length) {
        size_t taken = 1;
        struct str data;
        struct http_body body;
        enum status status = http_request_parse(bytes, &head, &reject);
        if (status == ST_TRUNCATED)
            return;
        CHECK(status == ST_OK || reject == HTTP_REJECT_HEAD_TOO_LARGE || reject == HTTP_REJECT_LINE_TOO_LONG);
        if (status != ST_OK || head.upgrade)
            return;
        CHECK(head.form == HTTP_TARGET_ORIGIN || head.form == HTTP_TARGET_ASTERISK);
        CHECK(http_field_find(&head, STR("Via")));
        bytes = str_from(bytes, head.length);
        http_body_init(&body, &head);
        while (!body.done && taken) {
            CHECK(http_body_take(&body, bytes, &taken, &data) == ST_OK);
            bytes = str_from(bytes, taken);
        }
        if (!body.done)
            return;
    }
}

static void check_reply(struct str bytes)
{
    CHECK(!bytes.length || str_starts(bytes, STR("HTTP/1.1 ")));
}

static bool is_over(void)
{
    bool over = client.ended;
    for (size_t i = 0; i < origin_count; i++)
        over &= origins[i].ended;
    return over;
}

static void exchange(struct str request, struct str answer, unsigned cut)
{
    struct sockaddr_storage sa;
    socklen_t length = addr_to_sockaddr(&proxy_at, &sa);
    client =
        (struct end){.fd = socket(sa.ss_family, SOCK_STREAM, 0), .part = request, .first = request.length * cut / 256};
    CHECK(client.fd >= 0 && connect(client.fd, (struct sockaddr *)&sa, length) == 0);
    for (int patience = 0; patience < PATIENCE && !is_over(); patience++) {
        for (int turn = 0; turn < TURNS && !is_over(); turn++) {
            end_step(&client);
            loop_run_once(loop, false);
            accept_origins(answer, answer.length * cut / 256);
            for (size_t i = 0; i < origin_count; i++)
                end_step(&origins[i]);
        }
        clock_fake_advance(11000);
    }
    CHECK(client.ended); /* nobody waits for ever */
    check_reply((struct str){client.got.data, client.got.length});
    end_close(&client);
    for (size_t i = 0; i < origin_count; i++) {
        if (!str_starts(request, STR("CONNECT ")))
            check_requests((struct str){origins[i].got.data, origins[i].got.length});
        end_close(&origins[i]);
    }
    origin_count = 0;
    for (int turn = 0; turn < TURNS && !proxy_server_idle(proxy); turn++)
        loop_run_once(loop, false);
    CHECK(proxy_server_idle(proxy));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > MOST_BYTES)
        return 0;
    if (!proxy)
        prepare();
    struct str rest = {(const char *)data + 3, size - 3};
    size_t asked = (size_t)data[0] | (size_t)data[1] << 8;
    struct str request = {rest.data, asked < rest.length ? asked : rest.length};
    exchange(request, str_from(rest, request.length), data[2]);
    return 0;
}
