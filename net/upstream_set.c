#include "net/upstream_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

const char *upstream_mode_text(enum upstream_mode mode)
{
    static const char *const texts[] = {
        [UPSTREAM_ORDERED] = "ordered", [UPSTREAM_FASTEST] = "fastest", [UPSTREAM_PARALLEL] = "parallel"};
    return texts[mode];
}

static int by_labels(const void *a, const void *b)
{
    const struct upstream_route *x = a, *y = b;
    return (int)y->domain.labels - (int)x->domain.labels;
}

static enum status copy_routes(struct upstream_set *set, const struct upstream_set_settings *settings)
{
    set->routes = calloc(settings->route_count + 1, sizeof set->routes[0]);
    if (!set->routes)
        return ST_NOMEM;
    for (size_t i = 0; i < settings->route_count; i++) {
        const struct upstream_route *from = &settings->routes[i];
        struct upstream_address *servers = calloc(from->server_count + 1, sizeof *servers);
        if (!servers)
            return ST_NOMEM;
        if (from->server_count)
            memcpy(servers, from->servers, from->server_count * sizeof *servers);
        set->routes[set->route_count++] = (struct upstream_route){from->domain, servers, from->server_count};
    }
    qsort(set->routes, set->route_count, sizeof set->routes[0], by_labels);
    return ST_OK;
}

/* Asks all of them at once: it is seldom, and everything waits for it. */
static enum status make_bootstrap(struct upstream_set *set, const struct upstream_set_settings *settings,
                                  struct fault *fault)
{
    struct upstream_address servers[UPSTREAM_MAX_SERVERS];
    struct upstream_route all = {.servers = servers};
    while (all.server_count < settings->bootstrap_count && all.server_count < UPSTREAM_MAX_SERVERS) {
        servers[all.server_count] = upstream_address_plain(&settings->bootstrap[all.server_count]);
        all.server_count++;
    }
    enum status status = dname_from_text(STR("."), &all.domain);
    if (status != ST_OK)
        return status;
    return upstream_set_new(
        &(struct upstream_set_settings){.mode = UPSTREAM_PARALLEL, .routes = &all, .route_count = 1}, &set->bootstrap,
        fault);
}

static bool needs_trust(const struct upstream_set *set)
{
    for (size_t i = 0; i < set->route_count; i++)
        for (size_t k = 0; k < set->routes[i].server_count; k++)
            if (set->routes[i].servers[k].transport >= UPSTREAM_TLS)
                return true;
    return false;
}

static enum status read_authorities(const struct upstream_set_settings *settings, struct tls_trust **trust,
                                    struct fault *fault)
{
    struct fault why = {0};
    bool named = settings->ca_option && settings->ca_file && *settings->ca_file;
    enum status status = tls_trust_new(settings->ca_file, trust, &why);
    if (status == ST_OK)
        return ST_OK;
    return fault_set(fault, status, "%s%s%s", named ? settings->ca_option : "", named ? ": " : "", why.text);
}

enum status upstream_set_new(const struct upstream_set_settings *settings, struct upstream_set **result,
                             struct fault *fault)
{
    if (settings->route_count > UPSTREAM_MAX_ROUTES)
        return fault_set(fault, ST_INVALID, "at most %d domains can have DNS servers of their own",
                         UPSTREAM_MAX_ROUTES - 1);
    for (size_t i = 0; i < settings->route_count; i++)
        if (settings->routes[i].server_count > UPSTREAM_MAX_SERVERS)
            return fault_set(fault, ST_INVALID, "at most %d DNS servers can be asked, not %zu", UPSTREAM_MAX_SERVERS,
                             settings->routes[i].server_count);
    struct upstream_set *set = calloc(1, sizeof *set);
    if (!set)
        return fault_set(fault, ST_NOMEM, "out of memory");
    atomic_init(&set->users, 1);
    set->mode = settings->mode;
    set->loops = upstream_loops_new(settings->route_count * UPSTREAM_MAX_SERVERS);
    enum status status = set->loops ? copy_routes(set, settings) : ST_NOMEM;
    if (status != ST_OK)
        (void)!fault_set(fault, ST_NOMEM, "out of memory");
    else if (needs_trust(set))
        status = read_authorities(settings, &set->trust, fault);
    if (status == ST_OK && settings->bootstrap_count)
        status = make_bootstrap(set, settings, fault);
    if (status != ST_OK) {
        upstream_set_unref(set);
        return status;
    }
    *result = set;
    return ST_OK;
}

struct upstream_set *upstream_set_ref(struct upstream_set *set)
{
    atomic_fetch_add_explicit(&set->users, 1, memory_order_relaxed);
    return set;
}

void upstream_set_unref(struct upstream_set *set)
{
    if (!set || atomic_fetch_sub_explicit(&set->users, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < set->route_count; i++)
        free((void *)(uintptr_t)set->routes[i].servers);
    free(set->routes);
    tls_trust_unref(set->trust);
    upstream_loops_free(set->loops);
    upstream_set_unref(set->bootstrap);
    free(set);
}

const struct upstream_route *upstream_set_default(const struct upstream_set *set)
{
    CHECK(set->route_count && !set->routes[set->route_count - 1].domain.labels);
    return &set->routes[set->route_count - 1];
}

size_t upstream_set_find(const struct upstream_set *set, const struct dname *name)
{
    size_t i = 0;
    while (i < set->route_count && !dname_is_within(name, &set->routes[i].domain))
        i++;
    return i;
}

void upstream_set_tell_loop(const struct upstream_set *set, size_t slot, struct buf *out)
{
    const struct upstream_route *route = &set->routes[slot / UPSTREAM_MAX_SERVERS];
    char text[UPSTREAM_TEXT_SIZE], domain[DNAME_TEXT_SIZE];
    upstream_address_format(&route->servers[slot % UPSTREAM_MAX_SERVERS], text);
    dname_to_text(&route->domain, domain);
    if (route->domain.labels)
        buf_printf(out,
                   "the DNS server %s leads back to ccward with names of %s that it does not know: these fail. Let it "
                   "ask someone else for %s, or nobody",
                   text, domain, domain);
    else
        buf_printf(out,
                   "the DNS server %s leads back to ccward: what it was asked came in here. It is not asked while that "
                   "lasts. Look whom that server asks, at dns.upstreams, and at rules that redirect port 53",
                   text);
}
