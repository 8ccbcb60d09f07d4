#include "blockpage/page_desk.h"

#include "base/clock.h"
#include "blockpage/page.h"
#include "blockpage/report_form.h"

/* The URL that the client meant to ask for; it believes that it talks to the blocked host. */
static void build_url(const struct page_desk *desk, const struct http_head *request, struct buf *url)
{
    buf_add_text(url, desk->https ? "https://" : "http://");
    buf_add(url, request->authority.data, request->authority.length);
    buf_add(url, request->path.data, request->path.length);
}

static void judge_request(const struct page_desk *desk, const struct http_exchange *exchange, struct verdict *verdict)
{
    const struct http_head *request = exchange->request;
    struct subject subject = {
        .kind = SUBJECT_URL,
        .client = exchange->client,
        .host = request->host,
        .port = request->port ? request->port
                : desk->https ? 443
                              : 80,
        .path = request->path,
    };
    *verdict = (struct verdict){.action = ACTION_ALLOW};
    if (request->host.length) /* HTTP/1.0 may come without */
        judge_decide(desk->judge, &subject, verdict);
}

static void record_request(const struct page_desk *desk, const struct http_exchange *exchange,
                           const struct verdict *verdict, int64_t now_ms, struct str url)
{
    struct callback callback = {
        .time_ms = now_ms,
        .client = exchange->client,
        .local = exchange->local,
        .channel = CHANNEL_PAGE,
        .match = verdict->kind == INDICATOR_URL ? MATCH_URL : MATCH_HOST,
        .count = 1,
        .status = verdict->action == ACTION_BLOCK ? 403 : 404,
        .verdict = *verdict,
    };
    text_printable(callback.subject, sizeof callback.subject, url);
    text_printable(callback.method, sizeof callback.method, exchange->request->method);
    recorder_record(desk->judge->recorder, &callback);
}

void page_desk_answer(void *arg, struct http_exchange *exchange)
{
    const struct page_desk *desk = arg;
    const struct http_head *request = exchange->request;
    struct verdict verdict;
    struct buf url = {0};
    int64_t now_ms = clock_wall_ms();
    judge_request(desk, exchange, &verdict);
    build_url(desk, request, &url);
    struct str url_text = {buf_text(&url), url.length};
    bool is_contact = verdict.action != ACTION_ALLOW;

    if (verdict.action == ACTION_BLOCK) {
        struct page_facts facts = {
            .url = url_text,
            .verdict = &verdict,
            .client = exchange->client,
            .time_ms = now_ms,
            .contact = desk->contact,
            .https = desk->https,
            .host = request->host,
            .reports = desk->judge->reports,
        };
        incidents_look(desk->judge->incidents, &exchange->client, &verdict, &facts.incident);
        if (facts.reports && report_form_is_one(request))
            is_contact = !report_form_answer(exchange->response, request, exchange->body, &facts, request->keep_alive);
        else
            page_answer(exchange->response, request, &facts, request->keep_alive);
    } else {
        page_answer_not_blocked(exchange->response, request, request->host, request->keep_alive);
    }
    if (is_contact)
        record_request(desk, exchange, &verdict, now_ms, url_text);
    buf_free(&url);
}

const struct http_server_settings page_desk_settings = {.max_body_bytes = REPORT_BODY_MAX_BYTES,
                                                        .wants_body = report_form_is_one,
                                                        .idle_ms = 15000,
                                                        .head_ms = 10000,
                                                        .max_connections = 512};
