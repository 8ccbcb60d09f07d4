#include "feeds/fetch.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "feeds/feed_resolver.h"
#include "feeds/fetch_hop.h"
#include "feeds/web_url.h"

const struct fetch_limits fetch_default_limits = {
    .connect_ms = 10 * 1000,
    .total_ms = 120 * 1000,
    .low_speed_bytes_s = 1000,
    .low_speed_s = 30,
    .max_bytes = 256 * 1024 * 1024,
};

/* A request on its way from server to server. */
struct journey {
    const struct fetch_request *request;
    int fd;
    struct progress *progress;
    const struct fetch_validators *validators; /* NULL: the whole body is wanted */
    int64_t until_ms;
    struct web_url url, asked; /* where it is; where it began */
    bool key_at_home;          /* it is where it began, so that the key may be sent */
    bool private_origin;
    struct addr addrs[FEED_RESOLVE_MAX];
    struct hop hop; /* the last one */
};

/* Of the last host that was asked for. */
struct fetch_session {
    CURL *curl;
    char host[WEB_HOST_SIZE];
    struct addr addrs[FEED_RESOLVE_MAX];
    size_t addr_count;
    bool met_private; /* a connection that is open may go there */
};

struct fetch_session *fetch_session_new(void)
{
    struct fetch_session *session = calloc(1, sizeof *session);
    if (!session || curl_global_init(CURL_GLOBAL_DEFAULT)) {
        free(session);
        return NULL;
    }
    session->curl = curl_easy_init();
    if (session->curl)
        return session;
    fetch_session_free(session);
    return NULL;
}

void fetch_session_free(struct fetch_session *session)
{
    if (!session)
        return;
    curl_easy_cleanup(session->curl);
    curl_global_cleanup();
    free(session);
}

static bool has_key(const struct fetch_request *request)
{
    return request->key && request->key->text[0];
}

static bool key_in_query(const struct fetch_request *request)
{
    return has_key(request) && str_starts(str_of(request->key_as), STR("query "));
}

/* Whether a server has put the key that stood in our address into that of another one. */
static bool carries_key(const struct journey *journey)
{
    const char *key = journey->request->key->text, *sent = strrchr(journey->asked.text, '=');
    char *escaped = curl_easy_escape(NULL, key, 0); /* as most others escape */
    bool carries = !escaped || strstr(journey->url.text, escaped) || strstr(journey->url.text, key) ||
                   (sent && strstr(journey->url.text, sent + 1));
    if (escaped)
        explicit_bzero(escaped, strlen(escaped));
    curl_free(escaped);
    return carries;
}

/* Goes where the last server sent us. */
static enum status follow(struct journey *journey, struct fault *fault)
{
    bool https = !strcmp(journey->url.scheme, "https");
    struct fault why = {0};
    enum status st = web_url_parse(journey->hop.location, &journey->url, &why);
    if (st != ST_OK)
        return fault_set(fault, ST_UNAVAILABLE, "it redirects to where nothing is fetched from: %s", why.text);
    if (!strcmp(journey->url.scheme, "file"))
        return fault_set(fault, ST_UNAVAILABLE, "it redirects to a file, which is not followed");
    if (https && strcmp(journey->url.scheme, "https"))
        return fault_set(fault, ST_UNAVAILABLE, "it redirects from https to http, which is not followed");
    journey->key_at_home = web_url_same_origin(&journey->url, &journey->asked);
    if (!journey->key_at_home && key_in_query(journey->request) && carries_key(journey))
        return fault_set(fault, ST_DENIED, "it redirects to another server (%s) with the key, which is not followed",
                         journey->url.host);
    return ST_OK;
}

static enum status find_host(struct journey *journey, size_t *count, struct fault *fault)
{
    int64_t until_ms = clock_mono_ms() + journey->request->limits->connect_ms;
    *count = 0;
    if (!journey->url.host[0])
        return ST_OK;
    struct fetch_session *session = journey->request->session;
    if (session && session->addr_count && !strcmp(session->host, journey->url.host)) {
        *count = session->addr_count;
        memcpy(journey->addrs, session->addrs, sizeof journey->addrs);
        return ST_OK;
    }
    if (until_ms > journey->until_ms)
        until_ms = journey->until_ms;
    enum status st =
        feed_resolve(journey->request->site, str_of(journey->url.host), until_ms, journey->addrs, count, fault);
    if (st == ST_OK && session) {
        text_copy(session->host, sizeof session->host, str_of(journey->url.host));
        memcpy(session->addrs, journey->addrs, sizeof session->addrs);
        session->addr_count = *count;
    }
    return st == ST_OK || st == ST_CLOSED || st == ST_TIMEOUT ? st : ST_UNAVAILABLE;
}

