#include "feeds/interrupt.h"

#include <signal.h>
#include <stddef.h>

#include "base/check.h"

static volatile sig_atomic_t caught;
static unsigned depth;
static struct sigaction old_int, old_term;

static void on_signal(int number)
{
    (void)number;
    caught = 1;
}

void interrupt_begin(void)
{
    if (depth++)
        return;
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    caught = 0;
    sigaction(SIGINT, &action, &old_int);
    sigaction(SIGTERM, &action, &old_term);
}

void interrupt_end(void)
{
    CHECK(depth);
    if (--depth)
        return;
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    caught = 0;
}

bool interrupted(void)
{
    return caught != 0;
}
