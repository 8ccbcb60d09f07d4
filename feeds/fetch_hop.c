#include "feeds/fetch_hop.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "feeds/guard.h"
#include "feeds/interrupt.h"

struct transfer {
    struct hop *hop;
    CURL *curl;
    struct curl_slist *headers, *resolved;
    uint64_t bytes;
    const char *refused; /* why we ended it ourselves */
    int write_errno;
    char error[CURL_ERROR_SIZE];
};

/* 0 is file:; a part of the body (206) is nothing we asked for. */
static bool is_body(long status)
{
    return !status || (status >= 200 && status < 300 && status != 206);
}

static long status_of(const struct transfer *transfer)
{
    long status = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static size_t on_body(char *data, size_t one, size_t n, void *user)
{
    struct transfer *transfer = user;
    (void)one; /* always 1 */
    transfer->bytes += n;
    if (transfer->bytes > transfer->hop->limits->max_bytes) {
        transfer->refused = "it is larger than a feed may be";
        return CURL_WRITEFUNC_ERROR;
    }
    bool wanted = is_body(status_of(transfer));
    for (size_t done = 0; wanted && done < n;) {
        ssize_t written = write(transfer->hop->fd, data + done, n - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            transfer->write_errno = errno;
            return CURL_WRITEFUNC_ERROR;
        }
        done += (size_t)written;
    }
    return n;
}

/* Takes the value if LINE is that header; values that do not fit are left out whole. */
static void take_header(struct str line, struct str name, char *out, size_t size)
{
    struct str field, value;
    if (!str_cut(line, ':', &field, &value) || !str_eq_nocase(field, name))
        return;
    value = str_trim(value);
    bool fits = value.length && value.length < size;
    for (size_t i = 0; fits && i < value.length; i++)
        fits = value.data[i] >= ' ' && value.data[i] != 0x7f;
    text_copy(out, size, fits ? value : (struct str){0});
}

static size_t on_header(char *data, size_t one, size_t n, void *user)
{
    struct transfer *transfer = user;
    struct fetch_validators *got = &transfer->hop->got;
    (void)one;
    struct str line = {data, n};
    while (line.length && (line.data[line.length - 1] == '\n' || line.data[line.length - 1] == '\r'))
        line.length--;
    if (str_starts(line, STR("HTTP/"))) { /* after an interim response */
        *got = (struct fetch_validators){0};
        transfer->hop->header_value[0] = '\0';
    }
    if (transfer->hop->header)
        take_header(line, str_of(transfer->hop->header), transfer->hop->header_value,
                    sizeof transfer->hop->header_value);
    take_header(line, STR("ETag"), got->etag, sizeof got->etag);
    take_header(line, STR("Last-Modified"), got->last_modified, sizeof got->last_modified);
    return n;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    struct progress *progress = ((struct transfer *)user)->hop->progress;
    (void)up_total;
    (void)up_now;
    progress->total_bytes = total > 0 ? (uint64_t)total : 0;
    progress_show(progress, (uint64_t)now, 0);
    return interrupted();
}

/* A public server must not send us to what only we can reach. A feed that the config names may be private itself. */
static curl_socket_t on_open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct transfer *transfer = user;
    struct hop *hop = transfer->hop;
    struct addr addr;
    (void)purpose;
    if (!addr_from_sockaddr(&to->addr, &addr))
        return CURL_SOCKET_BAD;
    bool is_private = guard_address(&addr) != SKIP_NOT;
    if (is_private && hop->public_only) {
        transfer->refused = "it redirects from a public to a private address";
        return CURL_SOCKET_BAD;
    }
    hop->met_private = hop->met_private || is_private;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static bool append(struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = curl_slist_append(*list, text);
    *list = longer ? longer : *list;
    return longer != NULL;
}

static bool add_header(struct transfer *transfer, const char *name, const char *before, const char *value)
{
    struct buf line = {0};
    buf_printf(&line, "%s: %s%s", name, before, value);
    bool added = !line.failed && append(&transfer->headers, buf_text(&line));
    if (line.data)
        explicit_bzero(line.data, line.capacity);
    buf_free(&line);
    return added;
}

static bool add_conditions(struct transfer *transfer)
{
    const struct fetch_validators *had = transfer->hop->validators;
    return !had || ((!had->etag[0] || add_header(transfer, "If-None-Match", "", had->etag)) &&
                    (!had->last_modified[0] || add_header(transfer, "If-Modified-Since", "", had->last_modified)));
}

static bool add_key(struct transfer *transfer)
{
    const struct hop *hop = transfer->hop;
    struct str as = str_of(hop->key_as);
    if (!hop->key || !hop->key->text[0])
        return true;
    if (str_starts(as, STR("header ")))
        return add_header(transfer, hop->key_as + 7, "", hop->key->text);
    if (str_eq(as, STR("bearer")))
        return add_header(transfer, "Authorization", "Bearer ", hop->key->text);
    if (str_eq(as, STR("basic")))
        return !curl_easy_setopt(transfer->curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) &&
               !curl_easy_setopt(transfer->curl, CURLOPT_USERPWD, hop->key->text);
    return true;
}

/* "HOST:PORT:ADDRESS,...", so that libcurl asks nobody. */
static bool add_addresses(struct transfer *transfer)
{
    const struct hop *hop = transfer->hop;
    struct buf line = {0};
    buf_printf(&line, "%s:%u:", hop->url->host, hop->url->port);
    for (size_t i = 0; i < hop->addr_count; i++) {
        char text[ADDR_TEXT_SIZE];
        addr_format_ip(&hop->addrs[i], text);
        buf_printf(&line, addr_is_v4(&hop->addrs[i]) ? "%s%s" : "%s[%s]", i ? "," : "", text);
    }
    bool literal = hop->url->host[0] == '[' || !hop->addr_count;
    bool added = !line.failed && (literal || append(&transfer->resolved, buf_text(&line)));
    buf_free(&line);
    return added;
}

static bool set_options(struct transfer *transfer)
{
    const struct hop *hop = transfer->hop;
    const struct fetch_limits *limits = hop->limits;
    CURL *curl = transfer->curl;
    int64_t left_ms = hop->until_ms - clock_mono_ms();
    CURLcode failed = CURLE_OK;
#define SET(option, value) failed = failed ? failed : curl_easy_setopt(curl, option, value)
    SET(CURLOPT_URL, hop->url->text);
    SET(CURLOPT_USERAGENT, "ccward/" CCWARD_VERSION);
    SET(CURLOPT_PROTOCOLS_STR, "http,https,file");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_FAILONERROR, 1L);
    SET(CURLOPT_HTTPHEADER, transfer->headers);
    SET(CURLOPT_RESOLVE, transfer->resolved);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, limits->connect_ms);
    SET(CURLOPT_TIMEOUT_MS, left_ms > 1 ? (long)left_ms : 1L);
    SET(CURLOPT_LOW_SPEED_LIMIT, limits->low_speed_bytes_s);
    SET(CURLOPT_LOW_SPEED_TIME, limits->low_speed_s);
    SET(CURLOPT_ERRORBUFFER, transfer->error);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    SET(CURLOPT_OPENSOCKETDATA, transfer);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, transfer);
