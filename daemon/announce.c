#include "daemon/announce.h"

#include <inttypes.h>
#include <stdio.h>

static const char test_host[] = "ca91-1.winshipway.com";

static void print_addresses(const char *what, const struct addr *items, size_t count, const char *none)
{
    printf("  %-12s", what);
    for (size_t i = 0; i < count; i++) {
        char text[ADDR_TEXT_SIZE];
        addr_format(&items[i], text);
        printf("%s%s", i ? ", " : "", text);
    }
    puts(count ? "" : none);
}

static void print_tries(const struct config *config)
{
    char text[ADDR_TEXT_SIZE];
    puts("\nTry:");
    if (config->dns.listen.count) {
        const struct addr *dns = &config->dns.listen.items[0];
        addr_format_ip(dns, text);
        printf("  dig @%s -p %u %s A\n", text, dns->port, test_host);
    }
    if (config->proxy.listen.count) {
        addr_format(&config->proxy.listen.items[0], text);
        printf("  curl -x http://%s http://%s/\n", text, test_host);
        printf("  and in a browser with the HTTP proxy %s, the page http://%s/\n", text, test_host);
    }
}

static void print_upstreams(const struct upstream_set *set)
{
    const struct upstream_route *all = upstream_set_default(set);
    printf("  %-12s", "upstreams");
    for (size_t i = 0; i < all->server_count; i++) {
        char text[UPSTREAM_TEXT_SIZE];
        upstream_address_format(&all->servers[i], text);
        printf("%s%s", i ? ", " : "", text);
    }
    puts(all->server_count ? "" : "none: only blocked names are answered");
    if (set->route_count > 1)
        printf("  %-12s%zu domain%s to servers of their own\n", "forwards", set->route_count - 1,
               set->route_count == 2 ? "" : "s");
}

void announce_ready(const struct config *config, const struct snapshot_facts *facts,
                    const struct upstream_set *upstreams)
{
    printf("ccward %s is ready\n\n", CCWARD_VERSION);
    print_addresses("DNS", config->dns.listen.items, config->dns.listen.count, "off");
    if (config->dns.tls_listen.count)
        print_addresses("  by TLS", config->dns.tls_listen.items, config->dns.tls_listen.count, "");
    if (config->dns.https_listen.count)
        print_addresses("  by HTTPS", config->dns.https_listen.items, config->dns.https_listen.count, "");
    print_addresses("HTTP proxy", config->proxy.listen.items, config->proxy.listen.count, "off");
    if (config->proxy.socks_listen.count)
        print_addresses("  by SOCKS", config->proxy.socks_listen.items, config->proxy.socks_listen.count, "");
    if (config->proxy.transparent_listen.count)
        print_addresses("  redirect", config->proxy.transparent_listen.items, config->proxy.transparent_listen.count,
                        "");
    print_addresses("block page", config->blockpage.listen.items, config->blockpage.listen.count, "off");
    print_addresses("  for https", config->blockpage.tls_listen.items, config->blockpage.tls_listen.count, "off");
    print_addresses("console", config->console.listen.items, config->console.listen.count, "off");
    print_upstreams(upstreams);
    printf("  %-12s%zu source%s: %" PRIu64 " names, %" PRIu64 " URLs, %" PRIu64 " networks\n", "store", facts->sources,
           facts->sources == 1 ? "" : "s", facts->counts[INDICATOR_NAME], facts->counts[INDICATOR_URL],
           facts->counts[INDICATOR_NETWORK]);
    printf("  %-12s%s/callbacks.jsonl\n", "log", config->state_dir);
    print_tries(config);
    puts("\nCtrl-C stops it.");
    fflush(stdout);
}
