/* Queries that `ccward query` has us ask: those under way, and what came of them as JSON. Control thread. */
#pragma once

#include <jansson.h>

#include "dnsfilter/dns_trace.h"

enum { TRACES_MAX = 16 };

/* Has a worker ask; until trace->done the trace is the worker's. */
typedef enum status trace_begin_fn(void *arg, struct dns_trace *trace);

struct traces;

struct traces *traces_new(trace_begin_fn *begin, void *arg); /* NULL when out of memory */
/* Only when no worker runs any more. NULL is allowed. */
void traces_free(struct traces *traces);

/* REQUEST: {"name": NAME, "type": "AAAA", "client": IP, "dnssec": BOOL}, all but the name may be missing. The answer
 * {"id": N}; or {"error": WHY} and an HTTP status other than 200. */
json_t *traces_begin(struct traces *traces, json_t *request, unsigned *http_status);
/* REQUEST: {"id": N}. {"pending": true} as long as it is under way; then what happened, once. */
json_t *traces_end(struct traces *traces, json_t *request, unsigned *http_status);

/* What a trace that is done has: {"name": ..., "steps": [...], "verdict": {...}, "upstreams": [...], "answer": {...}}.
 * NULL when out of memory. */
json_t *trace_json(const struct dns_trace *trace);
