/* `ccward cache`: what the running daemon has in its cache of DNS answers, and away with it. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "commands/control_ask.h"
#include "reputation/canonical.h"

struct call {
    const struct command *command;
    bool json, subtree;
    const char *config_path;
};

/* NULL with an exit code: that is told already. */
static json_t *ask(const struct call *call, const char *path, const char *request, int *code)
{
    struct config config;
    *code = EXIT_CONFIG;
    if (!command_config(call->config_path, &config))
        return NULL;
    json_t *answer = control_ask(&config, path, request, code);
    config_free(&config);
    return answer;
}

static long long number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static int stats(const struct call *call)
{
    int code;
    json_t *answer = ask(call, "/cache", "", &code);
    if (!answer)
        return code;
    if (call->json) {
        code = control_print(answer);
    } else {
        double asked = (double)(number_of(answer, "hits") + number_of(answer, "misses"));
        printf("answers  %lld\n", number_of(answer, "entries"));
        printf("memory   %.1f of %.1f MiB\n", (double)number_of(answer, "bytes") / 1048576,
               (double)number_of(answer, "max_bytes") / 1048576);
        printf("hits     %lld (%.0f %%), of these %lld stale\n", number_of(answer, "hits"),
               asked > 0 ? 100 * (double)number_of(answer, "hits") / asked : 0, number_of(answer, "stale"));
        printf("misses   %lld\n", number_of(answer, "misses"));
    }
    json_decref(answer);
    return code;
}

/* As JSON, with what people write turned into what the wire has. */
static char *flush_request(const struct call *call, const char *name, struct fault *fault)
{
    char text[DNAME_TEXT_SIZE];
    struct dname dname;
    json_t *json = json_object();
    if (name) {
        struct str given = str_of(name);
        if (canonical_host_name(given, &dname) != ST_OK && dname_from_text(given, &dname) != ST_OK) {
            fault_set(fault, ST_INVALID, "'%s' is not a name", name);
            json_decref(json);
            return NULL;
        }
        dname_to_text(&dname, text);
        json_object_set_new(json, "name", json_string(text));
        json_object_set_new(json, "subtree", json_boolean(call->subtree));
    }
    char *request = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return request;
}

static int flush(const struct call *call, const char *name)
{
    int code;
    struct fault fault = {0};
    char *request = flush_request(call, name, &fault);
    if (!request)
        return fault.text[0] ? command_misused(call->command, "%s", fault.text) : command_failed(ST_NOMEM, NULL);
    json_t *answer = ask(call, "/cache/flush", request, &code);
    free(request);
    if (!answer)
        return code;
    long long flushed = number_of(answer, "flushed");
    if (call->json)
        code = control_print(answer);
    else
        printf("%lld answer%s flushed\n", flushed, flushed == 1 ? "" : "s");
    json_decref(answer);
    return code;
}

static int act(const struct call *call, int operands, char **operand)
{
    const char *verb = operands ? operand[0] : "";
    bool flushing = !strcmp(verb, "flush");
    if (!flushing && strcmp(verb, "stats") != 0)
        return operands ? command_misused(call->command, "there is no '%s' here: flush or stats", verb)
                        : command_misused(call->command, "flush or stats?");
    if (operands > (flushing ? 2 : 1))
        return command_misused(call->command, "'%s' is one word too many", operand[flushing ? 2 : 1]);
    if (call->subtree && operands < 2)
        return command_misused(call->command, "--subtree of which name? Without a name everything is flushed");
    return flushing ? flush(call, operands > 1 ? operand[1] : NULL) : stats(call);
}

int cmd_cache(const struct command *command, int argc, char **argv)
{
    enum { JSON = 256, SUBTREE };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, JSON},
                                            {"subtree", no_argument, NULL, SUBTREE},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct call call = {.command = command};
    for (int c; (c = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            call.config_path = optarg;
            break;
        case JSON:
            call.json = true;
            break;
        case SUBTREE:
            call.subtree = true;
            break;
        case 'h':
            return command_help(command);
        default:
            return command_bad_option(command, c, argv);
        }
    }
    return act(&call, argc - optind, argv + optind);
}
