#include "daemon/traces.h"

#include <stdlib.h>

#include "base/clock.h"
#include "message/dns_type.h"

enum { KEPT_MS = 30000 /* for who began it and did not come back */ };

struct place {
    uint64_t id; /* 0: free */
    int64_t begun_ms;
    struct dns_trace *trace;
};

struct traces {
    trace_begin_fn *begin;
    void *arg;
    uint64_t last_id;
    struct place places[TRACES_MAX];
};

struct traces *traces_new(trace_begin_fn *begin, void *arg)
{
    struct traces *traces = calloc(1, sizeof *traces);
    if (traces) {
        traces->begin = begin;
        traces->arg = arg;
    }
    return traces;
}

static void release(struct place *place)
{
    free(place->trace);
    *place = (struct place){0};
}

void traces_free(struct traces *traces)
{
    for (size_t i = 0; traces && i < TRACES_MAX; i++)
        release(&traces->places[i]);
    free(traces);
}

static struct place *find_free(struct traces *traces)
{
    int64_t now_ms = clock_mono_ms();
    for (size_t i = 0; i < TRACES_MAX; i++) {
        struct place *place = &traces->places[i];
        if (place->id && atomic_load(&place->trace->done) && now_ms - place->begun_ms > KEPT_MS)
            release(place);
        if (!place->id)
            return place;
    }
    return NULL;
}

static json_t *refuse(unsigned *http_status, unsigned status, const char *why)
{
    *http_status = status;
    return json_pack("{s:s}", "error", why);
}

/* What is wrong with it; NULL: nothing. */
static const char *read_request(json_t *request, struct dns_trace *trace)
{
    const char *name, *type = "A", *client = "127.0.0.1";
    int dnssec = 0;
    if (!request || json_unpack(request, "{s:s, s?s, s?s, s?b !}", "name", &name, "type", &type, "client", &client,
                                "dnssec", &dnssec))
        return "not what is expected: {\"name\": NAME, \"type\": TYPE, \"client\": IP, \"dnssec\": BOOL}";
    if (dname_from_text(str_of(name), &trace->question.name) != ST_OK)
        return "not a name";
    if (dns_type_parse(str_of(type), &trace->question.type) != ST_OK)
        return "not a type of record";
    if (addr_parse_ip(str_of(client), &trace->client) != ST_OK)
        return "not an address";
    trace->question.class = DNS_CLASS_IN;
    trace->dnssec_ok = dnssec;
    return NULL;
}

json_t *traces_begin(struct traces *traces, json_t *request, unsigned *http_status)
{
    struct place *place = find_free(traces);
    if (!place)
        return refuse(http_status, 503, "too many of these are under way");
    struct dns_trace *trace = dns_trace_new();
    const char *wrong = trace ? read_request(request, trace) : NULL;
    if (!trace || wrong || traces->begin(traces->arg, trace) != ST_OK) {
        free(trace);
        return wrong ? refuse(http_status, 400, wrong) : refuse(http_status, 503, "out of memory");
    }
    *http_status = 200;
    *place = (struct place){.id = ++traces->last_id, .begun_ms = clock_mono_ms(), .trace = trace};
    return json_pack("{s:I}", "id", (json_int_t)place->id);
}

json_t *traces_end(struct traces *traces, json_t *request, unsigned *http_status)
{
    json_int_t id;
    if (!request || json_unpack(request, "{s:I !}", "id", &id))
        return refuse(http_status, 400, "not what is expected: {\"id\": NUMBER}");
    for (size_t i = 0; i < TRACES_MAX; i++) {
        struct place *place = &traces->places[i];
        if (!place->id || place->id != (uint64_t)id)
            continue;
        *http_status = 200;
        if (!atomic_load(&place->trace->done))
            return json_pack("{s:b}", "pending", 1);
        json_t *json = trace_json(place->trace);
        release(place);
        return json;
    }
    return refuse(http_status, 404, "no query has this number");
}
