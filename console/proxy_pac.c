#include "console/proxy_pac.h"

/* isPlainHostName() also holds for IPv6 addresses, which have no dots. The patterns look at addresses that are written
 * as such: isInNet() and dnsResolve() would look every name up, past the proxy and before the page loads. */
static const char script_head[] =
    "// ccward's proxy. There is no \"; DIRECT\" behind it on purpose: when ccward is down, pages fail to load "
    "instead\n"
    "// of being fetched unwatched.\n"
    "function FindProxyForURL(url, host) {\n"
    "  var isV6 = host.indexOf(\":\") >= 0;\n"
    "  if (!isV6 && (isPlainHostName(host) || /\\.localhost\\.?$/i.test(host)))\n"
    "    return \"DIRECT\";\n"
    "  if (/^(10|127)\\.\\d+\\.\\d+\\.\\d+$/.test(host) || /^(192\\.168|169\\.254)\\.\\d+\\.\\d+$/.test(host) ||\n"
    "      /^172\\.(1[6-9]|2\\d|3[01])\\.\\d+\\.\\d+$/.test(host))\n"
    "    return \"DIRECT\";\n"
    "  if (isV6 && /^\\[?(::1\\]?$|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)/i.test(host))\n"
    "    return \"DIRECT\";\n"
    "  return \"";

static bool can_reach(const struct addr *proxy, const struct addr *local)
{
    if (addr_is_unspecified(proxy))
        return addr_is_v4(proxy) == addr_is_v4(local);
    return !addr_is_loopback(proxy) || addr_is_loopback(local);
}

bool proxy_pac_build(struct buf *out, const struct addr *proxies, size_t count, const struct addr *local)
{
    size_t named = 0;
    buf_add_text(out, script_head);
    for (size_t i = 0; i < count; i++) {
        if (!can_reach(&proxies[i], local))
            continue;
        struct addr addr = addr_is_unspecified(&proxies[i]) ? *local : proxies[i];
        char text[ADDR_TEXT_SIZE];
        addr.port = proxies[i].port;
        addr_format(&addr, text);
        buf_printf(out, "%sPROXY %s", named++ ? "; " : "", text);
    }
    buf_add_text(out, "\";\n}\n");
    return named > 0;
}
