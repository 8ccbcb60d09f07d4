#include "proxy/tunnel_hello.h"

#include <stdlib.h>

#include "base/clock.h"
#include "blockpage/page_https.h"
#include "net/tls_hello.h"
#include "proxy/http_client.h"

enum {
    HELLO_TIMEOUT_MS = 5000,
    INPUT_LIMIT_BYTES = 2 * TLS_HELLO_MAX_BYTES, /* tls_hello_parse() gives up by then */
};

struct tunnel_hello *tunnel_hello_new(const struct http_txn *txn)
{
    struct tunnel_hello *hello = malloc(sizeof *hello);
    if (!hello)
        return NULL;
    *hello = (struct tunnel_hello){.client = txn->client, .channel = txn->channel, .host = txn->name};
    text_printable(hello->login, sizeof hello->login, txn->login);
    return hello;
}

void tunnel_hello_free(struct tunnel_hello *hello)
{
    if (!hello)
        return;
    leaf_ask_cancel(&hello->ask);
    timer_free(hello->deadline);
    free(hello);
}

/* Judge */

static void record(const struct tunnel_hello *hello, const char *sni, enum match match, const struct verdict *verdict)
{
    const struct http_client *client = hello->client;
    struct callback callback = {
        .time_ms = clock_wall_ms(),
        .client = client->peer,
        .local = *http_client_far_end(client),
        .channel = hello->channel,
        .match = match,
        .count = 1,
        .verdict = *verdict,
    };
    if (hello->channel == CHANNEL_CONNECT)
        text_copy(callback.method, sizeof callback.method, STR("CONNECT"));
    text_printable(callback.subject, sizeof callback.subject, str_of(sni));
    text_copy(callback.login, sizeof callback.login, str_of(hello->login));
    access_tunnel_verdict(hello->client, verdict->action == ACTION_BLOCK ? ACCESS_BLOCKED : ACCESS_LOGGED);
    recorder_record(client->proxy->judge->recorder, &callback);
}

/* Who hides behind another host's name may well be harmless, so it is recorded and let through. */
static void record_mismatch(const struct tunnel_hello *hello, const char *sni)
{
    char host[DNAME_TEXT_SIZE];
    struct verdict verdict = {.action = ACTION_LOG,
                              .matched = true,
                              .kind = INDICATOR_NAME,
                              .category = CATEGORY_SUSPICIOUS,
                              .risk = RISK_LOW};
    dname_to_text(&hello->host, host);
    text_copy(verdict.indicator, sizeof verdict.indicator, str_of(host));
    verdict_identify(&verdict);
    record(hello, sni, MATCH_MISMATCH, &verdict);
}

/* As a name of its own. What let the tunnel's host pass does not count for it, but what lets the client pass does. */
static void judge_name(const struct tunnel_hello *hello, const struct dname *name, struct verdict *verdict)
{
    struct judge *judge = hello->client->proxy->judge;
    struct passed passed = {0};
    struct subject client = {.kind = SUBJECT_CLIENT, .client = hello->client->peer, .passed = &passed};
    struct subject subject = {.kind = SUBJECT_NAME, .client = hello->client->peer, .name = name, .passed = &passed};
    if (judge_has_trigger(judge, TRIGGER_CLIENT))
        judge_decide(judge, &client, verdict);
    judge_decide(judge, &subject, verdict);
}

/* The tunnel's host has its verdict already. Where the true name is encrypted, the one that can be read is that of the
 * server in front, which is another by design. */
static enum hello_says judge(struct tunnel_hello *hello, const struct tls_hello *parsed)
{
    const char *sni = parsed->sni;
    struct dname name;
    struct verdict verdict;
    if (dname_from_text(str_of(sni), &name) != ST_OK || dname_equal(&name, &hello->host)) /* empty as well: no name */
        return HELLO_SAYS_PASS;
    judge_name(hello, &name, &verdict);
    if (verdict.action != ACTION_ALLOW)
        record(hello, sni, MATCH_SNI, &verdict);
    else if (hello->host.length && parsed->has_ech)
        access_tunnel_ech(hello->client);
    else if (hello->host.length && !verdict.exempts)
        record_mismatch(hello, sni);
    if (verdict.action != ACTION_BLOCK)
        return HELLO_SAYS_PASS;
    hello->client->proxy->counters.blocked++;
    hello->host = name; /* that of the page */
    return HELLO_SAYS_BLOCK;
}

/* Look */

static void on_deadline(void *arg)
{
    struct tunnel_hello *hello = arg;
    http_client_open_tunnel(hello->client);
}

static enum hello_says wait_for_more(struct tunnel_hello *hello, size_t wanted_bytes)
{
    hello->wanted_bytes = wanted_bytes < INPUT_LIMIT_BYTES ? wanted_bytes : INPUT_LIMIT_BYTES;
    if (hello->deadline)
        return HELLO_SAYS_WAIT;
    hello->deadline = timer_new(hello->client->proxy->loop, on_deadline, hello);
    if (!hello->deadline)
        return HELLO_SAYS_PASS;
    timer_start(hello->deadline, HELLO_TIMEOUT_MS);
    return HELLO_SAYS_WAIT;
}

enum hello_says tunnel_hello_look(struct tunnel_hello *hello, struct str input, bool ended)
{
    struct tls_hello parsed;
    if (!input.length || (input.length < hello->wanted_bytes && !ended))
        return ended ? HELLO_SAYS_PASS : HELLO_SAYS_WAIT;
    enum status status = tls_hello_parse(input, &parsed);
    if (status == ST_TRUNCATED && !ended)
        return wait_for_more(hello, input.length + parsed.missing_bytes);
    return status == ST_OK ? judge(hello, &parsed) : HELLO_SAYS_PASS;
}

/* Page */

static void on_leaf(void *arg, struct tls_leaf *leaf)
{
    struct tunnel_hello *hello = arg;
    http_client_end_tunnel(hello->client, leaf ? tls_leaf_ref(leaf) : NULL);
}

static void on_nothing(void *arg)
{
    (void)arg;
}

static void on_gone(void *arg)
{
    struct tunnel_hello *hello = arg;
    http_client_close(hello->client);
}

static void on_failed(void *arg, enum status status)
{
    (void)status;
    on_gone(arg);
}

bool tunnel_hello_ask_page(struct tunnel_hello *hello)
{
    static const struct stream_ops ops = {.on_data = on_nothing, .on_eof = on_gone, .on_failed = on_failed};
    struct http_client *client = hello->client;
    struct page_https *page = client->proxy->settings->page;
    if (!page_https_is_ready(page) || stream_queued(client->stream) || stream_saw_eof(client->stream))
        return false;
    stream_set_owner(client->stream, &ops, hello);
    hello->ask = (struct leaf_ask){.on_leaf = on_leaf, .arg = hello};
    page_https_ask(page, &hello->host, &client->peer, &hello->ask); /* may call back at once */
    return true;
}
