/* Whom to believe over TLS: the certificates of the authorities, and what we ask of every connection (TLS 1.2 at
 * least). Shared by threads. */
#pragma once

#include "base/status.h"

struct tls_trust;
struct ssl_ctx_st;
struct ssl_session_st;

/* The authorities of CA_FILE (PEM); NULL or "": those of this machine ($SSL_CERT_FILE where it is set). */
enum status tls_trust_new(const char *ca_file, struct tls_trust **trust, struct fault *fault) MUST_CHECK;
struct tls_trust *tls_trust_ref(struct tls_trust *trust);
void tls_trust_unref(struct tls_trust *trust); /* NULL is allowed */

/* The session to resume with one server; `{0}` is none. Outlives its connections. */
struct tls_session {
    struct ssl_session_st *latest;
};
void tls_session_forget(struct tls_session *session);

/* For net/ alone. The app data of an SSL of this context is its struct tls_session. */
struct ssl_ctx_st *tls_trust_context(const struct tls_trust *trust);
