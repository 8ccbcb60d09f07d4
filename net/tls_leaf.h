/* A certificate that the signer has made for one name, and its key. One thread. */
#pragma once

#include "net/stream.h"

struct tls_leaf;
struct tls_leaf_context;

/* What leaves are shown with: TLS as of tls_server.h, without tickets, so that every client sees the certificate; and
 * the key that came last, which the next leaf most likely has too. NULL when out of memory. Leaves may outlive it. */
struct tls_leaf_context *tls_leaf_context_new(void);
void tls_leaf_context_free(struct tls_leaf_context *context); /* NULL is allowed */

/* ST_INVALID: it is not a certificate for NAME with its key. One reference, the caller's. */
enum status tls_leaf_new(struct tls_leaf_context *context, const char *name, struct str certificate, struct str key,
                         struct tls_leaf **leaf) MUST_CHECK;
struct tls_leaf *tls_leaf_ref(struct tls_leaf *leaf);
void tls_leaf_unref(struct tls_leaf *leaf); /* NULL is allowed */

const char *tls_leaf_name(const struct tls_leaf *leaf);
/* Whether it is in the first half of its time: later another one is asked for. */
bool tls_leaf_is_fresh(const struct tls_leaf *leaf);

/* Goes on with STREAM as TLS, from the client's first unconsumed byte on. All that was written to it has to be sent
 * (stream_queued() 0), and the client must not have ended. PROTOCOL as in tls_server_stream_own(). False: it stays what
 * it was. */
bool tls_leaf_serve(const struct tls_leaf *leaf, struct stream *stream, const char *protocol) MUST_CHECK;
