/* What `ccward feeds enable`, `disable`, `promote` and `monitor` chose: STATE_DIR/feeds.yaml. It is added to the feeds
 * of the configuration, which nobody but its owner writes. */
#pragma once

#include "config/config.h"

/* What is done with a feed of the configuration, whatever that says. */
struct chosen_action {
    char *name;
    int action; /* enum feed_use */
};

struct chosen_feeds {
    struct config_feed *feeds;
    size_t feed_count;
    struct chosen_action *actions;
    size_t action_count;
};

/* No file is an empty choice. ST_INVALID with FAULTS, as config_load(); CHOSEN is then empty. */
enum status chosen_feeds_load(const char *state_dir, struct chosen_feeds *chosen,
                              struct config_faults *faults) MUST_CHECK;
/* Writes all of it, durably. The caller holds the lock. */
enum status chosen_feeds_save(const char *state_dir, const struct chosen_feeds *chosen, struct fault *fault) MUST_CHECK;
void chosen_feeds_free(struct chosen_feeds *chosen);

/* One who changes it at a time; waits. -1: it can't be had, with a fault. */
int chosen_feeds_lock(const char *state_dir, struct fault *fault);

struct config_feed *chosen_feed_find(const struct chosen_feeds *chosen, const char *name);
/* Takes FEED's texts. In place of the one of that name, where there is one. ST_NOMEM. */
enum status chosen_feed_put_own(struct chosen_feeds *chosen, struct config_feed *feed) MUST_CHECK;
bool chosen_feed_remove(struct chosen_feeds *chosen, const char *name); /* false: there is none */
/* ACTION for the feed NAME of the configuration; OWN is what that says itself. ST_NOMEM. */
enum status chosen_action_put(struct chosen_feeds *chosen, const char *name, int action, int own) MUST_CHECK;
void config_feed_clear(struct config_feed *feed); /* frees its texts */
/* A copy with texts of its own. ST_NOMEM. */
enum status config_feed_copy(const struct config_feed *from, struct config_feed *to) MUST_CHECK;

/* Puts what is chosen now in place of what was, in CONFIG. A feed that the configuration has too is left out with a
 * warning. A file that can't be read is left out whole, with warnings: what was chosen before stays then. */
void config_take_chosen(struct config *config, struct config_faults *faults);

/* Whether the file is another one than CONFIG has taken. */
bool config_chosen_changed(const struct config *config);
/* Whether this user may not even see if feeds were chosen: the state directory is closed to him. */
bool config_chosen_hidden(const struct config *config);
