#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "net/http_server.h"

enum { DATE_SIZE = 32 };

/* RFC 9110 section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT". One second's text is the same for all answers in it. */
static const char *date_text(void)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    static _Thread_local time_t text_of = -1;
    static _Thread_local char text[DATE_SIZE];
    time_t now = (time_t)(clock_wall_ms() / 1000);
    if (now != text_of) {
        struct tm tm = {0};
        gmtime_r(&now, &tm);
        snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday % 7], tm.tm_mday,
                 months[tm.tm_mon % 12], (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
        text_of = now;
    }
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
