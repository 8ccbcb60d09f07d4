/* What the signer process does: it looks each name up in the store itself, and signs for what is blocked at that moment
 * and nothing else, whatever a worker asks. */
#pragma once

#include "config/config.h"
#include "daemon/store_watch.h"
#include "net/leaf_wire.h"

struct signer {
    const struct config *config;
    struct authority *authority;
    struct policy *policy;
    struct policy_reader *reader;
    struct store_watch store;
};

/* Reads the authority with its key, and the store. ST_NOT_FOUND: there is no authority. */
enum status signer_open(struct signer *signer, const struct config *config, struct fault *fault) MUST_CHECK;
void signer_close(struct signer *signer); /* also of `{0}` */

/* Answers the N bytes of a request; the reply's length, or 0: it is none, and gets no reply. */
size_t signer_answer(struct signer *signer, const uint8_t *request, size_t n, uint8_t reply[LEAF_REPLY_MAX]);
