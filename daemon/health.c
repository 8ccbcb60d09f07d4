#include "daemon/health.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/site.h"
#include "daemon/parent_trouble.h"
#include "feeds/feed_state.h"

enum {
    STALE_INTERVALS = 3, /* a feed is stale that was not fetched for so long, and an hour */
    STALE_MORE_S = 3600,
    FIRST_FETCH_S = 900, /* by then every feed has had its turn */
};

/* KIND: one of the table in docs/status.md. */
static void PRINTF_LIKE(4, 5) add_problem(json_t *problems, const char *kind, const char *name, const char *format, ...)
{
    char text[1024], safe[1536];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_printable(safe, sizeof safe, str_of(text));
    json_array_append_new(problems, json_pack("{s:s, s:s?, s:s}", "kind", kind, "name", name, "reason", safe));
}

static void add_config_problems(const struct health_facts *facts, json_t *problems)
{
    if (facts->config_fault && facts->config_fault[0])
        add_problem(problems, "configuration", NULL, "%s", facts->config_fault);
    if (facts->tls_fault && facts->tls_fault[0])
        add_problem(problems, "certificate", NULL, "%s", facts->tls_fault);
    if (facts->users_fault && facts->users_fault[0])
        add_problem(problems, "users", NULL, "%s", facts->users_fault);
    if (facts->signer_fault && facts->signer_fault[0])
        add_problem(problems, "signer", NULL, "%s", facts->signer_fault);
}

static void add_store_problems(const struct health_facts *facts, json_t *problems)
{
    if (facts->store_fault[0])
        add_problem(problems, "store", NULL, "%s", facts->store_fault);
    for (size_t i = 0; facts->store && i < store_damage_count(facts->store); i++) {
        const struct store_damage *damage = store_damage_at(facts->store, i);
        add_problem(problems, "store", damage->name, "source %s is damaged, left out or taken from an older copy: %s",
                    damage->name, damage->why.text);
    }
    if (facts->lists_fault[0])
        add_problem(problems, "lists", NULL, "%s; of your own entries what was in force stays in force",
                    facts->lists_fault);
}

static bool add_feed_problem(const struct health_facts *facts, const struct config_feed *feed, json_t *problems)
{
    struct feed_state state;
    char ago[CLOCK_SPAN_SIZE], since[64];
    feed_state_load(facts->config->state_dir, feed->name, &state);
    const char *reason = state.failures ? state.reason : "";
    if (!reason[0] && facts->refresh_fault)
        reason = facts->refresh_fault(facts->refresh_arg, feed->name);
    int64_t age_s = (clock_wall_ms() - state.last_success_ms) / 1000;
    clock_format_span(age_s, ago);
    snprintf(since, sizeof since, state.last_success_ms ? "last fetched %s ago" : "not fetched yet", ago);
    int64_t interval_s = (int64_t)(feed->interval_ms / 1000);
    if (reason[0])
        add_problem(problems, "feed", feed->name, "feed %s cannot be refreshed (%s): %s", feed->name, since, reason);
    else if (state.last_success_ms && age_s > STALE_INTERVALS * interval_s + STALE_MORE_S)
        add_problem(problems, "feed", feed->name, "feed %s is stale: %s, and due every %llu min", feed->name, since,
                    (unsigned long long)(feed->interval_ms / 60000));
    else if (!state.last_success_ms && facts->running && facts->uptime_s > FIRST_FETCH_S)
        add_problem(problems, "feed", feed->name, "feed %s was not fetched yet", feed->name);
    else
        return false;
    return true;
}

static size_t add_feed_problems(const struct health_facts *facts, json_t *problems)
{
    size_t troubled = 0;
    for (size_t i = 0; i < facts->config->feed_count; i++)
        troubled += add_feed_problem(facts, &facts->config->feeds[i], problems);
    return troubled;
}

