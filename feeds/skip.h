/* Why something in a feed is not taken. */
#pragma once

#include <stdbool.h>

#include "base/text.h"

enum skip {
    SKIP_NOT, /* it is taken */
    /* Faults: they count against the feed (FEED_MAX_INVALID_PERCENT). */
    SKIP_LONG_LINE,
    SKIP_NUL_BYTE,
    SKIP_NO_ADDRESS_COLUMN,
    SKIP_NO_NAME_COLUMN,
    SKIP_NOT_NAME,
    SKIP_SINGLE_LABEL,
    SKIP_NOT_ADDRESS,
    SKIP_EVERY_ADDRESS,
    SKIP_NOT_URL,
    SKIP_LONG_URL,
    SKIP_NO_KEY,
    SKIP_NOT_RULE,
    SKIP_DATA,
    /* Well-formed, but no indicator. */
    SKIP_BOILERPLATE,
    SKIP_ADDRESS_AS_NAME,
    SKIP_REWRITE,
    SKIP_PATTERN,
    SKIP_TOP_LEVEL,
    SKIP_MODIFIER,
    SKIP_SWITCH,
    SKIP_SWITCHED_OFF,
    SKIP_REGEX,
    SKIP_COSMETIC,
    SKIP_DIRECTIVE,
    SKIP_OTHER_KIND,
    SKIP_OUTSIDE,
    SKIP_PATH,
    SKIP_WITHDRAWN,
    SKIP_SUPERSEDED,
    SKIP_UNFETCHED,
    SKIP_NOT_FOR_DETECTION,
    SKIP_CONDITIONS,
    SKIP_BEYOND_TOP,
    /* Guards: an indicator that even recorded would only tell of the machine and its neighbours. */
    SKIP_LOCAL_NAME,
    SKIP_SPECIAL_ADDRESS,
    SKIP_OWN_ADDRESS,
    SKIP_COUNT
};

/* For people: "not a host name". Static. */
const char *skip_text(enum skip skip);
/* The same text as skip_text() gives, for one that was kept in a file; NULL: there is no such reason. */
const char *skip_text_find(struct str text);
/* Whether it is a fault of the feed's, as against something that is left out on purpose. */
bool skip_is_fault(enum skip skip);
