/* What no single option can tell: how the options of a configuration fit together. */
#include <string.h>

#include "base/check.h"
#include "config/config_loading.h"
#include "net/system_servers.h"
#include "proxy/origin_parent.h"

static const struct config *config_of(const struct loading *loading)
{
    return loading->base;
}

static const struct section *find_section(const char *name)
{
    for (size_t i = 0; i < config_section_count; i++)
        if (!strcmp(config_sections[i].name, name))
            return &config_sections[i];
    CHECK(!"a section");
    return NULL;
}

static void check_feeds(struct loading *loading)
{
    const struct section *section = find_section("feeds");
    for (size_t i = 0; i < config_of(loading)->feed_count; i++)
        for (size_t k = 0; k < i; k++) {
            char field[64];
            if (strcmp(config_of(loading)->feeds[k].name, config_of(loading)->feeds[i].name))
                continue;
            snprintf(field, sizeof field, "feeds[%zu].name", i);
            config_report(loading, true, config_value_line(loading, section, (long)i, STR("name"), -1), field,
                          "'%s' is the name of feeds[%zu] already", config_of(loading)->feeds[i].name, k);
        }
}

static void check_groups(struct loading *loading)
{
    const struct section *section = find_section("groups");
    for (size_t i = 0; i < config_of(loading)->group_count; i++) {
        const struct config_group *group = &config_of(loading)->groups[i];
        char field[64];
        snprintf(field, sizeof field, "groups[%zu]", i);
        size_t line = config_value_line(loading, section, (long)i, STR("name"), -1);
        bool is_default = !strcmp(group->name, "default");
        if (is_default && group->clients.count)
            config_report(loading, true, line, field,
                          "`default` is the group of all other clients: it takes no list of clients");
        if (!is_default && !group->clients.count)
            config_report(loading, true, line, field, "'%s' has no clients", group->name);
        for (size_t k = 0; k < i; k++)
            if (!strcmp(config_of(loading)->groups[k].name, group->name))
                config_report(loading, true, line, field, "'%s' is the name of groups[%zu] already", group->name, k);
    }
}

struct place {
    const char *section, *key;
    size_t index;
    const struct addr *addr;
};

static void report_place(struct loading *loading, const struct place *place, const char *format, const char *detail)
{
    char field[64], text[ADDR_TEXT_SIZE], why[300];
    addr_format(place->addr, text);
    snprintf(field, sizeof field, "%s.%s[%zu]", place->section, place->key, place->index);
    snprintf(why, sizeof why, "%s %s%s", text, format, detail);
    config_report(loading, true,
                  config_value_line(loading, find_section(place->section), -1, str_of(place->key), (long)place->index),
                  field, "%s", why);
}

enum { MAX_LISTENERS = 256 }; /* more than all the lists may have together */

static size_t all_listeners(const struct config *config, struct place places[MAX_LISTENERS])
{
    const struct {
        const char *section, *key;
        const struct addr_list *list;
    } lists[] = {{"dns", "listen", &config->dns.listen},
                 {"dns", "tls-listen", &config->dns.tls_listen},
                 {"dns", "https-listen", &config->dns.https_listen},
                 {"proxy", "listen", &config->proxy.listen},
                 {"proxy", "socks-listen", &config->proxy.socks_listen},
                 {"proxy", "transparent-listen", &config->proxy.transparent_listen},
                 {"blockpage", "listen", &config->blockpage.listen},
                 {"blockpage", "tls-listen", &config->blockpage.tls_listen},
                 {"console", "listen", &config->console.listen}};
    size_t n = 0;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (size_t k = 0; k < lists[i].list->count; k++) {
            CHECK(n < MAX_LISTENERS);
            places[n++] = (struct place){lists[i].section, lists[i].key, k, &lists[i].list->items[k]};
        }
    return n;
}

/* The workers share their ports, so the system would not refuse two services at one address: it would deal the
 * connections out between them. */
static void check_listeners(struct loading *loading)
{
    struct place places[MAX_LISTENERS];
    size_t count = all_listeners(config_of(loading), places);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++) {
            const struct addr *a = places[i].addr, *b = places[k].addr;
            bool all = addr_is_unspecified(a) || addr_is_unspecified(b); /* of its family: [::] is IPv6 alone */
            bool same_ip = addr_same_ip(a, b) || (all && addr_is_v4(a) == addr_is_v4(b));
            if (!same_ip || a->port != b->port)
                continue;
            char other[64];
            snprintf(other, sizeof other, "%s.%s[%zu]", places[k].section, places[k].key, places[k].index);
            report_place(loading, &places[i], "is taken already, by ", other);
        }
    if (count == config_of(loading)->console.listen.count)
        config_report(loading, true, 0, "", "every `listen` is empty: there would be nothing to do");
}

/* Encrypted DNS proves who it is; there is no certificate that we could make up. */
static void check_tls(struct loading *loading)
{
    const struct config *config = config_of(loading);
    const struct section *section = find_section("dns");
    bool tls = config->dns.tls_listen.count, https = config->dns.https_listen.count;
    const char *key = tls ? "tls-listen" : "https-listen";
    char field[64];
    if ((!tls && !https) || (config->dns.tls_certificate[0] && config->dns.tls_key[0]))
        return;
    snprintf(field, sizeof field, "dns.%s", key);
    config_report(loading, true, config_value_line(loading, section, -1, str_of(key), -1), field,
                  "needs a certificate: name its file in dns.tls-certificate and that of its key in dns.tls-key, as an "
                  "ACME client or your own authority gives them for this machine's name and addresses");
}

