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
static void add_headers(struct buf *response, const struct page_shape *shape, enum page_language language)
{
    if (shape->content_type)
        buf_printf(response, "Content-Type: %s\r\n", shape->content_type);
    buf_printf(response, "Content-Language: %s\r\n", language == PAGE_JA ? "ja" : "en");
    buf_add_text(response, "Vary: Accept-Language, Accept, Sec-Fetch-Dest\r\n"
                           "Cache-Control: no-store, max-age=0\r\n"
                           "Pragma: no-cache\r\n"
                           "Expires: 0\r\n");
    buf_printf(response,
               "Content-Security-Policy: default-src 'none'; style-src 'sha256-%.*s'; form-action 'none'; "
               "base-uri 'none'; frame-ancestors 'none'\r\n",
               (int)embedded_page_css_hash.length, embedded_page_css_hash.data);
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
    bool https;
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
    add_headers(response, choice->shape, choice->language);
    if (choice->proxy_status)
        buf_printf(response, "Proxy-Status: %s\r\n", choice->proxy_status);
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

void page_answer(struct buf *response, const struct http_head *request, const struct page_facts *facts, bool keep_alive)
{
    struct page_choice choice = choose(request, keep_alive);
    struct page_view view;
    choice.https = facts->https;
    if (choice.shape->content)
        page_view_of_block(&view, choice.language, facts);

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

void page_answer_not_blocked(struct buf *response, const struct http_head *request, struct str host, bool keep_alive)
{
    static const struct page_shape notice = {"text/html; charset=utf-8", &embedded_notice_html, TEMPLATE_HTML};
    struct page_choice choice = choose(request, keep_alive);
    if (choice.shape == &shapes[PAGE_FORM_PAGE])
        choice.shape = &notice;
    else if (choice.shape == &shapes[PAGE_FORM_PROBLEM])
        choice.shape = &shapes[PAGE_FORM_LINE];
    struct page_view view;
    if (choice.shape->content)
        page_view_of_not_blocked(&view, choice.language, host);
    choice.status = 404; /* never 421, which makes a browser ask again (RFC 9110 section 15.5.20) */
    add_answer(response, &choice, &view);
}
