#include "feeds/transfer_feed.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "feeds/feed_resolver.h"
#include "feeds/secret.h"
#include "feeds/transfer_url.h"

static const struct fetch_limits limits = {
    .connect_ms = 10 * 1000,
    .total_ms = 300 * 1000,
    .low_speed_bytes_s = 1000,
    .low_speed_s = 30,
    .max_bytes = 256 * 1024 * 1024,
};

/* *HAS_KEY: the feed has one, and it is read. */
static enum status read_key(const struct feed *feed, struct tsig_key *key, bool *has_key, struct fault *fault)
{
    struct secret secret;
    struct fault why = {0};
    enum status st = secret_read_lines(feed->key, &secret, fault);
    *has_key = st == ST_OK && secret.text[0];
    if (*has_key) {
        st = tsig_key_parse(str_of(secret.text), key, &why);
        if (st != ST_OK)
            fault_set(fault, st, "%s: %s", feed->key, why.text);
    }
    secret_wipe(&secret);
    return st;
}

static enum status find_primaries(const struct feed_site *site, const struct transfer_url *url,
                                  struct addr addrs[FEED_RESOLVE_MAX], size_t *count, struct fault *fault)
{
    if (url->has_addr) {
        addrs[0] = url->addr;
        *count = 1;
        return ST_OK;
    }
    enum status st = feed_resolve(site, str_of(url->host), clock_mono_ms() + limits.connect_ms, addrs, count, fault);
    for (size_t i = 0; st == ST_OK && i < *count; i++)
        addrs[i].port = url->port;
    return st;
}

static int open_old(const char *path)
{
    return path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
}

enum status transfer_feed(const struct feed_site *site, const struct feed *feed, const char *url, const char *old_path,
                          int fd, struct progress *progress, struct transfer_result *result, struct fault *fault)
{
    struct transfer_url from;
    struct addr addrs[FEED_RESOLVE_MAX];
    struct transfer_request request = {.primaries = addrs, .zone = &from.zone, .old_fd = -1, .limits = &limits};
    struct tsig_key key;
    bool has_key = false;
    *result = (struct transfer_result){0};
    enum status st = transfer_url_parse(str_of(url), &from, fault);
    if (st == ST_OK)
        st = read_key(feed, &key, &has_key, fault);
    if (st == ST_OK)
        st = find_primaries(site, &from, addrs, &request.primary_count, fault);
    if (st == ST_OK) {
        request.key = has_key ? &key : NULL;
        request.incremental = from.incremental;
        request.old_fd = open_old(old_path);
        st = zone_transfer(&request, fd, progress, result, fault);
    }
    if (request.old_fd >= 0)
        close(request.old_fd);
    explicit_bzero(&key, sizeof key);
    return st;
}
