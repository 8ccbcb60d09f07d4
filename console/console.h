/* The console's port: /healthz, /proxy.pac and /setup. Runs in the control thread's loop. */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "base/status.h"
#include "console/proxy_pac.h"
#include "net/loop.h"

struct console;

struct console_settings {
    const struct addr *listen;
    size_t listen_count;
    struct proxy_pac pac; /* its domains stay, what else is in it is copied */
    /* What /healthz answers, JSON appended to OUT; whether all is well. */
    bool (*health)(void *arg, struct buf *out);
    void *arg;
};

enum status console_open(struct loop *loop, const struct console_settings *settings, struct console **console,
                         struct fault *fault) MUST_CHECK;
void console_close(struct console *console);
/* Where the listener INDEX is bound; for tests, which ask for port 0. */
struct addr console_addr(const struct console *console, size_t index);
