#include "feeds/web_url.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "feeds/normal.h"

/* One part as text; empty where there is none. False: it does not fit. */
static bool get_part(CURLU *from, CURLUPart part, unsigned flags, char *out, size_t size)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(from, part, &text, flags);
    size_t n = code == CURLUE_OK ? strlen(text) : 0;
    text_copy(out, size, (struct str){text, n});
    curl_free(text);
    bool none = code == CURLUE_NO_HOST || code == CURLUE_NO_PORT;
    return (code == CURLUE_OK || none) && n < size;
}

/* The host as it is asked for: of "Evil.Example." and "evil.example" the same. libcurl would take letters that are not
 * ASCII for those of the locale. */
static bool normalise_host(CURLU *from, struct web_url *url)
{
    struct dname name;
    char shown[DNAME_TEXT_SIZE];
    bool ascii = true;
    if (!get_part(from, CURLUPART_HOST, 0, url->host, sizeof url->host))
        return false;
    size_t n = strlen(url->host);
    for (size_t i = 0; i < n; i++) {
        ascii = ascii && !(url->host[i] & 0x80);
        url->host[i] = ascii_lower(url->host[i]);
    }
    if (n > 1 && url->host[n - 1] == '.')
        url->host[n - 1] = '\0';
    if (!ascii) {
        if (normal_name(str_of(url->host), &name) != SKIP_NOT)
            return false;
        dname_to_text(&name, shown);
        text_copy(url->host, sizeof url->host, str_of(shown));
    }
    return !url->host[0] || curl_url_set(from, CURLUPART_HOST, url->host, 0) == CURLUE_OK;
}

static enum status take(CURLU *from, struct web_url *url, struct fault *fault)
{
    static const char *const schemes[] = {"http", "https", "file"};
    char port[8];
    bool known = false;
    (void)!get_part(from, CURLUPART_SCHEME, 0, url->scheme, sizeof url->scheme);
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        known = known || !strcmp(url->scheme, schemes[i]);
    if (!known)
        return fault_set(fault, ST_UNSUPPORTED, "only http, https and file are fetched from, not %s", url->scheme);
    bool file = !strcmp(url->scheme, "file");
    uint64_t number = 0;
    if (!normalise_host(from, url) || !get_part(from, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof port) ||
        (!file && (!url->host[0] || text_u64(str_of(port), UINT16_MAX, &number) != ST_OK)) ||
        curl_url_set(from, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK ||
        !get_part(from, CURLUPART_URL, 0, url->text, sizeof url->text))
        return fault_set(fault, ST_INVALID, "it is no address that could be fetched from");
    url->port = (uint16_t)number;
    return ST_OK;
}

enum status web_url_parse(const char *text, struct web_url *url, struct fault *fault)
{
    *url = (struct web_url){0};
    CURLU *from = curl_url();
    if (!from)
        return fault_set(fault, ST_NOMEM, "%s", status_text(ST_NOMEM));
    enum status st = ST_OK;
    if (curl_url_set(from, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        st = fault_set(fault, ST_INVALID, "it is no address that could be fetched from");
    if (st == ST_OK)
        st = take(from, url, fault);
    curl_url_cleanup(from);
    return st;
}

enum status web_url_add_query(struct web_url *url, const char *name, const char *value, struct fault *fault)
{
    CURLU *from = curl_url();
    /* libcurl escapes what stands behind the first "=", and the name is a token (feed_key_as_valid()). */
    size_t n = strlen(name), size = n + strlen(value) + 2;
    char *pair = malloc(size);
    enum status st = from && pair ? ST_OK : ST_NOMEM;
    if (st == ST_OK) {
        text_copy(pair, size, str_of(name));
        pair[n] = '=';
        text_copy(pair + n + 1, size - n - 1, str_of(value));
        if (curl_url_set(from, CURLUPART_URL, url->text, 0) != CURLUE_OK ||
            curl_url_set(from, CURLUPART_QUERY, pair, CURLU_APPENDQUERY | CURLU_URLENCODE) != CURLUE_OK ||
            !get_part(from, CURLUPART_URL, 0, url->text, sizeof url->text))
            st = ST_TOO_LARGE;
        explicit_bzero(pair, size);
    }
    free(pair);
    curl_url_cleanup(from);
    return st == ST_OK ? ST_OK : fault_set(fault, st, "the key can't be added to the address: %s", status_text(st));
}

bool web_url_same_origin(const struct web_url *a, const struct web_url *b)
{
    return !strcmp(a->scheme, b->scheme) && !strcmp(a->host, b->host) && a->port == b->port;
}

void web_url_shown(const char *text, char *out, size_t size)
{
    struct str url = str_of(text), rest = url;
    const char *slashes = url.length ? strstr(url.data, "://") : NULL;
    if (slashes)
        rest = str_from(url, (size_t)(slashes - url.data) + 3);
    size_t authority = strcspn(rest.length ? rest.data : "", "/?#");
    const char *at = slashes && authority ? memrchr(rest.data, '@', authority) : NULL;
    if (!at) {
        text_copy(out, size, url);
        return;
    }
    text_copy(out, size, (struct str){url.data, url.length - rest.length});
    size_t n = strlen(out);
    text_copy(out + n, size - n, str_of(at + 1));
}

void web_url_host(const char *text, char out[WEB_HOST_SIZE])
{
    struct web_url url;
    out[0] = '\0';
    if (web_url_parse(text, &url, NULL) == ST_OK)
        text_copy(out, WEB_HOST_SIZE, str_of(url.host));
}
