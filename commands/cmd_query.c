/* `ccward query`: has the running daemon ask for a name, and shows what happened on the way. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "commands/control_ask.h"
#include "message/dns_type.h"
#include "reputation/canonical.h"

enum { POLL_US = 10000, GRACE_MS = 5000 };

struct call {
    const struct command *command;
    bool json, dnssec;
    const char *config_path, *name, *type, *client;
};

/* 192.0.2.1 as 1.2.0.192.in-addr.arpa (RFC 1035 section 3.5), 2001:db8::1 as nibbles (RFC 3596 section 2.5). */
static void reverse_name(const struct addr *addr, char out[DNAME_TEXT_SIZE])
{
    const uint8_t *ip = addr->ip;
    size_t n = 0;
    if (addr_is_v4(addr)) {
        snprintf(out, DNAME_TEXT_SIZE, "%u.%u.%u.%u.in-addr.arpa", ip[15], ip[14], ip[13], ip[12]);
        return;
    }
    for (size_t i = sizeof addr->ip; i-- > 0; n += 4)
        snprintf(out + n, DNAME_TEXT_SIZE - n, "%x.%x.", ip[i] & 15u, ip[i] >> 4);
    snprintf(out + n, DNAME_TEXT_SIZE - n, "ip6.arpa");
}

