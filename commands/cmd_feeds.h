/* What the files of `ccward feeds` share. */
#pragma once

#include "commands/command.h"
#include "config/feed_catalogue.h"

/* What the command line says, for all verbs of `ccward feeds`. */
struct feeds_call {
    const struct command *command;
    const char *config_path, *operand, *catalogue_path, *key;
    struct feed feed;
    enum feed_dump dump;
    unsigned refresh; /* enum feed_refresh_option */
    bool json, dry_run, monitor;
    struct config config;
    struct config_site site;
    struct feed_catalogue catalogue; /* of the verbs that look into it */
};

/* Verbs; each returns an exit code. */
int feeds_remove(struct feeds_call *call);
int feeds_rollback(struct feeds_call *call);
int feeds_check(struct feeds_call *call); /* `verify` */
int feeds_rebuild(struct feeds_call *call);
int feeds_catalogue(struct feeds_call *call);
int feeds_enable(struct feeds_call *call);
int feeds_disable(struct feeds_call *call);
int feeds_promote(struct feeds_call *call);
int feeds_monitor(struct feeds_call *call);

/* What a feed's import came to: prints REPORT, or why it failed. */
int feeds_told(const struct feeds_call *call, const char *name, enum status status, const struct feed_report *report,
               const struct fault *fault);
