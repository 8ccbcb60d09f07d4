#include "feeds/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/text.h"
#include "feeds/guard.h"
#include "feeds/interrupt.h"

const struct fetch_limits fetch_default_limits = {
    .connect_ms = 10 * 1000,
    .total_ms = 120 * 1000,
    .low_speed_bytes_s = 1000,
    .low_speed_s = 30,
    .max_bytes = 256 * 1024 * 1024,
};

struct transfer {
    CURL *curl;
    struct curl_slist *headers;
    int fd;
    uint64_t bytes, max_bytes;
    struct progress *progress;
    struct fetch_validators got;
    bool private_origin;
    const char *refused; /* why we ended it ourselves */
    int write_errno;
    char error[CURL_ERROR_SIZE];
};

static size_t on_body(char *data, size_t one, size_t n, void *user)
{
    struct transfer *transfer = user;
    (void)one; /* always 1 */
    transfer->bytes += n;
    if (transfer->bytes > transfer->max_bytes) {
        transfer->refused = "it is larger than a feed may be";
        return CURL_WRITEFUNC_ERROR;
    }
    for (size_t done = 0; done < n;) {
        ssize_t written = write(transfer->fd, data + done, n - done);
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
    (void)one;
    struct str line = {data, n};
    while (line.length && (line.data[line.length - 1] == '\n' || line.data[line.length - 1] == '\r'))
        line.length--;
    if (str_starts(line, STR("HTTP/"))) /* the next response of a chain of redirects */
        transfer->got = (struct fetch_validators){0};
    take_header(line, STR("ETag"), transfer->got.etag, sizeof transfer->got.etag);
    take_header(line, STR("Last-Modified"), transfer->got.last_modified, sizeof transfer->got.last_modified);
    return n;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    struct transfer *transfer = user;
    (void)up_total;
    (void)up_now;
    transfer->progress->total_bytes = total > 0 ? (uint64_t)total : 0;
    progress_show(transfer->progress, (uint64_t)now, 0);
    return interrupted();
}

/* A public server must not send us to what only we can reach. A feed that the config names may be private itself. */
static curl_socket_t on_open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct transfer *transfer = user;
    struct addr addr;
    long redirects = 0;
    (void)purpose;
    curl_easy_getinfo(transfer->curl, CURLINFO_REDIRECT_COUNT, &redirects);
    if (!addr_from_sockaddr(&to->addr, &addr))
        return CURL_SOCKET_BAD;
    bool is_private = guard_address(&addr) != SKIP_NOT;
    if (!redirects) {
        transfer->private_origin = transfer->private_origin || is_private;
    } else if (is_private && !transfer->private_origin) {
        transfer->refused = "it redirects from a public to a private address";
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static bool set_condition(struct transfer *transfer, const struct fetch_validators *validators)
{
    const struct {
        const char *name, *value;
    } conditions[] = {{"If-None-Match: ", validators->etag}, {"If-Modified-Since: ", validators->last_modified}};
    for (size_t i = 0; i < 2; i++) {
        char header[FETCH_ETAG_SIZE + 32];
        if (!conditions[i].value[0])
            continue;
        text_copy(header, sizeof header, str_of(conditions[i].name));
        size_t n = strlen(header);
        text_copy(header + n, sizeof header - n, str_of(conditions[i].value));
        struct curl_slist *longer = curl_slist_append(transfer->headers, header);
        if (!longer)
            return false;
        transfer->headers = longer;
    }
    return true;
}

static bool set_options(struct transfer *transfer, const char *url, const struct fetch_limits *limits)
{
    CURL *curl = transfer->curl;
    bool https = str_starts(str_of(url), STR("https:"));
    CURLcode failed = CURLE_OK;
#define SET(option, value) failed = failed ? failed : curl_easy_setopt(curl, option, value)
    SET(CURLOPT_URL, url);
    SET(CURLOPT_USERAGENT, "ccward/" CCWARD_VERSION);
    SET(CURLOPT_PROTOCOLS_STR, "http,https,file");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, https ? "https" : "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 1L);
    SET(CURLOPT_MAXREDIRS, (long)FETCH_REDIRECTS);
    SET(CURLOPT_FAILONERROR, 1L);
    SET(CURLOPT_HTTPHEADER, transfer->headers);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, limits->connect_ms);
    SET(CURLOPT_TIMEOUT_MS, limits->total_ms);
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

static enum status transfer_fault(const struct transfer *transfer, CURLcode code, struct fault *fault)
{
    long response = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &response);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return fault_set(fault, ST_CLOSED, "interrupted");
    if (transfer->refused)
        return fault_set(fault, ST_DENIED, "%s", transfer->refused);
    if (transfer->write_errno)
        return fault_set(fault, transfer->write_errno == ENOSPC ? ST_FULL : ST_IO, "can't keep what was fetched: %s",
                         strerror(transfer->write_errno));
    if (code == CURLE_HTTP_RETURNED_ERROR)
        return fault_set(fault, ST_UNAVAILABLE, "the server answers with status %ld", response);
    return fault_set(fault, code == CURLE_OPERATION_TIMEDOUT ? ST_TIMEOUT : ST_UNAVAILABLE, "%s",
                     transfer->error[0] ? transfer->error : curl_easy_strerror(code));
}

static enum status perform(struct transfer *transfer, bool conditional, bool *not_modified, struct fault *fault)
{
    CURLcode code = curl_easy_perform(transfer->curl);
    long response = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &response);
    if (code != CURLE_OK)
        return transfer_fault(transfer, code, fault);
    *not_modified = response == 304 && conditional;
    /* 0 is file:; a part of the body (206) is nothing we asked for. */
    if (*not_modified || !response || (response >= 200 && response < 300 && response != 206))
        return ST_OK;
    return fault_set(fault, ST_UNAVAILABLE, "the server answers with status %ld", response);
}

enum status fetch(const char *url, const struct fetch_limits *limits, int fd, struct progress *progress,
                  struct fetch_validators *validators, bool *not_modified, struct fault *fault)
{
    struct transfer transfer = {.fd = fd, .max_bytes = limits->max_bytes, .progress = progress};
    bool conditional = validators->etag[0] || validators->last_modified[0];
    enum status st = ST_NOMEM;
    *not_modified = false;
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return fault_set(fault, ST_NOMEM, "can't start libcurl");
    transfer.curl = curl_easy_init();
    if (!transfer.curl || !set_condition(&transfer, validators) || !set_options(&transfer, url, limits)) {
        fault_set(fault, st, "can't set up the transfer");
        goto out;
    }
    st = perform(&transfer, conditional, not_modified, fault);
    if (st == ST_OK && !*not_modified)
        *validators = transfer.got;
    if (st != ST_OK && ftruncate(fd, 0))
        fault_errno(fault, ST_IO, "can't empty the file again");
out:
    curl_slist_free_all(transfer.headers);
    curl_easy_cleanup(transfer.curl);
    curl_global_cleanup();
    return st;
}
