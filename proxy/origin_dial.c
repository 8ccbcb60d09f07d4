#include "proxy/origin_dial.h"

enum { LEAST_TRY_MS = 1000 };

static void on_connected(void *arg);
static void on_failed(void *arg, enum status status);

/* A server that speaks first is heard once the connection has its owner. */
static void on_data(void *arg)
{
    (void)arg;
}

static const struct stream_ops ops = {.on_connected = on_connected, .on_data = on_data, .on_failed = on_failed};

static enum status dial_next(struct origin_dial *dial)
{
    dial->stream = stream_connect(dial->loop, dial->addrs, dial->try_ms, &ops, dial);
    return dial->stream ? ST_OK : ST_NOMEM;
}

static void on_connected(void *arg)
{
    struct origin_dial *dial = arg;
    struct stream *stream = dial->stream;
    dial->stream = NULL;
    dial->done(dial->arg, ST_OK, stream, dial->addrs);
}

static void on_failed(void *arg, enum status status)
{
    struct origin_dial *dial = arg;
    stream_free(dial->stream);
    dial->stream = NULL;
    dial->left--;
    if (dial->left) {
        dial->addrs++;
        status = dial_next(dial);
        if (status == ST_OK)
            return;
    }
    dial->done(dial->arg, status, NULL, NULL);
}

enum status origin_dial_start(struct origin_dial *dial, struct loop *loop, const struct addr *addrs, size_t count,
                              int64_t timeout_ms, origin_dialled_fn *done, void *arg)
{
    int64_t share_ms = timeout_ms / (int64_t)count;
    *dial = (struct origin_dial){.loop = loop, .addrs = addrs, .left = count, .done = done, .arg = arg};
    dial->try_ms = share_ms > LEAST_TRY_MS ? share_ms : LEAST_TRY_MS;
    return dial_next(dial);
}

void origin_dial_stop(struct origin_dial *dial)
{
    stream_free(dial->stream);
    *dial = (struct origin_dial){0};
}
