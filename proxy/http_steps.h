/* The steps of a request, for http_txn.c's table, and what they share. */
#pragma once

#include "proxy/http_client.h"
#include "proxy/http_txn.h"

struct http_finding;

enum next { GO_ON, WAIT };

/* socks_txn.c */
enum next http_step_socks_greet(struct http_txn *txn);
enum next http_step_socks_login(struct http_txn *txn);
enum next http_step_socks_request(struct http_txn *txn);
/* transparent.c */
enum next http_step_tell_apart(struct http_txn *txn);
enum next http_step_hello(struct http_txn *txn);
/* http_request.c */
enum next http_step_receive(struct http_txn *txn);
enum next http_step_parse(struct http_txn *txn);
enum next http_step_authorize(struct http_txn *txn);
enum next http_step_decide(struct http_txn *txn);
enum next http_step_resolve(struct http_txn *txn);
enum next http_step_inspect(struct http_txn *txn);
/* http_origin.c */
enum next http_step_connect(struct http_txn *txn);
enum next http_step_send(struct http_txn *txn);
enum next http_step_await(struct http_txn *txn);
enum next http_step_relay(struct http_txn *txn);

/* http_txn.c: the ways on. */
enum next http_txn_go_to(struct http_txn *txn, enum http_step step);
enum next http_txn_finish(struct http_txn *txn, enum http_end end);
/* Ends with an answer of ours; see http_answer_build() for REJECT. */
enum next http_txn_answer(struct http_txn *txn, enum http_answer answer);
enum next http_txn_reject(struct http_txn *txn, enum http_answer answer, enum http_reject reject);
/* Ends with the block page: at a CONNECT, where it can be shown, in the TLS that follows. */
enum next http_txn_block(struct http_txn *txn, const struct http_finding *finding);
/* The same without TLS. */
enum next http_txn_refuse(struct http_txn *txn, const struct http_finding *finding);
/* For a step that answers later: a copy of FINDING as txn->finding. NULL when out of memory. */
const struct http_finding *http_txn_keep_finding(struct http_txn *txn, const struct http_finding *finding);
/* What was built in proxy->out goes to the client or the origin. */
enum status http_txn_send_out(struct http_txn *txn, struct stream *to) MUST_CHECK;
