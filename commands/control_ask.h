/* What commands ask the running daemon at its socket (daemon/control_socket.h). */
#pragma once

#include "commands/command.h"

/* REQUEST is JSON, or empty for GET. NULL with an exit code in CODE: why is told already, on standard error. */
json_t *control_ask(const struct config *config, const char *path, const char *request, int *code);
