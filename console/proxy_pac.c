#include "console/proxy_pac.h"

#include <string.h>

#include "base/check.h"
#include "base/local_networks.h"

/* IPv6 addresses have no dots either. The patterns look at addresses that are written as such: isInNet() and
 * dnsResolve() would look every name up, past the proxy and before the page loads. */
static const char head_closed[] =
    "// ccward's proxy. There is no \"; DIRECT\" behind it on purpose: when ccward is down, pages fail to load "
    "instead\n"
    "// of being fetched unwatched.\n";
static const char head_open[] = "// ccward's proxy. When it is down, pages are fetched without it, unwatched.\n";
static const char function_head[] = "function FindProxyForURL(url, host) {\n"
                                    "  host = host.toLowerCase().replace(/\\.$/, \"\");\n"
                                    "  var isV6 = host.indexOf(\":\") >= 0;\n"
                                    "  if (!isV6 && host.indexOf(\".\") < 0)\n"
                                    "    return \"DIRECT\";\n"
                                    "  var direct = [\"localhost\"";
static const char function_middle[] =
    "];\n"
    "  for (var i = 0; i < direct.length; i++)\n"
    "    if (host == direct[i] || host.slice(-direct[i].length - 1) == \".\" + direct[i])\n"
    "      return \"DIRECT\";\n"
    "  var quad = /^(\\d+)\\.(\\d+)\\.(\\d+)\\.(\\d+)$/.exec(host);\n"
    "  var first = quad ? quad[1] * 16777216 + quad[2] * 65536 + quad[3] * 256 + 1 * quad[4]\n"
    "            : isV6 ? parseInt(host.replace(\"[\", \"\"), 16) : -1;\n"
    "  var ranges = quad ? [";
static const char function_tail[] = "] : [];\n"
                                    "  for (i = 0; i < ranges.length; i++)\n"
                                    "    if (first >= ranges[i][0] && first <= ranges[i][1])\n"
                                    "      return \"DIRECT\";\n"
                                    "  return \"";

enum { ONE_ADDRESS = 128 };

static struct addr first_address(size_t i)
{
    struct addr addr = {0};
    memcpy(addr.ip, local_networks[i].ip, sizeof addr.ip);
    return addr;
}

/* A range of IPv4 by its first and last address, of IPv6 by their first two bytes: no prefix is longer. */
static void add_ranges(struct buf *out, bool v4)
{
    const char *before = "";
    for (size_t i = 0; i < LOCAL_NETWORKS; i++) {
        struct addr addr = first_address(i);
        const uint8_t *ip = addr.ip + (v4 ? 12 : 0);
        if (addr_is_v4(&addr) != v4 || local_networks[i].prefix == ONE_ADDRESS)
            continue;
        unsigned bits = (v4 ? 128u : 16u) - local_networks[i].prefix; /* that the range has free */
        uint32_t first = (uint32_t)ip[0] << 8 | ip[1];
        if (v4)
            first = first << 16 | (uint32_t)ip[2] << 8 | ip[3];
        CHECK(bits < 32);
        buf_printf(out, "%s[%u, %u]", before, first, first + ((1u << bits) - 1));
        before = ", ";
    }
}

static void add_addresses(struct buf *out)
{
    char text[ADDR_TEXT_SIZE];
    for (size_t i = 0; i < LOCAL_NETWORKS; i++) {
        struct addr addr = first_address(i);
        if (local_networks[i].prefix != ONE_ADDRESS)
            continue;
        addr_format_ip(&addr, text);
        buf_printf(out, ", \"%s\", \"[%s]\"", text, text);
    }
}

bool proxy_pac_domain(struct str text)
{
    bool dot = true; /* none may come here */
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c == '.' ? dot : !ascii_alpha(c) && !ascii_digit(c) && c != '-' && c != '_')
            return false;
        dot = c == '.';
    }
    return text.length && !dot;
}

static void add_domains(struct buf *out, const struct proxy_pac *pac)
{
    for (size_t i = 0; i < pac->direct_count; i++) {
        struct str domain = str_of(pac->direct[i]);
        CHECK(proxy_pac_domain(domain));
        buf_add_text(out, ", \"");
        for (size_t k = 0; k < domain.length; k++)
            buf_add_char(out, ascii_lower(domain.data[k]));
        buf_add_char(out, '"');
    }
}

static bool can_reach(const struct addr *proxy, const struct addr *local)
{
    if (addr_is_unspecified(proxy))
        return addr_is_v4(proxy) == addr_is_v4(local);
    return !addr_is_loopback(proxy) || addr_is_loopback(local);
}

static struct addr as_reached(const struct addr *proxy, const struct addr *local)
{
    struct addr addr = addr_is_unspecified(proxy) ? *local : *proxy;
    addr.port = proxy->port;
    return addr;
}

bool proxy_pac_proxy(const struct proxy_pac *pac, const struct addr *local, struct addr *proxy)
{
    for (size_t i = 0; i < pac->proxy_count; i++)
        if (can_reach(&pac->proxies[i], local)) {
            *proxy = as_reached(&pac->proxies[i], local);
            return true;
        }
    return false;
}

static bool add_proxies(struct buf *out, const struct proxy_pac *pac, const struct addr *local)
{
    size_t named = 0;
    for (size_t i = 0; i < pac->proxy_count; i++) {
        if (!can_reach(&pac->proxies[i], local))
            continue;
        struct addr addr = as_reached(&pac->proxies[i], local);
        char text[ADDR_TEXT_SIZE];
        addr_format(&addr, text);
        buf_printf(out, "%sPROXY %s", named++ ? "; " : "", text);
    }
    return named > 0;
}

bool proxy_pac_build(struct buf *out, const struct proxy_pac *pac, const struct addr *local)
{
    buf_add_text(out, pac->fail_open ? head_open : head_closed);
    buf_add_text(out, function_head);
    add_addresses(out);
    add_domains(out, pac);
    buf_add_text(out, function_middle);
    add_ranges(out, true);
    buf_add_text(out, "] : isV6 ? [");
    add_ranges(out, false);
    buf_add_text(out, function_tail);
    bool any = add_proxies(out, pac, local);
    buf_add_text(out, pac->fail_open ? "; DIRECT\";\n}\n" : "\";\n}\n");
    return any;
}
