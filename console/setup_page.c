#include "console/setup_page.h"

#include <stdio.h>

#include "blockpage/embedded.h"
#include "blockpage/negotiate.h"
#include "blockpage/template.h"

struct values {
    char proxy[ADDR_TEXT_SIZE], host[ADDR_TEXT_SIZE], port[8], console[ADDR_TEXT_SIZE];
    bool any, local;
};

static bool find_value(const void *arg, struct str name, struct template_value *value)
{
    const struct values *values = arg;
    const struct {
        const char *name, *text;
    } all[] = {
        {"proxy", values->proxy},
        {"host", values->host},
        {"port", values->port},
        {"console", values->console},
        {"any", values->any ? "1" : ""},
        {"none", values->any ? "" : "1"},
        {"local", values->any && values->local ? "1" : ""},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (str_eq(name, str_of(all[i].name))) {
            *value = (struct template_value){.text = str_of(all[i].text)};
            return true;
        }
    return false;
}

void setup_page_answer(struct http_exchange *exchange, const struct proxy_pac *pac)
{
    struct values values = {0};
    struct addr proxy;
    struct buf body = {0}, headers = {0};
    bool japanese = negotiate_language(exchange->request) == PAGE_JA;
    values.any = proxy_pac_proxy(pac, &exchange->local, &proxy);
    if (values.any) {
        addr_format(&proxy, values.proxy);
        addr_format_ip(&proxy, values.host);
        snprintf(values.port, sizeof values.port, "%u", proxy.port);
        values.local = addr_is_loopback(&proxy);
    }
    addr_format(&exchange->local, values.console);
    template_render(&body, TEMPLATE_HTML, japanese ? embedded_setup_ja_html : embedded_setup_en_html, find_value,
                    &values);
    buf_printf(&headers,
               "Content-Type: text/html; charset=utf-8\r\nContent-Language: %s\r\nVary: Accept-Language\r\n"
               "Cache-Control: no-store\r\n"
               "Content-Security-Policy: default-src 'none'; style-src 'sha256-%.*s'; form-action 'none'; "
               "base-uri 'none'; frame-ancestors 'none'\r\n"
               "X-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n"
               "Referrer-Policy: no-referrer\r\n",
               japanese ? "ja" : "en", (int)embedded_page_css_hash.length, embedded_page_css_hash.data);
    if (!body.failed && !headers.failed)
        http_response_add(exchange, 200, buf_text(&headers), (struct str){body.data, body.length});
    buf_free(&body);
    buf_free(&headers);
}
