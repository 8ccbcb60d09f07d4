/* What commands ask of a running daemon: HTTP on a socket in the state directory that only its owner and root may
 * connect to (docs/decisions/015). Control thread. */
#pragma once

#include "base/status.h"
#include "base/text.h"
#include "daemon/traces.h"
#include "dnsfilter/dns_cache.h"
#include "net/loop.h"

#define CONTROL_SOCKET "control.sock"

struct control_socket;

/*   GET /cache         what it holds: {"entries": N, ...}
 *   POST /cache/flush  {} or {"name": NAME, "subtree": BOOL}; answers {"flushed": N}
 *   POST /query        has a query asked (daemon/traces.h); answers {"id": N}
 *   POST /query/end    {"id": N}; answers {"pending": true}, or what happened
 * BEGIN, with ARG, has a worker ask a query. */
enum status control_socket_open(struct loop *loop, const char *state_dir, struct dns_cache *cache,
                                trace_begin_fn *begin, void *arg, struct control_socket **socket,
                                struct fault *fault) MUST_CHECK;
/* When no worker runs any more. NULL is allowed. */
void control_socket_close(struct control_socket *socket);
