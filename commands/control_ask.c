#include "commands/control_ask.h"

#include "daemon/control_socket.h"
#include "net/http_ask.h"

enum { ASK_MS = 5000, MAX_ANSWER_BYTES = 1 << 20 };

json_t *control_ask(const struct config *config, const char *path, const char *request, int *code)
{
    struct fault fault = {0};
    struct buf body = {0};
    unsigned http_status = 0;
    json_t *answer = NULL;
    enum status status = http_ask_local(config->state_dir, CONTROL_SOCKET, path, str_of(request), ASK_MS,
                                        MAX_ANSWER_BYTES, &http_status, &body, &fault);
    if (status == ST_OK)
        answer = json_loadb(body.data, body.length, 0, NULL);
    buf_free(&body);
    *code = EXIT_OK;
    if (status == ST_UNAVAILABLE) {
        fprintf(stderr,
                "ccward: no daemon runs with the state directory %s: start it with `systemctl start ccward` or `ccward "
                "run`, or name its configuration with -c\n",
                config->state_dir);
        *code = EXIT_NOT_RUNNING;
    } else if (status == ST_DENIED) {
        fprintf(stderr, "ccward: %s/" CONTROL_SOCKET " is another user's: ask as root, or as the user of the service\n",
                config->state_dir);
        *code = EXIT_FAILED;
    } else if (status != ST_OK) {
        *code = command_failed(status, &fault);
    } else if (!answer || http_status != 200) {
        const char *why = json_string_value(json_object_get(answer, "error"));
        fprintf(stderr, "ccward: the daemon does not do that: %s\n", why ? why : "no proper answer");
        *code = EXIT_FAILED;
    }
    if (*code == EXIT_OK)
        return answer;
    json_decref(answer);
    return NULL;
}
