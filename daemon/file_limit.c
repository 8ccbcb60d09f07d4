#include "daemon/file_limit.h"

#include <inttypes.h>
#include <sys/resource.h>

#include "base/log.h"

enum { MOST_FILES = 65536, KEPT_FILES = 64, LEAST_CLIENTS = 16 };

void file_limit_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max < MOST_FILES ? limit.rlim_max : MOST_FILES;
    setrlimit(RLIMIT_NOFILE, &limit);
}

size_t file_limit_clients(uint64_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return wanted;
    uint64_t room = limit.rlim_cur / 2 > KEPT_FILES + LEAST_CLIENTS ? limit.rlim_cur / 2 - KEPT_FILES : LEAST_CLIENTS;
    if (wanted <= room)
        return wanted;
    log_warning("the limit of %" PRIu64 " open files has room for %" PRIu64
                " clients of the proxy, not for the %" PRIu64
                " of proxy.max-clients; raise it with LimitNOFILE= in the service, or ulimit -n",
                (uint64_t)limit.rlim_cur, room, wanted);
    return room;
}
