#include "dnsfilter/dns_trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct dns_trace *dns_trace_new(void)
{
    return calloc(1, sizeof(struct dns_trace));
}

void dns_trace_start(struct dns_trace *trace)
{
    trace->started_us = clock_mono_us();
}

void dns_trace_step(struct dns_trace *trace, const char *word)
{
    if (trace->step_count == TRACE_MAX_STEPS)
        return;
    struct dns_trace_step *step = &trace->steps[trace->step_count++];
    step->word = word;
    step->at_us = clock_mono_us() - trace->started_us;
}

void dns_trace_say(struct dns_trace *trace, const char *format, ...)
{
    if (!trace->step_count)
        return;
    char *text = trace->steps[trace->step_count - 1].text;
    size_t used = strlen(text);
    va_list args;
    if (used && used + 2 < TRACE_TEXT_SIZE) {
        memcpy(text + used, "; ", 3);
        used += 2;
    }
    va_start(args, format);
    vsnprintf(text + used, TRACE_TEXT_SIZE - used, format, args);
    va_end(args);
}

void dns_trace_verdict(struct dns_trace *trace, enum match match, const struct verdict *verdict)
{
    trace->judged = true;
    if (verdict->matched)
        dns_trace_say(trace, "%s: %s, by %s of %s", action_text(verdict->action), match_text(match), verdict->indicator,
                      verdict->sources);
    else
        dns_trace_say(trace, "no source has anything against it");
    if (!verdict->matched || (trace->verdict.matched && verdict->action < trace->verdict.action))
        return;
    trace->match = match;
    trace->verdict = *verdict;
    trace->blocked = verdict->action == ACTION_BLOCK;
}

void dns_trace_cache(struct dns_trace *trace, enum dns_cache_age age, size_t found)
{
    static const struct {
        const char *word, *text;
    } ages[] = {
        [DNS_CACHE_NONE] = {"miss", "not there"},
        [DNS_CACHE_FRESH] = {"hit", "there"},
        [DNS_CACHE_DUE] = {"hit", "there, and soon due: it is asked for anew in advance"},
        [DNS_CACHE_EXPIRED] = {"expired", "there, but its time is up"},
        [DNS_CACHE_HELD] = {"stale", "there, and its time is up; upstreams failed a moment ago, so it is given"},
    };
    trace->cache = ages[age].word;
    dns_trace_say(trace, "%s", ages[age].text);
    if (found)
        dns_trace_say(trace, "%zu bytes", found);
}

void dns_trace_end(struct dns_trace *trace, const uint8_t *answer, size_t n)
{
    trace->took_us = clock_mono_us() - trace->started_us;
    trace->answer_length = n;
    memcpy(trace->answer, answer, n);
    atomic_store(&trace->done, true);
}
