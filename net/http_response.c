#include "base/clock.h"
#include "message/http_date.h"
#include "net/http_server.h"

/* One second's text is the same for all answers in it. */
static const char *date_text(void)
{
    static _Thread_local int64_t text_of_s = -1;
    static _Thread_local char text[HTTP_DATE_SIZE];
    int64_t now_s = clock_wall_ms() / 1000;
    if (now_s != text_of_s)
        http_date_format(now_s * 1000, text);
    text_of_s = now_s;
    return text;
}

void http_response_add(struct http_exchange *exchange, unsigned status, const char *headers, struct str body)
{
    struct buf *out = exchange->response;
    bool bodiless = status == 204 || status == 304; /* RFC 9110 sections 15.3.5, 15.4.5 */
    buf_printf(out, "HTTP/1.1 %u %s\r\nDate: %s\r\n", status, http_status_reason(status), date_text());
    if (!bodiless)
        buf_printf(out, "Content-Length: %zu\r\n", body.length);
    if (!exchange->request ||
        !exchange->request->keep_alive) /* staying open goes without saying (RFC 9112 section 9.3) */
        buf_add_text(out, "Connection: close\r\n");
    buf_add_text(out, headers ? headers : "");
    buf_add_text(out, "\r\n");
    bool head_only = exchange->request && str_eq(exchange->request->method, STR("HEAD"));
    if (!bodiless && !head_only)
        buf_add(out, body.data, body.length);
}