static enum status request_hop(struct journey *journey, bool first, struct fault *fault)
{
    struct fetch_session *session = journey->request->session;
    size_t count;
    enum status st = find_host(journey, &count, fault);
    if (st != ST_OK)
        return st;
    journey->hop = (struct hop){.url = &journey->url,
                                .addrs = journey->addrs,
                                .addr_count = count,
                                .key = journey->key_at_home ? journey->request->key : NULL,
                                .key_as = journey->request->key_as,
                                .validators = journey->validators,
                                .limits = journey->request->limits,
                                .until_ms = journey->until_ms,
                                .public_only = !first && !journey->private_origin,
                                .fd = journey->fd,
                                .curl = session ? session->curl : NULL,
                                .accept = journey->request->accept,
                                .header = journey->request->header,
                                .progress = journey->progress};
    st = hop_perform(&journey->hop, fault);
    if (session && first)
        session->met_private = journey->hop.met_private = session->met_private || journey->hop.met_private;
    journey->private_origin = journey->private_origin || (first && journey->hop.met_private);
    return st;
}

static enum status refused_key(const struct journey *journey, struct fault *fault)
{
    long status = journey->hop.status;
    if (!has_key(journey->request))
        return fault_set(fault, ST_DENIED,
                         "the server answers with status %ld: if it wants a key, set `key` of the feed", status);
    if (!journey->key_at_home)
        return fault_set(fault, ST_DENIED,
                         "the server answers with status %ld: it redirects to another server (%s), which does not get "
                         "the key; if that is right, set it as `url`",
                         status, journey->url.host);
    return fault_set(fault, ST_DENIED,
                     "the server refuses the key (status %ld): look at `key` and `key-as` of the feed", status);
}

static bool is_page(const char *content_type)
{
    struct str type = str_of(content_type), rest;
    str_cut(type, ';', &type, &rest);
    type = str_trim(type);
    return str_eq_nocase(type, STR("text/html")) || str_eq_nocase(type, STR("application/xhtml+xml"));
}

/* What the last server said, where it does not redirect. */
static enum status judge(const struct journey *journey, struct fetch_result *result, struct fault *fault)
{
    long status = journey->hop.status;
    result->not_modified = status == 304 && journey->validators;
    if (result->not_modified)
        return ST_OK;
    if (status == 401 || status == 403)
        return refused_key(journey, fault);
    if (status == 429 || status == 503)
        result->retry_after_s = journey->hop.retry_after_s;
    if (status && (status < 200 || status > 299 || status == 206))
        return fault_set(fault, ST_UNAVAILABLE, "the server answers with status %ld", status);
    if (is_page(journey->hop.content_type))
        return fault_set(fault, ST_INVALID, "it is a web page (text/html), not a list");
    return ST_OK;
}

static enum status travel(struct journey *journey, struct fetch_result *result, struct fault *fault)
{
    for (unsigned hops = 0;; hops++) {
        enum status st = request_hop(journey, hops == 0, fault);
        result->answered = result->answered || journey->hop.status;
        if (st != ST_OK)
            return st;
        if (!journey->hop.location[0])
            return judge(journey, result, fault);
        if (hops == FETCH_REDIRECTS)
            return fault_set(fault, ST_UNAVAILABLE, "it redirects more than %d times", FETCH_REDIRECTS);
        st = follow(journey, fault);
        if (st != ST_OK)
            return st;
    }
}

enum status fetch(const struct fetch_request *request, int fd, struct progress *progress,
                  struct fetch_validators *validators, struct fetch_result *result, struct fault *fault)
{
    bool conditional = validators->etag[0] || validators->last_modified[0];
    struct journey journey = {.request = request,
                              .fd = fd,
                              .progress = progress,
                              .validators = conditional ? validators : NULL,
                              .until_ms = clock_mono_ms() + request->limits->total_ms,
                              .key_at_home = true};
    struct fault why = {0};
    *result = (struct fetch_result){0};
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return fault_set(fault, ST_NOMEM, "can't start libcurl");
    enum status st = web_url_parse(request->url, &journey.url, &why);
    if (st == ST_OK && key_in_query(request))
        st = web_url_add_query(&journey.url, request->key_as + 6, request->key->text, &why);
    journey.asked = journey.url;
    st = st == ST_OK ? travel(&journey, result, &why) : ST_UNAVAILABLE;
    result->status = journey.hop.status;
    text_copy(result->content_type, sizeof result->content_type, str_of(journey.hop.content_type));
    text_copy(result->header, sizeof result->header, str_of(journey.hop.header_value));
    if (st == ST_OK && !result->not_modified)
        *validators = journey.hop.got;
    if (st != ST_OK && ftruncate(fd, 0))
        fault_errno(&why, ST_IO, "can't empty the file again");
    explicit_bzero(&journey, sizeof journey);
    curl_global_cleanup();
    if (st == ST_OK)
        return ST_OK;
    secret_hide(request->key, why.text);
    return fault_set(fault, st, "%s", why.text);
}
