#include "proxy/http_answer.h"

static const struct {
    unsigned status;
    enum http_blame blame;
    const char *error; /* RFC 9209 section 2.3; NULL: nothing went wrong on the way */
    const char *text;
} answers[ANSWER_COUNT] = {
    [ANSWER_BAD_REQUEST] = {400, BLAME_CLIENT, "http_request_error", "The request is malformed"},
    [ANSWER_BAD_BODY] = {400, BLAME_CLIENT, "http_request_error", "The request's body is malformed"},
    [ANSWER_NOT_FOR_A_PROXY] = {400, BLAME_CLIENT, "http_request_error",
                                "This is an HTTP proxy, not a web server. Set it as the proxy of a browser or program; "
                                "requests to it name the whole URL"},
    [ANSWER_SCHEME] = {501, BLAME_CLIENT, "http_request_error",
                       "Only http:// URLs are fetched here; https:// goes through CONNECT"},
    [ANSWER_BAD_HOST] = {400, BLAME_CLIENT, "http_request_error",
                         "The host is neither a name nor an address in its usual spelling"},
    [ANSWER_TRACE] = {405, BLAME_RULES, "http_request_denied", "TRACE is not passed on"},
    [ANSWER_OPTIONS] = {200, BLAME_NOBODY, NULL, ""},
    [ANSWER_LOOP] = {508, BLAME_CLIENT, "proxy_loop_detected", "The request came back to the proxy that sent it"},
    [ANSWER_HEAD_TIMEOUT] = {408, BLAME_CLIENT, "http_request_error", "The request did not arrive in time"},
    [ANSWER_LOGIN] = {407, BLAME_RULES, "http_request_denied",
                      "The proxy asks for a user and password (proxy.users in the configuration of ccward)"},
    [ANSWER_LOGIN_LIMIT] = {429, BLAME_RULES, "http_request_denied",
                            "Too many wrong passwords came from this address; try again in a minute"},
    [ANSWER_LOGIN_BUSY] = {503, BLAME_RULES, "proxy_internal_error",
                           "Too many passwords are being checked at the moment"},
    [ANSWER_BODY_TIMEOUT] = {408, BLAME_CLIENT, "http_request_error", "The request's body came too slowly"},
    [ANSWER_CONNECT_PORT] = {403, BLAME_RULES, "http_request_denied",
                             "CONNECT to this port is not allowed; proxy.connect-ports in the configuration of ccward "
                             "lists those that are"},
    [ANSWER_DESTINATION] = {403, BLAME_RULES, "destination_ip_prohibited",
                            "This address is reached by the machine itself or its link alone; "
                            "proxy.allow-destinations in the configuration of ccward lists exceptions"},
    [ANSWER_PRIVATE] = {403, BLAME_RULES, "destination_ip_prohibited",
                        "This address is in a private network. proxy.private-networks in the configuration of ccward "
                        "says who may reach those; proxy.allow-destinations opens single ones"},
    [ANSWER_OUR_LISTENER] = {403, BLAME_RULES, "destination_ip_prohibited",
                             "This address is ccward's own: the proxy does not connect to itself or to another part of "
                             "ccward"},
    [ANSWER_NO_SUCH_NAME] = {502, BLAME_ORIGIN, "dns_error", "The host has no address"},
    [ANSWER_NAME_TIMEOUT] = {504, BLAME_ORIGIN, "dns_timeout", "The host's address could not be found in time"},
    [ANSWER_NO_RESOLVER] = {503, BLAME_ORIGIN, "dns_error", "The host's address cannot be looked up at the moment"},
    [ANSWER_UNREACHABLE] = {502, BLAME_ORIGIN, "destination_unavailable",
                            "The server refused the connection or cannot be reached"},
    [ANSWER_CONNECT_TIMEOUT] = {504, BLAME_ORIGIN, "connection_timeout", "The server did not take the connection"},
    [ANSWER_PARENT_UNREACHABLE] = {502, BLAME_ORIGIN, "destination_unavailable",
                                   "The parent proxy (proxy.parent in the configuration of ccward) cannot be reached"},
    [ANSWER_PARENT_TIMEOUT] = {504, BLAME_ORIGIN, "connection_timeout",
                               "The parent proxy (proxy.parent in the configuration of ccward) did not make the "
                               "connection in time"},
    [ANSWER_PARENT_LOGIN] = {502, BLAME_ORIGIN, "proxy_configuration_error",
                             "The parent proxy asks for a user and password, or does not take those that it was given; "
                             "proxy.parent-login in the configuration of ccward says where they are"},
    [ANSWER_PARENT_REFUSED] = {502, BLAME_ORIGIN, "connection_refused",
                               "The parent proxy (proxy.parent in the configuration of ccward) does not connect to "
                               "this server"},
    [ANSWER_PARENT_MALFORMED] = {502, BLAME_ORIGIN, "http_protocol_error",
                                 "What the parent proxy (proxy.parent in the configuration of ccward) answers is "
                                 "malformed, or nothing"},
    [ANSWER_NO_RESPONSE] = {502, BLAME_ORIGIN, "connection_terminated", "The server hung up without an answer"},
    [ANSWER_RESPONSE_TIMEOUT] = {504, BLAME_ORIGIN, "http_response_timeout", "The server did not answer in time"},
    [ANSWER_BAD_RESPONSE] = {502, BLAME_ORIGIN, "http_protocol_error", "The server's answer is malformed"},
    [ANSWER_TOO_MANY_CLIENTS] = {503, BLAME_RULES, "connection_limit_reached", "Too many connections to the proxy"},
    [ANSWER_NO_MEMORY] = {503, BLAME_ORIGIN, "proxy_internal_error", "The proxy is out of memory"},
    [ANSWER_CONNECT_TO_SERVER] = {501, BLAME_CLIENT, "http_request_error",
                                  "This connection was on its way to a web server, which does not take CONNECT"},
    [ANSWER_NOT_REDIRECTED] = {400, BLAME_RULES, "http_request_denied",
                               "This port is for connections that the firewall redirects to it; proxy.listen in the "
                               "configuration of ccward is the address of the proxy"},
};

