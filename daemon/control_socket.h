/* What commands ask of a running daemon: HTTP on a socket in the state directory that only its owner and root may
 * connect to (docs/decisions/015). Control thread. */
#pragma once

#include "base/status.h"
#include "base/text.h"
#include "dnsfilter/dns_cache.h"
#include "net/loop.h"

#define CONTROL_SOCKET "control.sock"

struct control_socket;

/*   GET /cache         what it holds: {"entries": N, ...}
 *   POST /cache/flush  {} or {"name": NAME, "subtree": BOOL}; answers {"flushed": N} */
enum status control_socket_open(struct loop *loop, const char *state_dir, struct dns_cache *cache,
                                struct control_socket **socket, struct fault *fault) MUST_CHECK;
void control_socket_close(struct control_socket *socket); /* NULL is allowed */
