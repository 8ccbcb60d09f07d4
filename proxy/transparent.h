/* Connections that the firewall redirected: the client believes to talk to the server itself. Plain HTTP and TLS are
 * told apart by their first byte. */
#pragma once

#include "proxy/http_steps.h"

/* A well-formed request as it is sent to a server becomes what it would have been to a proxy; ANSWER_NONE, or why it is
 * not taken. */
enum http_answer transparent_rewrite(struct http_txn *txn) MUST_CHECK;
/* Puts the address that the client chose before those that the name has. Where it is none of these, what the name was
 * let through for is not believed: anybody can write any name. */
void transparent_aim(struct http_txn *txn);
