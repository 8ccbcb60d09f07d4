/* What ccward's processes end with, as sysexits(3) and init scripts have it. */
#pragma once

enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,       /* the call, or what it was given, is wrong */
    EXIT_LOG = 3,         /* `why --quiet` */
    EXIT_NOT_RUNNING = 3, /* `status`, as LSB has it for init scripts */
    EXIT_BLOCK = 4,       /* `why --quiet`, `query` */
    EXIT_BUSY = 75,       /* sysexits(3) EX_TEMPFAIL: another process holds a port, the state or the store */
    EXIT_CONFIG = 78,
    EXIT_INTERRUPTED = 130, /* as shells report SIGINT */
};
