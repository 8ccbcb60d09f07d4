/* Canonical URLs: a canonical form is its own canonical form, however the URL was written. */
#include <string.h>

#include "base/check.h"
#include "reputation/key.h"
#include "reputation/url_expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct canonical_url *a, const struct canonical_url *b)
{
    CHECK(str_eq(a->host, b->host) && str_eq(a->path, b->path) && str_eq(a->query, b->query));
    CHECK(a->host_is_address == b->host_is_address);
    CHECK(a->host_is_address ? addr_same_ip(&a->addr, &b->addr) : dname_equal(&a->name, &b->name));
}

static void check_keys(const struct canonical_url *url)
{
    struct name_key host;
    struct url_key key;
    unsigned skips[URL_MAX_HOSTS];
    size_t lengths[URL_MAX_PATHS];
    name_key_from_host(url, &host);
    size_t hosts = url_host_skips(url, host.labels, skips), paths = url_path_lengths(url, lengths);
    CHECK(hosts && hosts <= URL_MAX_HOSTS && paths && paths <= URL_MAX_PATHS);
    for (size_t h = 0; h < hosts; h++)
        for (size_t p = 0; p < paths; p++)
            CHECK(url_key_from(host.bytes, host.end[host.labels - skips[h]], (struct str){url->path.data, lengths[p]},
                               &key) == ST_OK &&
                  key.length <= KEY_MAX_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct canonical_url url, again;
    struct str text = {(const char *)data, size};
    struct dname name, name_again;
    char name_text[DNAME_TEXT_SIZE];
    if (canonical_host_name(text, &name) == ST_OK) {
        dname_to_text(&name, name_text);
        CHECK(canonical_host_name(str_of(name_text), &name_again) == ST_OK && dname_equal(&name, &name_again));
    }
    struct addr addr;
    bool is_address;
    (void)!canonical_host(text, &is_address, &addr, &name);

    if (canonical_url(text, &url) != ST_OK)
        return 0;
    CHECK(url.path.length && url.path.data[0] == '/' && url.host.length);
    check_keys(&url);
    if (url.host.length + url.path.length + url.query.length > CANONICAL_URL_MAX)
        return 0; /* escaped, it is longer than what is taken */
    struct str canonical = {url.text, url.host.length + url.path.length + url.query.length};
    CHECK(canonical_url(canonical, &again) == ST_OK);
    check_same(&url, &again);
    struct str path = {url.path.data, url.path.length + url.query.length};
    CHECK(canonical_url_parts(url.host, url.port, path, &again) == ST_OK && again.port == url.port);
    check_same(&url, &again);
    return 0;
}
