/* What came of one upstream query, try by try: for a person who wants to see it (`ccward query`). */
#pragma once

#include "net/upstream_address.h"

enum { ACCOUNT_MAX_TRIES = 8 };

struct upstream_account_try {
    const void *key; /* while it is under way: what it is known by */
    struct upstream_address server;
    int64_t asked_ms, ended_ms; /* ended_ms: only when it is over or late */
    bool ended;                 /* else it was still under way when it was not needed any more */
    enum status status;
    unsigned rcode; /* with ST_OK */
};

/* `{0}` to start with. */
struct upstream_account {
    size_t count; /* of tries; more than fit are counted, but not kept */
    struct upstream_account_try tries[ACCOUNT_MAX_TRIES];
};

void upstream_account_asked(struct upstream_account *account, const void *key, const struct upstream_address *server,
                            int64_t now_ms);
void upstream_account_ended(struct upstream_account *account, const void *key, enum status status, unsigned rcode,
                            int64_t now_ms);
