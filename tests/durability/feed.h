/* Feeds whose every name tells whose it is, and what a store that may be damaged makes of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum { FEED_NAMES = 1000 };

/* Publishes the source "feed": nI.TAG.example and host.TAG.example/I for I below COUNT. Takes the store's lock, unless
 * it is BUSY. Safe in a forked child: asserts nothing. */
enum status feed_publish(const char *dir, const char *tag, unsigned count, struct fault *fault);

enum verdict {
    VERDICT_NOTHING = 100, /* no feed at all; far from the codes that a sanitizer ends with */
    VERDICT_WRONG,         /* part of a feed, or two at once */
    VERDICT_UNREADABLE,    /* the directory could not be read */
    VERDICT_CRASHED,
    VERDICT_FIRST, /* the first of the tags, whole, and nothing else; and so on */
    VERDICT_SECOND,
    VERDICT_THIRD,
};

/* Opens the store in DIR in a child of its own and looks FEED_NAMES names and URLs of each of the N tags up, as well as
 * names that no feed has. */
enum verdict feed_judge(const char *dir, const char *const *tags, unsigned n);

/* Whether DIR holds the lock and at most two whole generations of the feed, and nothing else. Prints what is too much.
 */
bool feed_directory_is_clean(const char *dir);

/* The number of rounds: LONG when CCWARD_LONG is in the environment. */
unsigned rounds(unsigned usual, unsigned when_long);

/* The same on every run, unless CCWARD_SEED is in the environment, and told. */
void seed_random(void);
unsigned pick(unsigned n); /* below N */
