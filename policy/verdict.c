#include "policy/verdict.h"

const char *action_text(enum action action)
{
    switch (action) {
    case ACTION_ALLOW:
        return "allow";
    case ACTION_LOG:
        return "log";
    case ACTION_BLOCK:
        return "block";
    }
    return "?";
}
