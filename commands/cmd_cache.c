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

static int stats(const struct call *call, const char *name)
{
    int code;
    (void)name;
    json_t *answer = ask(call, "/cache", "", &code);
    if (!answer)
        return code;
    if (call->json) {
        code = command_print_json(answer);
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
    if (call->subtree && !name)
        return command_misused(call->command, "--subtree of which name? Without a name everything is flushed");
    char *request = flush_request(call, name, &fault);
    if (!request)
        return fault.text[0] ? command_misused(call->command, "%s", fault.text) : command_failed(ST_NOMEM, NULL);
    json_t *answer = ask(call, "/cache/flush", request, &code);
    free(request);
    if (!answer)
        return code;
    long long flushed = number_of(answer, "flushed");
    if (call->json)
        code = command_print_json(answer);
    else
        printf("%lld answer%s flushed\n", flushed, flushed == 1 ? "" : "s");
    json_decref(answer);
    return code;
}

int cmd_cache(const struct command *command, int argc, char **argv)
{
    static const struct verb {
        struct command_verb verb;
        int (*run)(const struct call *call, const char *name);
    } verbs[] = {{{"flush", 1}, flush}, {{"stats", 0}, stats}, {{0}}};
    struct call call = {.command = command};
    struct command_option options[] = {{"config", 'c', .text = &call.config_path},
                                       {"json", .flag = &call.json},
                                       {"subtree", .flag = &call.subtree, .verbs = "flush"},
                                       {0}};
    int code = command_options(command, options, argc, argv);
    if (code != COMMAND_GO_ON)
        return code;
    const struct verb *verb = command_verb(command, options, verbs, sizeof *verb, "flush or stats", argc, argv);
    return verb ? verb->run(&call, argv[optind]) : EXIT_USAGE;
}
