/* How this machine is made to ask ccward: who manages its names, and what has to stand where. Reads only. */
#pragma once

#include "config/config.h"
#include "system/system_state.h"

enum { SYSTEM_MAX_COMMANDS = 1, COMMAND_MAX_WORDS = 6 };

/* A program that makes the manager take notice. */
struct system_command {
    const char *words[COMMAND_MAX_WORDS]; /* ends with NULL */
    char input[96];                       /* to its standard input; empty: none */
};

struct system_plan {
    enum system_manager manager;
    struct addr server;    /* the listener that the machine is to ask */
    const char *path;      /* NULL: no file */
    struct file_image now; /* what is there */
    struct file_image ours;
    struct buf notes; /* lines for a person */
};
void system_plan_fini(struct system_plan *plan);

/* By where resolv.conf leads and what it says. ST_UNSUPPORTED with what to do where it leads past systemd-resolved. */
enum status system_manager_find(const char *root, enum system_manager *manager, struct fault *fault) MUST_CHECK;

/* ORIGINAL: resolv.conf before we changed it, NULL: it is as it was. ST_UNSUPPORTED with what to do when ccward
 * listens at no port that will do; ST_DENIED when ccward would be left without upstreams, or with itself. CONFIG_PATH
 * is for that. */
enum status system_plan_make(const char *root, const struct config *config, const char *config_path,
                             enum system_manager manager, const struct file_image *original, struct system_plan *plan,
                             struct fault *fault) MUST_CHECK;

/* Whether it is one of those that we write. */
bool system_plan_wrote(const struct file_image *image);

/* LATER: the manager is told, but not waited for. IN_FORCE: after what the plan wants was done; else after it was
 * undone. */
struct system_command system_command_of(enum system_manager manager, const struct addr *server, bool in_force,
                                        bool later);
