/* Keeps a signer process running while there is an authority. Each worker has a socket to whichever signer runs: the
 * other ends stay with the keeper, who hands them to the next one. Control thread. */
#pragma once

#include <stdatomic.h>

#include "config/config.h"

enum { SIGNER_FIRST_FD = 3, SIGNER_MAX_SOCKETS = 64 };

struct signer_keeper;

/* COUNT sockets, at most SIGNER_MAX_SOCKETS. */
enum status signer_keeper_new(size_t count, struct signer_keeper **keeper, struct fault *fault) MUST_CHECK;
/* Ends the signer. After the workers. NULL is allowed. */
void signer_keeper_free(struct signer_keeper *keeper);

/* The INDEXth worker's end, the caller's from now on; to be asked for once. */
int signer_keeper_take_fd(struct signer_keeper *keeper, size_t index);
/* For leaf_source_new_own(). */
const atomic_uint *signer_keeper_generation(const struct signer_keeper *keeper);

/* Now and then: starts a signer where there is an authority and none runs, ends one whose authority was replaced. */
void signer_keeper_step(struct signer_keeper *keeper, const struct config *config, int64_t now_ms);
/* After SIGCHLD. */
void signer_keeper_reap(struct signer_keeper *keeper, int64_t now_ms);
/* Why there are no pages over HTTPS although there is an authority; empty: there are, or there is none. */
const char *signer_keeper_fault(const struct signer_keeper *keeper);
/* The configuration was read again: another signer takes over. */
void signer_keeper_renew(struct signer_keeper *keeper);