enum http_blame http_answer_blame(enum http_answer answer)
{
    return answers[answer].blame;
}

void http_answer_build(struct buf *out, enum http_answer answer, enum http_reject reject, const char *date,
                       bool head_only, bool keep_alive)
{
    unsigned status = reject == HTTP_REJECT_NONE ? answers[answer].status : http_reject_status(reject);
    const char *reason = http_status_reason(status), *text = answers[answer].text;
    struct buf body = {0};
    if (*text)
        buf_printf(&body, "%u %s\n%s%s%s.\n", status, reason, text, reject == HTTP_REJECT_NONE ? "" : ": ",
                   reject == HTTP_REJECT_NONE ? "" : http_reject_text(reject));
    buf_printf(out, "HTTP/1.1 %u %s\r\nDate: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n", status, reason,
               date, body.length);
    if (body.length)
        buf_add_text(out, "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n");
    if (answers[answer].error)
        buf_printf(out, "Proxy-Status: ccward; error=%s\r\n", answers[answer].error);
    if (status == 405 || answer == ANSWER_OPTIONS)
        buf_add_text(out, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT\r\n");
    if (status == 407)
        buf_add_text(out, "Proxy-Authenticate: Basic realm=\"ccward\", charset=\"UTF-8\"\r\n");
    if (status == 503 || status == 429)
        buf_add_text(out, status == 503 ? "Retry-After: 5\r\n" : "Retry-After: 60\r\n");
    buf_add_text(out, keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
    if (!head_only)
        buf_add(out, body.data, body.length);
    out->failed |= body.failed;
    buf_free(&body);
}
