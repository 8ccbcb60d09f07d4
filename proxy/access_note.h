/* What the access log wants to know of a request, gathered on its way. All of it does nothing where no log is kept. */
#pragma once

#include "base/buf.h"
#include "proxy/access_log.h"

struct http_client;
struct http_txn;

struct access_note {
    int64_t time_ms, begun_ms; /* wall, monotonic */
    unsigned status;
    uint64_t answer_bytes; /* of a body that was sent with its head: our own */
    enum access_verdict verdict;
    bool is_malformed; /* a URL that is refused for the password in it is one that is not kept, for example */
};

struct access_tunnel; /* the same of a tunnel, which outlives its request */

void access_note_begin(struct http_txn *txn);
/* OUT goes to the client: a head, or a whole answer. */
void access_note_answer(struct http_txn *txn, const struct buf *out);
/* The highest of all that are noted counts. */
void access_note_verdict(struct http_txn *txn, enum access_verdict verdict);
/* Hands the request to the log, or to its client where it has become a tunnel. */
void access_note_end(struct http_txn *txn);
/* Of the client's tunnel: what was found in it later. */
void access_tunnel_verdict(struct http_client *client, enum access_verdict verdict);
/* Of the client's tunnel: its host is hidden in an encrypted hello. */
void access_tunnel_ech(struct http_client *client);
/* Before the tunnel goes, should its client go on without it. */
void access_tunnel_count(struct http_client *client);
/* The client's tunnel is about to end: hands it to the log, once. */
void access_tunnel_end(struct http_client *client);
