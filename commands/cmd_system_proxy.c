/* `ccward system-proxy`: this machine, or this user's desktop, uses ccward as its proxy, or does so no more. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "commands/control_ask.h"
#include "net/http_ask.h"
#include "system/system_proxy.h"

enum { ASK_MS = 5000, MAX_ANSWER_BYTES = 1 << 16 };

struct call {
    const struct command *command;
    const char *config_path;
    bool json, force;
    struct system_proxy proxy;
};

typedef enum status verb_fn(const struct system_proxy *proxy, struct system_proxy_report *report, struct fault *fault);

static const struct verb {
    struct command_verb verb;
    verb_fn *run;
} verbs[] = {{{"enable", 0}, system_proxy_enable},
             {{"disable", 0}, system_proxy_disable},
             {{"status", 0}, system_proxy_look},
             {{0}}};

static const char *const states[] = {
    [SYSTEM_PROXY_OFF] = "off", [SYSTEM_PROXY_ON] = "on", [SYSTEM_PROXY_CHANGED] = "changed"};

static json_t *report_json(const struct call *call, struct system_proxy_report *report)
{
    json_t *files = json_array(), *commands = json_array();
    for (size_t i = 0; i < report->file_count; i++) {
        json_t *file = system_file_change_json(&report->files[i]);
        json_object_set_new(file, "for", json_string(report->names[i]));
        json_array_append_new(files, file);
    }
    for (size_t i = 0; i < report->command_count; i++)
        json_array_append_new(commands, json_string(report->commands[i]));
    return json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:s}", "state", states[report->state], "scope",
                     call->proxy.for_user ? "user" : "system", "proxy", report->proxy, "dry_run", call->proxy.dry_run,
                     "files", files, "commands", commands, "notes", buf_text(&report->notes));
}

static void print_head(const struct call *call, const struct verb *verb, const struct system_proxy_report *report)
{
    const char *who = call->proxy.for_user ? "this user's programs" : "this machine's programs";
    const char *would = call->proxy.dry_run ? "would use" : "use";
    if (report->state == SYSTEM_PROXY_OFF)
        printf("off: %s %s no proxy because of ccward\n", who, would);
    else if (report->state == SYSTEM_PROXY_ON)
        printf("on: %s %s http://%s as their proxy\n", who, would, report->proxy);
    else
        printf("changed: %s were to use http://%s, but not all of it is as it was left; `ccward system-proxy enable` "
               "writes it again\n",
               who, report->proxy);
    if (report->state == SYSTEM_PROXY_ON && verb->run == system_proxy_enable)
        puts("  programs that run already may have to be started anew, and environment variables need a new login\n"
             "  while ccward is stopped they reach nothing: `ccward system-proxy disable` takes all of this back");
}

static void print_people(const struct call *call, const struct verb *verb, struct system_proxy_report *report)
{
    print_head(call, verb, report);
    for (size_t i = 0; i < report->file_count; i++)
        if (verb->run != system_proxy_look)
            system_file_change_print(&report->files[i], call->proxy.dry_run);
        else
            printf("  %s (%s): %s\n", report->files[i].path, report->names[i],
                   report->files[i].foreign ? "ccward is not in it any more" : "as ccward wrote it");
    for (size_t i = 0; i < report->command_count; i++)
        printf("  %s %s\n",
               call->proxy.dry_run       ? "would run:"
               : call->proxy.no_programs ? "not run because of --root:"
                                         : "ran:",
               report->commands[i]);
    fputs(buf_text(&report->notes), stdout);
}

/* Programs are not led to a proxy that does not answer. */
static enum status check_running(const struct call *call, struct fault *fault)
{
    struct proxy_choice choice;
    unsigned http_status;
    struct buf body = {0};
    if (call->proxy.no_programs || call->proxy.dry_run || call->force || !proxy_choice_of(call->proxy.config, &choice))
        return ST_OK;
    enum status status = http_ask(&choice.proxy, "/", ASK_MS, MAX_ANSWER_BYTES, &http_status, &body, NULL);
    buf_free(&body);
    if (status == ST_OK)
        return ST_OK;
    char text[ADDR_TEXT_SIZE];
    addr_format(&choice.proxy, text);
    return fault_set(fault, ST_UNAVAILABLE,
                     "no proxy answers at %s, so that programs would reach nothing. Start it first: `systemctl enable "
                     "--now ccward`; --force does it all the same",
                     text);
}

static int act(struct call *call, const struct verb *verb)
{
    struct system_proxy_report report = {0};
    struct fault fault = {0};
    enum status status = verb->run == system_proxy_enable ? check_running(call, &fault) : ST_OK;
    if (status == ST_OK)
        status = verb->run(&call->proxy, &report, &fault);
    int code = status == ST_OK && !report.failed && report.state != SYSTEM_PROXY_CHANGED ? EXIT_OK : EXIT_FAILED;
    if (code == EXIT_OK && verb->run == system_proxy_look && report.state == SYSTEM_PROXY_OFF)
        code = EXIT_NOT_RUNNING;
    if (status != ST_OK)
        command_failed(status, &fault);
    else if (!call->json)
        print_people(call, verb, &report);
    json_t *json = status == ST_OK && call->json ? report_json(call, &report) : NULL;
    if (status == ST_OK && call->json && (!json || command_print_json(json) != EXIT_OK))
        code = EXIT_FAILED;
    json_decref(json);
    system_proxy_report_fini(&report);
    return code;
}

/* Whose settings are meant, and where they are. */
static int find_scope(struct call *call, const char *given_root, bool user)
{
    static char root[PATH_MAX];
    struct stat st;
    const char *home = getenv("HOME");
    call->proxy.for_user = user || (!given_root && geteuid());
    call->proxy.no_programs = given_root != NULL;
    if (!given_root && call->proxy.for_user && (!home || home[0] != '/'))
        return command_misused(call->command, "$HOME does not name this user's home");
    const char *folder = given_root ? given_root : call->proxy.for_user ? home : "";
    system_root(folder, root, sizeof root);
    call->proxy.root = root;
    if (!root[0] || (!stat(root, &st) && S_ISDIR(st.st_mode)))
        return EXIT_OK;
    return command_misused(call->command, "%s is no folder", folder);
}

int cmd_system_proxy(const struct command *command, int argc, char **argv)
{
    struct call call = {.command = command};
    const char *root = NULL;
    bool user = false;
    struct command_option options[] = {{"config", 'c', .text = &call.config_path},
                                       {"json", .flag = &call.json},
                                       {"root", .text = &root},
                                       {"dry-run", .flag = &call.proxy.dry_run, .verbs = "enable|disable"},
                                       {"user", .flag = &user},
                                       {"force", .flag = &call.force, .verbs = "enable"},
                                       {0}};
    int code = command_options(command, options, argc, argv);
    if (code != COMMAND_GO_ON)
        return code;
    const struct verb *verb =
        command_verb(command, options, verbs, sizeof *verb, "enable, disable or status", argc, argv);
    if (!verb)
        return EXIT_USAGE;
    code = find_scope(&call, root, user);
    if (code != EXIT_OK || verb->run != system_proxy_enable)
        return code == EXIT_OK ? act(&call, verb) : code;
    struct config config;
    if (!command_config(call.config_path, &config))
        return EXIT_CONFIG;
    call.proxy.config = &config;
    code = act(&call, verb);
    config_free(&config);
    return code;
}