static json_t *addresses_json(const struct addr *items, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        char text[ADDR_TEXT_SIZE];
        addr_format(&items[i], text);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

static void add_loops(const struct upstream_set *set, json_t *problems)
{
    for (size_t i = 0; set && i < set->route_count; i++)
        for (size_t k = 0; k < set->routes[i].server_count; k++) {
            size_t slot = upstream_set_slot(i, k);
            struct buf text = {0};
            if (!upstream_loops_leads_back(set->loops, slot))
                continue;
            upstream_set_tell_loop(set, slot, &text);
            add_problem(problems, "upstreams", NULL, "%s", buf_text(&text));
            buf_free(&text);
        }
}

static void add_upstream_problems(const struct health_facts *facts, json_t *problems)
{
    struct buf list = {0};
    if (!facts->upstream_count && facts->config->dns.listen.count)
        add_problem(problems, "upstreams", NULL,
                    "there is no upstream DNS server: only blocked names are answered; name some in dns.upstreams");
    if (!facts->upstream_count || !facts->upstreams_down)
        return;
    for (size_t i = 0; i < facts->upstream_count; i++) {
        char text[UPSTREAM_TEXT_SIZE];
        upstream_address_format(&facts->upstreams[i], text);
        buf_printf(&list, "%s%s", i ? ", " : "", text);
    }
    add_problem(problems, "upstreams", NULL,
                "none of the upstream DNS servers answers: %s. Names that are neither blocked nor remembered cannot be "
                "resolved; `ccward query` shows how they are asked",
                buf_text(&list));
    buf_free(&list);
}

static void add_parent_problem(const struct health_facts *facts, json_t *problems)
{
    if (facts->parent_trouble != ORIGIN_CONNECTED)
        add_problem(problems, "parent", NULL, "the parent proxy %s %s", facts->config->proxy.parent,
                    parent_trouble_text(facts->parent_trouble));
}

static json_t *listen_json(const struct config *config)
{
    const struct {
        const char *name;
        const struct addr_list *list;
    } listeners[] = {
        {"dns", &config->dns.listen},
        {"dns_tls", &config->dns.tls_listen},
        {"dns_https", &config->dns.https_listen},
        {"proxy", &config->proxy.listen},
        {"proxy_socks", &config->proxy.socks_listen},
        {"proxy_transparent", &config->proxy.transparent_listen},
        {"blockpage", &config->blockpage.listen},
        {"blockpage_tls", &config->blockpage.tls_listen},
        {"console", &config->console.listen},
    };
    json_t *json = json_object();
    for (size_t i = 0; i < sizeof listeners / sizeof listeners[0]; i++)
        json_object_set_new(json, listeners[i].name,
                            addresses_json(listeners[i].list->items, listeners[i].list->count));
    return json;
}

static json_t *upstreams_json(const struct health_facts *facts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < facts->upstream_count; i++) {
        char text[UPSTREAM_TEXT_SIZE];
        upstream_address_format(&facts->upstreams[i], text);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

static json_t *counts_json(const struct health_facts *facts)
{
    const struct snapshot_facts *snapshot = facts->snapshot;
    return json_pack("{s:I, s:I, s:I, s:I}", "sources", (json_int_t)snapshot->sources, "names",
                     (json_int_t)snapshot->counts[INDICATOR_NAME], "urls", (json_int_t)snapshot->counts[INDICATOR_URL],
                     "networks", (json_int_t)snapshot->counts[INDICATOR_NETWORK]);
}

static const char *state_of(const struct health_facts *facts, const json_t *problems)
{
    if (!facts->running)
        return "stopped";
    if (facts->stopping)
        return "stopping";
    return json_array_size(problems) ? "degraded" : "ok";
}

static json_t *clock_json(const struct health_facts *facts)
{
    return facts->clock_note && facts->clock_note[0] ? json_string(facts->clock_note) : json_null();
}

json_t *health_json(const struct health_facts *facts)
{
    json_t *problems = json_array();
    if (!problems)
        return NULL;
    add_config_problems(facts, problems);
    add_store_problems(facts, problems);
    if (facts->callbacks_failing || facts->incidents_failing)
        add_problem(problems, "callbacks", NULL, "%s cannot be written in %s; the log says why",
                    facts->callbacks_failing ? "callbacks" : "incidents", facts->config->state_dir);
    add_loops(facts->upstream_set, problems);
    add_upstream_problems(facts, problems);
    add_parent_problem(facts, problems);
    size_t troubled = add_feed_problems(facts, problems);
    const json_t *first = json_array_get(problems, 0);
    json_t *json =
        json_pack("{s:s, s:s?, s:o, s:o, s:s, s:o, s:o, s:o, s:{s:I, s:I}}", "state", state_of(facts, problems),
                  "reason", json_string_value(json_object_get(first, "reason")), "problems", problems, "counts",
                  counts_json(facts), "version", CCWARD_VERSION, "listen", listen_json(facts->config), "upstreams",
                  upstreams_json(facts), "clock", clock_json(facts), "feeds", "configured",
                  (json_int_t)facts->config->feed_count, "in_trouble", (json_int_t)troubled);
    json_t *live = facts->running
                       ? json_pack("{s:I, s:I, s:I, s:I, s:b}", "pid", (json_int_t)getpid(), "uptime_s",
                                   (json_int_t)facts->uptime_s, "hits", (json_int_t)facts->hits, "incidents",
                                   (json_int_t)facts->incidents, "callbacks_recorded", facts->config->log.callbacks)
                       : json_object();
    if (!json || !live || json_object_update_new(json, live)) {
        json_decref(json);
        json = NULL;
    }
    return json;
}
