#include "blockpage/page.h"

#include "base/clock.h"
#include "blockpage/embedded.h"
#include "blockpage/page_view.h"
#include "message/http_date.h"

/* One form of an answer: its type and the template of its body. */
struct page_shape {
    const char *content_type;  /* NULL: none, as for an empty body */
    const struct str *content; /* template; NULL: empty */
    enum template_form form;
};

static const struct page_shape shapes[] = {
    [PAGE_FORM_PAGE] = {"text/html; charset=utf-8", &embedded_page_html, TEMPLATE_HTML},
    [PAGE_FORM_FRAME] = {"text/html; charset=utf-8", &embedded_frame_html, TEMPLATE_HTML},
    [PAGE_FORM_LINE] = {"text/plain; charset=utf-8", &embedded_line_txt, TEMPLATE_PLAIN},
    [PAGE_FORM_PROBLEM] = {"application/problem+json", &embedded_problem_json, TEMPLATE_JSON},
    /* With nosniff no browser takes it for a script or a style sheet. */
    [PAGE_FORM_EMPTY] = {"text/plain", NULL, TEMPLATE_PLAIN},
};

/* Nothing is stored, shown in a frame, sniffed, indexed or read by other pages; no script runs and nothing is loaded.
 * No validator and no cookie: a page that was blocked once must not come back after the block is gone. */
static void add_headers(struct buf *response, const struct page_shape *shape, enum page_language language,
                        bool has_form)
{
    if (shape->content_type)
        buf_printf(response, "Content-Type: %s\r\n", shape->content_type);
    buf_printf(response, "Content-Language: %s\r\n", language == PAGE_JA ? "ja" : "en");
    buf_add_text(response, "Vary: Accept-Language, Accept, Sec-Fetch-Dest\r\n"
                           "Cache-Control: no-store, max-age=0\r\n"
                           "Pragma: no-cache\r\n"
                           "Expires: 0\r\n");
    buf_printf(response,
               "Content-Security-Policy: default-src 'none'; style-src 'sha256-%.*s'; form-action '%s'; "
               "base-uri 'none'; frame-ancestors 'none'\r\n",
               (int)embedded_page_css_hash.length, embedded_page_css_hash.data, has_form ? "self" : "none");
    buf_add_text(response, "X-Content-Type-Options: nosniff\r\n"
                           "Referrer-Policy: no-referrer\r\n"
                           "X-Frame-Options: DENY\r\n"
                           "Cross-Origin-Resource-Policy: same-origin\r\n"
                           "X-Robots-Tag: noindex\r\n");
}

/* Which answer, in which language, with which status. */
struct page_choice {
    unsigned status;
    const struct page_shape *shape;
    enum page_language language;
    bool head_only, keep_alive;
    const char *proxy_status; /* RFC 9209; NULL: none */
    bool https, has_form;
    bool retry_in_an_hour;
};

static void add_answer(struct buf *response, const struct page_choice *choice, const struct page_view *view)
{
    struct buf body = {0};
    char date[HTTP_DATE_SIZE];
    http_date_format(clock_wall_ms(), date);
    if (choice->shape->content)
        template_render(&body, choice->shape->form, *choice->shape->content, page_view_find, view);
    buf_printf(response, "HTTP/1.1 %u %s\r\n", choice->status, http_status_reason(choice->status));
    buf_printf(response, "Date: %s\r\n", date);
    add_headers(response, choice->shape, choice->language, choice->has_form);
    if (choice->proxy_status)
        buf_printf(response, "Proxy-Status: %s\r\n", choice->proxy_status);
    if (choice->retry_in_an_hour)
        buf_add_text(response, "Retry-After: 3600\r\n");
    if (choice->https) /* where else the host itself once said it is (RFC 7838) we are not */
        buf_add_text(response, "Alt-Svc: clear\r\n");
    buf_printf(response, "Content-Length: %zu\r\nConnection: %s\r\n\r\n", body.length,
               choice->keep_alive ? "keep-alive" : "close");
    if (!choice->head_only)
        buf_add(response, body.data, body.length);
    response->failed = response->failed || body.failed;
    buf_free(&body);
}

