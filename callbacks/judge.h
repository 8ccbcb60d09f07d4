/* What one worker needs to judge subjects and to record callbacks; dnsfilter, proxy and blockpage hold a pointer to it.
 * The worker swaps `policy` between two rounds of its loop, so no one keeps it across callbacks. */
#pragma once

#include "callbacks/recorder.h"
#include "callbacks/report_office.h"
#include "policy/policy.h"

struct judge {
    struct policy_reader *policy;
    struct recorder *recorder; /* NULL: callbacks are not recorded */
    const struct incidents *incidents;
    struct report_box *reports; /* NULL: the page has no form */
};

static inline void judge_decide(struct judge *judge, const struct subject *subject, struct verdict *verdict)
{
    policy_decide(judge->policy, subject, verdict);
}

static inline void judge_look_ahead(struct judge *judge, const struct dname *names, size_t count)
{
    policy_look_ahead(judge->policy, names, count);
}

static inline bool judge_has_trigger(const struct judge *judge, enum record_trigger trigger)
{
    return policy_has_trigger(judge->policy, trigger);
}
