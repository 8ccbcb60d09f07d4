/* What a running daemon may change. */
#include <stdlib.h>
#include <string.h>

#include "config/config_schema.h"

static bool is_reloadable(const struct section *section, const struct config_option *option)
{
    static const char *const dns_keys[] = {
        "upstreams",  "upstream-mode", "bootstrap",     "resolv-conf", "upstream-ca", "block-answer",    "block-ttl",
        "rate-limit", "allow-clients", "query-timeout", "stale-after", "max-waiting", "max-tcp-clients", "tcp-idle"};
    for (size_t i = 0; !strcmp(section->name, "dns") && i < sizeof dns_keys / sizeof dns_keys[0]; i++)
        if (!strcmp(option->key, dns_keys[i]))
            return true;
    return section->is_map || section->item_size || !strcmp(section->name, "names") ||
           (!strcmp(section->name, "log") && !strcmp(option->key, "level"));
}

static bool same_value(const struct config_option *option, const struct config *a, const struct config *b)
{
    struct buf text[2] = {{0}, {0}};
    const struct config *configs[] = {a, b};
    size_t elements = option->type == OPTION_BY_CATEGORY ? CATEGORY_COUNT : option_elements(option, a);
    bool same = option_elements(option, a) == option_elements(option, b);
    for (size_t i = 0; same && i < elements; i++) {
        for (size_t k = 0; k < 2; k++) {
            buf_clear(&text[k]);
            option_format(option, configs[k], i, &text[k]);
        }
        same = !strcmp(buf_text(&text[0]), buf_text(&text[1]));
    }
    buf_free(&text[0]);
    buf_free(&text[1]);
    return same;
}

bool config_needs_restart(const struct config *before, const struct config *after, struct buf *names)
{
    for (size_t i = 0; i < config_section_count; i++)
        for (size_t k = 0; k < config_sections[i].option_count; k++) {
            const struct config_option *option = &config_sections[i].options[k];
            if (!is_reloadable(&config_sections[i], option) && !same_value(option, before, after))
                buf_printf(names, "%s%s.%s", names->length ? ", " : "", config_sections[i].name, option->key);
        }
    return names->length;
}

#define SWAP(a, b)                                                                                                     \
    do {                                                                                                               \
        __typeof__(a) swapped = (a);                                                                                   \
        (a) = (b);                                                                                                     \
        (b) = swapped;                                                                                                 \
    } while (0)

void config_take_reloadable(struct config *into, struct config *from)
{
    SWAP(into->feeds, from->feeds);
    SWAP(into->feed_count, from->feed_count);
    SWAP(into->own_feed_count, from->own_feed_count);
    SWAP(into->chosen_seen, from->chosen_seen);
    SWAP(into->groups, from->groups);
    SWAP(into->group_count, from->group_count);
    SWAP(into->names, from->names);
    SWAP(into->hosts, from->hosts);
    SWAP(into->host_count, from->host_count);
    SWAP(into->forwards, from->forwards);
    SWAP(into->forward_count, from->forward_count);
    SWAP(into->dns.upstreams, from->dns.upstreams);
    SWAP(into->dns.bootstrap, from->dns.bootstrap);
    SWAP(into->dns.resolv_conf, from->dns.resolv_conf);
    SWAP(into->dns.upstream_ca, from->dns.upstream_ca);
    SWAP(into->dns.allow_clients, from->dns.allow_clients);
    into->dns.upstream_mode = from->dns.upstream_mode;
    into->dns.rate_limit = from->dns.rate_limit;
    into->dns.block_ttl_ms = from->dns.block_ttl_ms;
    into->dns.query_timeout_ms = from->dns.query_timeout_ms;
    into->dns.stale_after_ms = from->dns.stale_after_ms;
    into->dns.tcp_idle_ms = from->dns.tcp_idle_ms;
    into->dns.max_waiting = from->dns.max_waiting;
    into->dns.max_tcp_clients = from->dns.max_tcp_clients;
    memcpy(into->dns.block_answer, from->dns.block_answer, sizeof into->dns.block_answer);
    into->log.level = from->log.level;
    memcpy(into->categories, from->categories, sizeof into->categories);
}
