/* Starts `ccward feeds refresh NAME` for each feed that is due, four at a time, and `ccward feeds rebuild NAME` where
 * something else is guarded now. Downloads and parsers run in those processes: they may crash, hang or be killed
 * without touching answers. */
#pragma once

#include <sys/types.h>

#include "config/config.h"
#include "net/loop.h"

struct refresher;

enum status refresher_new(struct loop *loop, const struct config *config, struct refresher **refresher) MUST_CHECK;
/* Starts the refresh of the INDEXth feed of the configuration as soon as there is room for it, due or not. */
void refresher_ask(struct refresher *refresher, size_t index);
/* Goes over to the feeds of CONFIG; refreshes under way go on. */
void refresher_set_config(struct refresher *refresher, const struct config *config);
/* After SIGCHLD: collects the child that has ended. */
void refresher_reap(struct refresher *refresher);
/* Why the last refresh of FEED failed; empty: it did not, or there was none. */
const char *refresher_fault(const struct refresher *refresher, const char *feed);
/* Asks running children to end, and waits for them. NULL is allowed. */
void refresher_free(struct refresher *refresher);
