#include "proxy/origin_dial.h"

#include "base/check.h"

enum { ATTEMPT_DELAY_MS = 250 }; /* RFC 8305 section 8 */

static void on_connected(void *arg);
static void on_failed(void *arg, enum status status);

/* A server that speaks first is heard once the connection has its owner. */
static void on_data(void *arg)
{
    (void)arg;
}

static const struct stream_ops ops = {.on_connected = on_connected, .on_data = on_data, .on_failed = on_failed};

/* What is left of the time is the new attempt's, so that the attempts end together. */
static enum status begin_next(struct origin_dial *dial)
{
    int64_t left_ms = dial->until_ms - loop_now_ms(dial->loop);
    struct origin_attempt *attempt = &dial->attempts[dial->begun];
    if (left_ms <= 0)
        return ST_TIMEOUT;
    attempt->dial = dial;
    attempt->stream = stream_connect(dial->loop, &dial->addrs[dial->begun], left_ms, &ops, attempt);
    if (!attempt->stream)
        return ST_NOMEM;
    dial->begun++;
    if (dial->begun < dial->count)
        timer_start(dial->timer, ATTEMPT_DELAY_MS);
    return ST_OK;
}

static void on_timer(void *arg)
{
    struct origin_dial *dial = arg;
    (void)!begin_next(dial); /* those under way go on, and their end tells the rest */
}

/* Ends all but the connection that is handed over. */
static void finish(struct origin_dial *dial, enum status status, struct stream *stream, const struct addr *addr)
{
    origin_dialled_fn *done = dial->done;
    void *arg = dial->arg;
    origin_dial_stop(dial);
    done(arg, status, stream, addr);
}

static void on_connected(void *arg)
{
    struct origin_attempt *attempt = arg;
    struct origin_dial *dial = attempt->dial;
    struct stream *stream = attempt->stream;
    attempt->stream = NULL;
    finish(dial, ST_OK, stream, &dial->addrs[attempt - dial->attempts]);
}

static void on_failed(void *arg, enum status status)
{
    struct origin_attempt *attempt = arg;
    struct origin_dial *dial = attempt->dial;
    stream_free(attempt->stream);
    attempt->stream = NULL;
    dial->failed++;
    enum status begun = dial->begun < dial->count ? begin_next(dial) : ST_NOT_FOUND;
    if (begun == ST_OK || dial->failed < dial->begun)
        return;
    finish(dial, begun == ST_NOT_FOUND ? status : begun, NULL, NULL);
}

enum status origin_dial_start(struct origin_dial *dial, struct loop *loop, const struct addr *addrs, size_t count,
                              int64_t timeout_ms, origin_dialled_fn *done, void *arg)
{
    CHECK(count && count <= RESOLVER_MAX_ADDRS);
    *dial = (struct origin_dial){.loop = loop,
                                 .addrs = addrs,
                                 .count = count,
                                 .until_ms = loop_now_ms(loop) + timeout_ms,
                                 .done = done,
                                 .arg = arg};
    if (count > 1 && !(dial->timer = timer_new(loop, on_timer, dial)))
        return ST_NOMEM;
    enum status status = begin_next(dial);
    if (status != ST_OK)
        origin_dial_stop(dial);
    return status;
}

void origin_dial_stop(struct origin_dial *dial)
{
    for (size_t i = 0; i < dial->begun; i++)
        stream_free(dial->attempts[i].stream);
    timer_free(dial->timer);
    *dial = (struct origin_dial){0};
}
