/* The console's port: /healthz and /proxy.pac. Runs in the control thread's loop. */
#pragma once

#include "base/addr.h"
#include "base/status.h"
#include "net/loop.h"

struct console;

struct console_health {
    const char *state;  /* "ok", "degraded", "stopping" */
    const char *reason; /* why it is not ok; may be NULL */
    uint64_t sources, names, urls, networks;
    int64_t uptime_s;
};

struct console_settings {
    const struct addr *listen;
    size_t listen_count;
    const struct addr *proxy; /* for /proxy.pac: the proxy's listeners; a wildcard becomes the address asked */
    size_t proxy_count;
    void (*health)(void *arg, struct console_health *health);
    void *arg;
};

enum status console_open(struct loop *loop, const struct console_settings *settings, struct console **console,
                         struct fault *fault) MUST_CHECK;
void console_close(struct console *console);
/* Where the listener INDEX is bound; for tests, which ask for port 0. */
struct addr console_addr(const struct console *console, size_t index);
