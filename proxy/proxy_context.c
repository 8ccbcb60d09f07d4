#include "proxy/proxy_context.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"

const char *proxy_context_date(struct proxy_context *proxy)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t now_s = clock_wall_ms() / 1000;
    if (now_s == proxy->date_s)
        return proxy->date;
    struct tm tm;
    time_t t = (time_t)now_s;
    gmtime_r(&t, &tm);
    snprintf(proxy->date, sizeof proxy->date, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday % 7],
             (unsigned)tm.tm_mday % 100, months[tm.tm_mon % 12], (unsigned)(tm.tm_year + 1900) % 10000,
             (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
    proxy->date_s = now_s;
    return proxy->date;
}
