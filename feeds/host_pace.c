#include "feeds/host_pace.h"

#include <stddef.h>

#include "base/dname.h"

int64_t host_pace_s(struct str host)
{
    /* Who comes more often may be shut out: Spamhaus' terms for DROP; abuse.ch builds its dumps every five minutes. */
    static const struct {
        struct str domain;
        int64_t pace_s;
    } paces[] = {{{"abuse.ch", 8}, 300}, {{"spamhaus.org", 12}, 3600}};
    struct dname name, domain;
    if (dname_from_text(host, &name) != ST_OK)
        return 0;
    for (size_t i = 0; i < sizeof paces / sizeof paces[0]; i++)
        if (dname_from_text(paces[i].domain, &domain) == ST_OK && dname_is_within(&name, &domain))
            return paces[i].pace_s;
    return 0;
}

int64_t host_pace_left_s(struct str host, int64_t asked_ms, int64_t now_ms)
{
    int64_t gone_ms = now_ms - asked_ms, pace_ms = asked_ms ? host_pace_s(host) * 1000 : 0;
    return gone_ms >= 0 && gone_ms < pace_ms ? (pace_ms - gone_ms + 999) / 1000 : 0;
}