/* An open proxy is found within hours and used by strangers for what they do not want to be seen doing. */
static void check_proxy_clients(struct loading *loading)
{
    struct place places[MAX_LISTENERS];
    size_t count = all_listeners(config_of(loading), places);
    if (config_of(loading)->proxy.allow_clients.count)
        return;
    for (size_t i = 0; i < count; i++)
        if (!strcmp(places[i].section, "proxy") && !addr_is_loopback(places[i].addr))
            report_place(loading, &places[i],
                         "can be reached from other machines: name the networks that may use the proxy in "
                         "proxy.allow-clients, or listen at 127.0.0.1",
                         "");
}

/* An upstream that is a listener of ours would ask itself for ever. */
static void check_upstreams(struct loading *loading, const char *section, long item, const struct upstream_list *list)
{
    const struct addr_list *own = &config_of(loading)->dns.listen;
    for (size_t i = 0; i < list->count; i++) {
        const struct addr *addr = &list->items[i].addr;
        char field[64], text[UPSTREAM_TEXT_SIZE];
        if (upstream_address_is_named(&list->items[i]) || !system_servers_is_own(addr, own->items, own->count))
            continue;
        upstream_address_format(&list->items[i], text);
        if (item < 0)
            snprintf(field, sizeof field, "%s.upstreams[%zu]", section, i);
        else
            snprintf(field, sizeof field, "%s[%ld].upstreams[%zu]", section, item, i);
        config_report(loading, true, config_value_line(loading, find_section(section), item, STR("upstreams"), (long)i),
                      field, "%s is where ccward itself listens: it would ask itself", text);
    }
}

static void check_bootstrap(struct loading *loading)
{
    const struct config *config = config_of(loading);
    for (size_t i = 0; i < config->dns.bootstrap.count; i++) {
        const struct addr *addr = &config->dns.bootstrap.items[i];
        struct place place = {"dns", "bootstrap", i, addr};
        if (addr_is_unspecified(addr) || !addr->port)
            report_place(loading, &place, "cannot be asked: an address and a port of a DNS server are needed", "");
        if (system_servers_is_own(addr, config->dns.listen.items, config->dns.listen.count))
            report_place(loading, &place, "is where ccward itself listens: it would ask itself", "");
    }
}

/* Whether an earlier item, or an earlier place in this one, has the domain. */
static bool is_repeated(const struct config *config, size_t item, size_t index)
{
    struct dname name, other;
    if (dname_from_text(str_of(config->forwards[item].domains.items[index]), &name) != ST_OK)
        return false;
    for (size_t i = 0; i <= item; i++) {
        const struct text_list *domains = &config->forwards[i].domains;
        for (size_t k = 0; k < (i < item ? domains->count : index); k++)
            if (dname_from_text(str_of(domains->items[k]), &other) == ST_OK && dname_equal(&name, &other))
                return true;
    }
    return false;
}

static void check_forwards(struct loading *loading)
{
    const struct section *section = find_section("forwards");
    size_t domains = 0;
    for (size_t i = 0; i < config_of(loading)->forward_count; i++) {
        const struct config_forward *forward = &config_of(loading)->forwards[i];
        char field[64];
        snprintf(field, sizeof field, "forwards[%zu]", i);
        size_t line = config_value_line(loading, section, (long)i, STR("domains"), -1);
        if (!forward->domains.count)
            config_report(loading, true, line, field, "has no domains");
        if (!forward->upstreams.count)
            config_report(loading, true, line, field, "has no upstreams");
        for (size_t k = 0; k < forward->domains.count; k++)
            if (is_repeated(config_of(loading), i, k))
                config_report(loading, true, line, field, "'%s' stands there twice", forward->domains.items[k]);
        check_upstreams(loading, "forwards", (long)i, &forward->upstreams);
        domains += forward->domains.count;
    }
    if (domains >= UPSTREAM_MAX_ROUTES)
        config_report(loading, true, 0, "forwards", "there are too many domains: at most %d", UPSTREAM_MAX_ROUTES - 1);
}

/* A parent that is ourselves would pass every request round and round. */
static void check_parent(struct loading *loading)
{
    const struct config *config = config_of(loading);
    const struct section *section = find_section("proxy");
    struct origin_parent parent = {0};
    if (!config->proxy.parent[0]) {
        if (config->proxy.parent_login[0])
            config_report(loading, true, config_value_line(loading, section, -1, STR("parent-login"), -1),
                          "proxy.parent-login", "is of no use without proxy.parent");
        return;
    }
    if (origin_parent_parse(str_of(config->proxy.parent), &parent, NULL) == ST_OK && !parent.name.length &&
        system_servers_is_own(&parent.addr, config->proxy.listen.items, config->proxy.listen.count))
        config_report(loading, true, config_value_line(loading, section, -1, STR("parent"), -1), "proxy.parent",
                      "%s is where ccward itself listens: it would ask itself", config->proxy.parent);
}

void config_check_whole(struct loading *loading)
{
    check_feeds(loading);
    check_groups(loading);
    check_listeners(loading);
    check_proxy_clients(loading);
    check_parent(loading);
    check_tls(loading);
    check_upstreams(loading, "dns", -1, &config_of(loading)->dns.upstreams);
    check_bootstrap(loading);
    check_forwards(loading);
}
