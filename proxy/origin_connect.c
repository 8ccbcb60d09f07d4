#include "proxy/origin_connect.h"

#include "net/socket.h"
#include "proxy/origin_order.h"
#include "proxy/parent_call.h"

enum origin_route origin_route(const struct origin_parent *parent, const struct dname *name, struct addr *addrs,
                               size_t *count, bool is_plain)
{
    size_t direct = 0;
    if (!parent || (name->length && origin_parent_skips_name(parent, name)))
        return ROUTE_DIRECT;
    for (size_t i = 0; i < *count; i++)
        if (origin_parent_skips_addr(parent, &addrs[i]))
            addrs[direct++] = addrs[i];
    if (direct) {
        *count = direct;
        return ROUTE_DIRECT;
    }
    return is_plain && parent->kind == PARENT_HTTP ? ROUTE_PLAIN : ROUTE_PARENT;
}

bool origin_route_without_addr(const struct origin_parent *parent, const struct dname *name)
{
    return parent && parent->by_name && name->length && !origin_parent_skips_name(parent, name);
}

static enum origin_result result_of(enum status status)
{
    switch (status) {
    case ST_OK:
        return ORIGIN_CONNECTED;
    case ST_NOMEM:
        return ORIGIN_NO_MEMORY;
    case ST_TIMEOUT:
        return ORIGIN_TIMEOUT;
    default:
        return ORIGIN_UNREACHABLE;
    }
}

static void on_dialled(void *arg, enum status status, struct stream *stream, const struct addr *addr)
{
    struct origin_connect *connect = arg;
    connect->proxy->counters.fallbacks += status == ST_OK && addr != connect->first;
    connect->done(connect->arg, result_of(status), stream, addr);
}

static void on_parent(void *arg, enum origin_result result, struct stream *stream, const struct addr *addr)
{
    struct origin_connect *connect = arg;
    struct parent_call *call = connect->call;
    connect->call = NULL;
    connect->done(connect->arg, result, stream, addr);
    parent_call_free(call); /* ADDR may be in it */
}

enum status origin_connect_start(struct origin_connect *connect, struct proxy_context *proxy,
                                 const struct origin_target *target, origin_connected_fn *done, void *arg)
{
    *connect = (struct origin_connect){.proxy = proxy, .done = done, .arg = arg};
    if (target->route != ROUTE_DIRECT) {
        connect->call = parent_call_new(proxy, target, on_parent, connect);
        return connect->call ? ST_OK : ST_NOMEM;
    }
    origin_order(target->addrs, target->addr_count, socket_local_towards);
    connect->first = target->addrs;
    return origin_dial_start(&connect->dial, proxy->loop, target->addrs, target->addr_count,
                             proxy->settings->connect_timeout_ms, on_dialled, connect);
}

void origin_connect_stop(struct origin_connect *connect)
{
    origin_dial_stop(&connect->dial);
    parent_call_free(connect->call);
    connect->call = NULL;
}