#undef SET
    return failed == CURLE_OK;
}

/* RFC 9110 section 15.4: those that name another place of the same. */
static bool is_redirect(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void take_answer(struct transfer *transfer)
{
    struct hop *hop = transfer->hop;
    char *text = NULL;
    curl_off_t after_s = 0;
    hop->status = status_of(transfer);
    if (!curl_easy_getinfo(transfer->curl, CURLINFO_CONTENT_TYPE, &text))
        text_copy(hop->content_type, sizeof hop->content_type, str_of(text));
    text = NULL;
    if (is_redirect(hop->status) && !curl_easy_getinfo(transfer->curl, CURLINFO_REDIRECT_URL, &text))
        text_copy(hop->location, sizeof hop->location, str_of(text));
    if (!curl_easy_getinfo(transfer->curl, CURLINFO_RETRY_AFTER, &after_s) && after_s > 0)
        hop->retry_after_s = after_s < FETCH_MAX_RETRY_AFTER_S ? after_s : FETCH_MAX_RETRY_AFTER_S;
}

static enum status transfer_fault(const struct transfer *transfer, CURLcode code, struct fault *fault)
{
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return fault_set(fault, ST_CLOSED, "interrupted");
    if (transfer->refused)
        return fault_set(fault, ST_DENIED, "%s", transfer->refused);
    if (transfer->write_errno)
        return fault_set(fault, transfer->write_errno == ENOSPC ? ST_FULL : ST_IO, "can't keep what was fetched: %s",
                         strerror(transfer->write_errno));
    return fault_set(fault, code == CURLE_OPERATION_TIMEDOUT ? ST_TIMEOUT : ST_UNAVAILABLE, "%s",
                     transfer->error[0] ? transfer->error : curl_easy_strerror(code));
}

enum status hop_perform(struct hop *hop, struct fault *fault)
{
    struct transfer transfer = {.hop = hop, .curl = hop->curl ? hop->curl : curl_easy_init()};
    enum status st = ST_OK;
    if (hop->curl)
        curl_easy_reset(hop->curl); /* its connections stay */
    if (!transfer.curl || (hop->accept && !add_header(&transfer, "Accept", "", hop->accept)) ||
        !add_conditions(&transfer) || !add_key(&transfer) || !add_addresses(&transfer) || !set_options(&transfer))
        st = fault_set(fault, ST_NOMEM, "can't set up the transfer");
    if (st == ST_OK) {
        CURLcode code = curl_easy_perform(transfer.curl);
        take_answer(&transfer);
        if (code != CURLE_OK && code != CURLE_HTTP_RETURNED_ERROR)
            st = transfer_fault(&transfer, code, fault);
    }
    if (hop->curl)
        curl_easy_reset(hop->curl); /* it must not keep the key, nor what is freed here */
    else
        curl_easy_cleanup(transfer.curl);
    curl_slist_free_all(transfer.headers);
    curl_slist_free_all(transfer.resolved);
    return st;
}