/* What people write, as JSON with what the wire has. NULL: FAULT says why, or memory ran out. */
static char *request_of(const struct call *call, struct fault *fault)
{
    char text[DNAME_TEXT_SIZE];
    struct dname dname;
    struct addr addr;
    uint16_t type;
    const char *type_text = call->type;
    struct str given = str_of(call->name);
    if (!type_text && addr_parse_ip(given, &addr) == ST_OK) {
        reverse_name(&addr, text);
        type_text = "PTR";
    } else if (canonical_host_name(given, &dname) == ST_OK || dname_from_text(given, &dname) == ST_OK) {
        dname_to_text(&dname, text);
    } else {
        fault_set(fault, ST_INVALID, "'%s' is not a name", call->name);
        return NULL;
    }
    if (!type_text)
        type_text = "A";
    if (dns_type_parse(str_of(type_text), &type) != ST_OK) {
        fault_set(fault, ST_INVALID, "'%s' is no type: write it like A, AAAA, HTTPS or TYPE65", type_text);
        return NULL;
    }
    json_t *json = json_pack("{s:s, s:s, s:s, s:b}", "name", text, "type", type_text, "client", call->client, "dnssec",
                             call->dnssec);
    char *request = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return request;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool is_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static void print_upstreams(const json_t *trace)
{
    size_t i;
    const json_t *try, *all = json_object_get(trace, "upstreams");
    json_array_foreach(all, i, try)
    {
        printf("  upstream    %s: ", text_of(try, "server"));
        if (is_true(try, "ended"))
            printf("%s after %lld ms\n", text_of(try, "result"), json_integer_value(json_object_get(try, "took_ms")));
        else
            printf("not waited for any more\n");
    }
    if (is_true(trace, "waited") && !json_array_size(all))
        printf("  upstream    asked already, by another query for the same\n");
}

static void print_verdict(const json_t *trace)
{
    const json_t *verdict = json_object_get(trace, "verdict");
    if (!json_is_object(verdict))
        return;
    if (!is_true(verdict, "matched")) {
        printf("  verdict     %s: no source lists it\n", text_of(verdict, "action"));
        return;
    }
    printf("  verdict     %s: %s %s, %s%s%s (%s)\n", text_of(verdict, "action"), text_of(verdict, "match"),
           text_of(verdict, "indicator"), text_of(verdict, "category"), text_of(verdict, "family")[0] ? ": " : "",
           text_of(verdict, "family"), text_of(verdict, "sources"));
    if (is_true(trace, "callback_omitted"))
        printf("  callback    left out: a client's query would be recorded\n");
}

static void print_answer(const json_t *answer)
{
    size_t i;
    const json_t *item;
    if (!json_is_object(answer)) {
        printf("  answer      none: the query is dropped\n");
        return;
    }
    printf("  answer      %s%s\n", text_of(answer, "rcode"), is_true(answer, "authenticated") ? ", authenticated" : "");
    json_array_foreach(json_object_get(answer, "records"), i, item)
        printf("    %-10s %s %lld %s %s\n", text_of(item, "section"), text_of(item, "name"),
               json_integer_value(json_object_get(item, "ttl")), text_of(item, "type"), text_of(item, "data"));
    json_array_foreach(json_object_get(answer, "ede"), i, item)
        printf("    error      %lld %s (extended, RFC 8914)\n", json_integer_value(json_object_get(item, "code")),
               text_of(item, "text"));
}

static void print_people(const json_t *trace)
{
    size_t i;
    const json_t *step;
    printf("%s %s, asked by %s of group %s: %s in %.2f ms\n", text_of(trace, "name"), text_of(trace, "type"),
           text_of(trace, "client"), text_of(trace, "group"),
           is_true(trace, "blocked")                          ? "blocked"
           : json_is_object(json_object_get(trace, "answer")) ? "answered"
                                                              : "dropped",
           json_real_value(json_object_get(trace, "took_ms")));
    json_array_foreach(json_object_get(trace, "steps"), i, step)
        printf("  %-8s %8.2f ms%s%s\n", text_of(step, "step"), json_real_value(json_object_get(step, "at_ms")),
               text_of(step, "text")[0] ? "  " : "", text_of(step, "text"));
    print_verdict(trace);
    print_upstreams(trace);
    print_answer(json_object_get(trace, "answer"));
}

/* Asks until there is an end; that of the daemon's own patience comes first. */
static json_t *wait_for_end(const struct config *config, const json_t *begun, int *code)
{
    int64_t until_ms = clock_mono_ms() + (int64_t)config->dns.query_timeout_ms + GRACE_MS;
    char *request = json_dumps(begun, JSON_COMPACT);
    json_t *trace = NULL;
    while (request && (trace = control_ask(config, "/query/end", request, code)) && is_true(trace, "pending") &&
           clock_mono_ms() < until_ms) {
        json_decref(trace);
        usleep(POLL_US);
    }
    free(request);
    if (!trace || !is_true(trace, "pending"))
        return trace;
    fprintf(stderr, "ccward: the daemon did not come to an end with this query: `ccward status` may say why\n");
    json_decref(trace);
    *code = EXIT_FAILED;
    return NULL;
}

static int exit_code_of(const json_t *trace)
{
    const json_t *answer = json_object_get(trace, "answer");
    if (is_true(trace, "blocked"))
        return EXIT_BLOCK;
    const char *rcode = text_of(answer, "rcode");
    return !strcmp(rcode, "NOERROR") || !strcmp(rcode, "NXDOMAIN") ? EXIT_OK : EXIT_FAILED;
}

static int act(const struct call *call, const struct config *config, const char *request)
{
    int code;
    json_t *begun = control_ask(config, "/query", request, &code);
    json_t *trace = begun ? wait_for_end(config, begun, &code) : NULL;
    json_decref(begun);
    if (!trace)
        return code == EXIT_OK ? command_failed(ST_NOMEM, NULL) : code;
    if (call->json)
        code = command_print_json(trace);
    else
        print_people(trace);
    if (code == EXIT_OK)
        code = exit_code_of(trace);
    json_decref(trace);
    return code;
}

int cmd_query(const struct command *command, int argc, char **argv)
{
    struct call call = {.command = command, .client = "127.0.0.1"};
    struct addr client;
    struct command_option options[] = {{"config", 'c', .text = &call.config_path},
                                       {"client", .text = &call.client},
                                       {"dnssec", .flag = &call.dnssec},
                                       {"json", .flag = &call.json},
                                       {0}};
    int code = command_options(command, options, argc, argv);
    if (code != COMMAND_GO_ON)
        return code;
    if (addr_parse_ip(str_of(call.client), &client) != ST_OK)
        return command_misused(command, "'%s' is no address", call.client);
    if (optind == argc)
        return command_misused(command, "a name is expected");
    if (argc - optind > 2)
        return command_misused(command, "'%s' is one word too many", argv[optind + 2]);
    call.name = argv[optind];
    call.type = argv[optind + 1]; /* NULL at the end */
    struct config config;
    struct fault fault = {0};
    char *request = request_of(&call, &fault);
    if (!request)
        return fault.text[0] ? command_misused(command, "%s", fault.text) : command_failed(ST_NOMEM, NULL);
    code = EXIT_CONFIG;
    if (command_config(call.config_path, &config)) {
        code = act(&call, &config, request);
        config_free(&config);
    }
    free(request);
    return code;
}
