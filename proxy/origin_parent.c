#include "proxy/origin_parent.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/egress.h"

static enum status bad_url(struct str url, struct fault *why, const char *what)
{
    return fault_set(why, ST_INVALID, "'%.*s' %s: write it like http://192.0.2.1:3128 or socks5://proxy.example:1080",
                     (int)(url.length < 200 ? url.length : 200), url.data, what);
}

/* "HOST:PORT": the port is never guessed, as those of proxies are many. */
static enum status take_place(struct str place, struct origin_parent *parent)
{
    const char *colon = place.length ? memrchr(place.data, ':', place.length) : NULL;
    uint64_t port;
    if (!colon)
        return ST_INVALID;
    struct str host = {place.data, (size_t)(colon - place.data)};
    if (text_u64(str_from(place, host.length + 1), 65535, &port) != ST_OK || !port)
        return ST_INVALID;
    parent->addr = (struct addr){0};
    if (host.length && host.data[0] != '[' && memchr(host.data, ':', host.length))
        return ST_INVALID;
    if (egress_parse_host(host, &parent->addr, &parent->name) != ST_OK)
        return ST_INVALID;
    parent->addr.port = (uint16_t)port;
    return parent->name.length || !addr_is_unspecified(&parent->addr) ? ST_OK : ST_INVALID;
}

enum status origin_parent_parse(struct str url, struct origin_parent *parent, struct fault *why)
{
    static const struct {
        struct str start;
        enum parent_kind kind;
    } schemes[] = {{{"http://", 7}, PARENT_HTTP}, {{"socks5://", 9}, PARENT_SOCKS5}};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (!str_starts(url, schemes[i].start))
            continue;
        struct str place = str_from(url, schemes[i].start.length);
        if (memchr(place.data, '@', place.length))
            return fault_set(why, ST_INVALID,
                             "it has a user or password, which belong into a file that nobody else can read: name that "
                             "in proxy.parent-login");
        if (place.length && place.data[place.length - 1] == '/')
            place.length--;
        parent->kind = schemes[i].kind;
        return take_place(place, parent) == ST_OK ? ST_OK : bad_url(url, why, "has no address or name with a port");
    }
    return bad_url(url, why, "is no proxy");
}

enum status origin_parent_parse_direct(struct str text, struct network *network, struct dname *domain,
                                       struct fault *why)
{
    struct addr ignored;
    *domain = (struct dname){0};
    if (network_parse(text, network) == ST_OK)
        return ST_OK;
    if (egress_parse_host(text, &ignored, domain) == ST_OK && domain->length)
        return ST_OK;
    return fault_set(why, ST_INVALID,
                     "'%.*s' is no domain and no network: write it like intranet.example (all below it included), "
                     "10.0.0.0/8 or 192.168.1.5",
                     (int)(text.length < 200 ? text.length : 200), text.data);
}

static enum status append(void **items, size_t *count, const void *item, size_t size)
{
    void *grown = realloc(*items, (*count + 1) * size);
    if (!grown)
        return ST_NOMEM;
    memcpy((char *)grown + *count * size, item, size);
    *items = grown;
    ++*count;
    return ST_OK;
}

enum status origin_parent_add_direct(struct origin_parent *parent, struct str text)
{
    struct network network;
    struct dname domain;
    void *networks = parent->direct_networks, *domains = parent->direct_domains;
    enum status status = origin_parent_parse_direct(text, &network, &domain, NULL);
    if (status != ST_OK)
        return status;
    if (domain.length)
        status = append(&domains, &parent->direct_domain_count, &domain, sizeof domain);
    else
        status = append(&networks, &parent->direct_network_count, &network, sizeof network);
    parent->direct_networks = networks;
    parent->direct_domains = domains;
    return status;
}

enum status origin_parent_set_login(struct origin_parent *parent, struct str login, struct fault *why)
{
    struct str user, password;
    if (!str_cut(login, ':', &user, &password) || !user.length || !password.length || user.length > PARENT_LOGIN_MAX ||
        password.length > PARENT_LOGIN_MAX)
        return fault_set(why, ST_INVALID, "it is to be USER:PASSWORD, of 1 to %d bytes each", PARENT_LOGIN_MAX);
    text_copy(parent->user, sizeof parent->user, user);
    text_copy(parent->password, sizeof parent->password, password);
    parent->has_login = true;
    return ST_OK;
}

void origin_parent_free(struct origin_parent *parent)
{
    if (!parent)
        return;
    free(parent->direct_networks);
    free(parent->direct_domains);
    explicit_bzero(parent, sizeof *parent);
    free(parent);
}

bool origin_parent_skips_name(const struct origin_parent *parent, const struct dname *name)
{
    for (size_t i = 0; i < parent->direct_domain_count; i++)
        if (dname_is_within(name, &parent->direct_domains[i]))
            return true;
    return false;
}

bool origin_parent_skips_addr(const struct origin_parent *parent, const struct addr *addr)
{
    return networks_contain(parent->direct_networks, parent->direct_network_count, addr);
}
