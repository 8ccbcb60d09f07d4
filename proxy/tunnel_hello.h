/* What a client says first in the tunnel of a CONNECT or its like: if it is a TLS ClientHello, the name in it is judged
 * before any of it goes on to the origin. Nothing is decrypted or changed; what is no hello, or is late, goes on as it
 * is. */
#pragma once

#include "net/leaf_source.h"
#include "proxy/http_txn.h"

struct tunnel_hello {
    struct http_client *client;
    struct timer *deadline; /* from the first byte on; NULL: none has come */
    size_t wanted_bytes;    /* before so many have come it is no whole hello */
    struct leaf_ask ask;
    enum channel channel;            /* as of the request */
    struct dname host;               /* of the CONNECT; length 0: an address */
    char login[CALLBACK_LOGIN_SIZE]; /* as in callbacks */
};

/* TXN is one of a CONNECT that was let through. NULL when out of memory. */
struct tunnel_hello *tunnel_hello_new(const struct http_txn *txn) MUST_CHECK;
void tunnel_hello_free(struct tunnel_hello *hello); /* NULL is allowed */

enum hello_says {
    HELLO_SAYS_WAIT, /* for more; http_client_open_tunnel() is called when it has taken too long */
    HELLO_SAYS_PASS,
    HELLO_SAYS_BLOCK,
};
/* INPUT is all that the client has sent; ENDED: it sends no more. Records what is to be recorded. */
enum hello_says tunnel_hello_look(struct tunnel_hello *hello, struct str input, bool ended) MUST_CHECK;

/* After HELLO_SAYS_BLOCK, with the hello still in the input of the client's stream: has the page shown in the TLS that
 * it begins, where that can be done; http_client_end_tunnel() follows, maybe at once. Else false. */
bool tunnel_hello_ask_page(struct tunnel_hello *hello) MUST_CHECK;
