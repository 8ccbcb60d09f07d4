/* One HTTP request from a command, such as `ccward status`, that has no loop: it waits. Not for the daemon. */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "base/status.h"

/* GET PATH at ADDR; a wildcard address stands for this machine. Appends the body to BODY. ST_UNAVAILABLE: nothing
 * listens; ST_TIMEOUT after TIMEOUT_MS in all; ST_INVALID: what answers does not speak HTTP, or more than MAX_BYTES. */
enum status http_ask(const struct addr *addr, const char *path, int timeout_ms, size_t max_bytes, unsigned *http_status,
                     struct buf *body, struct fault *fault) MUST_CHECK;

/* The same at NAME in folder DIR (net/local_socket.h), with POST of JSON where that is not empty. ST_DENIED: it is
 * another user's. */
enum status http_ask_local(const char *dir, const char *name, const char *path, struct str json, int timeout_ms,
                           size_t max_bytes, unsigned *http_status, struct buf *body, struct fault *fault) MUST_CHECK;