static struct page_choice choose(const struct http_head *request, bool keep_alive)
{
    return (struct page_choice){
        .shape = &shapes[negotiate_form(request)],
        .language = negotiate_language(request),
        .head_only = str_eq(request->method, STR("HEAD")),
        .keep_alive = keep_alive && !request->upgrade,
    };
}

/* A report goes to a path of the host, which is blocked only where the host is as a whole. */
static void make_token(const struct page_facts *facts, char token[REPORT_TOKEN_SIZE])
{
    token[0] = '\0';
    if (facts->reports && facts->host.length && facts->verdict->kind != INDICATOR_URL)
        report_box_token(facts->reports, &facts->client, facts->host, str_of(facts->incident.id), token);
}

void page_answer(struct buf *response, const struct http_head *request, const struct page_facts *facts, bool keep_alive)
{
    struct page_choice choice = choose(request, keep_alive);
    struct page_view view;
    char token[REPORT_TOKEN_SIZE] = "";
    choice.https = facts->https;
    if (choice.shape == &shapes[PAGE_FORM_PAGE])
        make_token(facts, token);
    choice.has_form = token[0];
    if (choice.shape->content)
        page_view_of_block(&view, choice.language, facts, token);

    struct buf proxy_status = {0};
    buf_printf(&proxy_status, "ccward; error=http_request_denied; details=\"%s",
               category_text(facts->verdict->category));
    if (http_is_token(str_of(facts->incident.id))) /* nothing that could end the quoted string */
        buf_printf(&proxy_status, ":%s", facts->incident.id);
    buf_add_char(&proxy_status, '"');
    choice.status = 403;
    choice.proxy_status = buf_text(&proxy_status);
    add_answer(response, &choice, &view);
    buf_free(&proxy_status);
}

/* A short page, or a line. */
static struct page_choice choose_notice(const struct http_head *request, bool keep_alive)
{
    static const struct page_shape notice = {"text/html; charset=utf-8", &embedded_notice_html, TEMPLATE_HTML};
    struct page_choice choice = choose(request, keep_alive);
    if (choice.shape == &shapes[PAGE_FORM_PAGE])
        choice.shape = &notice;
    else if (choice.shape == &shapes[PAGE_FORM_PROBLEM])
        choice.shape = &shapes[PAGE_FORM_LINE];
    return choice;
}

void page_answer_not_blocked(struct buf *response, const struct http_head *request, struct str host, bool keep_alive)
{
    struct page_choice choice = choose_notice(request, keep_alive);
    struct page_view view;
    if (choice.shape->content)
        page_view_of_not_blocked(&view, choice.language, host);
    choice.status = 404; /* never 421, which makes a browser ask again (RFC 9110 section 15.5.20) */
    add_answer(response, &choice, &view);
}

void page_answer_report(struct buf *response, const struct http_head *request, enum page_report_answer answer,
                        const struct page_facts *facts, bool keep_alive)
{
    static const struct {
        unsigned status;
        const char *stage; /* of the texts' keys */
    } answers[] = {
        [PAGE_REPORT_TAKEN] = {202, "taken"},        [PAGE_REPORT_STALE] = {403, "stale"},
        [PAGE_REPORT_TOO_MANY] = {429, "toomany"},   [PAGE_REPORT_UNREADABLE] = {400, "unreadable"},
        [PAGE_REPORT_TOO_LARGE] = {413, "toolarge"},
    };
    struct page_choice choice = choose_notice(request, keep_alive);
    struct page_view view;
    if (choice.shape->content)
        page_view_of_report(&view, choice.language, answers[answer].stage, facts);
    choice.status = answers[answer].status;
    choice.https = facts->https;
    choice.retry_in_an_hour = answer == PAGE_REPORT_TOO_MANY;
    add_answer(response, &choice, &view);
}
