#include "proxy/proxy_context.h"

#include "base/clock.h"

bool proxy_context_serves(const struct proxy_context *proxy, const struct addr *client)
{
    const struct proxy_settings *settings = proxy->settings;
    return addr_is_loopback(client) || networks_contain(settings->allow_clients, settings->allow_client_count, client);
}

const char *proxy_context_date(struct proxy_context *proxy)
{
    int64_t now_s = clock_wall_ms() / 1000;
    if (now_s != proxy->date_s)
        http_date_format(now_s * 1000, proxy->date);
    proxy->date_s = now_s;
    return proxy->date;
}
