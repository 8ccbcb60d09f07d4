/* Starts `ccward feeds refresh NAME` for each feed that is due, one at a time. Downloads and parsers run in that
 * process: they may crash, hang or be killed without touching answers. */
#pragma once

#include <sys/types.h>

#include "daemon/config.h"
#include "net/loop.h"

struct refresher;

enum status refresher_new(struct loop *loop, const struct config *config, struct refresher **refresher) MUST_CHECK;
/* Starts the refresh of the INDEXth feed of the configuration as soon as no other runs, due or not. */
void refresher_ask(struct refresher *refresher, size_t index);
void refresher_set_config(struct refresher *refresher, const struct config *config);
/* After SIGCHLD: collects the child that has ended. */
void refresher_reap(struct refresher *refresher);
/* Why the last refresh of FEED failed; empty: it did not, or there was none. */
const char *refresher_fault(const struct refresher *refresher, const char *feed);
/* Asks a running child to end, and waits for it. */
void refresher_free(struct refresher *refresher);
