#include "net/upstream_account.h"

void upstream_account_asked(struct upstream_account *account, const void *key, const struct upstream_address *server,
                            int64_t now_ms)
{
    if (account->count < ACCOUNT_MAX_TRIES)
        account->tries[account->count] =
            (struct upstream_account_try){.key = key, .server = *server, .asked_ms = now_ms};
    account->count++;
}

/* The newest with this key: that of a try which is gone may have come again. */
void upstream_account_ended(struct upstream_account *account, const void *key, enum status status, unsigned rcode,
                            int64_t now_ms)
{
    size_t i = account->count < ACCOUNT_MAX_TRIES ? account->count : ACCOUNT_MAX_TRIES;
    while (i > 0 && account->tries[i - 1].key != key)
        i--;
    if (!i)
        return;
    struct upstream_account_try *try = &account->tries[i - 1];
    try->ended = true;
    try->status = status;
    try->rcode = rcode;
    try->ended_ms = now_ms;
}
